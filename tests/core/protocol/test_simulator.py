"""The simulator finds nothing wrong with the protocol, and something with every broken one.

`python3 dev.py faults --only simulator` goes further; here each scenario runs in its quickest form.
"""

from __future__ import annotations

import pytest

from dc43_core.protocol.steps import FAILPOINTS
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.testing.simulator import judge
from dc43_core.testing.simulator.crashes import FoundError, Tally, Watch, states_of
from dc43_core.testing.simulator.feed import BLOCKED, Feed, Scene, live
from dc43_core.testing.simulator.scenarios import SCENARIOS, Effort, Scenario, after
from dc43_core.testing.simulator.state import CRASHES, NOTHING, State, World
from dc43_core.vocabulary import Release
from tests.faults.bugs import BUGS, Bug
from tests.faults.outbox import backfill, blocked


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_protocol_survives(scenario: Scenario):
    tally = Tally()
    scenario.run(tally, Effort.QUICK)
    assert tally.violations == []
    assert tally.crashes + tally.turns + tally.failures > 50


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.wrong.__name__)
def test_a_broken_protocol_is_caught_by_what_it_breaks(bug: Bug):
    found = bug.found()
    assert bug.is_caught_by(found), found


def test_there_are_enough_bugs_and_each_is_another():
    assert len({bug.wrong for bug in BUGS}) == len(BUGS) >= 20
    assert all(bug.wrong.__doc__ for bug in BUGS)


# -- the simulator itself --------------------------------------------------------------------------


def points(feed: Feed) -> list[str]:
    world = World.of(NOTHING)
    names: list[str] = []
    world.at_point = names.append
    live(world, feed)
    return names


def test_every_failpoint_and_file_operation_is_a_point():
    feed = Feed(blocks="strategy", release=Release.SKIP)
    passed = {name.split()[0] for name in points(feed)}
    assert passed >= set(FAILPOINTS)
    assert passed >= {"write", "sync", "create", "link", "unlink", "rename", "delete"}
    assert passed >= {"record_many", "engine"}


def test_a_run_is_a_function_of_its_state():
    """On this rests that a state is run on from once, however many crashes lead to it."""
    scene, tally = Scene(), Tally()
    states = list(states_of(scene, NOTHING, tally))

    def followed(state: State) -> list[int]:
        return [each.key for each in states_of(scene, state, tally)]

    assert [each.key for each in states_of(scene, NOTHING, tally)] == [s.key for s in states]
    for state in states[::20]:
        assert followed(state) == followed(state)


def test_crashes_of_different_kinds_leave_different_files():
    world = World.of(NOTHING)
    watch = Watch(world=world, scene=Scene(), tally=Tally())
    world.at_point = watch
    live(world, Feed(batches=1))
    kinds = {state.history[-1].split()[0] for state, _ in watch.states}
    assert kinds == set(CRASHES)


def test_the_judge_misses_a_row_that_is_lost_and_one_that_is_there_twice():
    scene = Scene()
    whole = after(scene.feed)
    assert judge.ended(World.of(whole), scene) == []
    [first, *_] = [p for p in whole.files if p.startswith("memory:/main/batch-")]
    lines = whole.files[first].split(b"\n")
    for content in (lines[:1], [*lines, lines[0]]):
        broken = State(
            files={**whole.files, first: b"\n".join(content)},
            progress=whole.progress,
            known=whole.known,
            starts=whole.starts,
        )
        assert judge.ended(World.of(broken), scene)


def test_the_first_violation_can_be_enough():
    with pytest.raises(FoundError, match="lost"):
        Tally(stop=True).wrong(["lost: a row"], NOTHING)


def test_a_source_may_be_rewritten_or_gone_and_ids_never_repeat():
    feed = Feed(source="deleted")
    attempts = feed.attempts(BLOCKED)
    ids = [row["id"] for attempt in attempts for row in attempt]
    assert len(ids) == len(set(ids))
    assert [] in attempts


# -- a store that forgets --------------------------------------------------------------------------


def test_a_power_cut_loses_what_was_not_synced():
    store = MemoryStore()
    store.write("one/a", b"aa")
    store.write("two/b", b"bb")
    store.sync(["two/b"])
    assert store.survivors("killed") == {"memory:/one/a": b"aa", "memory:/two/b": b"bb"}
    assert store.survivors("power-cut") == {"memory:/two/b": b"bb"}
    assert store.survivors("torn") == {"memory:/one/a": b"a", "memory:/two/b": b"bb"}


def test_a_name_that_was_removed_is_back_after_a_power_cut():
    store = MemoryStore.holding({"memory:/a": b"a", "memory:/b": b"b"})
    store.delete("a")
    assert store.survivors("power-cut") == {"memory:/a": b"a", "memory:/b": b"b"}
    store.sync(["b"])
    assert store.survivors("power-cut") == {"memory:/b": b"b"}


def test_a_moved_file_may_be_in_both_places_after_a_power_cut():
    store = MemoryStore.holding({"memory:/old/a": b"a"})
    store.rename_no_replace("old/a", "new/a")
    assert set(store.survivors("killed")) == {"memory:/new/a"}
    assert set(store.survivors("power-cut")) == {"memory:/old/a", "memory:/new/a"}


# -- governance ------------------------------------------------------------------------------------


@pytest.mark.parametrize("loses", [False, True], ids=["answers", "answers lost"])
@pytest.mark.parametrize("restart", [False, True], ids=["same start", "at a restart"])
def test_batches_of_an_outage_are_back_filled_whole_and_in_order(restart: bool, loses: bool):
    assert backfill(restart=restart, loses=loses, batches=120) == (120, [])


def test_block_begins_no_batch():
    assert blocked() == 0
