"""`erase` leaves no row of a key anywhere, keeps every other row, and can die at any point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.rejects import Chosen, Replayed
from dc43_core.protocol.release import release
from dc43_core.protocol.replay import ReplayProtocol
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeStager
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.upkeep import erasures
from dc43_core.upkeep.erase import POINTS, EraseRefusedError
from dc43_core.upkeep.interface import Key
from dc43_core.vocabulary import Lane, Release
from tests.core.upkeep.conftest import CHECKPOINT, MAIN, World, orders

SEVEN = Key(column="id", value="7")


class Crash(BaseException):
    """The process dies here."""


def all_but_seven(*batches: int) -> dict[Lane, list[int]]:
    return {
        Lane.MAIN: sorted(b * 100 + n for b in batches for n in (10, 11, 12)),
        Lane.REJECTS: sorted(b * 100 + n for b in batches for n in (13, 14)),
    }


def seen(world: World) -> dict[Lane, list[int]]:
    return {lane: world.landed(lane) for lane in (Lane.MAIN, Lane.REJECTS)}


@pytest.mark.parametrize("batches", [1, 9, 10, 11, 23])
def test_the_rows_are_gone_and_all_others_stay(world, batches):
    world.run(*(orders(n) for n in range(batches)))
    erased = world.eraser().erase(SEVEN, by="anna")
    assert erased == +Counter(main=(batches + 1) // 2, rejects=batches // 2)
    assert seen(world) == all_but_seven(*range(batches))
    assert world.everywhere("7") == []


def test_erasing_again_changes_nothing(world):
    world.run(orders(0), orders(1))
    world.eraser().erase(SEVEN, by="anna")
    before = dict(world.store._files)
    assert world.eraser().erase(SEVEN, by="anna") == {}
    assert dict(world.store._files) == before


def test_looking_changes_nothing(world):
    world.run(orders(0), orders(1))
    before = dict(world.store._files)
    assert {hit.where for hit in world.eraser().find(SEVEN)} == {"main", "rejects"}
    assert dict(world.store._files) == before


def test_the_stream_goes_on_behind_it(world):
    world.run(orders(0), orders(1))
    world.eraser().erase(SEVEN, by="anna")
    world.run(orders(2), first=2)
    found = seen(world)
    assert found[Lane.MAIN] == sorted([*all_but_seven(0, 1, 2)[Lane.MAIN], 7])
    assert found[Lane.REJECTS] == all_but_seven(0, 1, 2)[Lane.REJECTS]
    assert not [d for sink in world.sinks().values() for d in sink.defects(deep=True)]


def test_entries_only_add_and_the_replacement_is_a_compaction(world):
    world.run(orders(0), orders(1))
    log = world.sinks()[Lane.MAIN].log
    before = {n: world.store.read(e.path) for n, e in log.entries().items()}
    world.eraser().erase(SEVEN, by="anna")
    after = {n: world.store.read(e.path) for n, e in log.entries().items()}
    assert {n: after[n] for n in before} == before
    assert sorted(after) == list(range(10))
    assert all(after[n] == b"v1" for n in range(2, 9))


def test_it_is_kept_without_the_value(world):
    world.run(orders(0), orders(1))
    name = Key(column="state", value="paid")
    world.eraser().erase(name, by="anna")
    kept = [world.store.read(f.path).decode() for f in world.store.list(erasures.folder_of(MAIN))]
    assert len(kept) == 2
    assert all("paid" not in text and '"number": 1' in text for text in kept)
    assert '"column": "state"' in kept[0]
    assert repr(name) == "Key(column='state', value=***)"


def test_a_batch_whose_rows_are_all_erased_keeps_its_place(world):
    world.run([{"id": 7, "amount": 1, "state": "open"}])
    world.eraser().erase(SEVEN, by="anna")
    assert seen(world) == {Lane.MAIN: [], Lane.REJECTS: []}
    assert len(world.sinks()[Lane.MAIN].log.files()) == 1


# -- blocked batches -----------------------------------------------------------------------------


def test_the_rows_of_a_blocked_batch_are_erased_and_it_can_be_released(world):
    world.blocks = 1
    world.run(orders(0), orders(1))
    erased = world.eraser().erase(SEVEN, by="anna")
    assert erased == {"main": 1, "held": 1}
    assert world.everywhere("7") == []
    assert world.held(1) == {"main": [110, 111, 112], "violating": [113, 114]}
    release(world.journal(), 1, as_=Release.REJECTS, reason="seen", by="ben")
    record = world.start().process(orders(1), 1)
    assert (record.row_count, record.main_count, record.reject_count) == (5, 3, 2)
    assert seen(world) == all_but_seven(0, 1)


def test_the_incident_names_its_erasure(world):
    world.blocks = 0
    world.run(orders(0))
    world.eraser().erase(SEVEN, by="anna")
    blocked = list(world.journal().records())
    assert [r.record_id.rpartition("-")[2] for r in blocked] == ["blocked", "2"]
    assert (blocked[1].row_count, blocked[1].details["erasure"]) == (5, 1)


def test_a_block_that_a_start_died_over_as_it_published_it_is_erased_all_the_same(world):
    world.blocks = 0
    world.run(orders(0))
    world.journal().close(0, epoch=1)
    world.eraser().erase(SEVEN, by="anna")
    assert world.everywhere("7") == []
    assert world.journal().incidents(0)[-1].record.record_id.endswith("-blocked-3")


def test_a_batch_that_is_about_to_be_released_is_refused(world):
    world.blocks = 0
    world.run(orders(0))
    release(world.journal(), 0, as_=Release.MAIN, reason="seen", by="ben")
    with pytest.raises(EraseRefusedError, match="start the stream to carry that out"):
        world.eraser().erase(SEVEN, by="anna")
    world.run(orders(0))
    world.eraser().erase(SEVEN, by="anna")
    assert world.everywhere("7") == []


# -- kept raw text -------------------------------------------------------------------------------


def test_raw_text_is_erased_by_its_column_or_by_what_stood_there(world):
    world.run(orders(1))
    place = f"{world.journal().folder}/uncast/1.json"
    text = (
        b'{"format_version": 1, "rows": ['
        b'{"id": 7, "line": "x"}, {"raw": {"id": "7"}}, {"id": 8, "raw": {"amount": "7"}}]}'
    )
    world.store.create_if_absent(place, text)
    assert world.eraser().erase(SEVEN, by="anna")["uncast"] == 2
    (kept,) = world.store.list(f"{world.journal().folder}/uncast")
    assert kept.name == "1.erased-1.json"
    assert world.eraser()._raw(kept.path)["rows"] == [{"id": 8, "raw": {"amount": "7"}}]


# -- refused -------------------------------------------------------------------------------------


def test_a_prepared_batch_is_completed_first(world):
    def die(name: str, batch_id: int) -> None:
        if name == "prepared":
            raise Crash

    world.failpoint = die
    with pytest.raises(Crash):
        world.run(orders(0))
    with pytest.raises(EraseRefusedError, match="batch 0 is prepared and not published yet"):
        world.eraser().erase(SEVEN, by="anna")
    world.failpoint = None
    world.run(orders(0))
    world.eraser().erase(SEVEN, by="anna")
    assert seen(world) == all_but_seven(0)


def test_a_sink_that_is_not_sound_is_refused(world):
    world.run(orders(0))
    world.store.delete(world.sinks()[Lane.MAIN].log.files()[0])
    with pytest.raises(EraseRefusedError, match="restore"):
        world.eraser().erase(SEVEN, by="anna")


def test_a_sink_without_a_log_is_refused_by_name(world):
    class Table:
        uri = "memory:/table"

    world.run(orders(0))
    eraser = world.eraser()
    eraser.sinks = {Lane.MAIN: Table()}
    with pytest.raises(EraseRefusedError, match="memory:/table: it is no folder of files"):
        eraser.erase(SEVEN, by="anna")


# -- crashes -------------------------------------------------------------------------------------


def prepared(world: World) -> World:
    world.blocks = 3
    world.run(*(orders(n) for n in range(4)))
    world.store.create_if_absent(
        f"{world.journal().folder}/uncast/1.json", b'{"rows": [{"id": 7, "x": 1}, {"id": 8}]}'
    )
    # What the stream itself has swept is not to come back with a power cut.
    world.store = MemoryStore.holding({path: f.data for path, f in world.store._files.items()})
    return world


def operations(world: World) -> int:
    """How often an erasure of the prepared world touches the store."""
    passed: list[str] = []
    world.store.before = lambda operation, path: passed.append(path)
    world.eraser().erase(SEVEN, by="anna")
    world.store.before = lambda operation, path: None
    return len(passed)


def fresh(world: World) -> World:
    return prepared(World(runtime=world.runtime))


def test_a_crash_before_each_change_to_a_file_is_completed_by_the_next_call(world):
    points = operations(prepared(world))
    assert points > 20
    for at in range(points):
        again = fresh(world)
        left = iter(range(points))

        def die(operation: str, path: str, left=left, at=at) -> None:
            if next(left) == at:
                raise Crash

        again.store.before = die
        with pytest.raises(Crash):
            again.eraser().erase(SEVEN, by="anna")
        again.store.before = lambda operation, path: None
        again.store.crash()
        # A reader of a lane sees it as it was, or as it will be.
        after = all_but_seven(0, 1, 2)
        assert again.landed(Lane.MAIN) in (after[Lane.MAIN], [7, 7, *after[Lane.MAIN]]), at
        assert again.landed(Lane.REJECTS) in (after[Lane.REJECTS], [7, *after[Lane.REJECTS]]), at
        finished(again, at)


@pytest.mark.parametrize("name", POINTS)
def test_a_crash_at_each_step_is_completed_by_the_next_call(world, name):
    def die(point: str) -> None:
        if point == name:
            raise Crash

    prepared(world)
    with pytest.raises(Crash):
        world.eraser(die).erase(SEVEN, by="anna")
    world.store.crash()
    finished(world, name)


def finished(world: World, at: object) -> None:
    world.eraser().erase(SEVEN, by="ben")
    assert world.everywhere("7") == [], at
    assert seen(world) == all_but_seven(0, 1, 2), at
    assert world.held(3) == {"main": [310, 311, 312], "violating": [313, 314]}, at
    assert erasures.unfinished(world.store, MAIN) == []
    assert not [d for sink in world.sinks().values() for d in sink.defects(deep=True)], at
    (kept,) = world.store.list(f"{world.journal().folder}/uncast")
    assert world.eraser()._raw(kept.path)["rows"] == [{"id": 8}], at
    world.blocks = -1
    release(world.journal(), 3, as_=Release.REJECTS, reason="seen", by="ben")
    world.run(orders(3), orders(4), first=3)
    found = seen(world)
    assert sorted(found[Lane.MAIN]) == sorted([*all_but_seven(0, 1, 2, 3, 4)[Lane.MAIN], 7]), at
    assert found[Lane.REJECTS] == all_but_seven(0, 1, 2, 3, 4)[Lane.REJECTS], at


def test_a_batch_that_was_published_meanwhile_gets_no_second_incident(world):
    def die(point: str) -> None:
        if point == "listed":
            raise Crash

    world.blocks = 1
    world.run(orders(0), orders(1))
    with pytest.raises(Crash):
        world.eraser(die).erase(SEVEN, by="anna")
    release(world.journal(), 1, as_=Release.REJECTS, reason="seen", by="ben")
    world.run(orders(1), first=1)
    world.eraser().erase(SEVEN, by="anna")
    assert seen(world) == all_but_seven(0, 1)
    assert len(world.journal().incidents(1)) == 1


# -- beside others -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", POINTS)
def test_a_stream_that_runs_beside_it_loses_nothing(world, name):
    world.run(*(orders(n) for n in range(8)))
    stream = world.start()
    new = iter(range(8, 11))

    def go_on(point: str) -> None:
        number = next(new, None) if point == name else None
        if number is not None:
            stream.process(orders(number), number)

    world.eraser(go_on).erase(SEVEN, by="anna")
    last = next(new, 11)
    world.eraser().erase(SEVEN, by="anna")
    assert seen(world) == all_but_seven(*range(last))
    assert world.everywhere("7") == []


@pytest.mark.parametrize("name", POINTS[:-1])
def test_two_erasures_at_once_both_come_true(world, name):
    world.run(*(orders(n) for n in range(4)))
    # In one file with a row of the first key.
    other = Key(column="id", value="10")

    def second(point: str) -> None:
        nonlocal name
        if point == name:
            name = "never again"
            world.eraser().erase(other, by="ben")

    world.eraser(second).erase(SEVEN, by="anna")
    assert world.everywhere("7") == world.everywhere("10") == []
    expected = all_but_seven(*range(4))
    expected[Lane.MAIN].remove(10)
    assert seen(world) == expected


def test_what_was_replaced_by_another_erasure_first_is_looked_at_again(world):
    world.run(*(orders(n) for n in range(4)))

    def begin_only(point: str) -> None:
        if point == "begun":
            raise Crash

    def both(point: str) -> None:
        if point == "found" and world.everywhere("10"):
            with pytest.raises(Crash):
                world.eraser(begin_only).erase(Key(column="id", value="10"), by="ben")
        if point == "begun":
            world.eraser().resume()

    world.eraser(both).erase(SEVEN, by="anna")
    assert world.everywhere("7") == world.everywhere("10") == []
    expected = all_but_seven(*range(4))
    expected[Lane.MAIN].remove(10)
    assert seen(world) == expected


CORRECTED = ORDERS.replace("required: true, ", "").replace("1.0.0", "1.1.0")


def replay(world: World, at: str = "", act: Callable[[], object] = lambda: None) -> Replayed:
    """Judge the rejects under a contract that their rows fit; act once at a failpoint."""
    todo = [act]

    def failpoint(name: str, number: int) -> None:
        if name == at and todo:
            todo.pop()()

    plan = world.runtime.plan(world.runtime.contracts().parse("orders", CORRECTED.encode()))
    known = stream_of(world.store, CHECKPOINT)
    assert known is not None
    return ReplayProtocol(
        store=world.store,
        sinks=world.sinks(),
        replayer=FakeStager(store=world.store, plan=plan, kinds=world.runtime.kinds),
        plan=plan,
        namespace="default",
        failpoint=failpoint,
    ).run(Chosen(streams=frozenset([known["stream_id"]])))


@pytest.mark.parametrize("step", ["replay-staged", "replay-synced"])
def test_a_replay_that_was_judging_the_rows_begins_again_without_them(world, step):
    world.run(orders(1))
    done = replay(world, step, lambda: world.eraser().erase(SEVEN, by="anna"))
    assert done.restaged.count == 2
    assert world.landed(Lane.MAIN) == [110, 111, 112, 113, 114]
    assert world.everywhere("7") == []
    # What was fenced off and what left is told apart, and a later replay finds nothing more.
    assert replay(world).restaged.judged == 0


def test_files_that_vanish_under_a_replay_make_it_begin_again(world, monkeypatch):
    world.run(orders(1))
    restage = FakeStager.restage
    tried: list[object] = []

    def overtaken(stager, files, *more, **keys):
        if not tried:
            tried.append(world.eraser().erase(SEVEN, by="anna"))
        return restage(stager, files, *more, **keys)

    monkeypatch.setattr(FakeStager, "restage", overtaken)
    assert replay(world).restaged.count == 2
    assert world.everywhere("7") == []


def test_a_replay_that_is_decided_is_completed_before_its_rows_are_erased(world):
    world.run(orders(1))

    def die() -> None:
        raise Crash

    with pytest.raises(Crash):
        replay(world, "replay-taken", die)
    with pytest.raises(EraseRefusedError, match="decided and not at its end"):
        world.eraser().erase(SEVEN, by="anna")
    replay(world)
    assert world.eraser().erase(SEVEN, by="anna") == {"main": 1, "rejects": 1}
    assert world.everywhere("7") == []
