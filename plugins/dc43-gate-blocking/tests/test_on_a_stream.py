"""A stream on the engine of plain lists is blocked, started again, and let go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from dc43_blocking.block_after import BlockAfter, BlockAfterOptions
from dc43_blocking.reject_ratio import BlockOnRejectRatio, RejectRatioOptions
from dc43_core import Config, Decision, Intervention, Lane, Outcome, Runtime, RunType, load_plugins
from dc43_core.errors import BatchBlockedError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.release import release
from dc43_core.protocol.sink_log import FileSink
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeStager, Row
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Release

CHECKPOINT, MAIN, REJECTS = "memory:/checkpoint", "memory:/main", "memory:/rejects"
Stream = GovernedStream[Sequence[Row]]


class Crash(BaseException):
    """The process dies here."""


class RouteAll:
    """Routes every violating row."""

    routes = True

    def decide(self, context: Any) -> Intervention:
        return Intervention(decision=Decision.ROUTE, reason="always")


class World:
    """The files that outlive a driver."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.plugins = load_plugins(allowed=())

    def start(
        self,
        *strategies: Any,
        rejects: bool = True,
        explicit: bool = True,
        crash: str = "",
    ) -> Stream:
        runtime = Runtime(config=Config(), plugins=self.plugins, governance=MemoryGovernance())
        plan = runtime.plan(runtime.contracts().parse("orders", ORDERS.encode()))
        sinks = {Lane.MAIN: FileSink(self.store, MAIN, ".jsonl")}
        if rejects:
            sinks[Lane.REJECTS] = FileSink(self.store, REJECTS, ".jsonl")
        return open_stream(
            runtime=runtime,
            plan=plan,
            stager=FakeStager(store=self.store, plan=plan, kinds=runtime.kinds),
            store=self.store,
            checkpoint=CHECKPOINT,
            sinks=sinks,
            policy=Policy(run_type=RunType.OBSERVE),
            strategies=[runtime.strategy(s, explicit=explicit) for s in strategies],
            failpoint=_crash_at(crash),
        )

    def let_go(self, stream: Stream, batch_id: int) -> None:
        journal = Journal(self.store, CHECKPOINT, stream.protocol.identity.stream_id)
        release(journal, batch_id, as_=Release.MAIN, reason="seen", by="a steward")


def _crash_at(point: str) -> Callable[[str, int], None]:
    def failpoint(name: str, batch_id: int) -> None:
        if name == point:
            raise Crash

    return failpoint


@pytest.fixture
def world() -> World:
    return World()


def order(id_: int, amount: int | None = 1) -> Row:
    return {"id": id_, "amount": amount, "state": "open"}


def bad(batch_id: int) -> list[Row]:
    return [order(10 * batch_id), order(10 * batch_id + 1, None)]


def good(batch_id: int) -> list[Row]:
    return [order(10 * batch_id)]


def three() -> BlockAfter:
    return BlockAfter(BlockAfterOptions(n=3))


REASON = (
    "BlockAfter: 3 bad batches in a row (amount must not be missing: broken by 1 of 2 rows); "
    "it blocks after 3"
)


def test_the_third_bad_batch_is_blocked_also_by_another_start(world: World):
    first = world.start(three())
    first.process(bad(0), 0)
    first.process(bad(1), 1)
    for _ in range(2):
        with pytest.raises(BatchBlockedError):
            world.start(three()).process(bad(2), 2)
    assert world.start(three()).process(good(2), 2).outcome is Outcome.COMMITTED


def test_the_reason_is_in_the_entry_the_record_and_the_exception(world: World):
    stream = world.start(three())
    for batch_id in range(2):
        stream.process(bad(batch_id), batch_id)
    with pytest.raises(BatchBlockedError) as blocked:
        stream.process(bad(2), 2)
    record = stream.protocol.journal.blocked(2)
    assert record is not None
    entry = stream.result.streaming_batches[-1]
    assert (record.intervention, entry["intervention"], blocked.value.reason) == (REASON,) * 3
    assert f"was blocked: {REASON}; nothing was published" in str(blocked.value)
    assert stream.result.reason == REASON


@pytest.mark.parametrize("point", ["staged", "decided", "prepared", "main-published", "committed"])
def test_a_batch_that_is_replayed_counts_once(world: World, point: str):
    world.start(three()).process(bad(0), 0)
    with pytest.raises(Crash):
        world.start(three(), crash=point).process(bad(1), 1)
    stream = world.start(three())
    replayed = stream.process(bad(1), 1)
    assert replayed.strategies["BlockAfter"] == {"bad": 2}
    with pytest.raises(BatchBlockedError):
        stream.process(bad(2), 2)


def test_a_batch_that_someone_let_go_begins_the_count_anew(world: World):
    stream = world.start(three())
    for batch_id in range(2):
        stream.process(bad(batch_id), batch_id)
    with pytest.raises(BatchBlockedError):
        stream.process(bad(2), 2)
    world.let_go(stream, 2)
    stream = world.start(three())
    for batch_id in range(2, 5):
        assert stream.process(bad(batch_id), batch_id).outcome is Outcome.COMMITTED
    with pytest.raises(BatchBlockedError):
        world.start(three()).process(bad(5), 5)


def test_rows_that_are_routed_do_not_count_where_only_those_that_landed_do(world: World):
    strategies = [BlockAfter(BlockAfterOptions(n=1, count="landed")), RouteAll()]
    record = world.start(*strategies).process(bad(0), 0)
    assert (record.outcome, record.reject_count) == (Outcome.COMMITTED, 1)
    with pytest.raises(BatchBlockedError):
        world.start(strategies[0], rejects=False).process(bad(1), 1)


def test_one_that_blocks_outdoes_one_that_warns(world: World):
    ratio = BlockOnRejectRatio(RejectRatioOptions(ratio=0.4, batches=5))
    with pytest.raises(BatchBlockedError) as blocked:
        world.start("warn", ratio, RouteAll()).process(bad(0), 0)
    assert blocked.value.reason == (
        "BlockOnRejectRatio: 1 of the 2 rows of this batch break the contract (50 %); "
        "it blocks above 40 %"
    )


def test_all_that_block_are_named(world: World):
    ratio = BlockOnRejectRatio(RejectRatioOptions(ratio=0, batches=5))
    with pytest.raises(BatchBlockedError, match=r"BlockOnRejectRatio: .*; fail-fast: amount"):
        world.start(ratio, "fail-fast", "warn").process(bad(0), 0)


def test_named_for_every_stream_it_warns_where_the_stream_observes(world: World):
    stream = world.start(three(), explicit=False)
    records = [stream.process(bad(batch_id), batch_id) for batch_id in range(4)]
    assert [r.decision for r in records] == [Decision.ROUTE] * 4
    assert [r.intervention for r in records[:2]] == [None, None]
    assert records[2].warnings[-1] == REASON
    assert records[3].warnings[-1] == REASON.replace("3 bad", "4 bad")
