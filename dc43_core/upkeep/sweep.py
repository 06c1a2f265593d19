"""What can be removed: what attempts that died left behind, and what is kept too long.

Nothing that a log entry, a manifest or the newest block of a batch names is ever dead. An attempt
at a batch that is not committed may be the one that runs now, so it is dead only at an age.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from attrs import frozen

from dc43_core.errors import Dc43Error
from dc43_core.protocol.file_store import FileStatus, FileStore, canonical, join
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.keys import KeyLog
from dc43_core.protocol.replays import Replay, Replays, replay_stream
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_check import OWN_FILE
from dc43_core.protocol.sink_log import LOG, FileSink
from dc43_core.protocol.writes import Writes
from dc43_core.upkeep.checkpoint import Facts
from dc43_core.upkeep.erasures import unfinished
from dc43_core.vocabulary import Lane

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{32}\.tmp")
_HOUR = 3_600_000
SAFE_HOURS = 24.0
"""From which age an attempt that no manifest names cannot be running any more."""


class SweepRefusedError(Dc43Error, RuntimeError):
    """What is dead cannot be told apart from what is not."""

    exit_code = 3

    def __init__(self, place: str, problem: str, remedy: str) -> None:
        self.place, self.problem, self.remedy = place, problem, remedy
        super().__init__(f"{place}: {problem}, so nothing is removed; {remedy}")


@frozen(kw_only=True)
class Dead:
    """A file or folder that can be removed.

    Attributes:
        path: URI.
        why: Why nobody needs it.
        size: Bytes, with all that is in it.
        age_hours: Since it was last written to.
    """

    path: str
    why: str
    size: int
    age_hours: float


def dead_files(
    store: FileStore,
    sinks: Mapping[Lane, Sink],
    facts: Facts,
    *,
    now: int | None = None,
    hours: float = SAFE_HOURS,
    retention_days: float | None = None,
) -> list[Dead]:
    """Return what can be removed of one stream, by looking alone.

    Args:
        store: Where checkpoint and sinks lie.
        sinks: Of the stream.
        facts: What its files say.
        now: Milliseconds since 1970; None takes the clock.
        hours: Age from which an attempt that no manifest names is dead.
        retention_days: Age from which the kept rows of blocked batches, and the raw text of
            rows that landed, are removed as well; None keeps them.

    Raises:
        SweepRefusedError: if files or a log are not whole.
    """
    if facts.broken:
        raise SweepRefusedError(
            facts.journal.folder, "files of the stream cannot be read", "`dc43 doctor` says which"
        )
    main = sinks[Lane.MAIN]
    if unfinished(store, main.uri):
        raise SweepRefusedError(
            main.uri, "an erasure is not at its end", "run the same `dc43 erase` again"
        )
    sweep = _Sweep(store=store, facts=facts, now=_clock() if now is None else now, hours=hours)
    needed = _needed(facts)
    found = list(sweep.attempts(main, needed))
    if Lane.REJECTS in sinks:
        found += sweep.replays(main, sinks[Lane.REJECTS])
    for sink in sinks.values():
        if isinstance(sink, FileSink):
            found += sweep.unlisted(sink, needed)
    found += sweep.keys()
    found += sweep.temporaries(sinks)
    if retention_days is not None:
        found += sweep.beyond(retention_days * 24)
    return found


def remove(store: FileStore, dead: list[Dead]) -> None:
    """Remove what was found; what is gone already is no error."""
    for one in dead:
        store.delete(one.path)


def begun_replays(store: FileStore, main: Sink, rejects: Sink) -> list[Replay]:
    """Return replays whose fate is decided and that are not recorded yet."""
    writes = Writes(store, main.uri)
    every = Replays(store, rejects.uri).all()
    return [replay for replay in every if writes.record(replay.write) is None]


def _clock() -> int:
    import time

    return time.time_ns() // 1_000_000


def _needed(facts: Facts) -> set[str]:
    """Return every file, and its folder's attempt, that a manifest or a block names."""
    paths: set[str] = set()
    for manifest in facts.pending.values():
        paths.add(manifest.staging)
        for lane in manifest.lanes.values():
            paths.update(path for move in lane.moves for path in move)
    for batch_id in facts.blocked:
        # Of each time that it was blocked: what was read first may be the only copy by now.
        for held in facts.journal.incidents(batch_id):
            paths.update(held.files)
    return {canonical(path) for path in paths}


@frozen(kw_only=True)
class _Sweep:
    store: FileStore
    facts: Facts
    now: int
    hours: float

    def attempts(self, main: Sink, needed: set[str]) -> Iterator[Dead]:
        stream = self.facts.journal.folder.rsplit("/", 1)[-1]
        for attempt in self.store.list(join(main.staging(), stream)):
            place = canonical(attempt.path).rstrip("/")
            number = attempt.name.partition("-")[0]
            if any(path == place or path.startswith(place + "/") for path in needed):
                continue
            dead = self._dead(attempt, "staging of an attempt that no manifest names")
            committed = number.isdigit() and int(number) in self.facts.committed
            if committed or dead.age_hours >= self.hours:
                yield dead

    def replays(self, main: Sink, rejects: Sink) -> Iterator[Dead]:
        needed = {
            canonical(replay.manifest.staging)
            for replay in begun_replays(self.store, main, rejects)
        }
        # Whoever meets the keys of one that nobody has decided yet decides it.
        told = KeyLog(self.facts.journal).begun_replays()
        needed.update(canonical(str(one["manifest"]["staging"])) for one in told)
        for attempt in self.store.list(join(main.staging(), replay_stream(rejects.uri))):
            dead = self._dead(attempt, "staging of a replay that died")
            if canonical(attempt.path).rstrip("/") not in needed and dead.age_hours >= self.hours:
                yield dead

    def keys(self) -> Iterator[Dead]:
        log = KeyLog(self.facts.journal)
        # A replay that is not decided yet may come to count.
        state = log.state(lambda _: True)
        named = {canonical(file) for file in log.uris((*state.parts, *state.possible))}
        for attempt in self.store.list(log.place("")):
            place = canonical(attempt.path).rstrip("/") + "/"
            if any(file.startswith(place) for file in named):
                continue
            dead = self._dead(attempt, "keys of an attempt that does not count")
            number = attempt.name.partition("-")[0]
            committed = number.isdigit() and int(number) in self.facts.committed
            if committed or dead.age_hours >= self.hours:
                yield dead

    def unlisted(self, sink: FileSink, needed: set[str]) -> Iterator[Dead]:
        # What a batch write that is over has published, and is not listed, was overwritten. Its
        # files are called by the write alone; those of replays by the sink, one after the other.
        writes = Writes(self.store, sink.uri)
        records = ((name, writes.record(name)) for name in writes.names())
        done = {name for name, record in records if record and record.stream_id == name}
        mine = {self.facts.journal.folder.rsplit("/", 1)[-1], *done}
        listed = {canonical(path) for path in sink.files()}
        for file in self._below(sink.uri):
            own = OWN_FILE.match(file.name)
            if own is None or own["stream"] not in mine:
                continue
            if canonical(file.path) in listed | needed:
                continue
            dead = self._dead(file, "a data file that no log entry and no manifest names")
            if dead.age_hours >= self.hours:
                yield dead

    def _below(self, folder: str) -> Iterator[FileStatus]:
        """Yield what lies in a sink, and in the folders of its partitions."""
        for entry in self.store.list(folder):
            if entry.is_folder and "=" in entry.name:
                yield from self._below(entry.path)
            else:
                yield entry

    def temporaries(self, sinks: Mapping[Lane, Sink]) -> Iterator[Dead]:
        journal: Journal = self.facts.journal
        kinds = ("prepared", "committed", "blocked", "resolutions", "epochs", "keys")
        folders = [join(journal.folder, kind) for kind in kinds]
        folders += [join(sink.uri, LOG) for sink in sinks.values()]
        for folder in folders:
            for file in self.store.list(folder):
                if _TEMPORARY.fullmatch(file.name):
                    dead = self._dead(file, "a file that was never given its name")
                    if dead.age_hours >= self.hours:
                        yield dead

    def beyond(self, hours: float) -> Iterator[Dead]:
        """Yield rows that are kept of old blocks and old batches."""
        for batch_id in self.facts.blocked:
            held = self.facts.journal.held(batch_id)
            for path in (
                p for files in (held.staged.files.values() if held else ()) for p in files
            ):
                status = self.store.status(path)
                if status is not None:
                    yield from self._old(status, f"rows of blocked batch {batch_id}", hours)
        for file in self.store.list(join(self.facts.journal.folder, "uncast")):
            yield from self._old(file, "raw text of rows that landed", hours)

    def _old(self, file: FileStatus, why: str, hours: float) -> Iterator[Dead]:
        dead = self._dead(file, f"{why}, beyond the retention")
        if dead.age_hours >= hours:
            yield dead

    def _dead(self, file: FileStatus, why: str) -> Dead:
        size, modified = self._measure(file)
        return Dead(path=file.path, why=why, size=size, age_hours=(self.now - modified) / _HOUR)

    def _measure(self, file: FileStatus) -> tuple[int, int]:
        """Return bytes and the newest change; a folder's own time says little."""
        if not file.is_folder:
            return file.size, file.modified
        inside = [self._measure(child) for child in self.store.list(file.path)]
        newest = max((modified for _, modified in inside), default=file.modified)
        return sum(size for size, _ in inside), max(newest, file.modified)
