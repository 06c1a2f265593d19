"""Rejects that pass under today's contract reach main once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from attrs import define, field

from dc43_core.errors import CorruptFileError, FormatVersionError, ReplayRefusedError
from dc43_core.protocol.identity import streams_into
from dc43_core.protocol.record import encode
from dc43_core.protocol.rejects import Chosen
from dc43_core.protocol.replay import REPLAY_FAILPOINTS, ReplayProtocol, complete
from dc43_core.protocol.replays import Replays, replay_stream
from dc43_core.protocol.sink_log import FileSink
from dc43_core.protocol.writes import Writes
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeStager
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane, Outcome, Verdict
from tests.core.protocol.conftest import order

MAIN, REJECTS = "memory:/main", "memory:/rejects"
OPTIONAL = ORDERS.replace("required: true, ", "").replace("1.0.0", "1.1.0")
NEGATIVE = OPTIONAL.replace("minimum: 0", "minimum: -9").replace("1.1.0", "1.2.0")


class Crash(BaseException):
    """The process dies here."""


BATCHES = [
    [order(1), order(2, None), order(3, -5)],
    [order(4, None), order(5, 1, "lost"), order(6)],
]


def sinks(drivers: Any) -> dict[Lane, Any]:
    return {
        Lane.MAIN: FileSink(drivers.store, MAIN, ".jsonl"),
        Lane.REJECTS: FileSink(drivers.store, REJECTS, ".jsonl"),
    }


def protocol(
    drivers: Any,
    contract: str = OPTIONAL,
    failpoint: Callable[[str, int], None] = lambda name, number: None,
    **options: Any,
) -> ReplayProtocol:
    runtime = drivers.runtime()
    plan = runtime.plan(runtime.contracts().parse("orders", contract.encode()))
    return ReplayProtocol(
        store=drivers.store,
        sinks=options.pop("sinks", sinks(drivers)),
        replayer=FakeStager(store=drivers.store, plan=plan, kinds=runtime.kinds),
        plan=plan,
        namespace="default",
        failpoint=failpoint,
        **options,
    )


def replay(drivers: Any, contract: str = OPTIONAL, **options: Any) -> Any:
    streams = frozenset(s["stream_id"] for s in streams_into(drivers.store, MAIN))
    chosen = {name: options.pop(name) for name in ("batches", "checks") if name in options}
    return protocol(drivers, contract, **options).run(Chosen(streams=streams, **chosen))


def filled(drivers: Any) -> Any:
    """Rows 2 and 4 lack an amount, 3 is negative, 5 is in no known state."""
    stream = drivers.start()
    for batch_id, rows in enumerate(BATCHES):
        stream.process(rows, batch_id)
    return drivers


@pytest.fixture
def world(drivers):
    return filled(drivers)


# What lands


def test_rows_that_pass_now_land_in_main_and_reject_files_stay(world):
    before = world.landed(REJECTS)
    replay(world)
    assert world.ids() == [1, 2, 4, 6]
    assert world.landed(REJECTS) == before
    assert all(set(row) == {"id", "amount", "state"} for row in world.landed())


def test_under_the_same_contract_nothing_passes_and_nothing_is_written(world):
    done = replay(world, ORDERS)
    assert (done.record, done.restaged.judged) == (None, 4)
    assert done.restaged.broken == {"amount.required": 2, "amount.range": 1, "state.enum": 1}
    assert world.store.list(f"{REJECTS}/_dc43/replayed") == []
    assert world.staged() == []


def test_run_twice_it_lands_once(world):
    first, second = replay(world), replay(world)
    assert first.restaged.count == 2
    assert (second.record, second.restaged.judged) == (None, 2)
    assert world.ids() == [1, 2, 4, 6]


def test_what_still_breaks_a_rule_can_pass_at_a_later_replay(world):
    replay(world)
    second = replay(world, NEGATIVE)
    assert (second.restaged.judged, second.restaged.count) == (2, 1)
    assert world.ids() == [1, 2, 3, 4, 6]
    rows = [replay.rows for replay in Replays(world.store, REJECTS).all()]
    assert not set(rows[0].items()) & set(rows[1].items())


def test_rejects_that_come_later_are_replayed_later(world):
    replay(world)
    world.start().process([order(9, None)], 2)
    assert replay(world).restaged.count == 1
    assert world.ids() == [1, 2, 4, 6, 9]


def test_batches_and_checks_choose_among_the_rejects(world):
    assert replay(world, NEGATIVE, checks=("amount.range",)).restaged.judged == 1
    assert world.ids() == [1, 3, 6]
    assert replay(world, NEGATIVE, batches=(1,)).restaged.count == 1
    assert world.ids() == [1, 3, 4, 6]


def test_rows_of_another_stream_s_rejects_are_not_taken(world):
    """Two streams share the reject folder, each with a main sink of its own."""
    other = type(world)(
        world.plugins, world.store, checkpoint="memory:/other", main="memory:/other-main"
    )
    other.start().process([order(70, None)], 0)
    assert replay(world).restaged.judged == 4
    assert 70 not in world.ids()


def test_keys_are_judged_among_the_rows_of_one_replay(world):
    world.start().process([order(2, None), order(1, None)], 2)
    done = replay(world)
    assert done.restaged.broken["primaryKey"] == 1, "2 comes twice"
    assert world.ids() == [1, 1, 2, 4, 6], "1 is in main already: not judged across batches"


def test_a_row_that_lost_its_key_stays_as_long_as_there_is_that_rule(world):
    """Among rejects alone it would win; the row that it lost to is in main."""
    world.start().process([order(8), order(8, 2)], 2)
    done = replay(world, batches=(2,))
    assert (done.record, done.restaged.broken) == (None, {"primaryKey": 1})
    free = OPTIONAL.replace(", primaryKey: true, primaryKeyPosition: 1", "")
    assert replay(world, free, batches=(2,)).restaged.count == 1


# The record


def test_a_replay_is_a_batch_of_its_own(world):
    record = replay(world).record
    assert (record.outcome, record.verdict, record.reject_count) == (
        Outcome.COMMITTED,
        Verdict.OK,
        0,
    )
    assert record.row_count == record.main_count == record.valid_count == 2
    assert (record.batch_id, record.dataset_version) == (1, "2")
    assert record.stream_id == replay_stream(REJECTS)
    assert (record.contract_version, record.dataset_id) == ("1.1.0", "orders")
    assert record.intervention == "replay 1 of rejects: 2 of 4 rows pass now, of batch 0, 1"


def test_its_record_names_the_batches_of_the_rejects_and_what_stays(world):
    told = replay(world).record.details["replay"]
    assert list(told["batches"].values()) == [1, 1]
    assert (told["number"], told["judged"], told["stay"]) == (1, 4, 2)
    assert told["broken"] == {"amount.range": 1, "state.enum": 1}


def test_no_earlier_record_changes(world):
    before = [r.payload() for r in world.journal.records()]
    replay(world)
    assert [r.payload() for r in world.journal.records()] == before


def test_counts_of_all_records_equal_what_lies_in_both_sinks(world):
    replay(world)
    replay(world, NEGATIVE)
    records = [*world.journal.records(), *Writes(world.store, MAIN).records()]
    assert sum(r.main_count for r in records) == len(world.landed())
    assert sum(r.reject_count for r in records) == len(world.landed(REJECTS))


def test_manifest_and_record_lie_below_main(world):
    record = replay(world).record
    (write,) = world.store.list(f"{MAIN}/_dc43/writes")
    assert [f.name for f in world.store.list(write.path)] == ["prepared", "record"]
    assert [r.payload() for r in Writes(world.store, MAIN).records()] == [record.payload()]
    assert write.name == record.details["replay"]["write"]


def test_a_warning_is_counted_in_the_record(world):
    warns = NEGATIVE.replace(
        "enum: [{value: open}, {value: paid}]",
        "quality: [{id: known, type: library, metric: invalidValues, severity: warning, "
        "arguments: {validValues: [open, paid]}, mustBe: 0}]",
    )
    record = replay(world, warns).record
    assert (record.main_count, record.verdict) == (4, Verdict.WARN)
    assert record.violations_by_check == {"known": 1}


# Refused


def test_more_rows_than_the_limit_are_refused_before_anything_is_decided(world):
    with pytest.raises(ReplayRefusedError, match=r"4 rows are more than limits\.replay_rows"):
        replay(world, limit=3)
    assert Replays(world.store, REJECTS).newest() == 0
    assert replay(world, limit=3, batches=(0,)).restaged.count == 1


def test_without_rejects_there_is_nothing_to_replay(world):
    alone = {Lane.MAIN: sinks(world)[Lane.MAIN]}
    with pytest.raises(ReplayRefusedError, match="no reject sink"):
        replay(world, sinks=alone)


# Interrupted


def test_the_failpoints_are_passed_in_their_order(world):
    passed: list[str] = []
    replay(world, failpoint=lambda name, number: passed.append(name))
    assert tuple(passed) == REPLAY_FAILPOINTS


@pytest.mark.parametrize("point", REPLAY_FAILPOINTS)
def test_dying_at_each_failpoint_lands_the_rows_once(world, point):
    def die(name: str, number: int) -> None:
        if name == point:
            raise Crash

    with pytest.raises(Crash):
        replay(world, failpoint=die)
    world.store.crash()
    replay(world)
    assert world.ids() == [1, 2, 4, 6]


def test_dying_at_any_operation_and_again_in_its_repair_lands_the_rows_once(drivers):
    make = lambda: filled(type(drivers)(drivers.plugins))  # noqa: E731
    worlds = drivers.each_crash(make, replay)
    assert len(worlds) >= 8
    for died, world in worlds:
        for again, twice in drivers.each_crash(lambda w=world: _copy(w), replay):
            replay(twice)
            assert twice.ids() == [1, 2, 4, 6], (died, again)
            assert len(Writes(twice.store, MAIN).records()) == 1, (died, again)
        replay(world)
        assert world.ids() == [1, 2, 4, 6], died
        world.start().process([order(9, None)], 2)
        replay(world)
        assert world.staged() == [], f"nobody sweeps after {died}"


def _copy(world: Any) -> Any:
    made = type(world)(world.plugins)
    made.store = MemoryStore.holding(world.store.survivors("killed"))
    return made


def test_a_start_of_the_stream_completes_what_was_taken(world):
    def die(name: str, number: int) -> None:
        if name == "replay-taken":
            raise Crash

    with pytest.raises(Crash):
        replay(world, failpoint=die)
    assert world.ids() == [1, 6]
    world.start()
    assert world.ids() == [1, 2, 4, 6]
    assert complete(world.store, sinks(world)) is None


def test_a_replay_s_record_reaches_governance_at_the_next_start(world):
    record = replay(world).record
    world.start()
    found = [r.record_id for r in world.governance.records(dataset_id="orders")]
    assert found.count(record.record_id) == 1
    world.start()
    assert len(world.governance.records(dataset_id="orders")) == len(found)


# At once


@define
class Rival:
    """A second process that acts at one operation of the first."""

    store: Any
    at: int
    act: Callable[[], object]
    passed: int = field(default=0, init=False)
    ran: bool = field(default=False, init=False)

    def __call__(self, operation: str, path: str) -> None:
        self.passed += 1
        if self.passed == self.at:
            self.store.before = lambda operation, path: None
            self.ran = True
            self.act()


def raced(drivers: Any, act: Callable[[Any], object], contract: str = OPTIONAL) -> list[Any]:
    """Replay in worlds in which another acts at one operation, each world at another."""
    worlds: list[Any] = []
    while True:
        world = filled(type(drivers)(drivers.plugins))
        rival = Rival(world.store, len(worlds) + 1, partial(act, world))
        world.store.before = rival
        try:
            replay(world, contract)
        except FileNotFoundError:
            # The other swept what this one had staged.
            pass
        world.store.before = lambda operation, path: None
        if not rival.ran:
            return worlds
        worlds.append(world)


@pytest.mark.parametrize("contract", [OPTIONAL, NEGATIVE])
def test_two_replays_at_once_land_each_row_once(drivers, contract):
    worlds = raced(drivers, lambda world: replay(world, contract), contract)
    assert len(worlds) >= 8
    for at, world in enumerate(worlds):
        replay(world, contract)
        assert world.ids() == ([1, 2, 4, 6] if contract == OPTIONAL else [1, 2, 3, 4, 6]), at
        left = [key for one in Replays(world.store, REJECTS).all() for key in _ids(one)]
        assert len(left) == len(set(left)), f"a row left twice: {at}"


def _ids(one: Any) -> list[tuple[str, int]]:
    return [(batch, number) for batch, numbers in one.rows.items() for number in numbers]


def test_a_stream_and_a_replay_write_at_once(drivers):
    worlds = raced(drivers, lambda world: world.start().process([order(9)], 2))
    assert len(worlds) >= 8
    for at, world in enumerate(worlds):
        assert world.ids() == [1, 2, 4, 6, 9], at


# The files


def test_a_replay_is_read_back_as_it_was(world):
    replay(world)
    (read,) = Replays(world.store, REJECTS).all()
    place = f"{REJECTS}/_dc43/replayed/1"
    assert encode(read.payload()) == world.store.read(place)


@pytest.mark.parametrize(
    ("payload", "error", "match"),
    [
        ({"format_version": 2}, FormatVersionError, "replayed/1 has format version 2"),
        ({"format_version": 1}, CorruptFileError, "replayed/1: not a replay"),
        (
            {"format_version": 3, "fence": "erasure 1"},
            FormatVersionError,
            "replayed/1 has format version 3",
        ),
    ],
)
def test_a_file_that_cannot_be_read_stops_everything_and_is_named(world, payload, error, match):
    world.store.create_if_absent(f"{REJECTS}/_dc43/replayed/1", encode(payload))
    with pytest.raises(error, match=match):
        replay(world)
    assert world.ids() == [1, 6]


def test_a_missing_number_is_named(world):
    replay(world)
    (only,) = Replays(world.store, REJECTS).all()
    found = only.payload()
    world.store.create_if_absent(f"{REJECTS}/_dc43/replayed/3", encode(found))
    with pytest.raises(CorruptFileError, match="replayed/2: this replay is missing"):
        replay(world)
