"""A run as its page shows it: its batches, and sums that grow with them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from statistics import median

from attrs import define, field

from dc43_core.governance.model import Run
from dc43_demo_app.reading.batch import Batch, BatchState
from dc43_demo_app.reading.record_log import RecordLog


@define(kw_only=True, eq=False)
class RunBatches:
    """The batches of one run, with sums that are kept up as batches come.

    Attributes:
        log: Of the stream.
        run_id: The run.
        batches: Oldest first; each batch id once.
    """

    log: RecordLog
    run_id: str
    batches: list[Batch] = field(factory=list, init=False)
    committed: int = field(default=0, init=False)
    rows: int = field(default=0, init=False)
    main: int = field(default=0, init=False)
    rejected: int = field(default=0, init=False)
    violations: Counter[str] = field(factory=Counter, init=False)
    batches_hit: Counter[str] = field(factory=Counter, init=False)
    unusual: list[Batch] = field(factory=list, init=False)
    stopping: list[Batch] = field(factory=list, init=False)
    """Batches that were blocked, or of which there is no verdict."""
    sequence: int = field(default=0, init=False)
    """Up to which record of the log everything is taken in."""
    _shares: list[float] = field(factory=list, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def refresh(self) -> RunBatches:
        """Take in what has come since."""
        with self._lock:
            found = self.log.batches()
            for batch in found[self.sequence : len(found)]:
                self.sequence = batch.sequence
                if batch.run_id == self.run_id:
                    self._add(batch)
        return self

    @property
    def is_outdated(self) -> bool:
        """Whether the ledger was made anew, in an order of its own."""
        return self.sequence > len(self.log.batches())

    def after(self, sequence: int) -> list[Batch]:
        """Return the batches whose record came after another one."""
        at = len(self.batches)
        while at and self.batches[at - 1].sequence > sequence:
            at -= 1
        return self.batches[at:]

    def block(self, run: Run) -> Batch | None:
        """Return the batch that blocked the run.

        One that comes back and is blocked again is one incident: its record is of the run that met
        it first.
        """
        own = (b for b in self.stopping if b.state is BatchState.BLOCKED)
        earlier = (
            b
            for b in reversed(self.log.batches())
            if b.state is BatchState.BLOCKED
            and b.batch_id == run.batch_id
            and b.started_at < run.started_at
        )
        return next(own, None) or next(earlier, None)

    @property
    def usual(self) -> float | None:
        """The median rejected share of what was published."""
        return median(self._shares) if self._shares else None

    def _add(self, batch: Batch) -> None:
        self.batches.append(batch)
        if batch.state in (BatchState.BLOCKED, BatchState.ERROR):
            self.stopping.append(batch)
        if batch.state is BatchState.BLOCKED:
            return
        self.committed += 1
        self.rows += batch.rows
        self.main += batch.main
        self.rejected += batch.rejected
        self.violations.update(batch.by_check)
        self.batches_hit.update(check for check, rows in batch.by_check.items() if rows)
        if batch.rows:
            self._shares.append(batch.share)
        if batch.is_unusual:
            self.unusual.append(batch)


def run_state(run: Run, now: str) -> str:
    """Return the state of a run in the words of pages."""
    state = run.state(now)
    if state == "running" and run.stop_request is not None:
        return "stopping"
    return {"ended": "finished"}.get(state, state)


def newest_first(runs: Sequence[Run]) -> list[Run]:
    """Return runs as lists show them."""
    return sorted(runs, key=lambda run: run.started_at, reverse=True)
