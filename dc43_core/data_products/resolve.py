"""From the name of a port to the contract, the object and the place of its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from dc43_core.contracts.files import pick_object
from dc43_core.contracts.model import Contract, SchemaObject, Server
from dc43_core.contracts.odcs_reader import variable
from dc43_core.contracts.versions import LATEST, VersionSelector
from dc43_core.data_products.errors import (
    AmbiguousNameError,
    PortBindingError,
    PortNotFoundError,
    ServerError,
)
from dc43_core.data_products.model import DataProduct, Port
from dc43_core.errors import ConfigurationError
from dc43_core.vocabulary import Direction

_GIVE_A_PATH = "say where it is with path="


@frozen(kw_only=True)
class PortBinding:
    """A port with all that stands behind it, each part checked.

    Attributes:
        product: The data product.
        port: Its port.
        contract: What data at the port must hold to.
        object: The contract's object that the data is.
        server: Where the data is; None where the contract leaves it open.
    """

    product: DataProduct
    port: Port
    contract: Contract
    object: SchemaObject
    server: Server | None = None

    @property
    def location(self) -> str:
        """The path or URI of the data, as the contract's server gives it.

        Raises:
            ServerError: if the contract gives none that can be used.
            AmbiguousNameError: if it has several servers, and none was named.
        """
        return location(self.contract, self.server, str(self.port))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against using the port, as sentences."""
        return tuple(
            f"{what} is deprecated: nothing new should use it"
            for what, deprecated in (
                (f"data product {self.product.label}", self.product.deprecated),
                (f"port {self.port} of data product {self.product.label}", self.port.deprecated),
            )
            if deprecated
        )

    def payload(self) -> dict[str, Any]:
        """Return what a record says of the port, as plain JSON types."""
        return {
            "product": self.product.id,
            "product_version": self.product.version,
            "port": self.port.name,
            "port_version": self.port.version,
            "direction": self.port.direction.value,
        }


def location(contract: Contract, server: Server | None, wanted_for: str) -> str:
    """Return the path or URI of a contract's data, as one of its servers gives it.

    Args:
        contract: The contract.
        server: The server, if one was found.
        wanted_for: What is to be read or written, for messages.

    Raises:
        ServerError: if it gives none that can be used.
        AmbiguousNameError: if the contract has several servers, and none was named.
    """
    label = f"{contract.id} {contract.version}"
    if server is None and len(contract.servers) > 1:
        raise AmbiguousNameError(
            wanted_for,
            "servers",
            [_shown(one) for one in contract.servers],
            owner=f"contract {label} ({contract.source})",
            way_out=f"name one with server=, or {_GIVE_A_PATH}",
        )
    if server is None:
        problem = "names no server for its data"
    elif server.location is None:
        problem = f"gives its server {_shown(server)} neither path nor location"
    elif (found := variable(server.location)) is not None:
        problem = f"puts a variable into the location of its server, which stays open: {found}"
    else:
        return server.location
    raise ServerError(label, contract.source, problem, _GIVE_A_PATH)


def find_port(
    product: DataProduct,
    name: str,
    *,
    direction: Direction | str | None = None,
    version: str | None = None,
) -> Port:
    """Find a port of a data product.

    Args:
        product: The product.
        name: The port's name.
        direction: On which side; needed only where both have a port of the name.
        version: Which version: `1.2.0`, `>=1.0,<2` (the highest that fits) or `latest`; needed
            only where there are several.

    Raises:
        PortNotFoundError: naming the ports that there are.
        AmbiguousNameError: if several fit, listing them.
        ConfigurationError: if the version is no selector, or the direction is unknown.
    """
    side = None if direction is None else _direction(direction)
    selector = None if version is None else VersionSelector.parse(version)
    named = [p for p in product.ports if p.name == name and side in (None, p.direction)]
    fitting = [p for p in named if selector is None or selector.matches(p.version or "")]
    if not fitting:
        wanted = f"{side or 'input or output'} port {name!r}"
        wanted += "" if version is None else f" in version {version}"
        known = map(str, product.ports)
        raise PortNotFoundError(name, wanted, product.label, product.source, known)
    if len({port.direction for port in fitting}) > 1:
        raise _ambiguous(product, name, fitting, "say which side is meant with direction=")
    if len(fitting) == 1:
        return fitting[0]
    if selector is None:
        raise _ambiguous(product, name, fitting, "say which version is meant with version=")
    newest = selector.select([port.version or "" for port in fitting])
    return next(port for port in fitting if (port.version or "") == newest)


def _direction(text: Direction | str) -> Direction:
    try:
        return Direction(text)
    except ValueError:
        known = ", ".join(Direction)
        raise ConfigurationError("direction", [f"{text!r} is not one of {known}"]) from None


def contract_key(product: DataProduct, port: Port) -> tuple[str, str]:
    """Return the id of a port's contract, and which version of it: the port's own.

    Raises:
        PortBindingError: if the port names no contract.
    """
    if port.contract_id is None:
        raise PortBindingError(
            str(port),
            product.label,
            product.source,
            "names no contract",
            "add its `contractId`, or give the contract",
        )
    return port.contract_id, port.version or LATEST


def bind(
    product: DataProduct,
    port: Port,
    contract: Contract,
    *,
    object_name: str | None = None,
    server: str | None = None,
) -> PortBinding:
    """Bind a port to its contract.

    Args:
        product: The product.
        port: A port of it.
        contract: Its contract; of a port that names none, the one to use.
        object_name: Which schema object, if the contract has several.
        server: Name or environment of the server, if the contract has several.

    Raises:
        PortBindingError: if the port names another contract, or another version of it.
        ContractError: if the object is not there, or several are and none is named.
        ServerError: if there is no such server.
        AmbiguousNameError: if several servers are of that environment.
    """
    for asked, found in ((port.contract_id, contract.id), (port.version, contract.version)):
        if asked is not None and asked != found:
            promised = " ".join(filter(None, (port.contract_id or "contract", port.version)))
            raise PortBindingError(
                str(port),
                product.label,
                product.source,
                f"is bound to {promised}, not to {contract.id} {contract.version}",
                "leave the contract to the port, or change the port",
            )
    return PortBinding(
        product=product,
        port=port,
        contract=contract,
        object=pick_object(contract, object_name),
        server=find_server(contract, server),
    )


def find_server(contract: Contract, name: str | None) -> Server | None:
    """Find a server of a contract.

    Args:
        contract: The contract.
        name: Its name or environment; None for the only one, if it is the only one.

    Raises:
        ServerError: naming the servers that there are.
        AmbiguousNameError: if several are of that environment.
    """
    if name is None:
        return contract.servers[0] if len(contract.servers) == 1 else None
    found = [s for s in contract.servers if s.name == name]
    found = found or [s for s in contract.servers if s.environment == name]
    label = f"{contract.id} {contract.version}"
    if not found:
        there = ", ".join(map(_shown, contract.servers)) or "none"
        raise ServerError(
            label,
            contract.source,
            f"names no server {name!r}; its servers: {there}",
            f"name one of them, or {_GIVE_A_PATH}",
        )
    if len(found) > 1:
        raise AmbiguousNameError(
            name,
            "servers",
            map(_shown, found),
            owner=f"contract {label} ({contract.source})",
            way_out="name one by its name",
        )
    return found[0]


def _ambiguous(
    product: DataProduct, name: str, ports: Sequence[Port], way_out: str
) -> AmbiguousNameError:
    owner = f"data product {product.label} ({product.source})"
    return AmbiguousNameError(name, "ports", map(str, ports), owner=owner, way_out=way_out)


def _shown(server: Server) -> str:
    return f"{server.name} ({server.environment})" if server.environment else server.name
