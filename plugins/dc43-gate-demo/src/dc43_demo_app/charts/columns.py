"""Columns of a chart: never more than fit, each the sum of its batches, nothing left out."""

from __future__ import annotations

import math
import threading
from collections.abc import Collection, Sequence

from attrs import define, field, frozen

from dc43_demo_app.reading.batch import Batch, BatchState

MOST = 300
"""Columns of a panel."""
FOLLOWED = 120
"""Batches that are shown while the page follows the newest."""


@frozen(kw_only=True)
class Window:
    """Which batches a chart shows, by their places in the run.

    Attributes:
        first: Place of the first, from 0.
        batches: Those shown, oldest first.
        total: How many the run has.
        follows: Whether the window moves with the newest batch.
    """

    first: int
    batches: Sequence[Batch]
    total: int
    follows: bool


@frozen(kw_only=True)
class Column:
    """Some batches that stand together.

    Attributes:
        count: How many.
        first: Id of the first batch.
        last: Id of the last.
        label: Of the first.
        state: The worst of them.
        rows: Sum.
        highest: Highest rejected share of one of them.
        highest_warned: Highest part of rows with broken warning rules of one of them.
        seconds: How long they took together.
        slowest: How long the slowest of them took.
        unusual: Those with an unusual share.
    """

    count: int
    first: int
    last: int
    label: str
    state: BatchState
    rows: int
    rejected: int
    warned: int
    highest_rows: int
    highest: float
    highest_warned: float
    seconds: float
    slowest: float
    unusual: Sequence[Batch] = ()

    @property
    def share(self) -> float:
        """Rejected rows as a part of all."""
        return self.rejected / self.rows if self.rows else 0.0

    @property
    def warned_share(self) -> float:
        """Broken warning rules as a part of all rows."""
        return self.warned / self.rows if self.rows else 0.0


def window(batches: Sequence[Batch], first: int | None, last: int | None, *, live: bool) -> Window:
    """Choose what is shown.

    Args:
        batches: All of the run.
        first: The first batch id that is wanted; None to follow.
        last: The last batch id that is wanted; None to follow.
        live: Whether the run goes on; a run that has ended is shown whole.
    """
    if first is None and last is None:
        start = max(0, len(batches) - FOLLOWED) if live else 0
        return Window(first=start, batches=batches[start:], total=len(batches), follows=True)
    low = first if first is not None else 0
    high = last if last is not None else math.inf
    chosen = [i for i, batch in enumerate(batches) if low <= batch.batch_id <= high]
    start = chosen[0] if chosen else 0
    shown = [batches[i] for i in chosen]
    return Window(first=start, batches=shown, total=len(batches), follows=False)


def columns(
    batches: Sequence[Batch], warning_checks: Collection[str], most: int = MOST
) -> list[Column]:
    """Put batches into columns, so many in each that no more than fit are drawn."""
    each = batches_a_column(len(batches), most)
    return [_column(batches[at : at + each], warning_checks) for at in range(0, len(batches), each)]


@define(eq=False)
class GrowingColumns:
    """The columns of a run that grows at its end: only the last one is put together anew."""

    _each: int = field(default=0, init=False)
    _made: list[Column] = field(factory=list, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def of(self, batches: Sequence[Batch]) -> list[Column]:
        """Return the columns of all batches, without rules that only warn."""
        each = batches_a_column(len(batches))
        with self._lock:
            if each != self._each:
                self._each, self._made = each, []
            # The last one may have had room left.
            done = max(0, len(self._made) - 1)
            rest = range(done * each, len(batches), each)
            self._made[done:] = [_column(batches[at : at + each], ()) for at in rest]
            return list(self._made)


def batches_a_column(count: int, most: int = MOST) -> int:
    """Return how many batches one column holds."""
    return max(1, math.ceil(count / most))


def warned(batch: Batch, warning_checks: Collection[str]) -> int:
    """Return how often rules that only warn are broken in a batch."""
    return sum(rows for check, rows in batch.by_check.items() if check in warning_checks)


def _column(batches: Sequence[Batch], warning_checks: Collection[str]) -> Column:
    warnings = [warned(batch, warning_checks) for batch in batches]
    shares = [n / b.rows if b.rows else 0.0 for n, b in zip(warnings, batches, strict=True)]
    return Column(
        count=len(batches),
        first=batches[0].batch_id,
        last=batches[-1].batch_id,
        label=batches[0].label,
        state=min((batch.state for batch in batches), key=lambda state: state.rank),
        rows=sum(batch.rows for batch in batches),
        rejected=sum(batch.rejected for batch in batches),
        warned=sum(warnings),
        highest_rows=max(batch.rows for batch in batches),
        highest=max(batch.share for batch in batches),
        highest_warned=max(shares),
        seconds=sum(batch.seconds for batch in batches),
        slowest=max(batch.seconds for batch in batches),
        unusual=[batch for batch in batches if batch.is_unusual],
    )
