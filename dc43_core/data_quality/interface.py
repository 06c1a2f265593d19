"""What a plugin offers that judges measurements, or can be measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dc43_core.data_quality.model import Finding, Observations
from dc43_core.expectations.model import CheckPlan


class DataQualityClient(Protocol):
    """Judges what was measured on a micro-batch."""

    def findings(self, plan: CheckPlan, observations: Observations) -> Sequence[Finding]:
        """Return every expectation that does not hold, drift and evaluation errors included.

        Args:
            plan: What the contract asks.
            observations: What was counted on the staged rows.

        Raises:
            Exception: whatever it raises means that no verdict could be reached; the batch is
                then `unknown` and blocks in enforce.
        """
        ...

    def describe_expectations(self, plan: CheckPlan) -> Sequence[dict[str, str]]:
        """Return `{path, state, what}` for every node of the contract."""
        ...


class Snapshot(Protocol):
    """Data at rest that can be counted against a contract; each engine's plugin has its own."""

    def observe(self, plan: CheckPlan) -> Observations:
        """Count what a contract asks.

        Called once, in a thread of the data-quality service.

        Args:
            plan: What the contract asks.

        Raises:
            Exception: whatever it raises means that the measurement failed.
        """
        ...
