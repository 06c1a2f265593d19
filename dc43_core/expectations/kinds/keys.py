"""`unique` and `primary-key`: no two rows share a key."""

from __future__ import annotations

from typing import Any

from dc43_core.expectations.kinds.base import NoArguments
from dc43_core.expectations.model import Expectation


class UniqueKind:
    """ODCS `unique: true` and the metric duplicateValues; a NULL key is never a duplicate.

    As a row rule the first row of a key stays and the others break it, judged among the rows
    that pass every other row rule. As a threshold, the rows beyond the first are counted.
    """

    name = "unique"
    arguments: type = NoArguments
    form = "key"

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked."""
        return "must be unique"

    def violated_by(self, expectation: Expectation, values: tuple[Any, ...]) -> bool:
        """One row alone never breaks it: engines judge keys among all rows."""
        return False


class PrimaryKeyKind(UniqueKind):
    """The tuple of all properties with `primaryKey: true`; its parts are required as well."""

    name = "primary-key"
