"""One micro-batch as pages show it: a record without what only the batch page needs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from statistics import median

from attrs import frozen

from dc43_core.protocol.clock import seconds_between
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import Outcome, Verdict

_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})[^/]*$")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
UNUSUAL_TIMES, LOOK_BACK, LOOK_BACK_AT_LEAST = 2.0, 30, 10
"""A rejected share is unusual above so many times the median of the batches before it."""


class BatchState(StrEnum):
    """What became of a batch, in the words and the order of pages: worst first."""

    ERROR = "error"
    BLOCKED = "blocked"
    REJECTED = "rejected"
    WARNING = "warning"
    OK = "ok"
    IDLE = "idle"
    SKIPPED = "skipped"

    @property
    def rank(self) -> int:
        """Position, worst first."""
        return list(BatchState).index(self)


@frozen(kw_only=True)
class Batch:
    """One record of a stream, in brief.

    Attributes:
        sequence: Its place among the records of its log, from 1.
        label: The day that its source names, else when it ended.
        rows: Handed over.
        main: Landed in main.
        rejected: Landed in the rejects.
        by_check: Check id to rows.
        seconds: How long it took.
        usual: Median rejected share of the batches before it; None where they are too few.
        replay: Whether it is a replay of rejects, which is no batch of a stream.
    """

    sequence: int
    record_id: str
    stream_id: str
    run_id: str
    batch_id: int
    state: BatchState
    label: str
    rows: int
    main: int
    rejected: int
    by_check: Mapping[str, int]
    started_at: str
    ended_at: str
    dataset_version: str | None
    contract_id: str
    contract_version: str
    reason: str | None
    sink: str
    rejects: str | None
    seconds: float
    usual: float | None = None
    replay: bool = False

    @property
    def share(self) -> float:
        """Rejected rows as a part of all."""
        return self.rejected / self.rows if self.rows else 0.0

    @property
    def times_usual(self) -> float | None:
        """The rejected share in terms of the usual one; None where that is not known."""
        return self.share / self.usual if self.usual else None

    @property
    def is_unusual(self) -> bool:
        """Whether so many rows were rejected as they seldom are."""
        times = self.times_usual
        return times is not None and times > UNUSUAL_TIMES

    @property
    def published(self) -> bool:
        """Whether its rows can be seen."""
        return self.dataset_version is not None


def brief(record: GovernanceRecord, sequence: int, earlier: Sequence[float]) -> Batch:
    """Return a record in brief.

    Args:
        record: The record.
        sequence: Its place.
        earlier: Rejected shares of the batches before it that had rows, oldest first.
    """
    before = earlier[-LOOK_BACK:]
    return Batch(
        sequence=sequence,
        record_id=record.record_id,
        stream_id=record.stream_id,
        run_id=record.run_id,
        batch_id=record.batch_id,
        state=state_of(record),
        label=_label(record),
        rows=record.row_count,
        main=record.main_count,
        rejected=record.reject_count,
        by_check=record.violations_by_check,
        started_at=record.started_at,
        ended_at=record.ended_at,
        dataset_version=record.dataset_version,
        contract_id=record.contract_id,
        contract_version=record.contract_version,
        reason=record.intervention,
        sink=record.sink,
        rejects=record.rejects,
        seconds=seconds_between(record.started_at, record.ended_at),
        usual=median(before) if len(before) >= LOOK_BACK_AT_LEAST else None,
        replay="replay" in record.details,
    )


def state_of(record: GovernanceRecord) -> BatchState:
    """Return what became of a batch, as a page says it."""
    if record.outcome is Outcome.BLOCKED:
        return BatchState.BLOCKED
    if record.outcome is Outcome.SKIPPED:
        return BatchState.SKIPPED
    if record.outcome is Outcome.FAILED or record.verdict is Verdict.UNKNOWN:
        return BatchState.ERROR
    if record.reject_count:
        return BatchState.REJECTED
    if record.row_count == 0:
        return BatchState.IDLE
    return BatchState.OK if record.verdict is Verdict.OK else BatchState.WARNING


def _label(record: GovernanceRecord) -> str:
    for file in list(record.input.get("files", ()))[:1]:
        found = _DAY.search(str(file))
        if found and 1 <= int(found[2]) <= len(_MONTHS):
            return f"{int(found[3])} {_MONTHS[int(found[2]) - 1]}"
    return f"{record.ended_at[11:19]} UTC"
