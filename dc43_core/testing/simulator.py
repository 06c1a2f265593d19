"""Crashes the product's own protocol at every point, and counts what is wrong afterwards.

    python -m dc43_core.testing.simulator [--pairs N] [--seed N]

Points are every named failpoint and every operation on the file store, per batch. After a crash
all that was not synced is gone; then the stream is started again and replays its last batch, as
Spark does. Judged by row ids: each input row once in main or rejects, no broken row in main,
one record a batch, counts that equal what landed.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from attrs import define, field

from dc43_core.config import Config
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.pipeline import open_stream
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.sink_log import FileSink
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS, order_rows
from dc43_core.testing.fake_engine import FakeStager, Row, read_rows
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane, RunType

CHECKPOINT, MAIN, REJECTS = "memory:/checkpoint", "memory:/main", "memory:/rejects"


class Crash(BaseException):
    """The process dies here: no handler of the product may catch it."""


@define
class Points:
    """Counts the points passed, and crashes at the chosen ones."""

    crash_at: frozenset[int] = frozenset()
    passed: int = 0
    names: list[str] = field(factory=list)

    def pass_one(self, name: str) -> None:
        """Pass a point, or die there."""
        number = self.passed
        self.passed += 1
        self.names.append(name)
        if number in self.crash_at:
            raise Crash(f"{number}: {name}")


@define
class World:
    """What survives: files, and how far the engine's own checkpoint got."""

    batches: Sequence[Sequence[Row]]
    runtime: Runtime
    points: Points = field(factory=Points)
    store: MemoryStore = field(factory=MemoryStore)
    next_batch: int = 0

    def start(self) -> None:
        """Run one driver until all batches are done or it dies."""
        self.store.before = lambda operation, path: self.points.pass_one(f"{operation} {path}")
        contract = self.runtime.contracts().parse("orders.odcs.yaml", ORDERS.encode())
        plan = self.runtime.plan(contract)
        stream = open_stream(
            runtime=self.runtime,
            plan=plan,
            stager=FakeStager(store=self.store, plan=plan, kinds=self.runtime.kinds),
            store=self.store,
            checkpoint=CHECKPOINT,
            sinks={
                Lane.MAIN: FileSink(self.store, MAIN, ".jsonl"),
                Lane.REJECTS: FileSink(self.store, REJECTS, ".jsonl"),
            },
            policy=Policy(run_type=RunType.ENFORCE),
            failpoint=lambda name, batch_id: self.points.pass_one(f"{name} {batch_id}"),
        )
        while self.next_batch < len(self.batches):
            stream.process(self.batches[self.next_batch], self.next_batch)
            self.points.pass_one(f"engine commits {self.next_batch}")
            self.next_batch += 1

    def run_through(self) -> None:
        """Start again after each crash, until all is done."""
        while True:
            try:
                self.start()
                return
            except Crash:
                self.store.before = lambda operation, path: None
                self.store.crash()

    def violations(self) -> list[str]:
        """Compare what landed with what was handed over."""
        self.store.before = lambda operation, path: None
        landed = {lane: self._landed(uri) for lane, uri in (("main", MAIN), ("rejects", REJECTS))}
        wrong: list[str] = []
        given = Counter(str(row["id"]) for batch in self.batches for row in batch)
        got = Counter(str(row["id"]) for rows in landed.values() for row in rows)
        if given != got:
            wrong.append(f"lost {given - got}, twice {got - given}")
        wrong += [f"broken row {row} in main" for row in landed["main"] if row["amount"] is None]
        streams = self.store.list(f"{CHECKPOINT}/dc43")
        ids = [folder.name for folder in streams if folder.is_folder]
        if len(ids) != 1:
            return [*wrong, f"{len(ids)} streams"]
        records = list(Journal(self.store, CHECKPOINT, ids[0]).records())
        if [r.batch_id for r in records] != list(range(len(self.batches))):
            wrong.append(f"records of batches {[r.batch_id for r in records]}")
        if sum(r.main_count for r in records) != len(landed["main"]):
            wrong.append("records count other rows than landed in main")
        if sum(r.reject_count for r in records) != len(landed["rejects"]):
            wrong.append("records count other rows than landed in rejects")
        versions = [int(r.dataset_version or -1) for r in records]
        if versions != sorted(set(versions)):
            wrong.append(f"dataset versions {versions}")
        known = self.runtime.governance.records()
        if Counter(r.record_id for r in known) != Counter(r.record_id for r in records):
            wrong.append("governance holds other records than the journal")
        return wrong

    def _landed(self, uri: str) -> list[dict[str, object]]:
        sink = FileSink(self.store, uri, ".jsonl")
        return [row for path in sink.log.files() for row in read_rows(self.store, path)]


def simulate(
    crash_at: frozenset[int], batches: Sequence[Sequence[Row]], runtime: Callable[[], Runtime]
) -> World:
    """Run one world that crashes at the given points, until it is done."""
    world = World(batches, runtime(), Points(crash_at))
    world.run_through()
    return world


def fresh_runtime(template: Runtime) -> Runtime:
    """Return a runtime with an empty governance client and the plugins of another."""
    return Runtime(config=Config(), plugins=template.plugins, governance=MemoryGovernance())


def crash_plans(points: int, pairs: int, seed: int) -> Iterator[frozenset[int]]:
    """Yield every single point, then so many pairs; the second crash is after the restart."""
    yield from (frozenset([point]) for point in range(points))
    choice = random.Random(seed)
    every = list(itertools.combinations(range(points + points // 3), 2))
    yield from map(frozenset, choice.sample(every, min(pairs, len(every))))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; exit 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--pairs", type=int, default=2_000, help="pairs of crash points to try")
    parser.add_argument("--seed", type=int, default=43)
    options = parser.parse_args(arguments)
    template = Runtime(config=Config())
    batches = order_rows(batches=4, rows=6)
    began = time.monotonic()
    whole = simulate(frozenset(), batches, lambda: fresh_runtime(template))
    wrong = whole.violations()
    tried = 0
    for crash_at in crash_plans(whole.points.passed, options.pairs, options.seed):
        world = simulate(crash_at, batches, lambda: fresh_runtime(template))
        wrong += [f"crash at {sorted(crash_at)}: {w}" for w in world.violations()]
        tried += len(crash_at)
    for line in wrong[:20]:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(
        f"{tried} crash points tried, {len(wrong)} violations, {time.monotonic() - began:.1f} s\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
