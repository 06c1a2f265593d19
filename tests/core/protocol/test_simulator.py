"""The simulator finds nothing wrong with the protocol, and something with every broken one.

Beside its crashes this drives the protocol through what a crash alone does not show: a source
that is rewritten before its replay, a second driver, a second stream on the sink, a block.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from unittest import mock

import pytest
from attrs import define, evolve, field

from dc43_core.config import Config
from dc43_core.errors import BatchBlockedError, Dc43Error, SupersededError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.plugin_manager import load_plugins
from dc43_core.protocol import steps
from dc43_core.protocol.journal import Journal, LaneManifest, Manifest
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.sink_log import FileSink
from dc43_core.protocol.steps import FAILPOINTS, BatchProtocol
from dc43_core.runtime import Runtime
from dc43_core.testing import simulator
from dc43_core.testing.contracts import order_rows
from dc43_core.testing.fake_engine import FakeStager, Row, read_rows
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.testing.simulator import (
    MAIN,
    REJECTS,
    Points,
    World,
    crash_plans,
    fresh_runtime,
    simulate,
)
from dc43_core.vocabulary import Lane

TEMPLATE: list[Runtime] = []
BATCHES = order_rows(batches=2, rows=4)
OTHERS = [[{**row, "id": row["id"] + 1000} for row in batch] for batch in BATCHES]


def runtime() -> Runtime:
    if not TEMPLATE:
        TEMPLATE.append(Runtime(config=Config(), plugins=load_plugins(allowed=())))
    return fresh_runtime(TEMPLATE[0])


def landed(store: MemoryStore, uri: str) -> list[dict[str, Any]]:
    return [r for f in FileSink(store, uri, ".jsonl").log.files() for r in read_rows(store, f)]


def misplaced(store: MemoryStore, *given: Sequence[Row]) -> list[str]:
    """What does not lie where it belongs once all these batches have landed."""
    main, rejects = landed(store, MAIN), landed(store, REJECTS)
    wrong = [f"broken row {row} in main" for row in main if row["amount"] is None]
    expected = Counter(row["id"] for batch in given for row in batch)
    found = Counter(row["id"] for row in main + rejects)
    if expected != found:
        wrong.append(f"lost {expected - found}, twice {found - expected}")
    return wrong


# What the protocol is driven through. Each scenario yields what went wrong.


def crashes() -> Iterator[str]:
    """The process dies at every point, and at some pairs of points."""
    whole = simulate(frozenset(), BATCHES, runtime)
    yield from whole.violations()
    for crash_at in crash_plans(whole.points.passed, pairs=30, seed=43):
        yield from simulate(crash_at, BATCHES, runtime).violations()


@define
class RewrittenSource(World):
    """Before each replay the source's files are written anew, with other rows."""

    starts: int = 0

    def rows(self, batch: int, start: int) -> list[Row]:
        count = 4 + start % 3
        return [
            {"id": f"{batch}/{start}/{n}", "amount": None if n % 3 == 0 else n, "state": "open"}
            for n in range(count)
        ]

    def start(self) -> None:
        self.starts += 1
        self.batches = [self.rows(batch, self.starts) for batch in range(2)]
        super().start()

    def violations(self) -> list[str]:
        self.store.before = lambda operation, path: None
        found = [row["id"] for uri in (MAIN, REJECTS) for row in landed(self.store, uri)]
        by_batch = {key: list(ids) for key, ids in itertools.groupby(sorted(found), lambda i: i[0])}
        wrong = []
        for batch, ids in by_batch.items():
            start = int(ids[0].split("/")[1])
            if ids != sorted(str(row["id"]) for row in self.rows(int(batch), start)):
                wrong.append(f"batch {batch} is not one of its attempts, whole: {ids}")
        return wrong if len(by_batch) == 2 else [*wrong, f"batches {list(by_batch)}"]


def crashes_with_a_rewritten_source() -> Iterator[str]:
    whole = RewrittenSource([], runtime())
    whole.run_through()
    yield from whole.violations()
    for point in range(whole.points.passed):
        world = RewrittenSource([], runtime(), Points(frozenset([point])))
        world.run_through()
        yield from world.violations()


@define
class Interruption(Points):
    """Something else happens at one point."""

    at: int = 0
    action: Callable[[], None] = field(default=lambda: None)

    def pass_one(self, name: str) -> None:
        number = self.passed
        super().pass_one(name)
        if number == self.at:
            self.action()


def interrupted(first: World, second: World) -> Iterator[World]:
    """Let the second world run whole at every point of the first, a fresh pair each time."""
    points = simulate(frozenset(), BATCHES, runtime).points.passed
    for at in range(points):
        world = evolve(first, store=MemoryStore(), runtime=runtime(), points=Points())
        other = evolve(second, store=world.store, points=Points())
        if second.runtime is first.runtime:
            other.runtime = world.runtime

        def run_other(world: World = world, other: World = other) -> None:
            other.start()
            world.store.before = lambda operation, path: None

        world.points = Interruption(at=at, action=run_other)
        yield world


def takeovers() -> Iterator[str]:
    """A second driver starts on the same stream, and does all there is to do."""
    shared = runtime()
    for world in interrupted(World(BATCHES, shared), World(BATCHES, shared)):
        try:
            world.start()
        except (SupersededError, FileNotFoundError, KeyError):
            # It saw the other driver, or missed staged files that the other swept.
            pass
        yield from world.violations()


@define
class OtherStream(World):
    """A stream of another namespace with a checkpoint of its own, on the same sinks."""

    def start(self) -> None:
        with mock.patch.object(simulator, "CHECKPOINT", "memory:/other-checkpoint"):
            super().start()


def rivals() -> Iterator[str]:
    """A second stream writes to the same sinks."""
    config = Config(namespace="other")
    other = Runtime(config=config, plugins=runtime().plugins, governance=MemoryGovernance())
    for world in interrupted(World(BATCHES, runtime()), OtherStream(OTHERS, other)):
        world.start()
        yield from misplaced(world.store, *BATCHES, *OTHERS)


def blocks() -> Iterator[str]:
    """The last batch lacks a required column, and the process dies at every point."""
    batches = [BATCHES[0], [{"id": 99, "state": "open"}]]
    for point in itertools.count():
        world = World(batches, runtime(), Points(frozenset([point])))
        with pytest.raises(BatchBlockedError):
            world.run_through()
        yield from misplaced(world.store, BATCHES[0])
        if world.points.passed <= point:
            return


def first_fault(scenario: Callable[[], Iterator[str]]) -> str | None:
    try:
        return next(scenario(), None)
    # A stream that cannot go on is as broken as one that lost rows.
    except (Dc43Error, FileNotFoundError, AssertionError) as error:
        return repr(error)


def test_no_single_crash_and_no_pair_of_crashes_breaks_an_invariant(capsys: Any):
    assert simulator.main(["--pairs", "150"]) == 0
    assert "0 violations" in capsys.readouterr().out


@pytest.mark.parametrize(
    "scenario",
    [crashes_with_a_rewritten_source, takeovers, rivals, blocks],
    ids=lambda scenario: scenario.__name__,
)
def test_the_protocol_survives(scenario: Callable[[], Iterator[str]]):
    assert list(scenario()) == []


def test_the_simulator_crashes_at_every_failpoint_and_file_operation():
    names = {name.split()[0] for name in simulate(frozenset(), BATCHES, runtime).points.names}
    assert names >= {name for name in FAILPOINTS if name != "blocked"}
    assert names >= {"write", "sync", "create", "rename", "delete", "engine"}


def test_a_crash_loses_what_was_not_synced():
    store = MemoryStore()
    store.write("a", b"")
    store.write("b", b"")
    store.sync(["b"])
    store.crash()
    assert [store.status(name) is not None for name in "ab"] == [False, True]


# Protocols with one bug each.


def overwrite(self: MemoryStore, path: str, data: bytes) -> bool:
    """Creation that replaces what is there, as Hadoop's local file system does."""
    self.before("create", path)
    self.delete(path)
    self.write(path, data)
    self.sync([path])
    return True


def sync_nothing(self: MemoryStore, paths: Sequence[str]) -> None:
    """Staged files are prepared before their content is safe."""


def publish_without_looking(self: FileSink, manifest: LaneManifest) -> int:
    """Publication that does not ask whether it was done before."""
    number = self.log.newest() + 1
    assert self.log.append(number, [self._moved(old, new) for old, new in manifest.moves])
    return number


def publish_by_batch_id(self: FileSink, manifest: LaneManifest) -> int:
    """Spark's own way: the batch id is the entry's number, one that is there is done."""
    number = int(manifest.token.split("-")[2])
    self.log.append(number, [self._moved(old, new) for old, new in manifest.moves])
    return number


def list_before_moving(self: FileSink, manifest: LaneManifest) -> int:
    """The entry is written before its files are in their places."""
    found = self.log.find(manifest.token, manifest.after)
    if found is not None:
        return found
    number = self.log.newest() + 1
    staged = [self.store.status(old) for old, _ in manifest.moves]
    finals = [new for _, new in manifest.moves]
    files = [evolve(s, path=new) for s, new in zip(staged, finals, strict=True) if s]
    assert self.log.append(number, files)
    for old, new in manifest.moves:
        self._moved(old, new)
    return number


KEPT = itertools.count()


def keep_again(self: Journal, kind: str, record: GovernanceRecord) -> GovernanceRecord:
    """A record that is kept anew each time, under a key of its own."""
    again = evolve(record, record_id=f"{record.record_id}-{next(KEPT)}")
    path = self.path(kind, record.batch_id)
    self.store.delete(path)
    return KEEP(self, kind, again)


def move_before_prepare(self: BatchProtocol[Any], *facts: Any) -> Manifest:
    """Files get their final names before the batch's fate is decided."""

    def moving(journal: Journal, manifest: Manifest) -> bool:
        for lane, lane_manifest in manifest.lanes.items():
            for old, new in lane_manifest.moves:
                self.sinks[lane].store.rename_no_replace(old, new)  # type: ignore[attr-defined]
        return JOURNAL_PREPARE(journal, manifest)

    with mock.patch.object(Journal, "prepare", moving):
        return PREPARE(self, *facts)


def commit_before_publish(self: BatchProtocol[Any], manifest: Manifest) -> GovernanceRecord:
    """The batch is called committed before it is visible."""
    version = str(self.sinks[Lane.MAIN].newest() + 1)
    self.journal.keep("committed", evolve(manifest.record, dataset_version=version))
    return PUBLISH(self, manifest)


def sweep_before_publish(self: BatchProtocol[Any], manifest: Manifest) -> GovernanceRecord:
    """Staged files are moved for one lane only when the folder is swept."""
    self.sinks[Lane.MAIN].publish(manifest.lanes[Lane.MAIN])
    self._sweep(manifest.record.batch_id)
    return PUBLISH(self, manifest)


def publish_before_the_verdict(
    self: BatchProtocol[Any], record: Any, staged: Any, facts: Any
) -> None:
    """What is blocked was already published."""
    files = self.stager.finish(staged, Lane.MAIN, record)[Lane.MAIN]
    token = f"batch-{self.identity.stream_id}-{record.batch_id:010d}-"
    sink = self.sinks[Lane.MAIN]
    moves = tuple((f, sink.final_name(token, i, f)) for i, f in enumerate(files))
    sink.publish(LaneManifest(token=token, after=sink.newest(), moves=moves))
    BLOCK(self, record, staged, facts)


def keep_in_main(self: FakeStager, staged: Any, violating_to: Lane, batch: Any) -> Any:
    """Broken rows stay where they are."""
    return FINISH(self, staged, Lane.MAIN, batch)


def token_of_nobody(token: str, **rest: Any) -> LaneManifest:
    """Files are recognised by a name that every stream uses."""
    return LaneManifest(token="batch-", **rest)


KEEP, JOURNAL_PREPARE = Journal.keep, Journal.prepare
PREPARE, PUBLISH, BLOCK = BatchProtocol._prepare, BatchProtocol._publish, BatchProtocol._block
FINISH = FakeStager.finish

BUGS = [
    (MemoryStore, "create_if_absent", overwrite, rivals),
    (MemoryStore, "sync", sync_nothing, crashes),
    (FileSink, "publish", publish_without_looking, crashes),
    (FileSink, "publish", publish_by_batch_id, rivals),
    (FileSink, "publish", list_before_moving, crashes),
    (Journal, "keep", keep_again, takeovers),
    (BatchProtocol, "_prepare", move_before_prepare, crashes_with_a_rewritten_source),
    (BatchProtocol, "_publish", commit_before_publish, crashes),
    (BatchProtocol, "_publish", sweep_before_publish, crashes),
    (BatchProtocol, "_block", publish_before_the_verdict, blocks),
    (FakeStager, "finish", keep_in_main, crashes),
    (steps, "LaneManifest", token_of_nobody, rivals),
]


@pytest.mark.parametrize(
    ("owner", "name", "bug", "scenario"), BUGS, ids=[bug.__name__ for _, _, bug, _ in BUGS]
)
def test_a_broken_protocol_is_caught(
    owner: Any,
    name: str,
    bug: Callable[..., Any],
    scenario: Callable[[], Iterator[str]],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(owner, name, bug)
    assert first_fault(scenario) is not None
