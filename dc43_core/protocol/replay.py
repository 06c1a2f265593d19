"""Rejects judged again: those that pass now are published to main, exactly once.

    complete what is begun -> stage what passes -> TAKEN -> main -> recorded -> swept

A replay is a batch of its own. What decides it is one file, `<rejects>/_dc43/replayed/<n>`, created
only if absent: it holds the manifest and names the rows that leave the rejects. Who computed rows
while another took the number begins again, without those. From there on whoever comes along
completes it. Reject files stay as they are, and so does every count of an earlier record.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from attrs import evolve, field, frozen

from dc43_core.errors import CorruptFileError, FormatVersionError, ReplayRefusedError
from dc43_core.expectations.model import CheckPlan
from dc43_core.log import get_logger
from dc43_core.protocol import clock
from dc43_core.protocol.file_store import FileStore, canonical, join
from dc43_core.protocol.journal import LaneManifest, Manifest
from dc43_core.protocol.record import FORMAT_VERSION, GovernanceRecord, decode, encode
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_log import OURS
from dc43_core.vocabulary import Decision, Lane, Outcome, RunType, Severity, Verdict

log = get_logger("replay")

REPLAY_FAILPOINTS = (
    "replay-staged",
    "replay-synced",
    "replay-taken",
    "replay-published",
    "replay-recorded",
    "replay-swept",
)
"""Where a test may crash the process, in order."""

RowNumbers = Mapping[str, frozenset[int]]
"""`<stream>-<batch>` to numbers: together the ids of rows."""


@frozen(kw_only=True)
class Chosen:
    """Which rejects are meant; those that have left already never are.

    Attributes:
        streams: Streams that write into the main sink.
        batches: Numbers of batches; none means all.
        checks: Rows that broke one of these rules when they were rejected; none means all.
    """

    streams: frozenset[str] = frozenset()
    batches: tuple[int, ...] = ()
    checks: tuple[str, ...] = ()


@frozen(kw_only=True)
class Restaged:
    """Rejects that were judged again, those that pass staged.

    Attributes:
        judged: How many rows were.
        passed: Ids of those that pass.
        files: URIs of files with exactly these, as main holds them.
        broken: Check id to rows that break it and so stay.
        warned: Check id to rows that pass and break it, which is a warning.
    """

    judged: int
    passed: RowNumbers = field(factory=dict)
    files: Sequence[str] = ()
    broken: Mapping[str, int] = field(factory=dict)
    warned: Mapping[str, int] = field(factory=dict)

    @property
    def count(self) -> int:
        """How many rows pass."""
        return sum(map(len, self.passed.values()))


@frozen(kw_only=True)
class RejectBatch:
    """The rejects of one micro-batch.

    Attributes:
        rows: Rows that were rejected.
        staying: Those that no replay has published.
        by_check: Check id to rows that broke it.
        staying_by_check: The same, of those that stay.
    """

    stream_id: str
    batch_id: int
    rejected_at: str
    contract_version: str
    rows: int
    staying: int
    by_check: Mapping[str, int]
    staying_by_check: Mapping[str, int]


class Rejects(Protocol):
    """The rejects of a pipeline, through its engine's eyes."""

    def batches(self) -> Sequence[RejectBatch]:
        """Return each batch that has rejects, oldest first."""
        ...

    def rows(
        self, *, newest: int, batches: Sequence[int] = (), checks: Sequence[str] = ()
    ) -> Sequence[Mapping[str, Any]]:
        """Return rejects that no replay has published, newest first, with their envelope."""
        ...

    def replay(self, *, batches: Sequence[int] = (), checks: Sequence[str] = ()) -> Replayed:
        """Judge rejects again, and publish those that pass; each leaves once.

        Raises:
            ReplayRefusedError: if more is chosen than one replay may judge.
        """
        ...


class Replayer(Protocol):
    """What an engine supplies so that its rejects can be judged again."""

    def restage(
        self, files: Sequence[str], left: RowNumbers, chosen: Chosen, folder: str, limit: int
    ) -> Restaged:
        """Judge rows of reject files under the contract of today, and stage what passes.

        Text that would not cast is cast anew. Key rules are judged among the rows that pass.

        Args:
            files: URIs of the visible reject files.
            left: Rows that left them.
            chosen: Which of the others.
            folder: An empty place, invisible to readers.
            limit: How many rows at most.

        Raises:
            ReplayRefusedError: if there are more.
        """
        ...


@frozen(kw_only=True)
class Replay:
    """A replay whose fate is decided.

    Attributes:
        number: The rejects' own sequence, from 1.
        write: Name of its folder below main.
        manifest: What is published, and the record as it will be.
        rows: Ids of the rows that leave the rejects.
    """

    number: int
    write: str
    manifest: Manifest
    rows: RowNumbers

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "format_version": FORMAT_VERSION,
            "number": self.number,
            "write": self.write,
            "manifest": self.manifest.payload(),
            "rows": {batch: sorted(numbers) for batch, numbers in self.rows.items()},
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> Replay:
        """Read a replay back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not a replay.
        """
        found = payload.get("format_version")
        if not isinstance(found, int) or found > FORMAT_VERSION:
            raise FormatVersionError(source, found, FORMAT_VERSION)
        try:
            return cls(
                number=payload["number"],
                write=payload["write"],
                manifest=Manifest.from_payload(payload["manifest"], source),
                rows={batch: frozenset(found) for batch, found in payload["rows"].items()},
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise CorruptFileError(source, f"not a replay: {error!r}") from error


class Replays:
    """The replays of one reject sink: which rows left it, and by which replay."""

    def __init__(self, store: FileStore, rejects: str) -> None:
        self.store = store
        self.folder = join(rejects, OURS, "replayed")

    def newest(self) -> int:
        """Return the number of the newest; 0 if there is none."""
        names = (file.name for file in self.store.list(self.folder))
        return max((int(name) for name in names if name.isdigit()), default=0)

    def read(self, number: int) -> Replay:
        """Return one.

        Raises:
            CorruptFileError: if it is missing or not whole.
        """
        path = join(self.folder, str(number))
        try:
            return Replay.from_payload(decode(self.store.read(path), path), path)
        except FileNotFoundError as error:
            raise CorruptFileError(path, "this replay is missing") from error

    def all(self) -> Iterator[Replay]:
        """Yield each, oldest first."""
        for number in range(1, self.newest() + 1):
            yield self.read(number)

    def take(self, replay: Replay) -> bool:
        """Decide a replay's fate; False if another has its number."""
        path = join(self.folder, str(replay.number))
        return self.store.create_if_absent(path, encode(replay.payload()))

    def left(self) -> dict[str, frozenset[int]]:
        """Return the ids of all rows that left."""
        found: dict[str, frozenset[int]] = {}
        for replay in self.all():
            for batch, numbers in replay.rows.items():
                found[batch] = found.get(batch, frozenset()) | numbers
        return found


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


@frozen(kw_only=True)
class Replayed:
    """What a replay did.

    Attributes:
        record: Its record; None if no row passes.
        restaged: What was judged.
    """

    record: GovernanceRecord | None
    restaged: Restaged


@frozen(kw_only=True)
class ReplayProtocol:
    """Everything one replay needs.

    Attributes:
        store: Where both sinks lie.
        sinks: Main and rejects.
        replayer: The engine's part.
        plan: What the contract of today asks.
        namespace: First part of every key.
        limit: Rows that one replay may judge.
        failpoint: Called at each arrow with its name and the replay's number.
    """

    store: FileStore
    sinks: Mapping[Lane, Sink]
    replayer: Replayer
    plan: CheckPlan
    namespace: str
    limit: int = 1_000_000
    failpoint: Callable[[str, int], None] = lambda name, number: None
    now: Callable[[], str] = clock.now

    def run(self, chosen: Chosen) -> Replayed:
        """Judge rejects again, and publish those that pass.

        Raises:
            ReplayRefusedError: if there is no reject sink, or too much is chosen at once.
        """
        if Lane.REJECTS not in self.sinks:
            raise ReplayRefusedError("there is no reject sink", "name it as [rejects] or rejects=")
        main, rejects = self.sinks[Lane.MAIN], self.sinks[Lane.REJECTS]
        replays = Replays(self.store, rejects.uri)
        while True:
            started = self.now()
            # What another began comes first: its rows have left.
            complete(self.store, self.sinks, failpoint=self.failpoint, now=self.now)
            number, write = replays.newest() + 1, uuid.uuid4().hex
            identity = replay_stream(rejects.uri)
            folder = join(main.staging(), identity, f"{number}-{write}")
            restaged = self.replayer.restage(
                rejects.files(), replays.left(), chosen, folder, self.limit
            )
            self.failpoint("replay-staged", number)
            if not restaged.count:
                self.store.delete(folder)
                return Replayed(record=None, restaged=restaged)
            self.store.sync(restaged.files)
            self.failpoint("replay-synced", number)
            replay = Replay(
                number=number,
                write=write,
                manifest=self._manifest(number, write, restaged, folder, started),
                rows=restaged.passed,
            )
            if replays.take(replay):
                break
            # Another took the number, and perhaps the very rows.
            self.store.delete(folder)
        self.failpoint("replay-taken", number)
        record = _publish(replay, self.store, main, self.failpoint, self.now)
        log.info("rejects.replayed", number=number, rows=restaged.count)
        return Replayed(record=record, restaged=restaged)

    def _manifest(
        self, number: int, write: str, restaged: Restaged, folder: str, started: str
    ) -> Manifest:
        main, rejects = self.sinks[Lane.MAIN], self.sinks[Lane.REJECTS]
        identity = replay_stream(rejects.uri)
        token = f"batch-{identity}-{number:010d}-"
        moves = tuple(
            (path, main.final_name(token, index, path))
            for index, path in enumerate(sorted(restaged.files))
        )
        lane = LaneManifest(token=token, after=main.newest(), moves=moves)
        record = self._record(number, write, restaged, started)
        return Manifest(record=record, lanes={Lane.MAIN: lane}, staging=folder)

    def _record(
        self, number: int, write: str, restaged: Restaged, started: str
    ) -> GovernanceRecord:
        main, rejects = self.sinks[Lane.MAIN], self.sinks[Lane.REJECTS]
        identity, count = replay_stream(rejects.uri), restaged.count
        batches = {batch: len(numbers) for batch, numbers in sorted(restaged.passed.items())}
        demands = {e.id: e for e in self.plan.expectations}
        warned = {check: rows for check, rows in restaged.warned.items() if rows}
        grave = [c for c in warned if c in demands and demands[c].severity is not Severity.INFO]
        told = ", ".join(batch.rpartition("-")[2] for batch in batches)
        return GovernanceRecord(
            record_id=f"{identity}-{number}",
            namespace=self.namespace,
            stream_id=identity,
            query_name=None,
            run_id=write[:12],
            run_type=RunType.ENFORCE,
            epoch=0,
            batch_id=number,
            started_at=started,
            ended_at=self.now(),
            # Rows that stay are counted where they were rejected, and nowhere twice.
            row_count=count,
            main_count=count,
            valid_count=count,
            reject_count=0,
            violations=sum(warned.values()),
            violations_by_check=warned,
            verdict=Verdict.WARN if grave else Verdict.OK,
            outcome=Outcome.COMMITTED,
            decision=Decision.WARN if grave else Decision.CONTINUE,
            intervention=f"replay {number} of rejects: {count} of {restaged.judged} rows pass now, "
            f"of batch {told}",
            metrics={"row_count": count},
            warnings=tuple(
                f"{demands[check].demand}: broken by {warned[check]} of {count} rows"
                for check in grave
            ),
            dataset_id=self.plan.dataset_id,
            dataset_version=None,
            contract_id=self.plan.contract.id,
            contract_version=self.plan.contract.version,
            contract_digest=self.plan.contract.digest,
            sink=main.uri,
            rejects=rejects.uri,
            guarantee=main.guarantee,
            input={"rejects": rejects.uri, "batches": sorted(batches)},
            details={
                "replay": {
                    "number": number,
                    "write": write,
                    "judged": restaged.judged,
                    "stay": restaged.judged - count,
                    "broken": {check: rows for check, rows in restaged.broken.items() if rows},
                    "batches": batches,
                }
            },
        )


def complete(
    store: FileStore,
    sinks: Mapping[Lane, Sink],
    *,
    failpoint: Callable[[str, int], None] = lambda name, number: None,
    now: Callable[[], str] = clock.now,
) -> GovernanceRecord | None:
    """Complete the replay that was begun last, if it is not complete; return its record then."""
    if Lane.REJECTS not in sinks:
        return None
    main = sinks[Lane.MAIN]
    replays = Replays(store, sinks[Lane.REJECTS].uri)
    for number in range(replays.newest(), 0, -1):
        replay = replays.read(number)
        # Rejects that several sinks share: theirs is theirs to complete.
        if canonical(replay.manifest.record.sink) != canonical(main.uri):
            continue
        # None is begun before the one before it is complete.
        if Writes(store, main.uri).record(replay.write) is not None:
            return None
        log.info("replay.rolled-forward", number=number)
        return _publish(replay, store, main, failpoint, now)
    return None


def replay_stream(rejects: str) -> str:
    """Return the stream id under which the replays of a reject sink are recorded."""
    return hashlib.sha256(canonical(rejects).encode()).hexdigest()[:32]


def too_many(found: int, limit: int) -> ReplayRefusedError:
    """Return the error for more rows than one replay may judge."""
    return ReplayRefusedError(
        f"{found:,} rows are more than limits.replay_rows ({limit:,})",
        "choose some with --batch or --check, or raise the limit",
    )


def _publish(
    replay: Replay,
    store: FileStore,
    main: Sink,
    failpoint: Callable[[str, int], None],
    now: Callable[[], str],
) -> GovernanceRecord:
    manifest, number, writes = replay.manifest, replay.number, Writes(store, main.uri)
    writes.prepare(replay.write, manifest)
    version = str(main.publish(manifest.lanes[Lane.MAIN]))
    failpoint("replay-published", number)
    record = writes.keep(
        replay.write, evolve(manifest.record, dataset_version=version, ended_at=now())
    )
    failpoint("replay-recorded", number)
    _sweep(replay, store)
    failpoint("replay-swept", number)
    return record


def _sweep(replay: Replay, store: FileStore) -> None:
    """Delete what was staged, and what attempts before it left."""
    store.delete(replay.manifest.staging)
    for attempt in store.list(replay.manifest.staging.rpartition("/")[0]):
        number = attempt.name.partition("-")[0]
        # Of this number's other attempts each deletes its own: one may be at work.
        if number.isdigit() and int(number) < replay.number:
            store.delete(attempt.path)
