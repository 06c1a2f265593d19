"""Files that a log lists and that are gone for good: what they held, and a log without them.

Readers of a sink fail on such a file. A copy is the better way out; this one gives its rows up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from attrs import frozen

from dc43_core.protocol import clock
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.record import (
    FORMAT_VERSION,
    GovernanceRecord,
    decode,
    encode,
    require_known_format,
)
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_check import OWN_FILE
from dc43_core.protocol.sink_log import OURS, FileSink
from dc43_core.protocol.writes import Writes
from dc43_core.upkeep.checkpoint import Facts
from dc43_core.upkeep.sweep import SweepRefusedError
from dc43_core.vocabulary import Lane

_HARMLESS = frozenset({"missing-file", "changed-file", "unlisted-file", "foreign-entry"})
"""What may be wrong with a sink while files are dropped from its log."""


@frozen(kw_only=True)
class Lost:
    """A file that its log lists and that is not there.

    Attributes:
        lane: Whose.
        path: URI.
        stream_id: Who published it; None if dc43 did not.
        batch_id: As which batch.
        rows: How many rows that batch landed in this lane, all files together; None where no
            record at hand says so, as for another stream's.
    """

    lane: Lane
    path: str
    stream_id: str | None = None
    batch_id: int | None = None
    rows: int | None = None


def lost_files(store: FileStore, sinks: Mapping[Lane, Sink], facts: Facts | None) -> list[Lost]:
    """Return the files that are listed and gone, of each sink; changes nothing.

    Raises:
        SweepRefusedError: if a sink has no log of files, or more is wrong with it.
    """
    records: dict[tuple[str, int], GovernanceRecord] = {
        (record.stream_id, record.batch_id): record
        for record in (
            *(facts.committed.values() if facts else ()),
            *Writes(store, sinks[Lane.MAIN].uri).records(),
        )
    }
    found: list[Lost] = []
    for lane, sink in sinks.items():
        for path in _missing(sink):
            own = OWN_FILE.match(path.rsplit("/", 1)[-1])
            if own is None:
                found.append(Lost(lane=lane, path=path))
                continue
            stream, batch = own["stream"], int(own["batch"])
            record = records.get((stream, batch))
            rows = None
            if record is not None:
                rows = record.main_count if lane is Lane.MAIN else record.reject_count
            found.append(Lost(lane=lane, path=path, stream_id=stream, batch_id=batch, rows=rows))
    return found


def _missing(sink: Sink) -> Sequence[str]:
    if not isinstance(sink, FileSink):
        raise SweepRefusedError(
            sink.uri,
            "it is no folder of files with a log",
            "drop what it lists and lacks with the table's own means",
        )
    defects = sink.defects()
    for defect in defects:
        if defect.kind not in _HARMLESS:
            raise SweepRefusedError(defect.where, defect.what, defect.way_out)
    return [name for defect in defects if defect.kind == "missing-file" for name in defect.names]


def drop(store: FileStore, sinks: Mapping[Lane, Sink], lost: Sequence[Lost], *, by: str) -> None:
    """Take files out of the logs that list them; what was dropped, by whom and when stays there.

    Safe to repeat, and beside a stream: it is one more entry of the log.
    """
    for lane, group in groupby(lost, lambda one: one.lane):
        sink, paths = sinks[lane], [one.path for one in group]
        assert isinstance(sink, FileSink)
        _keep(store, sink.uri, paths, by)
        sink.log.replace(dict.fromkeys(paths))


def dropped_names(store: FileStore, sink: str) -> set[str]:
    """Return the names of the files that were dropped from a sink's log.

    Raises:
        FormatVersionError: if a newer dc43 wrote which.
    """
    return {name for payload in _dropped(store, sink) for name in payload["names"]}


def _keep(store: FileStore, sink: str, paths: Sequence[str], by: str) -> None:
    names = sorted(path.rsplit("/", 1)[-1] for path in paths)
    facts = {"format_version": FORMAT_VERSION, "names": names, "by": by, "at": clock.now()}
    number = len(list(_dropped(store, sink))) + 1
    while not store.create_if_absent(join(_folder(sink), str(number)), encode(facts)):
        number += 1


def _dropped(store: FileStore, sink: str) -> Iterator[Mapping[str, list[str]]]:
    for file in store.list(_folder(sink)):
        if file.name.isdigit():
            payload = decode(store.read(file.path), file.path)
            require_known_format(payload, file.path)
            yield payload


def _folder(sink: str) -> str:
    return join(sink, OURS, "dropped")
