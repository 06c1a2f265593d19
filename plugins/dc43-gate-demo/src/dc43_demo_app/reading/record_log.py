"""The records of one stream or dataset, read once and then followed."""

from __future__ import annotations

import threading
import time
from collections import deque

from attrs import define, field

from dc43_core.governance.interface import GovernanceClient
from dc43_core.protocol.record import GovernanceRecord
from dc43_demo_app.reading.batch import LOOK_BACK, Batch, brief

_FIRST_LOOK, _WIDER = 64, 8
_FRESH_SECONDS = 0.2
"""How long what was read is good for, however many viewers ask."""


@define(kw_only=True, eq=False)
class RecordLog:
    """The batches of one stream, or of one dataset, in the order in which governance kept them.

    Records are never changed, so only new ones are read; any thread may ask.

    Attributes:
        client: Where records are kept.
        namespace: Only this namespace.
        stream_id: Only this stream.
        dataset_id: Only this dataset.
    """

    client: GovernanceClient
    namespace: str
    stream_id: str | None = None
    dataset_id: str | None = None
    _batches: list[Batch] = field(factory=list, init=False)
    _shares: deque[float] = field(factory=lambda: deque(maxlen=LOOK_BACK), init=False)
    _read_at: float = field(default=float("-inf"), init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def batches(self) -> list[Batch]:
        """Return every batch; the list grows at its end and is not to be changed."""
        with self._lock:
            if time.monotonic() - self._read_at >= _FRESH_SECONDS:
                self._refresh()
                self._read_at = time.monotonic()
            return self._batches

    def record(self, batch: Batch) -> GovernanceRecord:
        """Return the whole record of one of the batches."""
        with self._lock:
            behind = len(self._batches) - batch.sequence
        # Others may have come meanwhile, each of which moves it back by one.
        found = self._records(behind + _FIRST_LOOK)
        return next(r for r in reversed(found) if r.record_id == batch.record_id)

    def _refresh(self) -> None:
        if not self._batches:
            self._take(self._records(None))
            return
        last, newest = self._batches[-1].record_id, _FIRST_LOOK
        while True:
            found = self._records(newest)
            at = next((i for i in reversed(range(len(found))) if found[i].record_id == last), None)
            if at is not None:
                self._take(found[at + 1 :])
                return
            if len(found) < newest:
                # The ledger was made anew, in an order of its own.
                self._batches, self._shares = [], deque(maxlen=LOOK_BACK)
                self._take(found)
                return
            newest *= _WIDER

    def _take(self, records: list[GovernanceRecord]) -> None:
        for record in records:
            batch = brief(record, len(self._batches) + 1, list(self._shares))
            self._batches.append(batch)
            if batch.published and batch.rows and not batch.replay:
                self._shares.append(batch.share)

    def _records(self, newest: int | None) -> list[GovernanceRecord]:
        return list(
            self.client.records(
                namespace=self.namespace,
                stream_id=self.stream_id,
                dataset_id=self.dataset_id,
                newest=newest,
            )
        )
