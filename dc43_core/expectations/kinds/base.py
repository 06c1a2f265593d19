"""What every built-in kind shares."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from dc43_core.expectations.model import Expectation


@frozen(kw_only=True)
class NoArguments:
    """For kinds that need none."""


class RowKind:
    """A rule on the value of one column; NULL does not break it."""

    name: str
    arguments: type = NoArguments
    form = "row"

    def violated_by(self, expectation: Expectation, values: tuple[Any, ...]) -> bool:
        """Judge one row; NULL is judged by `required` alone."""
        return values[0] is not None and self.broken(expectation.arguments, values[0])

    def broken(self, arguments: Any, value: Any) -> bool:
        """Judge one value that is not NULL."""
        raise NotImplementedError
