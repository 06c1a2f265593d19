"""`enum`: one of the listed values."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Any

from attrs import frozen

from dc43_core.errors import UnenforceableError
from dc43_core.expectations.kinds.base import RowKind
from dc43_core.expectations.kinds.range import like
from dc43_core.expectations.model import Expectation


@frozen(kw_only=True)
class EnumArguments:
    """Arguments of the ODCS metric invalidValues.

    Attributes:
        valid_values: The values allowed; numbers compare by value, text exactly.
    """

    valid_values: tuple[Any, ...]


class EnumKind(RowKind):
    """ODCS 3.2 `enum`, 3.0 `validValues` and the metric invalidValues with validValues."""

    name = "enum"
    arguments = EnumArguments

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked; long lists are cut."""
        values = [str(v) for v in expectation.arguments.valid_values if v is not None]
        shown = ", ".join(values[:8])
        return f"must be one of {shown}" + (f" and {len(values) - 8} more" if values[8:] else "")

    def broken(self, arguments: EnumArguments, value: Any) -> bool:
        """A value that equals none of the listed breaks it."""
        return not any(same(value, listed) for listed in arguments.valid_values)


def same(value: Any, listed: Any) -> bool:
    """Say whether a value is the listed one: numbers by value, text exactly, 0 is not False.

    Dates and times are listed as ISO 8601 text.
    """
    if isinstance(value, bool) or isinstance(listed, bool):
        return value is listed
    if isinstance(value, float) and isinstance(listed, Decimal):
        return value == float(listed)
    if isinstance(value, date | time) and isinstance(listed, str):
        try:
            return bool(value == like(value, listed))
        except UnenforceableError:
            return False
    return bool(value == listed)
