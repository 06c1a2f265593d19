"""Protocols with one bug each, and the scenario that must find it.

A bug replaces one function of the product, or of the file system below it, by one that does its
work wrongly. It counts as caught only by what it breaks: rows, records, what a reader sees, or a
stream that cannot go on; never by an exception of its own making.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest import mock

from attrs import evolve, frozen

from dc43_core import pipeline
from dc43_core.errors import BatchBlockedError
from dc43_core.governance.outbox import Outbox
from dc43_core.pipeline import GovernedStream
from dc43_core.protocol import steps
from dc43_core.protocol.engine import Staged
from dc43_core.protocol.file_store import FileStatus, join
from dc43_core.protocol.held import Held
from dc43_core.protocol.identity import identify
from dc43_core.protocol.journal import Journal, LaneManifest, Manifest
from dc43_core.protocol.key_state import StreamKeys
from dc43_core.protocol.keys import KeyLog, KeyState, KeyStep
from dc43_core.protocol.record import GovernanceRecord, decode, encode
from dc43_core.protocol.release import Resolution, released_record
from dc43_core.protocol.sink_log import FileSink, SinkLog
from dc43_core.protocol.steps import BatchProtocol
from dc43_core.testing.fake_engine import FakeStager
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.testing.simulator.crashes import FoundError, Tally
from dc43_core.testing.simulator.scenarios import SCENARIOS, Effort
from dc43_core.vocabulary import Lane, Outcome, Release

KEEP, JOURNAL_PREPARE, BLOCKED = Journal.keep, Journal.prepare, Journal.block
PREPARE, PUBLISH, BLOCK = BatchProtocol._prepare, BatchProtocol._publish, BatchProtocol._block
PROCESS, RECORD, SWEEP = BatchProtocol.process, BatchProtocol._record, BatchProtocol._sweep
SINK_PUBLISH, APPEND = FileSink.publish, SinkLog.append
KEYS_BEFORE, KEYS_ADD, KEY_STATE = StreamKeys.before, StreamKeys.add, KeyLog.state
FINISH, STREAM_PROCESS = FakeStager.finish, GovernedStream.process
MERGE_KEYS = FakeStager.merge_keys
RELEASED, IDENTIFY = released_record, identify


# -- the file system -------------------------------------------------------------------------------


def overwrite(self: MemoryStore, path: str, data: bytes) -> bool:
    """Creation replaces what is there, as Hadoop's local file system does."""
    self.before("create", path)
    self.delete(path)
    self.write(path, data)
    self.sync([path])
    return True


def create_without_sync(self: MemoryStore, path: str, data: bytes) -> bool:
    """A created file is there at once, and not yet safe."""
    self.before("create", path)
    if self.status(path) is not None:
        return False
    self.write(path, data)
    return True


def sync_nothing(self: MemoryStore, paths: Sequence[str]) -> None:
    """Staged files are prepared before their content is safe."""


def rename_over(self: MemoryStore, source: str, target: str) -> bool:
    """Rename replaces what is there, and takes any file that is left for the one it was."""
    self.before("rename", target)
    data = self.read(source)
    self.delete(target)
    self.write(target, data)
    self.delete(source)
    return True


# -- the sink --------------------------------------------------------------------------------------


def publish_without_looking(self: FileSink, manifest: LaneManifest) -> int:
    """Publication does not ask whether it was done before."""
    while True:
        number = self.log.newest() + 1
        if self.log.append(number, [self._moved(old, new) for old, new in manifest.moves]):
            return number


def publish_by_batch_id(self: FileSink, manifest: LaneManifest) -> int:
    """Spark's own way: the batch id is the entry's number, one that is there is done."""
    number = int(manifest.token.split("-")[2])
    self.log.append(number, [self._moved(old, new) for old, new in manifest.moves])
    return number


def list_before_moving(self: FileSink, manifest: LaneManifest) -> int:
    """The entry is written before its files are in their places."""
    while True:
        newest = self.log.newest()
        found = self.log.find(manifest.token, manifest.after)
        if found is None:
            files = [self.store.status(o) or self.store.status(n) for o, n in manifest.moves]
            listed = [
                evolve(f, path=n) for f, (_, n) in zip(files, manifest.moves, strict=True) if f
            ]
            if not self.log.append(newest + 1, listed):
                continue
            found = newest + 1
        for old, new in manifest.moves:
            self._moved(old, new)
        return found


def publish_what_is_there(self: FileSink, manifest: LaneManifest) -> int:
    """A file that is gone is left out, and the batch is taken for whole."""
    there = [m for m in manifest.moves if any(self.store.status(path) for path in m)]
    return SINK_PUBLISH(self, evolve(manifest, moves=tuple(there[:1])))


def forget_older_entries(self: SinkLog, number: int, files: Sequence[FileStatus]) -> bool:
    """The tenth entry holds its own files, and no others."""
    with mock.patch.object(SinkLog, "_all", return_value=[]):
        return APPEND(self, number, files)


def look_at_the_newest_only(self: SinkLog, token: str, after: int) -> int | None:
    """A batch that was published is looked for in the newest entry alone."""
    newest = self.newest()
    return newest if newest >= 0 and token in self.store.read(self.path(newest)).decode() else None


def token_of_nobody(token: str, **rest: Any) -> LaneManifest:
    """Files are recognised by a name that every stream uses."""
    return LaneManifest(token="batch-", **rest)


# -- the journal -----------------------------------------------------------------------------------

KEPT = itertools.count()


def keep_again(self: Journal, kind: str, record: GovernanceRecord) -> GovernanceRecord:
    """A record is kept anew each time, under a key of its own."""
    again = evolve(record, record_id=f"{record.record_id}-{next(KEPT)}")
    self.store.delete(self.path(kind, record.batch_id))
    return KEEP(self, kind, again)


def prepare_over(self: Journal, manifest: Manifest) -> bool:
    """The driver that comes last decides."""
    self.store.delete(self.path("prepared", manifest.record.batch_id))
    return JOURNAL_PREPARE(self, manifest)


def prepare_whatever_is_there(self: Journal, manifest: Manifest) -> bool:
    """A driver whose manifest came second goes on with its own."""
    JOURNAL_PREPARE(self, manifest)
    return True


def block_anew(self: Journal, held: Held) -> Held:
    """A second incident replaces the first, which governance has heard of."""
    self.store.delete(self.path("blocked", held.record.batch_id))
    record = evolve(held.record, record_id=f"{self.stream_id}-{held.record.batch_id}-blocked")
    return BLOCKED(self, evolve(held, incident=1, record=record))


def close_nothing(self: Journal, batch_id: int, epoch: int) -> None:
    """A driver that was overtaken tells of an incident that a later start has settled."""


# -- the steps -------------------------------------------------------------------------------------


def move_before_prepare(self: BatchProtocol[Any], *facts: Any) -> Manifest:
    """Files get their final names before the batch's fate is decided."""

    def moving(journal: Journal, manifest: Manifest) -> bool:
        for lane, lane_manifest in manifest.lanes.items():
            for old, new in lane_manifest.moves:
                self.sinks[lane]._moved(old, new)  # type: ignore[attr-defined]
        return JOURNAL_PREPARE(journal, manifest)

    with mock.patch.object(Journal, "prepare", moving):
        return PREPARE(self, *facts)


def sync_after_prepare(
    self: BatchProtocol[Any],
    record: Any,
    files: Mapping[Lane, Sequence[str]],
    staging: str,
    *keys: Any,
) -> Manifest:
    """The manifest is durable before the files that it names."""
    with mock.patch.object(MemoryStore, "sync", sync_nothing):
        manifest = PREPARE(self, record, files, staging, *keys)
    for paths in files.values():
        self.store.sync(paths)
    return manifest


def commit_before_publish(self: BatchProtocol[Any], manifest: Manifest) -> GovernanceRecord:
    """The batch is called committed before it is visible."""
    version = str(self.sinks[Lane.MAIN].newest() + 1)
    self.journal.keep("committed", evolve(manifest.record, dataset_version=version))
    return PUBLISH(self, manifest)


def sweep_before_publish(self: BatchProtocol[Any], manifest: Manifest) -> GovernanceRecord:
    """Staging is deleted when main is there, and the rejects are not."""
    if Lane.MAIN in manifest.lanes:
        self.sinks[Lane.MAIN].publish(manifest.lanes[Lane.MAIN])
    self._sweep(manifest.record.batch_id)
    return PUBLISH(self, manifest)


def main_before_rejects(self: BatchProtocol[Any], manifest: Manifest) -> GovernanceRecord:
    """A reader of main sees a batch whose rejects are nowhere yet."""
    if Lane.MAIN in manifest.lanes:
        self.sinks[Lane.MAIN].publish(manifest.lanes[Lane.MAIN])
    return PUBLISH(self, manifest)


def forget_rejects_after_a_crash(self: BatchProtocol[Any], manifest: Manifest) -> GovernanceRecord:
    """What another start prepared is rolled forward in main alone."""
    lanes = manifest.lanes
    if manifest.record.epoch != self.epoch:
        lanes = {lane: m for lane, m in lanes.items() if lane is Lane.MAIN}
    return PUBLISH(self, evolve(manifest, lanes=lanes))


def sweep_everything(self: BatchProtocol[Any], batch_id: int) -> None:
    """Staging is deleted with that of every other stream."""
    self.store.delete(self.sinks[Lane.MAIN].staging())


def stage_in_one_folder(self: BatchProtocol[Any], name: str) -> str:
    """Every attempt stages in the same place."""
    return join(self.sinks[Lane.MAIN].staging(), self.identity.stream_id, name.partition("-")[0])


def count_what_was_judged(self: BatchProtocol[Any], *facts: Any) -> GovernanceRecord:
    """The record counts rows handed over, not rows that landed."""
    record = RECORD(self, *facts)
    blocked = record.outcome is Outcome.BLOCKED
    return record if blocked else evolve(record, main_count=record.row_count)


def publish_before_the_verdict(
    self: BatchProtocol[Any], record: Any, staged: Staged, facts: Any
) -> None:
    """What is blocked was already published."""
    files = self.stager.finish(staged, Lane.REJECTS, facts)[Lane.MAIN]
    token = f"batch-{self.identity.stream_id}-{record.batch_id:010d}-"
    sink = self.sinks[Lane.MAIN]
    moves = tuple((f, sink.final_name(token, i, f)) for i, f in enumerate(files))
    sink.publish(LaneManifest(token=token, after=sink.newest(), moves=moves))
    BLOCK(self, record, staged, facts)


def block_without_sync(self: BatchProtocol[Any], record: Any, staged: Staged, facts: Any) -> None:
    """The block is durable before the rows that it keeps."""
    with mock.patch.object(MemoryStore, "sync", sync_nothing):
        BLOCK(self, record, staged, facts)


def block_and_sweep(self: BatchProtocol[Any], record: Any, staged: Staged, facts: Any) -> None:
    """A blocked batch keeps no rows."""
    try:
        BLOCK(self, record, staged, facts)
    finally:
        self.store.delete(staged.folder)


def ignore_resolutions(self: Journal, batch_id: int) -> Resolution | None:
    """What someone decided is not carried out."""
    return None


def release_counts_nothing(held: Held, resolution: Resolution, **facts: Any) -> GovernanceRecord:
    """A released batch keeps the counts of its block."""
    return evolve(RELEASED(held, resolution, **facts), main_count=0, reject_count=0)


def skip_publishes(held: Held, resolution: Resolution, **facts: Any) -> GovernanceRecord:
    """A skipped batch is published like any other."""
    object.__setattr__(resolution, "release", Release.REJECTS)
    return RELEASED(held, resolution, **facts)


# -- around the steps ------------------------------------------------------------------------------


def keep_in_main(self: FakeStager, staged: Any, violating_to: Lane, batch: Any) -> Any:
    """Broken rows stay where they are."""
    return FINISH(self, staged, Lane.MAIN, batch)


def swallow_the_block(self: GovernedStream[Any], frame: Any, batch_id: int) -> Any:
    """A block does not reach the engine, which takes the batch for done."""
    try:
        return STREAM_PROCESS(self, frame, batch_id)
    except BatchBlockedError:
        return None


def found_anew(store: Any, sink_store: Any, *, new_id: Any, **facts: Any) -> Any:
    """Each start is a stream of its own."""
    store.delete(join(facts["checkpoint"], "dc43", "stream.json"))
    facts["adopt"] = "fork"
    return IDENTIFY(store, sink_store, new_id=new_id, **facts)


def send_to_nobody(self: Outbox, portion: list[GovernanceRecord]) -> Exception | None:
    """A record that was sent counts as kept, whatever came back."""
    try:
        self._connect().record_many(portion)
    except OSError:
        pass
    for _ in portion:
        self._waiting.popleft()
    return None


def compare_nothing(self: Outbox, *, probe: bool) -> Exception | None:
    """A start takes for granted that governance has what lies in the files."""
    self._behind, self._known = 0, frozenset()
    return None


def newest_first(self: Outbox, portion: list[GovernanceRecord]) -> Exception | None:
    """What waited is sent from its end."""
    self._connect().record_many(portion[::-1])
    for _ in portion:
        self._waiting.popleft()
    return None


def keep_own_word(self: Journal, path: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Who comes second goes on with its own record, not with the one that is there."""
    self.store.create_if_absent(path, encode(payload))
    return decode(encode(payload), path)


# -- the keys of earlier batches -------------------------------------------------------------------


def count_keys_before_the_manifest(self: KeyLog, step: KeyStep, is_taken: Any) -> bool | None:
    """The keys of a batch count as soon as they are written, whatever becomes of the batch."""
    return True


def count_keys_of_any_attempt(self: KeyLog, step: KeyStep, is_taken: Any) -> bool | None:
    """Where a batch is prepared, the keys of each attempt at it count."""
    return step.batch_id is not None and self.journal.prepared(step.batch_id) is not None


def forget_keys_at_a_restart(self: KeyLog, is_taken: Any) -> KeyState:
    """A start knows the keys of its own batches alone."""
    found = KEY_STATE(self, is_taken)
    return evolve(found, parts=found.parts[1:])


def keys_without_sync(self: StreamKeys, batch_id: int, asked: Any, new: Any) -> Any:
    """The step of a batch is durable before the keys that it names."""
    with mock.patch.object(MemoryStore, "sync", sync_nothing):
        return KEYS_ADD(self, batch_id, asked, new)


def sweep_every_key(self: StreamKeys, batch_id: int) -> None:
    """Keys are deleted with the staging of their batch."""
    self.log.store.delete(self.log.place("").rstrip("/"))


def age_keys_by_the_clock(self: StreamKeys, batch_id: int, attempt: str, started_at: str) -> Any:
    """How old a key is, is told by the clock of each attempt."""
    return KEYS_BEFORE(evolve(self, time=None), batch_id, attempt, started_at)


def forget_keys_at_once(self: StreamKeys, batch_id: int, attempt: str, started_at: str) -> Any:
    """A key that counts for a time counts in its own batch alone."""
    seconds = None if self.retain.seconds is None else 1
    keys = evolve(self, retain=evolve(self.retain, seconds=seconds))
    return KEYS_BEFORE(keys, batch_id, attempt, started_at)


def merge_without_sync(self: StreamKeys, batch_id: int, attempt: str, started_at: str) -> Any:
    """The step of a batch is durable before the keys that were merged for it."""
    with mock.patch.object(MemoryStore, "sync", sync_nothing):
        return KEYS_BEFORE(self, batch_id, attempt, started_at)


def merge_and_delete(
    self: FakeStager, files: Sequence[str], count: int, folder: str
) -> Sequence[str]:
    """What was merged goes at once, not when the batch that says so is committed."""
    made = MERGE_KEYS(self, files, count, folder)
    for file in files:
        self.store.delete(file)
    return made


def merge_the_newer_half(
    self: FakeStager, files: Sequence[str], count: int, folder: str
) -> Sequence[str]:
    """The older half of what is merged is left out."""
    return MERGE_KEYS(self, files[len(files) // 2 :], count, folder)


def release_without_keys(self: BatchProtocol[Any], held: Held, started: str) -> None:
    """A batch that is released holds no key."""


@frozen(kw_only=True)
class Bug:
    """One bug.

    Attributes:
        wrong: What replaces a function of the product.
        owner: Where that function is.
        name: What it is called there.
        scenario: Where it must be found.
        breaks: First words of what it may be found by.
    """

    wrong: Callable[..., Any]
    owner: Any
    name: str
    scenario: str
    breaks: tuple[str, ...]

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Run with the bug."""
        with mock.patch.object(self.owner, self.name, self.wrong):
            yield

    def found(self) -> str | None:
        """Return what the bug was found by; None if by nothing.

        Raises:
            Exception: if the bug broke the simulation instead.
        """
        [scenario] = [each for each in SCENARIOS if each.name == self.scenario]
        with self.planted():
            for effort in (Effort.QUICK, Effort.SHORT):
                try:
                    scenario.run(Tally(stop=True), effort)
                except FoundError as found:
                    return str(found)
        return None

    def is_caught_by(self, found: str | None) -> bool:
        """Whether it was found by what it breaks."""
        return found is not None and found.partition(":")[0] in self.breaks


def _bug(wrong: Callable[..., Any], owner: Any, name: str, scenario: str, *breaks: str) -> Bug:
    return Bug(wrong=wrong, owner=owner, name=name, scenario=scenario, breaks=breaks)


BUGS = (
    _bug(overwrite, MemoryStore, "create_if_absent", "two streams", "rows", "partial", "stuck"),
    _bug(create_without_sync, MemoryStore, "create_if_absent", "crashes", "rows", "stuck"),
    _bug(sync_nothing, MemoryStore, "sync", "crashes", "unreadable", "stuck", "partial", "rows"),
    _bug(rename_over, MemoryStore, "rename_no_replace", "crashes", "rows", "partial"),
    _bug(publish_without_looking, FileSink, "publish", "crashes", "rows", "partial"),
    _bug(publish_by_batch_id, FileSink, "publish", "two streams", "rows", "stuck"),
    _bug(list_before_moving, FileSink, "publish", "crashes", "unreadable"),
    _bug(publish_what_is_there, FileSink, "publish", "crashes", "partial"),
    _bug(forget_older_entries, SinkLog, "append", "compaction", "rows", "partial"),
    _bug(look_at_the_newest_only, SinkLog, "find", "two streams", "rows", "partial"),
    _bug(token_of_nobody, steps, "LaneManifest", "two streams", "rows", "stuck", "record"),
    _bug(keep_again, Journal, "keep", "two drivers", "governance"),
    _bug(prepare_over, Journal, "prepare", "two drivers, two sources", "rows", "partial"),
    _bug(
        prepare_whatever_is_there, Journal, "prepare", "two drivers, two sources", "rows", "partial"
    ),
    _bug(keep_own_word, Journal, "_keep", "replayed batch", "governance"),
    _bug(block_anew, Journal, "block", "released as rejects", "governance"),
    _bug(close_nothing, Journal, "close", "blocked by one of two", "governance"),
    _bug(ignore_resolutions, Journal, "resolution", "released as main", "EndlessError"),
    _bug(move_before_prepare, BatchProtocol, "_prepare", "rewritten source", "rows", "partial"),
    _bug(sync_after_prepare, BatchProtocol, "_prepare", "crashes", "stuck"),
    _bug(commit_before_publish, BatchProtocol, "_publish", "crashes", "rows", "stuck"),
    _bug(sweep_before_publish, BatchProtocol, "_publish", "crashes", "partial", "stuck"),
    _bug(main_before_rejects, BatchProtocol, "_publish", "crashes", "partial"),
    _bug(forget_rejects_after_a_crash, BatchProtocol, "_publish", "crashes", "partial"),
    _bug(sweep_everything, BatchProtocol, "_sweep", "two streams", "stuck"),
    _bug(stage_in_one_folder, BatchProtocol, "_attempt", "two drivers, two sources", "partial"),
    _bug(count_what_was_judged, BatchProtocol, "_record", "crashes", "record"),
    _bug(publish_before_the_verdict, BatchProtocol, "_block", "blocked", "partial", "LeakError"),
    _bug(block_without_sync, BatchProtocol, "_block", "released as main", "stuck"),
    _bug(block_and_sweep, BatchProtocol, "_block", "released as main", "stuck"),
    _bug(release_counts_nothing, steps, "released_record", "released as main", "record"),
    _bug(skip_publishes, steps, "released_record", "released as skip", "rows", "partial"),
    _bug(keep_in_main, FakeStager, "finish", "crashes", "broken"),
    _bug(swallow_the_block, GovernedStream, "process", "released as main", "rows", "record"),
    _bug(found_anew, pipeline, "identify", "crashes", "identity", "rows"),
    _bug(
        count_keys_before_the_manifest, KeyLog, "_counts", "keys across batches", "rows", "partial"
    ),
    _bug(count_keys_of_any_attempt, KeyLog, "_counts", "keys, two drivers", "rows", "partial"),
    _bug(forget_keys_at_a_restart, KeyLog, "state", "keys across batches", "rows", "partial"),
    _bug(keys_without_sync, StreamKeys, "add", "keys across batches", "rows", "partial", "stuck"),
    _bug(sweep_every_key, StreamKeys, "sweep", "keys across batches", "stuck"),
    _bug(age_keys_by_the_clock, StreamKeys, "before", "keys for a time", "rows", "partial"),
    _bug(forget_keys_at_once, StreamKeys, "before", "keys for a time", "rows", "partial"),
    _bug(merge_without_sync, StreamKeys, "before", "keys that are merged", "stuck", "partial"),
    _bug(merge_and_delete, FakeStager, "merge_keys", "keys that are merged", "stuck"),
    _bug(
        merge_the_newer_half,
        FakeStager,
        "merge_keys",
        "keys that are merged",
        "rows",
        "partial",
    ),
    _bug(
        release_without_keys,
        BatchProtocol,
        "_released_keys",
        "keys of a release",
        "rows",
        "partial",
    ),
    _bug(send_to_nobody, Outbox, "_send", "failures", "governance"),
    _bug(compare_nothing, Outbox, "_compare", "crashes", "governance"),
    _bug(newest_first, Outbox, "_send", "failures", "governance"),
)
