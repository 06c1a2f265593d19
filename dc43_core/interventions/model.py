"""What an intervention strategy sees, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from dc43_core.data_quality.model import ColumnDrift, ValidationResult
from dc43_core.vocabulary import Decision, RunType, Severity, Verdict


@frozen(kw_only=True)
class Intervention:
    """A strategy's answer.

    Attributes:
        decision: What it wants.
        reason: Why, as a sentence; None only with `continue`.
        state: What it wants to be told next time (JSON types); committed with the batch.
    """

    # A plain "block" means block: a word that is compared with nothing would change nothing.
    decision: Decision = field(default=Decision.CONTINUE, converter=Decision)
    reason: str | None = None
    state: Mapping[str, Any] | None = None


@frozen(kw_only=True)
class DecisionContext:
    """Everything a strategy may look at; `decide` is a pure function of it.

    Attributes:
        batch_id: The micro-batch.
        started_at: When it was handed over; UTC, RFC 3339, as its record will say.
        result: Its validation result, before anything is visible.
        drift: How its schema differs from the contract's: the facts behind findings of drift.
        history: Records of the batches before it as plain dicts, oldest first, bounded.
        state: What this strategy returned last time; empty at first.
        run_type: `observe` or `enforce`.
        has_rejects: Whether a reject sink is configured.
        routed: Whether the violating rows of this batch go to the rejects. Strategies that
            route are asked before the others, and see False.
    """

    batch_id: int
    started_at: str = "1970-01-01T00:00:00.000Z"
    result: ValidationResult
    drift: Sequence[ColumnDrift] = ()
    history: Sequence[Mapping[str, Any]] = ()
    state: Mapping[str, Any] = field(factory=dict)
    run_type: RunType = RunType.OBSERVE
    has_rejects: bool = False
    routed: bool = False

    @property
    def bad(self) -> bool:
        """A bad batch: an error-severity finding, routed or not, or no verdict."""
        return self.trouble() is not None

    @property
    def after_release(self) -> bool:
        """Whether the batch before was blocked, and someone decided where its rows go."""
        return bool(self.history) and "resolution" in self.history[-1].get("details", {})

    def trouble(self, *, landed: bool = False) -> str | None:
        """Say what makes the batch bad, as a clause for a reason; None for a good one.

        Args:
            landed: Whether to pass over what is about rows that go to the rejects.
        """
        routed = landed and self.routed
        errors = [
            finding.message
            for finding in self.result.findings
            if finding.severity is Severity.ERROR and not (routed and finding.on_rows)
        ]
        if errors:
            return errors[0] + (f" and {len(errors) - 1} more" if len(errors) > 1 else "")
        if self.result.status is Verdict.UNKNOWN:
            return "no verdict could be reached"
        return None
