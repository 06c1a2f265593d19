"""From the records of micro-batches to the numbers of a run or a stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field

from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import Outcome, Verdict

IDLE = "idle"
"""Outcome of a start that found nothing to do."""
STOPPED = "stopped"
"""Outcome of a start that was stopped by hand."""
COUNTS = ("row_count", "main_count", "valid_count", "reject_count", "violations")


def latest(records: Iterable[GovernanceRecord]) -> list[GovernanceRecord]:
    """Return one record a batch: where it was blocked and then published, the published one."""
    batches: dict[int, GovernanceRecord] = {}
    for record in records:
        known = batches.get(record.batch_id)
        if known is None or known.outcome is not Outcome.COMMITTED:
            batches[record.batch_id] = record
    return [batches[batch_id] for batch_id in sorted(batches)]


@define(kw_only=True)
class Tally:
    """Adds up micro-batches, one record each, without keeping them.

    Attributes:
        status: The worst verdict, of blocked batches too.
        batch_count: Committed batches; `counts` and `by_check` are over these as well.
        handled: All batches, with `handled_rows` and `handled_by_check`.
        blocked: Ids of blocked batches.
        skipped: Ids of batches that were released as skip.
        newest: The last record added.
        dataset_version: Of the newest committed batch.
    """

    status: Verdict = Verdict.OK
    batch_count: int = 0
    counts: Counter[str] = field(factory=Counter)
    by_check: Counter[str] = field(factory=Counter)
    handled: int = 0
    handled_rows: int = 0
    handled_by_check: Counter[str] = field(factory=Counter)
    blocked: list[int] = field(factory=list)
    skipped: list[int] = field(factory=list)
    newest: GovernanceRecord | None = None
    dataset_version: str | None = None

    def add(self, record: GovernanceRecord) -> None:
        """Count a batch in."""
        self.status = max(self.status, record.verdict, key=lambda verdict: verdict.rank)
        self.newest = record
        self.handled += 1
        self.handled_rows += record.row_count
        self.handled_by_check.update(record.violations_by_check)
        if record.outcome is Outcome.BLOCKED:
            self.blocked.append(record.batch_id)
        if record.outcome is Outcome.SKIPPED:
            self.skipped.append(record.batch_id)
        if record.outcome is not Outcome.COMMITTED:
            return
        self.batch_count += 1
        self.dataset_version = record.dataset_version
        self.by_check.update(record.violations_by_check)
        for name in COUNTS:
            self.counts[name] += getattr(record, name)

    @property
    def outcome(self) -> str:
        """What became of the data: `blocked` if any batch is, else `committed` or `idle`."""
        if self.blocked:
            return Outcome.BLOCKED.value
        return Outcome.COMMITTED.value if self.newest else IDLE


def summarise(tally: Tally, *, ended: str | None = None) -> dict[str, Any]:
    """Return the numbers as `dc43 run --json` prints them.

    Args:
        tally: The batches.
        ended: `failed` if a fault ended the run, which leaves its verdict unknown; `stopped`
            if it was stopped by hand; None if neither.
    """
    newest = tally.newest
    failed = ended == Outcome.FAILED.value
    return {
        "status": (Verdict.UNKNOWN if failed else tally.status).value,
        "outcome": ended or tally.outcome,
        "dataset_id": newest.dataset_id if newest else None,
        "dataset_version": tally.dataset_version,
        "contract_id": newest.contract_id if newest else None,
        "contract_version": newest.contract_version if newest else None,
        "batch_count": tally.batch_count,
        **{name: tally.counts[name] for name in COUNTS},
        "violations_by_check": ranked(tally.by_check),
        "blocked_batches": list(tally.blocked),
        "skipped_batches": list(tally.skipped),
        "sink": newest.sink if newest else None,
        "rejects": newest.rejects if newest else None,
    }


def ranked(by_check: Mapping[str, int]) -> dict[str, int]:
    """Return checks and rows, the most violated first."""
    return dict(sorted(by_check.items(), key=lambda item: (-item[1], item[0])))


def tallied(records: Iterable[GovernanceRecord]) -> Tally:
    """Return what a stream's records add up to, each batch counted once."""
    tally = Tally()
    for record in latest(records):
        tally.add(record)
    return tally
