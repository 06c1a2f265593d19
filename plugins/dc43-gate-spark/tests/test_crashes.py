"""The quickest part of `python3 dev.py faults --only crashes`, judged row by row."""

from __future__ import annotations

import pytest

from tests.faults.crash_judge import violations
from tests.faults.crash_points import AT_START
from tests.faults.crash_scenarios import inputs, interruptions, replays, stops
from tests.faults.crash_sinks import PARQUET
from tests.faults.crash_world import World

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture
def new(spark, tmp_path):
    """Make streams: `new()`."""
    made = []

    def make() -> World:
        made.append(World(spark, PARQUET, tmp_path / f"world {len(made)}"))
        return made[-1]

    return make


def test_no_row_is_lost_or_twice_where_drivers_die(new):
    world = new()
    for batch, point in enumerate(("staged", "before create prepared", "after rename")):
        world.put("mixed")
        assert world.crash((batch, point)) == point
    assert world.crash((AT_START, "after create epochs"))
    world.settle()
    assert violations(world) == []


def test_the_judge_sees_a_row_that_is_lost_and_one_that_is_twice(new):
    world = new()
    world.put("mixed")
    world.settle()
    assert violations(world) == []
    lost = world.given[0].pop(0)
    assert any("too many" in wrong for wrong in violations(world))
    world.given[0] += [lost, lost]
    assert any("lost" in wrong for wrong in violations(world))


def test_a_replayed_batch_is_skipped(new):
    assert replays(new, ("mixed",)).wrong == []


def test_a_query_that_is_stopped_loses_nothing(new):
    assert stops(new, ("handed-over", "prepared")).wrong == []


def test_what_interrupts_a_batch_is_not_swallowed(new):
    assert interruptions(new, (SystemExit,), ("callback", "listener")).wrong == []


def test_input_that_changes_between_two_attempts_is_seen(new):
    wanted = ("rewritten input, prepared", "deleted input, not prepared")
    assert [counted.wrong for _, counted in inputs(new, wanted)] == [[], []]
