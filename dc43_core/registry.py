"""Named things that can be configured, and who offers them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from attrs import field, frozen

from dc43_core.errors import DuplicateNameError, UnknownNameError

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

API = "1"
"""The version of the extension interface that this core speaks."""


@frozen
class Extension(Generic[T_co]):
    """Something a plugin offers: not a ready object, but how to build one.

    Attributes:
        name: What configurations call it, kebab-case.
        build: Makes one instance: called with an instance of `options`, or with nothing.
        options: attrs class of its options, or None.
        api: The version of this interface it was written for.
        capabilities: Plain facts that the core may ask for before building.
    """

    name: str
    build: Callable[..., T_co]
    options: type | None = None
    api: str = field(default=API, kw_only=True)
    capabilities: Mapping[str, Any] = field(factory=dict, kw_only=True)


@frozen
class Offer(Generic[T]):
    """An extension together with the plugin that offers it."""

    extension: Extension[T]
    owner: str


class Registry(Generic[T]):
    """The extensions of one kind, by name."""

    def __init__(self, kind: str, offers: Iterable[Offer[T]] = ()) -> None:
        self.kind = kind
        self._offers: dict[str, Offer[T]] = {}
        for offer in offers:
            self.add(offer)

    def add(self, offer: Offer[T]) -> None:
        """Take an extension in.

        Raises:
            DuplicateNameError: naming both owners.
        """
        name = offer.extension.name
        if name in self._offers:
            raise DuplicateNameError(self.kind, name, [self._offers[name].owner, offer.owner])
        self._offers[name] = offer

    def get(self, name: str, distribution: str | None = None) -> Offer[T]:
        """Return the extension of this name.

        Args:
            name: As a configuration writes it.
            distribution: What brings it, where that is known.

        Raises:
            UnknownNameError: listing what is installed.
        """
        try:
            return self._offers[name]
        except KeyError:
            raise UnknownNameError(
                self.kind, name, self._offers, distribution=distribution
            ) from None

    def __contains__(self, name: object) -> bool:
        return name in self._offers

    def __iter__(self) -> Iterator[Offer[T]]:
        return iter(self._offers.values())

    def __len__(self) -> int:
        return len(self._offers)
