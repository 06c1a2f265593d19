"""A disk that is full, or read-only, at any operation: said, nothing by half, completed later."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dc43_core.config import Config
from dc43_core.errors import FileAccessError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.plugin_manager import Plugins, load_plugins
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.sink_log import FileSink
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS, order_rows
from dc43_core.testing.fake_engine import FakeStager, Row, read_rows
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane, RunType

CHECKPOINT, MAIN, REJECTS = "memory:/checkpoint", "memory:/main", "memory:/rejects"
BATCHES = order_rows(batches=2, rows=6)
ADDING = ("write", "create", "rename", "sync")


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    return load_plugins(allowed=())


class World:
    """What outlives a driver: the files, and how far the engine's own checkpoint got."""

    def __init__(self, plugins: Plugins) -> None:
        self.plugins, self.store, self.next_batch = plugins, MemoryStore(), 0

    def start(self) -> None:
        """Run a driver to the end of the batches, or until something is refused."""
        stream = self.open()
        while self.next_batch < len(BATCHES):
            stream.process(BATCHES[self.next_batch], self.next_batch)
            self.next_batch += 1

    def open(self) -> GovernedStream[Sequence[Row]]:
        runtime = Runtime(config=Config(), plugins=self.plugins, governance=MemoryGovernance())
        plan = runtime.plan(runtime.contracts().parse("orders", ORDERS.encode()))
        return open_stream(
            runtime=runtime,
            plan=plan,
            stager=FakeStager(store=self.store, plan=plan, kinds=runtime.kinds),
            store=self.store,
            checkpoint=CHECKPOINT,
            sinks={
                Lane.MAIN: FileSink(self.store, MAIN, ".jsonl"),
                Lane.REJECTS: FileSink(self.store, REJECTS, ".jsonl"),
            },
            policy=Policy(run_type=RunType.ENFORCE),
        )

    def refuse(self, after: int, number: int, operations: Sequence[str]) -> list[int]:
        """From the n-th such operation on, refuse them all; return a list of those that came."""
        came: list[int] = []

        def before(operation: str, path: str) -> None:
            if operation in operations:
                came.append(len(came))
                if len(came) > after:
                    raise FileAccessError(operation, path, os.strerror(number), number)

        self.store.before = before
        return came

    def allow(self) -> None:
        self.store.before = lambda operation, path: None

    def landed(self, uri: str) -> list[Mapping[str, Any]]:
        files = FileSink(self.store, uri, ".jsonl").files()
        return [row for path in files for row in read_rows(self.store, path)]

    def batch_of(self) -> Mapping[str, int]:
        return {str(row["id"]): n for n, batch in enumerate(BATCHES) for row in batch}


def ids(rows: Sequence[Mapping[str, Any]]) -> Counter[str]:
    return Counter(str(row["id"]) for row in rows)


@pytest.mark.parametrize(
    ("number", "operations"),
    [
        pytest.param(errno.ENOSPC, ADDING, id="full"),
        pytest.param(errno.EROFS, (*ADDING, "delete"), id="read-only"),
        pytest.param(errno.EIO, ("delete",), id="nothing-can-be-deleted"),
    ],
)
def test_whatever_is_refused_nothing_lands_by_half_and_the_next_start_completes_it(
    plugins: Plugins, number: int, operations: Sequence[str]
):
    whole = World(plugins)
    came = whole.refuse(10**6, number, operations)
    whole.start()
    points = len(came)
    assert points > 1
    expected = {uri: ids(whole.landed(uri)) for uri in (MAIN, REJECTS)}
    for point in range(points):
        world = World(plugins)
        world.refuse(point, number, operations)
        with pytest.raises(FileAccessError) as caught:
            world.start()
        assert caught.value.errno == number
        world.allow()
        # What can be seen is whole batches.
        where = world.batch_of()
        seen = {where[name] for name in ids(world.landed(MAIN))}
        main = Counter(n for n in expected[MAIN].elements() if where[n] in seen)
        assert ids(world.landed(MAIN)) == main, point
        # The machine is mended; what was not synced may be lost as well.
        world.store.crash()
        world.start()
        assert {uri: ids(world.landed(uri)) for uri in (MAIN, REJECTS)} == expected, point
        (stream,) = (f.name for f in world.store.list(f"{CHECKPOINT}/dc43") if f.is_folder)
        records = list(Journal(world.store, CHECKPOINT, stream).records())
        assert [r.batch_id for r in records] == [0, 1], point
        assert sum(r.main_count for r in records) == sum(expected[MAIN].values()), point


def test_a_read_only_checkpoint_is_said_before_a_batch_is_taken(plugins: Plugins):
    world = World(plugins)
    world.start()

    def read_only(operation: str, path: str) -> None:
        if path.startswith(CHECKPOINT):
            raise FileAccessError(operation, path, os.strerror(errno.EROFS), errno.EROFS)

    world.store.before = read_only
    with pytest.raises(FileAccessError, match=r"memory:/checkpoint/dc43/.*make it writable"):
        world.open()
