"""Rejects judged again: those that pass now are published to main, exactly once.

    complete what is begun -> stage what passes -> TAKEN -> main -> recorded -> swept

A replay is a batch of its own. What decides it is one file, `<rejects>/_dc43/replayed/<n>`, created
only if absent: it holds the manifest and names the rows that leave the rejects. Who computed rows
while another took the number (another replay, or an erasure) begins again, without those. From
there on whoever comes along completes it. Reject files stay as they are, and so does every count
of an earlier record.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from functools import reduce

from attrs import evolve, frozen

from dc43_core.errors import ReplayRefusedError
from dc43_core.expectations.model import CheckPlan
from dc43_core.log import get_logger
from dc43_core.protocol import clock
from dc43_core.protocol.engine import KnownKeys
from dc43_core.protocol.file_store import FileStore, canonical, join
from dc43_core.protocol.journal import LaneManifest, Manifest
from dc43_core.protocol.key_state import ReplayKeys
from dc43_core.protocol.keys import KeyLog, key_logs
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.rejects import Chosen, Replayed, Replayer, Restaged
from dc43_core.protocol.replays import Replay, Replays, replay_stream
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.writes import Writes
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
        done = [self._replay(one, log) for one, log in self._parts(chosen)]
        return reduce(Replayed.with_more, done)

    def _parts(self, chosen: Chosen) -> list[tuple[Chosen, KeyLog | None]]:
        """Return what is replayed by itself: the rejects of each stream that keeps keys."""
        logs = key_logs(self.store, self.sinks[Lane.MAIN].uri)
        kept = sorted(chosen.streams & logs.keys())
        others = chosen.streams.difference(kept)
        parts: list[tuple[Chosen, KeyLog | None]] = [
            (evolve(chosen, streams=frozenset([stream])), logs[stream]) for stream in kept
        ]
        if others or not kept:
            parts.append((evolve(chosen, streams=others), None))
        return parts

    def _replay(self, chosen: Chosen, keys: KeyLog | None) -> Replayed:
        main, rejects = self.sinks[Lane.MAIN], self.sinks[Lane.REJECTS]
        replays = Replays(self.store, rejects.uri)
        while True:
            started = self.now()
            # What another began comes first: its rows have left, and its keys are known.
            asked = None if keys is None else ReplayKeys.now(keys, self.plan)
            complete(self.store, self.sinks, failpoint=self.failpoint, now=self.now)
            number, write = replays.newest() + 1, uuid.uuid4().hex
            identity = replay_stream(rejects.uri)
            folder = join(main.staging(), identity, f"{number}-{write}")
            known = None if asked is None else asked.known(f"replay-{number}-{write}")
            try:
                restaged = self.replayer.restage(
                    rejects.files(), replays.left(), chosen, folder, self.limit, keys=known
                )
            except Exception:
                self._forget(folder, known)
                if replays.newest() < number:
                    raise
                # An erasure has replaced the files that were being read.
                continue
            self.failpoint("replay-staged", number)
            if not restaged.count:
                self._forget(folder, known)
                return Replayed(record=None, restaged=restaged)
            self.store.sync(restaged.files)
            self.failpoint("replay-synced", number)
            replay = Replay(
                number=number,
                write=write,
                manifest=self._manifest(number, write, restaged, folder, started),
                rows=restaged.passed,
            )
            told = asked is None or asked.tell(replay, restaged.keys, started)
            # A stream that met the keys of a replay has taken its number for it.
            if told and replays.settle(replay):
                break
            # Another took the number, and perhaps the very rows; an erasure has removed some; or a
            # key came to be known.
            self._forget(folder, known)
        self.failpoint("replay-taken", number)
        record = _publish(replay, self.store, main, self.failpoint, self.now)
        log.info("rejects.replayed", number=number, rows=restaged.count)
        return Replayed(record=record, restaged=restaged)

    def _forget(self, folder: str, known: KnownKeys | None) -> None:
        self.store.delete(folder)
        if known is not None:
            self.store.delete(known.folder)

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
        if replay is None or canonical(replay.manifest.record.sink) != canonical(main.uri):
            continue
        # None is begun before the one before it is complete.
        if Writes(store, main.uri).record(replay.write) is not None:
            return None
        log.info("replay.rolled-forward", number=number)
        return _publish(replay, store, main, failpoint, now)
    return None


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
