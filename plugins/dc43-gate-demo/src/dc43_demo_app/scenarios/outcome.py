"""What became of a run of a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import field, frozen

from dc43_core.cli.summary import summarise, tallied
from dc43_core.governance.model import Run
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import RunOutcome, Verdict
from dc43_demo_app.scenarios.home import Place


@frozen(kw_only=True)
class ScenarioRun:
    """One run, over.

    Attributes:
        place: Its folder: feed, sinks, checkpoint and pipeline file.
        run: Its row, as governance was told it last.
        status: The worst verdict of its batches; `unknown` after a fault.
        reason: Why that is, or why the run ended; None where there is nothing to say.
        batches: Its micro-batches as `streaming_batches` has them, oldest first.
    """

    place: Place = field(repr=False)
    run: Run = field(repr=False)
    status: Verdict
    reason: str | None
    batches: Sequence[Mapping[str, Any]] = field(repr=False)

    @property
    def scenario(self) -> str:
        """The scenario's name."""
        return self.place.plot.scenario.name

    @property
    def outcome(self) -> RunOutcome | None:
        """How it ended: `ended`, `stopped`, `blocked` or `failed`."""
        return self.run.outcome

    @property
    def totals(self) -> dict[str, Any]:
        """What its batches add up to, with the keys of `dc43 run --json`."""
        return summarise(
            tallied(GovernanceRecord.from_payload(b, "a batch of this run") for b in self.batches)
        )

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            **self.totals,
            "scenario": self.scenario,
            "status": self.status.value,
            "reason": self.reason,
            "run": self.run.payload(),
            "pipeline": str(self.place.pipeline_file),
        }
