"""Keys across batches: a key that landed keeps others from landing, at any restart."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from dc43_core.errors import BatchBlockedError, SupersededError
from dc43_core.plugin_manager import Plugins
from dc43_core.protocol.key_state import MANY, PORTIONS, worth_merging
from dc43_core.protocol.keys import KeyLog, KeyPart
from dc43_core.protocol.release import release
from dc43_core.protocol.steps import FAILPOINTS
from dc43_core.retention import parse_retention
from dc43_core.testing.contracts import ORDERS
from dc43_core.vocabulary import Release
from tests.core.protocol.conftest import REJECTS, Crash, Drivers
from tests.core.protocol.test_replay import replay


def row(key: int, amount: int | None = 1, state: str = "open") -> dict[str, Any]:
    return {"id": key, "amount": amount, "state": state}


@pytest.fixture
def kept(drivers: Drivers) -> Drivers:
    drivers.retain = "forever"
    return drivers


def parts(world: Drivers) -> list[str]:
    return [f.name for f in world.store.list(world.journal.folder + "/keys/parts")]


def test_a_key_that_landed_counts_in_every_later_batch_and_start(kept: Drivers):
    stream = kept.start()
    stream.process([row(1), row(2), row(3, amount=None)], 0)
    second = stream.process([row(1, amount=5), row(4)], 1)
    third = kept.start().process([row(4, amount=6), row(3), row(5)], 2)
    assert kept.ids() == [1, 2, 3, 4, 5]
    # The third batch's 3 lands: the one before it was broken, and held no key.
    assert sorted((r["id"], tuple(r["_dc43_checks"])) for r in kept.landed(REJECTS)) == [
        (1, ("primaryKey",)),
        (3, ("amount.required",)),
        (4, ("primaryKey",)),
    ]
    assert second.violations_by_check == third.violations_by_check == {"primaryKey": 1}
    assert (third.row_count, third.main_count, third.reject_count) == (3, 2, 1)
    assert second.details["keys"] == {"retain": "forever", "known": 2, "new": 1}


def test_keys_that_are_not_kept_leave_nothing(drivers: Drivers):
    stream = drivers.start()
    stream.process([row(1)], 0)
    record = stream.process([row(1)], 1)
    assert drivers.ids() == [1, 1]
    assert "keys" not in record.details
    assert not drivers.store.list(drivers.journal.folder + "/keys")


@given(
    rows=st.lists(st.tuples(st.integers(0, 6), st.sampled_from([1, 2, None])), max_size=14),
    cuts=st.sets(st.integers(1, 13), max_size=4),
    restarts=st.booleans(),
)
def test_the_same_number_is_rejected_for_any_batching(
    core_plugins: Plugins, rows: list[tuple[int, int | None]], cuts: set[int], restarts: bool
):
    def rejected(ends: list[int]) -> tuple[int, list[int]]:
        world = Drivers(core_plugins, retain="forever")
        stream, start, count = world.start(), 0, 0
        for batch, end in enumerate(ends):
            stream = world.start() if restarts else stream
            batch_rows = [row(key, amount) for key, amount in rows[start:end]]
            count += stream.process(batch_rows, batch).reject_count
            start = end
        return count, world.ids()

    whole = rejected([len(rows)])
    assert rejected([*sorted(c for c in cuts if c < len(rows)), len(rows)]) == whole


@pytest.mark.parametrize("point", FAILPOINTS)
def test_a_key_counts_once_its_batch_does(kept: Drivers, point: str):
    kept.start().process([row(1)], 0)
    if point != "blocked":
        with pytest.raises(Crash):
            kept.start(crash_at=point).process([row(2), row(3)], 1)
    # The source has changed: what was not prepared is judged anew, from other rows.
    stream = kept.start()
    first = stream.process([row(3), row(4)], 1)
    stream.process([row(1), row(2), row(3), row(4), row(5)], 2)
    assert sorted(kept.ids()) == [1, 2, 3, 4, 5]
    assert (first.main_count, first.reject_count) == (2, 0)
    assert len(parts(kept)) == 3


@frozen
class BlockSecond:
    at: int = 1

    def decide(self, context: Any) -> str | None:
        return "look at it" if context.batch_id == self.at else None


@pytest.mark.parametrize("how", [*Release, None])
def test_a_blocked_batch_holds_its_keys_only_if_it_lands(kept: Drivers, how: Release | None):
    kept.start().process([row(1)], 0)
    rows = [row(1, amount=7), row(2), row(3, amount=None)]
    with pytest.raises(BatchBlockedError):
        kept.start(BlockSecond()).process(rows, 1)
    if how is None:
        # It passes now, with other rows.
        kept.start().process([row(4)], 1)
    else:
        release(kept.journal, 1, as_=how, reason="seen", by="me")
        kept.start().process([], 1)
    kept.start().process([row(1), row(2), row(3), row(4)], 2)
    landed = {
        Release.MAIN: [1, 1, 2, 3, 3, 4],  # a broken row holds no key, wherever it lands
        Release.REJECTS: [1, 2, 3, 4],
        Release.SKIP: [1, 2, 3, 4],
        None: [1, 2, 3, 4],
    }
    assert kept.ids() == landed[how]


@pytest.mark.parametrize("point", ["drift-checked", "staged"])
def test_the_keys_of_an_attempt_that_was_overtaken_do_not_count(kept: Drivers, point: str):
    kept.start().process([row(1)], 0)
    old = kept.start()

    def overtaken(name: str, batch_id: int) -> None:
        if name == point:
            kept.start().process([row(3)], 1)

    object.__setattr__(old.protocol, "failpoint", overtaken)
    with pytest.raises((SupersededError, FileNotFoundError)):
        old.process([row(2)], 1)
    kept.start().process([row(2), row(3)], 2)
    assert kept.ids() == [1, 2, 3]


def test_a_step_that_was_open_at_a_start_counts_once_its_batch_is_prepared(kept: Drivers):
    kept.start().process([row(1)], 0)
    old = kept.start()
    new: list[Any] = []

    def overtaken(operation: str, path: str) -> None:
        if operation == "create" and path.endswith("/prepared/1") and not new:
            new.append(kept.start())

    kept.store.before = overtaken
    old.process([row(2)], 1)
    [stream] = new
    stream.process([row(2)], 1)
    record = stream.process([row(2), row(3)], 2)
    assert (record.main_count, record.reject_count) == (1, 1)
    assert kept.ids() == [1, 2, 3]


def test_keys_are_forgotten_behind_the_streams_own_time(drivers: Drivers):
    drivers.retain = "1 minute"
    stream = drivers.start(batch_time=lambda batch: batch * 30_000)
    for batch in range(5):
        stream.process([row(1), row(10 + batch)], batch)
    # Kept by batches 1 and 2, forgotten by batch 3, and kept again.
    assert drivers.ids() == [1, 1, 10, 11, 12, 13, 14]


def test_keys_of_a_first_batch_without_a_watermark_are_as_old_as_the_next(drivers: Drivers):
    drivers.retain = "1 minute"
    # Spark has no watermark in a first batch: it counts by the clock, years after what rows say.
    stream = drivers.start(batch_time=lambda batch: batch * 30_000 if batch else 2**40)
    for batch in range(5):
        stream.process([row(1)] if batch in (0, 2, 4) else [row(10 + batch)], batch)
    # Of batch 0 it counts as of batch 1: known in batch 2, forgotten in batch 4.
    assert drivers.ids() == [1, 1, 11, 13]


@settings(deadline=None, max_examples=40)
@given(
    batches=st.lists(
        st.tuples(st.integers(0, 25), st.lists(st.integers(0, 4), max_size=3)), max_size=40
    ),
    crashes=st.dictionaries(
        st.integers(0, 39), st.sampled_from([p for p in FAILPOINTS if p != "blocked"]), max_size=4
    ),
)
def test_a_key_counts_for_its_time_and_at_most_an_eighth_longer(
    core_plugins: Plugins,
    batches: list[tuple[int, list[int]]],
    crashes: dict[int, str],
):
    """Whatever was merged, and however often a batch is tried again."""
    world, times = Drivers(core_plugins, retain="80 seconds"), [0]
    for gap, _ in batches:
        times.append(times[-1] + 1_000 * gap)
    stream = world.start(batch_time=times.__getitem__)
    for batch, (_, keys) in enumerate(batches):
        rows = [row(key, amount=batch) for key in keys]
        if batch in crashes:
            with pytest.raises(Crash):
                world.start(batch_time=times.__getitem__, crash_at=crashes[batch]).process(
                    rows, batch
                )
            stream = world.start(batch_time=times.__getitem__)
        stream.process(rows, batch)
    landed = {(r["id"], r["amount"]) for r in world.landed()}
    since: dict[int, int] = {}
    for batch, (_, keys) in enumerate(batches):
        for key in set(keys):
            age = times[batch] - since.get(key, -(10**9))
            if age <= 80_000 or age > 90_000:
                assert ((key, batch) in landed) == (age > 80_000), (batch, key, age)
            if (key, batch) in landed:
                since[key] = times[batch]


def test_parts_are_merged_and_swept(kept: Drivers):
    stream = kept.start()
    for batch in range(3 * MANY):
        stream.process([row(batch), row(batch // 2)], batch)
        assert len(parts(kept)) <= MANY + 1
    assert kept.ids() == list(range(3 * MANY))
    again = kept.start().process([row(n) for n in range(3 * MANY)], 3 * MANY)
    assert again.main_count == 0
    # Half of the folders are gone, and every file that is named is there.
    state = KeyLog(kept.journal).state(lambda _: False)
    assert sum(part.count for part in state.parts) == 3 * MANY
    assert all(kept.store.status(f) for f in KeyLog(kept.journal).uris(state.parts))


@pytest.mark.parametrize("text", ["forever", "10 seconds", "1 minute", "1 hour", "1 day"])
@pytest.mark.parametrize("sizes", [[1_000], [1, 4_000, 70, 900, 3], [1 << n for n in range(9)]])
def test_few_parts_stay_over_thousands_of_batches_and_no_key_is_written_often(
    text: str, sizes: list[int]
):
    retain, written, known = parse_retention(text), 0, 0
    found: list[KeyPart] = []
    for number in range(5_000):
        now, count = number * 1_000, sizes[number % len(sizes)]
        if retain.seconds is not None:
            found = [p for p in found if p.newest >= now - 1_000 * retain.seconds]
        if chosen := worth_merging(found, retain):
            total = sum(part.count for part in chosen)
            written += total
            one = KeyPart(files=("m",), count=total, newest=max(p.newest for p in chosen))
            found = [*(p for p in found if p not in chosen), one]
        found.append(KeyPart(files=(str(number),), count=count, newest=now))
        known += count
        assert len(found) <= MANY + (PORTIONS + 1 if retain.seconds else 0)
    assert written <= 8 * known


def test_keys_are_forgotten_also_where_parts_are_merged_all_the_time(drivers: Drivers):
    drivers.retain = "80 seconds"
    stream = drivers.start(batch_time=lambda batch: batch * 2_000)
    for batch in range(150):
        # One that is new, one that is just known, and one that has been forgotten for sure.
        keys = [batch, *(old for old in (batch - 40, batch - 46) if old >= 0)]
        record = stream.process([row(key) for key in keys], batch)
        assert (record.main_count, record.reject_count) == (1 + (batch >= 46), batch >= 40), batch
        assert len(parts(drivers)) <= MANY + PORTIONS + 2


def test_a_start_under_another_key_begins_anew_with_it(kept: Drivers):
    kept.start().process([row(1)], 0)
    other = ORDERS.replace("id, logicalType: integer, primaryKey: true", "id, logicalType: integer")
    other = other.replace(", primaryKeyPosition: 1", "").replace(
        "required: true,", "required: true, unique: true,"
    )
    assert "unique: true" in other
    stream = kept.start(contract=other)
    stream.process([row(1, amount=1), row(1, amount=2)], 1)
    stream.process([row(1, amount=2), row(1, amount=3)], 2)
    assert sorted(r["amount"] for r in kept.landed()) == [1, 1, 2, 3]
    columns = KeyLog(kept.journal).state(lambda _: False).columns
    assert [[name for name, _ in rule] for rule in columns] == [["id"], ["amount"]]


# -- replays of rejects ----------------------------------------------------------------------------


@pytest.fixture
def rejected(kept: Drivers) -> Drivers:
    """Rows 2 and 4 lack an amount; a good 2 landed later."""
    stream = kept.start()
    stream.process([row(1), row(2, None), row(4, None)], 0)
    stream.process([row(2)], 1)
    return kept


def test_a_replayed_row_whose_key_landed_stays_and_one_that_lands_holds_its_key(rejected: Drivers):
    done = replay(rejected)
    assert rejected.ids() == [1, 2, 4]
    assert done.restaged.broken == {"primaryKey": 1}
    record = rejected.start().process([row(2), row(4), row(5)], 2)
    assert (record.main_count, record.reject_count) == (1, 2)
    assert replay(rejected).record is None
    assert rejected.ids() == [1, 2, 4, 5]


def test_a_batch_is_judged_again_when_a_replay_lands_its_key_meanwhile(rejected: Drivers):
    stream = rejected.start()
    done: list[str] = []

    def meanwhile(operation: str, path: str) -> None:
        if operation == "write" and "/keys/parts/2-" in path and not done:
            done.append(path)
            replay(rejected)

    rejected.store.before = meanwhile
    record = stream.process([row(4), row(5)], 2)
    assert done
    assert (record.main_count, record.reject_count) == (1, 1)
    assert rejected.ids() == [1, 2, 4, 5]


@pytest.mark.parametrize("point", ["replay-staged", "replay-synced"])
def test_a_replay_is_judged_again_when_a_batch_lands_its_key_meanwhile(
    rejected: Drivers, point: str
):
    stream = rejected.start()
    done: list[Any] = []

    def meanwhile(name: str, number: int) -> None:
        if name == point and not done:
            done.append(stream.process([row(4, amount=9)], 2))

    assert replay(rejected, failpoint=meanwhile).record is None
    assert [(r["id"], r["amount"]) for r in rejected.landed()] == [(1, 1), (2, 1), (4, 9)]


def test_a_replay_lets_the_keys_of_a_blocked_batch_be(rejected: Drivers):
    with pytest.raises(BatchBlockedError):
        rejected.start(BlockSecond(at=2)).process([row(4, amount=9)], 2)
    assert replay(rejected).record is None
    release(rejected.journal, 2, as_=Release.MAIN, reason="seen", by="me")
    rejected.start().process([], 2)
    assert rejected.ids() == [1, 2, 4]
    assert replay(rejected).record is None


def test_a_replay_that_dies_anywhere_lands_once_and_its_key_counts(core_plugins: Plugins):
    def make() -> Drivers:
        world = Drivers(core_plugins, retain="forever")
        world.start().process([row(1), row(4, None)], 0)
        return world

    worlds = make().each_crash(make, replay)
    assert len(worlds) > 15
    landed = set()
    for died, world in worlds:
        record = world.start().process([row(4, amount=9), row(5)], 1)
        world.start()
        replay(world)
        assert world.ids() == [1, 4, 5], died
        landed.add(record.main_count)
    # In some of these worlds the replay was decided, in others the batch came first.
    assert landed == {1, 2}
