"""The facts of one batch write, beside the sink: it has no checkpoint to lie in."""

from __future__ import annotations

from attrs import evolve

from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_log import OURS
from dc43_core.vocabulary import Lane

_NAMES = {"committed": "record"}


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
            version = str(sink.publish(lane))
            journal.keep("committed", evolve(manifest.record, dataset_version=version))
