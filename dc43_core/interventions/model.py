"""What an intervention strategy sees, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from dc43_core.data_quality.model import ValidationResult
from dc43_core.vocabulary import Decision, RunType, Severity, Verdict


@frozen(kw_only=True)
class Intervention:
    """A strategy's answer.

    Attributes:
        decision: What it wants.
        reason: Why, as a sentence; None only with `continue`.
        state: What it wants to be told next time (JSON types); committed with the batch.
    """

    decision: Decision = Decision.CONTINUE
    reason: str | None = None
    state: Mapping[str, Any] | None = None


@frozen(kw_only=True)
class DecisionContext:
    """Everything a strategy may look at; `decide` is a pure function of it.

    Attributes:
        batch_id: The micro-batch.
        result: Its validation result, before anything is visible.
        history: Records of the batches before it as plain dicts, oldest first, bounded.
        state: What this strategy returned last time; empty at first.
        run_type: `observe` or `enforce`.
        has_rejects: Whether a reject sink is configured.
    """

    batch_id: int
    result: ValidationResult
    history: Sequence[Mapping[str, Any]] = ()
    state: Mapping[str, Any] = field(factory=dict)
    run_type: RunType = RunType.OBSERVE
    has_rejects: bool = False

    @property
    def bad(self) -> bool:
        """A bad batch: an error-severity finding, routed or not, or no verdict."""
        return self.result.status is Verdict.UNKNOWN or any(
            finding.severity is Severity.ERROR for finding in self.result.findings
        )
