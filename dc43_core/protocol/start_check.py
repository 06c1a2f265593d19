"""What each start looks at before it writes anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dc43_core.errors import UnsoundPlaceError
from dc43_core.log import get_logger
from dc43_core.protocol.checkpoint_check import checkpoint_defects
from dc43_core.protocol.defect import Defect
from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.sink import Sink
from dc43_core.vocabulary import Lane

# Who goes on as a new stream with what is there also goes on beside files of others.
_PASSES = {"continue": ("continue",), "fork": ("fork", "continue")}
log = get_logger("protocol")


def require_sound(
    store: FileStore, checkpoint: str, sinks: Mapping[Lane, Sink], adopt: str | None
) -> Mapping[Lane, Sequence[Defect]]:
    """Return the defects of each sink that this start goes on with, as it said by `adopt=`.

    Raises:
        UnsoundPlaceError: if there are others, or a file of the checkpoint cannot be read.
    """
    broken = checkpoint_defects(store, checkpoint)
    if broken:
        raise UnsoundPlaceError(checkpoint, broken)
    known = stream_of(store, checkpoint)
    journal = known and Journal(store, checkpoint, str(known["stream_id"]))
    accepted = {}
    for lane, sink in sinks.items():
        defects = sink.defects(journal.published(lane, sink.uri) if journal else ())
        refused = [d for d in defects if d.adopt not in _PASSES.get(adopt or "", ())]
        if refused:
            raise UnsoundPlaceError(sink.uri, refused)
        for defect in defects:
            log.warning("defect.passed-over", adopt=adopt, where=defect.where, what=defect.what)
        accepted[lane] = defects
    return accepted
