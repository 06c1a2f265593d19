"""Records on their way to governance: in order, each at least once, none forgotten.

The durable copy of a record lies beside the checkpoint. What is not delivered in this run is
delivered at the next start, when the stream's own files are compared with the ledger's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from dc43_core.governance.interface import GovernanceClient
from dc43_core.log import get_logger
from dc43_core.protocol.record import GovernanceRecord

log = get_logger("governance")
_AT_ONCE = 500


class Outbox:
    """Delivers records to one governance client, and keeps back what it would not take."""

    def __init__(self, client: GovernanceClient) -> None:
        self._client = client
        self._waiting: deque[GovernanceRecord] = deque()

    @property
    def depth(self) -> int:
        """Number of records that wait."""
        return len(self._waiting)

    def backfill(self, records: Iterable[GovernanceRecord]) -> None:
        """Queue what a stream's files hold; the client ignores what it has."""
        self._waiting.extend(records)

    def relay(self, records: Sequence[GovernanceRecord] = ()) -> bool:
        """Send everything that waits, oldest first; False if the client would not take it."""
        self._waiting.extend(records)
        while self._waiting:
            portion = [self._waiting[i] for i in range(min(_AT_ONCE, len(self._waiting)))]
            try:
                self._client.record_many(portion)
            # A boundary to foreign code: an outage of governance must not stop the data, and
            # nothing is lost, since the records are durable beside the checkpoint.
            except Exception as error:  # noqa: BLE001
                log.warning("records.kept-back", count=self.depth, error=str(error))
                return False
            for _ in portion:
                self._waiting.popleft()
        return True
