"""The process dies at every point of a batch on its way into Delta tables; nothing is lost.

The protocol is the product's own, on the kit's fake engine; files and tables are real. A point is
a named failpoint, a change to a file, or either side of a commit. Two deaths are tried at each: of
the process, and of the machine, which also takes what was not synced.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attrs import define, field
from delta_tables import spark_json
from deltalake import DeltaTable

from dc43_core import Runtime
from dc43_core.config import Config
from dc43_core.errors import StreamIdentityError, UnsoundPlaceError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.pipeline import open_stream
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.file_store import LocalFileStore, join, local_path
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.steps import FAILPOINTS
from dc43_core.testing.contracts import ORDERS, order_rows
from dc43_core.testing.fake_engine import CHECKS, FakeStager, Row
from dc43_core.vocabulary import Lane, RunType
from dc43_delta.errors import OlderBatchError
from dc43_delta.sink import DeltaSink

COLUMNS = {"id": "long", "amount": "long", "state": "string"}
REJECTED = {**COLUMNS, CHECKS: {"type": "array", "elementType": "string", "containsNull": True}}
ARROW = {
    "id": pa.int64(),
    "amount": pa.int64(),
    "state": pa.string(),
    CHECKS: pa.list_(pa.string()),
}
BATCHES = order_rows(batches=2, rows=4)


class Crash(BaseException):
    """The process dies here: no handler of the product may catch it."""


@define(eq=False)
class Store(LocalFileStore):
    """Counts each change to a file as a point, and knows what would survive the machine's death."""

    point: Callable[[str], None]
    durable: set[Path] = field(factory=set)

    def create_if_absent(self, path: str, data: bytes) -> bool:
        self.point(f"create {path}")
        created = super().create_if_absent(path, data)
        self.durable.add(local_path(path))
        return created

    def rename_no_replace(self, source: str, target: str) -> bool:
        self.point(f"rename {target}")
        renamed = super().rename_no_replace(source, target)
        if renamed and local_path(source) in self.durable:
            self.durable.add(local_path(target))
        return renamed

    def sync(self, paths: Iterable[str]) -> None:
        paths = list(paths)
        self.point(f"sync {paths}")
        super().sync(paths)
        self.durable.update(map(local_path, paths))

    def delete(self, path: str) -> None:
        self.point(f"delete {path}")
        super().delete(path)


class Sink(DeltaSink):
    """Counts either side of a commit as a point."""

    store: Store

    def _commit(self, *arguments: Any) -> None:
        self.store.point("before the commit")
        super()._commit(*arguments)
        self.store.point("after the commit")


class ParquetStager(FakeStager):
    """The fake engine, writing parquet."""

    def _write(
        self, folder: str, name: str, rows: Sequence[Row], *, always: bool = False
    ) -> list[str]:
        if not rows and not always:
            return []
        path = local_path(join(folder, name, "0.parquet"))
        path.parent.mkdir(parents=True, exist_ok=True)
        names = [*COLUMNS, CHECKS] if name == "violating" else [*COLUMNS]
        schema = pa.schema([(column, ARROW[column]) for column in names])
        pq.write_table(pa.Table.from_pylist(list(rows), schema), path)
        return [path.as_uri()]


@define(eq=False)
class World:
    """What survives a death: files, and how far the engine's own checkpoint got."""

    home: Path
    crash_at: int | str | None = None
    machine: bool = False
    batches: Sequence[Sequence[Row]] = tuple(BATCHES)
    passed: list[str] = field(factory=list)
    next_batch: int = 0
    runtime: Runtime = field(
        factory=lambda: Runtime(config=Config(), governance=MemoryGovernance())
    )
    store: Store = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.store = Store(self._pass)

    def _pass(self, name: str) -> None:
        self.passed.append(name)
        if self.crash_at in (len(self.passed) - 1, name):
            self.crash_at = None
            raise Crash(name)

    def place(self, name: str) -> str:
        return (self.home / name).as_uri()

    def start(self, adopt: str | None = None) -> Any:
        plan = self.runtime.plan(self.runtime.contracts().parse("orders", ORDERS.encode()))
        lanes = ((Lane.MAIN, COLUMNS), (Lane.REJECTS, REJECTED))
        return open_stream(
            runtime=self.runtime,
            plan=plan,
            stager=ParquetStager(store=self.store, plan=plan, kinds=self.runtime.kinds),
            store=self.store,
            checkpoint=self.place("checkpoint"),
            sinks={
                lane: Sink(
                    store=self.store,
                    folder=self.place(lane.value),
                    lane=lane,
                    schema=lambda columns=columns: spark_json(columns),
                )
                for lane, columns in lanes
            },
            policy=Policy(run_type=RunType.ENFORCE),
            failpoint=lambda name, batch: self._pass(f"{name} {batch}"),
            adopt=adopt,
        )

    def run(self, adopt: str | None = None) -> None:
        """Run drivers, one after the other, until all batches are done."""
        while True:
            try:
                stream = self.start(adopt)
                while self.next_batch < len(self.batches):
                    stream.process(self.batches[self.next_batch], self.next_batch)
                    self._pass(f"engine commits {self.next_batch}")
                    self.next_batch += 1
            except Crash:
                if self.machine:
                    self._lose()
            else:
                return

    def _lose(self) -> None:
        """Take what was never synced, as a power cut does."""
        for path in self.home.rglob("*"):
            ours = path.suffix == ".parquet" or path.parent.name == "_delta_log"
            if path.is_file() and ours and path not in self.store.durable:
                path.unlink()
        for log in self.home.glob("*/_delta_log"):
            # What lists nothing any more is not there for a reader either.
            if not any(log.iterdir()):
                log.rmdir()

    # -- judging -------------------------------------------------------------------------------

    def rows(self, lane: Lane) -> list[dict[str, Any]]:
        folder = str(self.home / lane.value)
        if not DeltaTable.is_deltatable(folder):
            return []
        return DeltaTable(folder).to_pyarrow_table().to_pylist()

    def records(self) -> list[Any]:
        (stream,) = [f.name for f in (self.home / "checkpoint" / "dc43").iterdir() if f.is_dir()]
        return list(Journal(self.store, self.place("checkpoint"), stream).records())

    def wrong(self) -> list[str]:
        self.crash_at = None
        main, rejects, records = self.rows(Lane.MAIN), self.rows(Lane.REJECTS), self.records()
        given = Counter(row["id"] for batch in self.batches for row in batch)
        got = Counter(row["id"] for row in (*main, *rejects))
        found = [f"lost {given - got}, twice {got - given}"] if given != got else []
        found += [f"broken row {row} in main" for row in main if row["amount"] is None]
        found += [f"whole row {row} in rejects" for row in rejects if row["amount"] is not None]
        if [r.batch_id for r in records] != list(range(len(self.batches))):
            found.append(f"records {[r.batch_id for r in records]}")
        if sum(r.main_count for r in records) != len(main):
            found.append("records count other rows than landed in main")
        if sum(r.reject_count for r in records) != len(rejects):
            found.append("records count other rows than landed in rejects")
        if [r.dataset_version for r in records] != [str(n) for n in range(len(self.batches))]:
            found.append(f"versions {[r.dataset_version for r in records]}")
        if DeltaTable(str(self.home / "main")).version() != len(self.batches) - 1:
            found.append("more commits than batches")
        return found


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Every point of two batches, by name."""
    world = World(tmp_path_factory.mktemp("whole"))
    world.run()
    assert world.wrong() == []
    return world.passed


def test_there_are_points_around_everything_that_publishes(points: list[str]):
    assert sum(name.endswith("the commit") for name in points) == 2 * 2 * len(BATCHES)
    assert {name.split()[0] for name in points} >= {"create", "rename", "sync", "delete"}
    assert {name.split()[0] for name in points} >= {*FAILPOINTS} - {"blocked"}


# Before a batch is prepared, a process that dies leaves nothing that a machine would not.
PUBLISHING = ("prepared", "rename", "sync", "before", "after", "rejects-", "main-", "committed")


@pytest.mark.parametrize("machine", [False, True], ids=["process", "machine"])
def test_a_death_at_any_point_loses_nothing_and_lands_nothing_twice(
    points: list[str], machine: bool, tmp_path: Path
):
    wrong = []
    for number, name in enumerate(points):
        if machine or name.startswith(PUBLISHING):
            world = World(tmp_path / "world", crash_at=number, machine=machine)
            world.run()
            wrong += [f"died at {number}, {name}: {one}" for one in world.wrong()]
            shutil.rmtree(world.home)
    assert wrong == []


def test_without_the_sync_of_its_commit_a_batch_would_be_lost_with_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("dc43_delta.log.DeltaLog.settle", lambda self, version: None)
    world = World(tmp_path, crash_at="engine commits 1", machine=True)
    with pytest.raises(UnsoundPlaceError, match="were published here and are not in the table"):
        world.run()


def test_two_drivers_complete_one_prepared_batch_once(tmp_path: Path):
    """The old driver stands right before its commit while a new one takes over."""
    world = World(tmp_path, batches=BATCHES[:1])
    old, point, waiting = world.start(), world.store.point, ["main", "rejects"]

    def take_over(name: str) -> None:
        point(name)
        if name == "before the commit" and waiting:
            waiting.clear()
            world.run()

    world.store.point = take_over
    old.process(BATCHES[0], 0)
    assert waiting == []
    assert world.wrong() == []


def test_a_wiped_checkpoint_is_refused_and_a_fork_lands_its_rows_again(tmp_path: Path):
    world = World(tmp_path)
    world.run()
    shutil.rmtree(tmp_path / "checkpoint")
    world.next_batch = 0
    with pytest.raises(StreamIdentityError, match="adopt='fork'"):
        world.run()
    world.run(adopt="fork")
    ids = Counter(row["id"] for lane in Lane for row in world.rows(lane))
    assert set(ids.values()) == {2}


def test_a_journal_that_is_emptied_is_refused_when_its_first_batch_comes_again(tmp_path: Path):
    world = World(tmp_path)
    world.run()
    for folder in (tmp_path / "checkpoint" / "dc43").iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    world.next_batch = 0
    before = world.rows(Lane.MAIN)
    with pytest.raises(OlderBatchError, match="emptied in part"):
        world.run()
    assert world.rows(Lane.MAIN) == before


def test_a_table_that_was_deleted_is_missed_at_the_next_start(tmp_path: Path):
    world = World(tmp_path, batches=BATCHES[:1])
    world.run()
    shutil.rmtree(tmp_path / "main")
    world.batches = BATCHES
    with pytest.raises(UnsoundPlaceError, match="batches 0 were published here"):
        world.run()
