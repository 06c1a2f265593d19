"""`missing`: no value may stand for "none"."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from dc43_core.expectations.kinds.enumeration import same
from dc43_core.expectations.model import Expectation


@frozen(kw_only=True)
class MissingArguments:
    """Arguments of the ODCS metric missingValues.

    Attributes:
        missing_values: Values that count as missing, NULL (None) among them if listed.
    """

    missing_values: tuple[Any, ...] = (None, "")


class MissingKind:
    """ODCS metric missingValues."""

    name = "missing"
    arguments: type = MissingArguments
    form = "row"

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked."""
        shown = ", ".join(
            "NULL" if value is None else repr(value)
            for value in expectation.arguments.missing_values
        )
        return f"must not be missing ({shown})"

    def violated_by(self, expectation: Expectation, values: tuple[Any, ...]) -> bool:
        """A listed value breaks it; numbers compare by value, and 0 is not False."""
        return any(same(values[0], listed) for listed in expectation.arguments.missing_values)
