"""The facts of what is written into a sink by no stream: they lie beside it, by write."""

from __future__ import annotations

from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.journal import Journal, Manifest
from dc43_core.protocol.record import GovernanceRecord, decode, encode
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_log import OURS
from dc43_core.vocabulary import Lane

_NAMES = {"committed": "record"}


class Writes:
    """What was written into a sink other than by a stream: prepared manifest and record of each."""

    def __init__(self, store: FileStore, sink: str) -> None:
        self.store = store
        self.folder = join(sink, OURS, "writes")

    def prepare(self, write: str, manifest: Manifest) -> None:
        """Keep what is being published."""
        self.store.create_if_absent(self._path(write, "prepared"), encode(manifest.payload()))

    def keep(self, write: str, record: GovernanceRecord) -> GovernanceRecord:
        """Keep the record for good; if there is one already, that one counts."""
        if self.store.create_if_absent(self._path(write, "record"), encode(record.payload())):
            return record
        found = self.record(write)
        assert found is not None
        return found

    def record(self, write: str) -> GovernanceRecord | None:
        """Return the record of a write that is complete."""
        path = self._path(write, "record")
        try:
            payload = decode(self.store.read(path), path)
        except FileNotFoundError:
            return None
        return GovernanceRecord.from_payload(payload, path)

    def names(self) -> list[str]:
        """Return the name of each write: the stream id that stands in its rejects."""
        return [folder.name for folder in self.store.list(self.folder)]

    def records(self) -> list[GovernanceRecord]:
        """Return every record, oldest first."""
        found = map(self.record, self.names())
        return sorted((r for r in found if r is not None), key=lambda r: (r.ended_at, r.batch_id))

    def _path(self, write: str, name: str) -> str:
        return join(self.folder, write, name)


class WriteJournal(Journal):
    """`<sink>/_dc43/writes/<uuid>/`: `prepared`, `record`, and `blocked` if it was."""

    def __init__(self, store: FileStore, sink: str, write: str) -> None:
        super().__init__(store, join(sink, OURS, "writes"), write)
        self.folder = join(sink, OURS, "writes", write)

    def path(self, kind: str, number: int) -> str:
        """Return where a fact lies; a write is one batch, so it has no number."""
        return join(self.folder, _NAMES.get(kind, kind))

    def newest_epoch(self, mine: int) -> int:
        """Nobody else knows of this write, so nobody can take it over."""
        return mine


def settle(store: FileStore, sink: Sink) -> None:
    """Keep the record of each write that is visible and died before it had one."""
    visible: list[str] | None = None
    for folder in store.list(join(sink.uri, OURS, "writes")):
        journal = WriteJournal(store, sink.uri, folder.name)
        if store.status(journal.path("committed", 0)) is not None:
            continue
        manifest = journal.prepared(0)
        if manifest is None or Lane.MAIN not in manifest.lanes:
            continue
        lane = manifest.lanes[Lane.MAIN]
        if visible is None:
            visible = [path.rsplit("/", 1)[-1] for path in sink.files()]
        if any(name.startswith(lane.token) for name in visible):
            # It finds its own entry: nothing is published anew.
            journal.keep("committed", manifest.landed(sink.publish(lane)))
