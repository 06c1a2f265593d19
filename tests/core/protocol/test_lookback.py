"""Thresholds over several batches: the same verdict for any restarts, and no batch counts twice."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from dc43_core.config import Config
from dc43_core.data_quality.lookback import Lookback
from dc43_core.errors import BatchBlockedError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.plugin_manager import load_plugins
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.sink_log import FileSink
from dc43_core.runtime import Runtime
from dc43_core.testing.fake_engine import FakeStager, Row
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane, Outcome, RunType

TEMPLATE: list[Runtime] = []
CHECK = "few-nulls"


def contract(window: str, bound: str = "mustBeLessThan: 50", unit: str = "percent") -> str:
    return f"""
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
schema:
  - name: orders
    properties:
      - name: amount
        logicalType: number
        quality:
          - id: {CHECK}
            metric: nullValues
            unit: {unit}
            {bound}
            customProperties: [{{property: dc43.window, value: {window}}}]
"""


@frozen(kw_only=True)
class PlannedStager(FakeStager):
    """Knows when each batch was planned, in minutes."""

    planned: Mapping[int, int]

    def input(self, batch_id: int) -> Mapping[str, Any]:
        if batch_id not in self.planned:
            return super().input(batch_id)
        return {"planned_at": at(self.planned[batch_id])}


def at(minute: int) -> str:
    return f"2026-11-23T{minute // 60:02}:{minute % 60:02}:00.000Z"


class World:
    """Files that outlive a driver, a clock that is set by hand, and when batches were planned."""

    def __init__(self, text: str) -> None:
        self.store, self.text = MemoryStore(), text
        self.minute = 0
        self.planned: dict[int, int] = {}
        if not TEMPLATE:
            TEMPLATE.append(Runtime(config=Config(), plugins=load_plugins(allowed=())))

    def now(self) -> str:
        return at(self.minute)

    def start(self, run_type: RunType = RunType.ENFORCE) -> GovernedStream[Sequence[Row]]:
        runtime = Runtime(
            config=Config(), plugins=TEMPLATE[0].plugins, governance=MemoryGovernance()
        )
        plan = runtime.plan(runtime.contracts().parse("orders.odcs.yaml", self.text.encode()))
        stream = open_stream(
            runtime=runtime,
            plan=plan,
            stager=PlannedStager(
                store=self.store, plan=plan, kinds=runtime.kinds, planned=self.planned
            ),
            store=self.store,
            checkpoint="memory:/checkpoint",
            sinks={Lane.MAIN: FileSink(self.store, "memory:/main", ".jsonl")},
            policy=Policy(run_type=run_type),
        )
        stream.protocol = evolve(stream.protocol, now=self.now)
        return stream


def rows(nulls: int, whole: int) -> list[Row]:
    return [{"amount": None}] * nulls + [{"amount": 1}] * whole


def found_in(world: World, batches: Sequence[Sequence[Row]], restarts: set[int]) -> list[bool]:
    """Say of each batch whether the rule did not hold; every batch lands."""
    stream, found = world.start(RunType.OBSERVE), []
    for number, batch in enumerate(batches):
        if number in restarts:
            stream = world.start(RunType.OBSERVE)
        found.append(bool(stream.process(batch, number).errors))
    return found


BATCHES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=8)


@settings(deadline=None, max_examples=40)
@given(BATCHES, st.sets(st.integers(1, 7)), st.integers(1, 4))
def test_a_window_of_batches_is_what_landed_last_for_any_restarts(
    shape: list[tuple[int, int]], restarts: set[int], size: int
):
    found = found_in(World(contract(f"{size} batches")), [rows(*one) for one in shape], restarts)
    expected = []
    for number in range(len(shape)):
        window = shape[max(0, number - size + 1) : number + 1]
        broken = sum(nulls for nulls, _ in window)
        expected.append(0 < sum(map(sum, window)) <= 2 * broken)
    assert found == expected


@settings(deadline=None, max_examples=40)
@given(BATCHES, st.sets(st.integers(1, 7)))
def test_a_count_over_the_stream_is_the_sum_of_what_landed_for_any_restarts(
    shape: list[tuple[int, int]], restarts: set[int]
):
    text = contract("stream", "mustBeLessOrEqualTo: 5", unit="rows")
    found = found_in(World(text), [rows(*one) for one in shape], restarts)
    sums = itertools.accumulate(nulls for nulls, _ in shape)
    assert found == [landed > 5 for landed in sums]


def test_a_blocked_batch_counts_in_no_later_window():
    world = World(contract("2 batches"))
    stream = world.start()
    stream.process(rows(0, 4), 0)
    with pytest.raises(BatchBlockedError):
        stream.process(rows(9, 1), 1)
    assert world.start().process(rows(1, 3), 1).outcome is Outcome.COMMITTED


def test_a_window_of_time_ends_where_the_batch_was_handed_over():
    world = World(contract("10 minutes"))
    stream = world.start()
    stream.process(rows(1, 9), 0)
    world.minute = 9
    stream.process(rows(4, 1), 1)
    world.minute = 10
    with pytest.raises(BatchBlockedError, match="over the last 10 minutes: measured 80 %"):
        stream.process(rows(4, 1), 2)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 9)), max_size=8),
    st.sets(st.integers(1, 7)),
    st.integers(1, 20),
)
def test_a_window_of_time_is_the_same_however_late_a_batch_is_tried_again(
    shape: list[tuple[int, int, int]], restarts: set[int], size: int
):
    world, found = World(contract(f"{size} minutes")), []
    times = list(itertools.accumulate(gap for _, _, gap in shape))
    world.planned = dict(enumerate(times))
    stream = world.start(RunType.OBSERVE)
    for number, (nulls, whole, _) in enumerate(shape):
        if number in restarts:
            # The driver was away for hours.
            world.minute += 200
            stream = world.start(RunType.OBSERVE)
        found.append(bool(stream.process(rows(nulls, whole), number).errors))
    expected = []
    for number, now in enumerate(times):
        window = [shape[n] for n in range(number + 1) if now - times[n] < size]
        broken = sum(nulls for nulls, _, _ in window)
        expected.append(0 < broken + sum(whole for _, whole, _ in window) <= 2 * broken)
    assert found == expected


def test_a_batch_that_is_blocked_by_a_window_of_time_is_blocked_at_a_later_start_as_well():
    world = World(contract("10 minutes"))
    world.planned = {0: 0, 1: 5}
    world.start(RunType.OBSERVE).process(rows(9, 1), 0)
    for world.minute in (5, 60):
        with pytest.raises(BatchBlockedError, match="measured 75 %"):
            world.start().process(rows(6, 4), 1)


def test_a_batch_that_is_replayed_counts_once():
    world = World(contract("stream", "mustBeLessOrEqualTo: 3", unit="rows"))
    for _ in range(5):
        record = world.start().process(rows(2, 2), 0)
    assert record.outcome is Outcome.COMMITTED
    assert world.start().process(rows(1, 2), 1).details["totals"] == {CHECK: [3, 7]}


def test_the_number_of_rows_can_be_asked_of_a_window():
    text = """
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
schema:
  - name: orders
    quality:
      - id: enough
        metric: rowCount
        mustBeGreaterOrEqualTo: 5
        customProperties: [{property: dc43.window, value: 2 batches}]
    properties: [{name: amount, logicalType: number}]
"""
    stream = World(text).start(RunType.OBSERVE)
    errors = [stream.process(rows(0, count), n).errors for n, count in enumerate((3, 3, 1))]
    assert [len(found) for found in errors] == [1, 0, 1]
    assert errors[2][0].startswith("the number of rows over the last 2 batches: measured 4")


def test_a_window_of_time_with_more_batches_than_are_kept_is_never_judged_by_a_part_of_them():
    world = World(contract("10 minutes"))
    stream = world.start(RunType.OBSERVE)
    stream.protocol = evolve(stream.protocol, lookback=Lookback(plan=stream.protocol.plan, limit=2))
    records = [stream.process(rows(0, 1), number) for number in range(4)]
    assert [r.verdict for r in records] == ["ok", "ok", "ok", "unknown"]
    assert "raise limits.lookback" in records[-1].errors[0]
