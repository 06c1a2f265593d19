"""`required`: a value must be there."""

from __future__ import annotations

from typing import Any

from dc43_core.expectations.kinds.base import NoArguments
from dc43_core.expectations.model import Expectation


class RequiredKind:
    """ODCS `required: true`, each part of a primary key, and the metric nullValues."""

    name = "required"
    arguments: type = NoArguments
    form = "row"

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked."""
        return "must not be missing"

    def violated_by(self, expectation: Expectation, values: tuple[Any, ...]) -> bool:
        """NULL breaks it; NaN is a value."""
        return values[0] is None
