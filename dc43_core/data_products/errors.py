"""What can be wrong between a data product's name and the data behind one of its ports."""

from __future__ import annotations

from collections.abc import Iterable

from dc43_core.errors import Dc43Error, DocumentError, meant


class DataProductError(DocumentError, ValueError):
    """A file cannot be read as a data product."""


class DataProductNotFoundError(Dc43Error, LookupError):
    """No data product with this id or name, and version, is known."""

    def __init__(self, product: str, selector: str, known: Iterable[str], searched: str) -> None:
        self.product, self.selector = product, selector
        self.known, self.searched = list(known), searched
        found = ", ".join(self.known) or "none"
        ids = [one.rsplit(" ", 1)[0] for one in self.known]
        super().__init__(
            f"no data product {product!r} in version {selector} in {searched}; found: {found}"
            + meant(product, [] if product in ids else ids)
        )


class PortNotFoundError(Dc43Error, LookupError):
    """A data product has no such port."""

    def __init__(
        self, port: str, wanted: str, product: str, source: str, known: Iterable[str]
    ) -> None:
        self.port, self.product, self.source = port, product, source
        self.known = list(known)
        there = ", ".join(self.known) or "none"
        super().__init__(
            f"data product {product} ({source}) has no {wanted}; its ports: {there}; name one of "
            "them, or add the port to the product"
        )


class AmbiguousNameError(Dc43Error, LookupError):
    """A name fits several things of which one is meant."""

    def __init__(
        self, name: str, what: str, choices: Iterable[str], *, owner: str, way_out: str
    ) -> None:
        self.name, self.what, self.owner = name, what, owner
        self.choices = list(choices)
        super().__init__(
            f"{name!r} fits several {what} of {owner}: {', '.join(self.choices)}; {way_out}"
        )


class PortBindingError(Dc43Error, ValueError):
    """A port cannot be bound to a contract, or to the one that was given."""

    def __init__(self, port: str, product: str, source: str, problem: str, way_out: str) -> None:
        self.port, self.product, self.source, self.problem = port, product, source, problem
        super().__init__(f"port {port} of data product {product} ({source}) {problem}; {way_out}")


class ServerError(Dc43Error, LookupError):
    """A contract does not say where its data is, or not so that it can be used."""

    def __init__(self, contract: str, source: str, problem: str, way_out: str) -> None:
        self.contract, self.source, self.problem = contract, source, problem
        super().__init__(f"contract {contract} ({source}) {problem}; {way_out}")
