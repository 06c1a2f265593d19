"""`type`: a value fits the declared type."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from attrs import frozen

from dc43_core.expectations.kinds.base import RowKind
from dc43_core.expectations.model import Expectation

_PYTHON: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float, Decimal),
    "boolean": (bool,),
    "date": (date,),
    "timestamp": (datetime,),
    "time": (time,),
    "array": (list, tuple),
    "object": (dict,),
    "map": (dict,),
}


@frozen(kw_only=True)
class TypeArguments:
    """The declared types, as written in the contract."""

    logical_type: str | None = None
    physical_type: str | None = None


class TypeKind(RowKind):
    """ODCS `logicalType` and `physicalType`.

    Data that comes typed is judged by its schema. Text that cannot be cast is a violation of
    the row it stands in, with the raw text kept.
    """

    name = "type"
    arguments = TypeArguments

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked."""
        a = expectation.arguments
        return f"must be of type {a.logical_type or a.physical_type}"

    def broken(self, arguments: TypeArguments, value: Any) -> bool:
        """A Python value of another type breaks it; engines judge casts instead."""
        allowed = _PYTHON.get(arguments.logical_type or "", (object,))
        return not isinstance(value, allowed) or (
            isinstance(value, bool) and bool not in allowed and object not in allowed
        )
