"""A stream of the fake engine with committed batches in both lanes and one that is blocked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import define, field

from dc43_core.config import Config, KeysConfig
from dc43_core.errors import BatchBlockedError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.sink_log import FileSink
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeEraser, FakeStager, read_rows
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.upkeep.checkpoint import Facts, read_facts
from dc43_core.upkeep.erase import Eraser
from dc43_core.vocabulary import Lane, RunType

CHECKPOINT, MAIN, REJECTS = "memory:/checkpoint", "memory:/main", "memory:/rejects"
Row = dict[str, Any]


@define
class Blocks:
    """Blocks one batch."""

    batch: int

    def decide(self, context: DecisionContext) -> Intervention | str | None:
        return "not today" if context.batch_id == self.batch else None


@define(kw_only=True)
class World:
    """Where a stream's files are; each call starts a driver of its own."""

    runtime: Runtime
    store: MemoryStore = field(factory=MemoryStore)
    blocks: int = -1
    failpoint: Callable[[str, int], None] | None = None

    def sinks(self) -> dict[Lane, FileSink]:
        return {
            Lane.MAIN: FileSink(self.store, MAIN, ".jsonl"),
            Lane.REJECTS: FileSink(self.store, REJECTS, ".jsonl"),
        }

    def start(self) -> GovernedStream[Sequence[Row]]:
        contract = self.runtime.contracts().parse("orders.odcs.yaml", ORDERS.encode())
        plan = self.runtime.plan(contract)
        strategies = [NamedStrategy(name="blocks", strategy=Blocks(self.blocks))]
        return open_stream(
            runtime=self.runtime,
            plan=plan,
            stager=FakeStager(
                store=self.store, plan=plan, kinds=self.runtime.kinds, rows_per_file=2
            ),
            store=self.store,
            checkpoint=CHECKPOINT,
            sinks=self.sinks(),
            strategies=strategies,
            policy=Policy(run_type=RunType.ENFORCE),
            failpoint=self.failpoint,
        )

    def run(self, *batches: Sequence[Row], first: int = 0) -> None:
        stream = self.start()
        for number, rows in enumerate(batches, start=first):
            try:
                stream.process(rows, number)
            except BatchBlockedError:
                return

    def journal(self) -> Journal:
        known = stream_of(self.store, CHECKPOINT)
        assert known is not None
        return Journal(self.store, CHECKPOINT, known["stream_id"])

    def facts(self) -> Facts:
        return read_facts(self.journal())

    def eraser(self, point: Callable[[str], None] = lambda name: None) -> Eraser:
        return Eraser(
            store=self.store,
            sinks=self.sinks(),
            facts=self.facts,
            rows=FakeEraser(store=self.store),
            point=point,
        )

    def landed(self, lane: Lane) -> list[Any]:
        """Ids that readers see, with how often."""
        files = self.sinks()[lane].log.files()
        return sorted(row["id"] for file in files for row in read_rows(self.store, file))

    def held(self, batch_id: int) -> dict[str, list[Any]]:
        """Ids of a blocked batch by group."""
        held = self.journal().held(batch_id)
        assert held is not None
        return {
            group: sorted(row["id"] for file in files for row in read_rows(self.store, file))
            for group, files in held.staged.files.items()
        }

    def everywhere(self, value: str) -> list[str]:
        """Files of any kind, listed or not, that hold a row with this id."""
        return [
            path
            for path, file in self.store._files.items()
            if f'"id": {value},'.encode() in file.data
        ]


@pytest.fixture
def world() -> World:
    plugins = Runtime(config=Config()).plugins
    runtime = Runtime(config=Config(), plugins=plugins, governance=MemoryGovernance())
    return World(runtime=runtime)


@pytest.fixture
def keeping(world: World) -> World:
    """The same, where keys are kept."""
    config = Config(keys=KeysConfig(retain="forever"))
    world.runtime = Runtime(
        config=config, plugins=world.runtime.plugins, governance=MemoryGovernance()
    )
    return world


def orders(batch: int) -> list[Row]:
    """Six rows; two lack their amount and go to the rejects. Id 7 is in every batch."""
    rows: list[Row] = [{"id": batch * 100 + n, "amount": n, "state": "open"} for n in (10, 11, 12)]
    rows += [{"id": batch * 100 + n, "amount": None, "state": "open"} for n in (13, 14)]
    amount = None if batch % 2 else 1
    return [*rows, {"id": 7, "amount": amount, "state": "paid"}]
