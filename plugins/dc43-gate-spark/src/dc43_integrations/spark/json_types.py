"""What a contract would declare values of JSON as."""

from __future__ import annotations

from functools import reduce
from typing import Any

_DEEPEST = 8
"""Parts of parts that are described; what is deeper is text."""


def declared_as(value: Any, depth: int = _DEEPEST) -> dict[str, Any] | None:
    """Return the ODCS type of a value as `json.loads` gives it; None for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return {"logicalType": "boolean"}
    if isinstance(value, int):
        return {"logicalType": "integer"}
    if isinstance(value, float):
        return {"logicalType": "number"}
    if isinstance(value, dict) and value and depth:
        kinds = {name: declared_as(part, depth - 1) for name, part in value.items()}
        parts = [{"name": name, **(kind or {})} for name, kind in kinds.items() if name]
        return {"logicalType": "object", "properties": parts}
    if isinstance(value, list) and depth:
        kinds_of_items = [k for k in (declared_as(one, depth - 1) for one in value) if k]
        if kinds_of_items:
            return {"logicalType": "array", "items": reduce(merged, kinds_of_items)}
    return {"logicalType": "string"}


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the type that takes the values of both: text, where they have nothing in common."""
    if one == other:
        return one
    kinds = {one.get("logicalType"), other.get("logicalType")}
    if kinds == {"integer", "number"}:
        return {"logicalType": "number"}
    if kinds == {"array"}:
        return {"logicalType": "array", "items": merged(one["items"], other["items"])}
    if kinds == {"object"}:
        parts = {part["name"]: part for part in one["properties"]}
        for part in other["properties"]:
            known = parts.get(part["name"])
            parts[part["name"]] = part if known is None else _part(known, part)
        return {"logicalType": "object", "properties": list(parts.values())}
    return {"logicalType": "string"}


def _part(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    first, second = ({k: v for k, v in part.items() if k != "name"} for part in (one, other))
    # Null in one of them tells nothing of its type.
    return {"name": one["name"], **(merged(first, second) if first and second else first or second)}
