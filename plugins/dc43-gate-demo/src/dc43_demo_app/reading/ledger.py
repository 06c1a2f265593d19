"""The ledger as pages ask it: streams, runs, and the logs of their batches."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from attrs import define, field

from dc43_core.governance.approvals import Approval, by_record
from dc43_core.governance.interface import GovernanceClient, catalogue_keeper, run_keeper
from dc43_core.governance.model import Run, StopRequest
from dc43_core.governance.status import StreamStatus, streams
from dc43_core.protocol import clock
from dc43_core.protocol.record import GovernanceRecord
from dc43_demo_app.reading.batch import Batch, brief
from dc43_demo_app.reading.record_log import RecordLog

_LOGS = 128
"""Logs that are kept in memory; one that was not asked for lately is read anew."""
_SEEN = 5_000
"""Newest records that are looked at before datasets are asked for one by one."""


@define(kw_only=True, eq=False)
class Ledger:
    """Where records and runs are kept, read by any number of viewers at once.

    Attributes:
        client: The opened governance client.
        namespace: The only namespace that is shown.
    """

    client: GovernanceClient
    namespace: str = "default"
    _logs: OrderedDict[tuple[str, str], RecordLog] = field(factory=OrderedDict, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    @property
    def location(self) -> str:
        """Where it is, for people."""
        return self.client.location()

    def streams(self) -> list[StreamStatus]:
        """Return every stream, the worst first; replays of rejects are none."""
        found = streams(self.client, self.namespace, clock.now())
        return [one for one in found if one.newest is None or not is_replay(one.newest)]

    def runs(self, stream_id: str | None = None) -> Sequence[Run]:
        """Return runs, oldest first; none where the client does not keep them."""
        if not run_keeper(self.client):
            return []
        return self.client.runs(namespace=self.namespace, stream_id=stream_id)

    def newest_run(self, stream_id: str) -> Run | None:
        """Return the newest run of a stream."""
        if not run_keeper(self.client):
            return None
        found = self.client.runs(namespace=self.namespace, stream_id=stream_id, newest=1)
        return found[0] if found else None

    def run(self, run_id: str) -> Run | None:
        """Return one run."""
        if not run_keeper(self.client):
            return None
        found = self.client.runs(namespace=self.namespace, run_id=run_id)
        return found[0] if found else None

    def request_stop(self, run_id: str, by: str, reason: str = "") -> bool:
        """Ask a run to end between two batches; False if it is not known."""
        request = StopRequest(by=by, at=clock.now(), reason=reason)
        return run_keeper(self.client) and self.client.request_stop(run_id, request)

    def datasets(self) -> dict[str, GovernanceRecord | None]:
        """Return each dataset's id and its newest record, by id."""
        newest: dict[str, GovernanceRecord | None] = {run.dataset_id: None for run in self.runs()}
        for record in self.client.records(namespace=self.namespace, newest=_SEEN):
            newest[record.dataset_id] = record
        if catalogue_keeper(self.client):
            for dataset in self.client.dataset_ids(namespace=self.namespace):
                if newest.get(dataset) is None:
                    newest[dataset] = self._newest(dataset)
        return dict(sorted(newest.items()))

    def _newest(self, dataset_id: str) -> GovernanceRecord | None:
        found = self.client.records(namespace=self.namespace, dataset_id=dataset_id, newest=1)
        return found[0] if found else None

    def newest(self, stream_id: str, count: int) -> list[Batch]:
        """Return the newest batches of a stream, oldest first, without what came before them."""
        found = self.client.records(namespace=self.namespace, stream_id=stream_id, newest=count)
        return [brief(record, at, ()) for at, record in enumerate(found, 1)]

    def words(self, dataset_id: str) -> Mapping[str, Approval]:
        """Return the newest word of a steward about each version, by the record of it."""
        if not catalogue_keeper(self.client):
            return {}
        found = self.client.approvals(namespace=self.namespace, dataset_id=dataset_id)
        return {record: said[-1] for record, said in by_record(found).items()}

    def stream_log(self, stream_id: str) -> RecordLog:
        """Return the batches of one stream."""
        return self._log("stream_id", stream_id)

    def dataset_log(self, dataset_id: str) -> RecordLog:
        """Return the batches of one dataset, whichever streams wrote them."""
        return self._log("dataset_id", dataset_id)

    def _log(self, kind: str, key: str) -> RecordLog:
        with self._lock:
            log = self._logs.get((kind, key))
            if log is None:
                of = {"stream_id": key} if kind == "stream_id" else {"dataset_id": key}
                log = RecordLog(client=self.client, namespace=self.namespace, **of)
                self._logs[kind, key] = log
            self._logs.move_to_end((kind, key))
            while len(self._logs) > _LOGS:
                self._logs.popitem(last=False)
            return log


def is_replay(record: GovernanceRecord) -> bool:
    """Say whether a record tells of a replay of rejects, not of a micro-batch."""
    return "replay" in record.details
