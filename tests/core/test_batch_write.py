"""One governed batch write on the engine of plain lists: whole and once, or nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from dc43_core.batch import write_batch
from dc43_core.config import Config
from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import BatchBlockedError, ConfigurationError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.interventions.model import Intervention
from dc43_core.pipeline import open_stream
from dc43_core.plugin_manager import load_plugins
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.sink_log import FileSink
from dc43_core.protocol.steps import FAILPOINTS
from dc43_core.protocol.writes import Writes
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeStager, Row, read_rows
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Decision, Lane, Outcome, RunType, Verdict

MAIN, REJECTS = "memory:/main", "memory:/rejects"
GOOD: list[Row] = [{"id": n, "amount": n, "state": "open"} for n in range(1, 4)]
BAD: Row = {"id": 9, "amount": None, "state": "open"}
TEMPLATE: list[Runtime] = []


class Crash(BaseException):
    """The process dies here."""


class World:
    def __init__(self) -> None:
        if not TEMPLATE:
            TEMPLATE.append(Runtime(config=Config(), plugins=load_plugins(allowed=())))
        self.store = MemoryStore()
        self.runtime = Runtime(
            config=Config(), plugins=TEMPLATE[0].plugins, governance=MemoryGovernance()
        )
        contract = self.runtime.contracts().parse("orders.odcs.yaml", ORDERS.encode())
        self.plan = self.runtime.plan(contract)
        self.sinks: Any = {
            Lane.MAIN: FileSink(self.store, MAIN, ".jsonl"),
            Lane.REJECTS: FileSink(self.store, REJECTS, ".jsonl"),
        }

    @property
    def parts(self) -> dict[str, Any]:
        return {
            "runtime": self.runtime,
            "plan": self.plan,
            "stager": FakeStager(store=self.store, plan=self.plan, kinds=self.runtime.kinds),
            "store": self.store,
        }

    def write(self, rows: list[Row], *, rejects: bool = True, **options: Any) -> ValidationResult:
        sinks = self.sinks if rejects else {Lane.MAIN: self.sinks[Lane.MAIN]}
        policy = Policy(run_type=options.pop("run_type", RunType.ENFORCE))
        return write_batch(rows, sinks=sinks, policy=policy, **self.parts, **options)

    def ids(self, lane: Lane = Lane.MAIN) -> Counter[Any]:
        files = self.sinks[lane].files()
        return Counter(row["id"] for file in files for row in read_rows(self.store, file))

    def records(self) -> list[Any]:
        return list(self.runtime.governance.records())


@pytest.fixture
def world() -> World:
    return World()


def test_good_rows_land_in_main_and_broken_ones_in_the_rejects(world: World):
    result = world.write([*GOOD, BAD])
    assert world.ids() == Counter([1, 2, 3])
    assert world.ids(Lane.REJECTS) == Counter([9])
    assert (result.status, result.dataset_version) == (Verdict.WARN, "0")
    assert result.metrics["reject_count"] == 1
    assert result.ok


def test_each_write_leaves_one_record_and_makes_one_version(world: World):
    versions = [world.write(GOOD).dataset_version for _ in range(3)]
    assert versions == ["0", "1", "2"]
    assert [r.dataset_version for r in world.records()] == versions
    # Two may end in one millisecond.
    kept = {r.record_id for r in Writes(world.store, MAIN).records()}
    assert kept == {r.record_id for r in world.records()}


def test_without_rejects_enforce_lands_nothing_and_says_why(world: World):
    with pytest.raises(BatchBlockedError, match="amount"):
        world.write([*GOOD, BAD], rejects=False)
    assert world.ids() == Counter()
    (record,) = world.records()
    assert record.outcome is Outcome.BLOCKED
    assert record.details["staging"] is None
    assert not [f for f in world.store.list(f"{MAIN}/_dc43/staging") if world.store.list(f.path)]


def test_observe_lands_everything(world: World):
    result = world.write([*GOOD, BAD], rejects=False, run_type=RunType.OBSERVE)
    assert world.ids() == Counter([1, 2, 3, 9])
    assert not result.ok


def test_a_strategy_that_was_passed_can_block_a_write(world: World):
    class Never:
        def decide(self, context: Any) -> Intervention:
            return Intervention(decision=Decision.BLOCK, reason="not on a Sunday")

    with pytest.raises(BatchBlockedError, match="not on a Sunday"):
        world.write(GOOD, strategies=[world.runtime.strategy(Never())])
    assert world.ids() == Counter()


def test_a_write_and_a_stream_share_the_log_of_a_sink(world: World):
    def stream() -> Any:
        return open_stream(
            **world.parts,
            checkpoint="memory:/checkpoint",
            sinks=world.sinks,
            policy=Policy(run_type=RunType.ENFORCE),
        )

    first = stream()
    first.process(GOOD, 0)
    assert world.write([{**GOOD[0], "id": 50}]).dataset_version == "1"
    record = stream().process([{**GOOD[0], "id": 60}], 1)
    assert record.dataset_version == "2"
    assert world.ids() == Counter([1, 2, 3, 50, 60])


def points(world: World) -> list[str]:
    passed: list[str] = []
    world.write([*GOOD, BAD], failpoint=lambda name, batch: passed.append(name))
    return passed


@pytest.mark.parametrize("point", points(World()))
def test_a_write_that_dies_lands_whole_or_not_at_all_and_its_record_is_kept(point: str):
    world = World()

    def die(name: str, batch: int) -> None:
        if name == point:
            raise Crash

    with pytest.raises(Crash):
        world.write([*GOOD, BAD], failpoint=die)
    world.store.crash()
    died = world.ids()
    assert died in (Counter(), Counter([1, 2, 3]))
    # Whoever comes next changes nothing of it, and keeps the record of what is visible.
    world.write([{**GOOD[0], "id": 70}])
    assert world.ids() == died + Counter([70])
    kept = Writes(world.store, MAIN).records()
    assert sum(r.main_count for r in kept) == sum(world.ids().values())
    assert len({r.dataset_version for r in kept}) == len(kept)


def overwritten(world: World, rows: list[Row], **options: Any) -> ValidationResult:
    return world.write(rows, overwrite=True, **options)


def test_an_overwrite_replaces_main_and_adds_to_the_rejects(world: World):
    world.write([*GOOD, BAD])
    result = overwritten(world, [GOOD[0], BAD])
    assert (world.ids(), world.ids(Lane.REJECTS)) == ({1: 1}, {9: 2})
    assert result.details["mode"] == "overwrite"
    assert [r.dataset_version for r in world.records()] == ["0", result.dataset_version]


def test_a_blocked_overwrite_leaves_what_is_there(world: World):
    world.write(GOOD)
    with pytest.raises(BatchBlockedError):
        overwritten(world, [BAD], rejects=False)
    assert world.ids() == {1: 1, 2: 1, 3: 1}


def test_an_overwrite_that_dies_has_replaced_all_or_nothing(world: World):
    before = world.write(GOOD).dataset_version
    for point in (name for name in FAILPOINTS if name != "blocked"):

        def die(name: str, batch_id: int, point: str = point) -> None:
            if name == point:
                raise Crash

        with pytest.raises(Crash):
            overwritten(world, [GOOD[0]], failpoint=die)
        done = FAILPOINTS.index(point) >= FAILPOINTS.index("main-published")
        assert world.ids() == ({1: 1} if done else {1: 1, 2: 1, 3: 1})
    # The next write keeps the record of what was published and died before it had one.
    world.write([])
    kept = [r for r in Writes(world.store, MAIN).records() if r.details.get("mode")]
    assert len(kept) == 4 - 1
    assert {r.dataset_version for r in kept} != {before}


def test_a_stream_goes_on_into_a_sink_that_was_overwritten(world: World):
    def stream() -> Any:
        return open_stream(
            checkpoint="memory:/checkpoint", sinks=world.sinks, policy=Policy(), **world.parts
        )

    stream().process(GOOD, 0)
    version = overwritten(world, [{**GOOD[0], "id": 7}]).dataset_version
    stream().process([{**GOOD[0], "id": 8}], 1)
    assert world.ids() == {7: 1, 8: 1}
    assert [r.dataset_version for r in world.records()] == ["0", version, str(int(version) + 1)]


def test_a_sink_that_only_adds_is_not_overwritten(world: World):
    world.sinks[Lane.MAIN].replacing = None
    with pytest.raises(ConfigurationError, match=r"mode: .* only adds; use mode='append'"):
        overwritten(world, GOOD)
