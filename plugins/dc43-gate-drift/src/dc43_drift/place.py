"""Where a column stands in a document: `stops[].code` is a part of the items of `stops`."""

from __future__ import annotations

from typing import Any

from attrs import frozen


@frozen(kw_only=True)
class Place:
    """A column of a schema object, or where it would stand.

    Attributes:
        owner: The schema object or struct that it stands in.
        property: Its own; None if it is not declared.
        rest: Its name there.
    """

    owner: dict[str, Any]
    property: dict[str, Any] | None
    rest: str

    def names(self) -> set[str]:
        """Return the names that are taken there."""
        return {str(one.get("name")) for one in _parts(self.owner)}

    def declare(self, made: dict[str, Any]) -> None:
        """Add a property behind those that are there."""
        self.owner["properties"] = [*_parts(self.owner), made]


def find(owner: dict[str, Any], column: str) -> Place | None:
    """Find a column below a schema object or a struct; None inside of what has no parts.

    Names may hold dots and brackets, so the longest name that fits counts.
    """
    fits = [one for one in _parts(owner) if _begins(column, _name(one))]
    if not fits:
        return Place(owner=owner, property=None, rest=column)
    found = max(fits, key=lambda one: len(_name(one)))
    rest, inside = column.removeprefix(_name(found)), found
    while rest.startswith("[]"):
        items = inside.get("items")
        if not isinstance(items, dict):
            return None
        rest, inside = rest[2:], items
    if not rest:
        return Place(owner=owner, property=inside, rest=column)
    if not rest.startswith(".") or inside.get("logicalType") != "object":
        return None
    return find(inside, rest[1:])


def _parts(owner: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in owner.get("properties") or () if isinstance(one, dict)]


def _name(one: dict[str, Any]) -> str:
    """Return what a property is called in the data."""
    return str(one.get("physicalName") or one.get("name"))


def _begins(column: str, name: str) -> bool:
    return column == name or column.startswith((f"{name}.", f"{name}[]"))
