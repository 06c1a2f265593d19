"""The sinks: is what readers see whole, and does it agree with the records."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from dc43_core.errors import Dc43Error
from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_check import OWN_FILE
from dc43_core.protocol.sink_log import FileSink
from dc43_core.protocol.writes import Writes
from dc43_core.upkeep.checkpoint import Facts
from dc43_core.upkeep.diagnosis import Diagnosis, Level, defective, fine, wrong
from dc43_core.upkeep.erasures import unfinished
from dc43_core.upkeep.lost import dropped_names
from dc43_core.upkeep.sweep import dead_files
from dc43_core.vocabulary import Lane, Outcome


def check_sink(
    store: FileStore, lane: Lane, sink: Sink, facts: Facts | None
) -> Iterator[Diagnosis]:
    """Look at one sink, however long that takes."""
    area = lane.value
    published = facts.journal.published(lane, sink.uri, newest=1_000_000) if facts else ()
    try:
        defects = sink.defects(published, deep=True)
        newest, files = sink.newest(), sink.files() if not defects else []
    except (Dc43Error, OSError) as error:
        yield wrong(area, error)
        return
    yield from (defective(area, defect) for defect in defects)
    if not defects:
        version = f", the newest entry is {newest}" if newest >= 0 else ""
        yield fine(area, f"{sink.uri}: readers see {len(files):,} files{version}")
    if facts is not None and isinstance(sink, FileSink) and not defects:
        yield from check_agreement(lane, sink, facts, dropped_names(store, sink.uri))
    if lane is Lane.MAIN:
        for number in unfinished(store, sink.uri):
            yield Diagnosis(
                area=area,
                level=Level.ERROR,
                what=f"erasure {number} was begun and not brought to its end",
                way_out="run the same `dc43 erase` again: it completes it first",
            )


def check_agreement(
    lane: Lane, sink: FileSink, facts: Facts, dropped: Collection[str] = ()
) -> Iterator[Diagnosis]:
    """Compare what the log lists with what this stream's records say, batch by batch.

    Args:
        lane: Whose sink it is.
        sink: The sink.
        facts: What the stream's files say.
        dropped: Names of files that were lost and dropped from the log.
    """
    stream = facts.journal.folder.rsplit("/", 1)[-1]
    listed = _batches(stream, (path.rsplit("/", 1)[-1] for path in sink.files()))
    lost = sorted(_batches(stream, dropped) & facts.committed.keys())
    if lost:
        yield Diagnosis(
            area="agreement",
            level=Level.NOTE,
            what=f"files of {lane} were lost and dropped from the log, of batches {_some(lost)}: "
            "their records count more rows than there are",
            way_out=f"{sink.uri}/_dc43/dropped says which, by whom and when",
        )
    known = listed & facts.committed.keys()
    strange = sorted(listed - facts.committed.keys() - facts.pending.keys())
    if strange:
        yield Diagnosis(
            area="agreement",
            level=Level.ERROR,
            what=f"{lane} lists files of batches that have no record: {_some(strange)}",
            way_out="restore the checkpoint from its newest copy: files of it are gone",
        )
    expected = {
        batch_id
        for batch_id, record in facts.committed.items()
        if record.outcome is Outcome.COMMITTED
        and sink.uri == (record.sink if lane is Lane.MAIN else record.rejects)
        and (lane is Lane.MAIN or record.reject_count)
    }
    replaced = _replaced(sink) if lane is Lane.MAIN else -1
    gone = sorted(
        batch_id
        for batch_id in expected - listed - set(lost)
        if _sequence(facts, batch_id) > replaced
    )
    if gone:
        yield Diagnosis(
            area="agreement",
            level=Level.ERROR,
            what=f"records say that batches landed in {lane} which its log does not list: "
            f"{_some(gone)}",
            way_out="restore the sink from a copy",
        )
    wrong_version = [
        batch_id
        for batch_id in sorted(known & expected)
        if lane is Lane.MAIN and not _at(sink, facts, batch_id)
    ]
    if wrong_version:
        yield Diagnosis(
            area="agreement",
            level=Level.ERROR,
            what=f"the record of batches {_some(wrong_version)} names a version that is not in "
            f"the log of {lane}",
            way_out="restore sink and checkpoint from copies of the same time",
        )
    if not (strange or gone or wrong_version):
        yield fine("agreement", f"{lane}: {len(expected):,} batches, as the records say")


def _batches(stream: str, names: Iterable[str]) -> set[int]:
    owned = (OWN_FILE.match(name) for name in names)
    return {int(own["batch"]) for own in owned if own and own["stream"] == stream}


def _at(sink: FileSink, facts: Facts, batch_id: int) -> bool:
    return 0 <= _sequence(facts, batch_id) <= sink.newest()


def _sequence(facts: Facts, batch_id: int) -> int:
    return facts.committed[batch_id].sequence


def _replaced(sink: FileSink) -> int:
    """Return the newest entry that took the place of all before it; -1 if none did."""
    writes = Writes(sink.store, sink.uri).records()
    overwrites = (r.sequence for r in writes if r.details.get("mode") == "overwrite")
    return max(overwrites, default=-1)


def _some(batches: list[int]) -> str:
    more = f" and {len(batches) - 5} more" if len(batches) > 5 else ""
    return ", ".join(map(str, batches[:5])) + more


def check_leftovers(
    store: FileStore, sinks: Mapping[Lane, Sink], facts: Facts
) -> Iterator[Diagnosis]:
    """Say what `dc43 vacuum` would remove."""
    try:
        dead = dead_files(store, sinks, facts)
    except (Dc43Error, OSError):
        # What stands in the way is a finding of its own.
        return
    if dead:
        size = sum(one.size for one in dead)
        yield Diagnosis(
            area="main",
            level=Level.NOTE,
            what=f"{len(dead):,} files and folders of attempts that died lie about, {size:,} bytes",
            way_out="`dc43 vacuum` shows them, and `dc43 vacuum --yes` removes them",
        )
