"""`row-count`: how many rows a micro-batch has."""

from __future__ import annotations

from typing import Any

from dc43_core.expectations.kinds.base import NoArguments
from dc43_core.expectations.model import Expectation


class RowCountKind:
    """ODCS metric rowCount, over the rows of one micro-batch, rejected ones included."""

    name = "row-count"
    arguments: type = NoArguments
    form = "batch"

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked."""
        return "must have a fitting number of rows"

    def violated_by(self, expectation: Expectation, values: tuple[Any, ...]) -> bool:
        """No single row breaks it."""
        return False
