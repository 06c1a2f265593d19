"""`length`: how many characters a text has."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from dc43_core.errors import ArgumentsError
from dc43_core.expectations.kinds.base import RowKind
from dc43_core.expectations.model import Expectation


@frozen(kw_only=True)
class LengthArguments:
    """Bounds, inclusive, in Unicode code points."""

    min_length: int | None = None
    max_length: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.min_length is None and self.max_length is None:
            raise ArgumentsError("length", "needs minLength or maxLength")


class LengthKind(RowKind):
    """ODCS `minLength` and `maxLength`."""

    name = "length"
    arguments = LengthArguments

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked."""
        low, high = expectation.arguments.min_length, expectation.arguments.max_length
        if low is not None and high is not None:
            return f"must have {low} to {high} characters"
        return (
            f"must have at least {low} characters"
            if high is None
            else (f"must have at most {high} characters")
        )

    def broken(self, arguments: LengthArguments, value: Any) -> bool:
        """Judge a text by its number of code points."""
        low, high = arguments.min_length, arguments.max_length
        return (low is not None and len(value) < low) or (high is not None and len(value) > high)
