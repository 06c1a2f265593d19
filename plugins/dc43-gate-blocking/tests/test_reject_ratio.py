"""The share of broken rows over a window of batches or minutes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_blocking.reject_ratio import BlockOnRejectRatio, RejectRatioOptions
from dc43_core import Decision, Finding, Intervention, InterventionStrategy
from dc43_core.protocol.clock import written
from dc43_core.testing.strategies import InterventionStrategyConformance, StrategyStream, finding

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class TestOverBatches(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return BlockOnRejectRatio(RejectRatioOptions(ratio=0.2, batches=3))


class TestOverMinutes(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return BlockOnRejectRatio(RejectRatioOptions(ratio=0, minutes=1))


def stream(**options: object) -> StrategyStream:
    return StrategyStream(BlockOnRejectRatio(RejectRatioOptions(**options)))  # type: ignore[arg-type]


def ask(
    stream: StrategyStream, rows: int, broken: int, *, minute: int = 0, released: bool = False
) -> Intervention:
    found: list[Finding] = [finding(rows=broken)] if broken else []
    at = written(NOON + timedelta(minutes=minute))
    return stream.ask(*found, rows=rows, at=at, released=released)


def decisions(stream: StrategyStream, *batches: tuple[int, int]) -> list[Decision]:
    return [ask(stream, rows, broken).decision for rows, broken in batches]


CONTINUE, BLOCK = Decision.CONTINUE, Decision.BLOCK


def test_more_than_the_ratio_blocks_and_the_ratio_itself_does_not():
    assert decisions(stream(ratio=0.1, batches=1), (10, 1), (10, 2)) == [CONTINUE, BLOCK]


def test_the_ratio_is_exact():
    # 0.07 as a binary float is a little more than 7 %.
    assert decisions(stream(ratio=0.07, batches=1), (100, 7), (10_000_000, 700_001)) == [
        CONTINUE,
        BLOCK,
    ]


def test_broken_rows_add_up_over_the_window():
    batches = [(10, 1), (10, 1), (10, 4)]
    assert decisions(stream(ratio=0.2, batches=3), *batches) == [CONTINUE, CONTINUE, CONTINUE]
    assert decisions(stream(ratio=0.2, batches=2), *batches) == [CONTINUE, CONTINUE, BLOCK]


def test_what_leaves_the_window_is_forgotten():
    batches = [(10, 2), (90, 0), (90, 0), (10, 2)]
    assert decisions(stream(ratio=0.15, batches=2), *batches)[-1] is CONTINUE
    assert decisions(stream(ratio=0.15, batches=1), *batches)[-1] is BLOCK


def test_a_clean_batch_is_not_blocked_for_those_before_it():
    over = stream(ratio=0.1, batches=10, min_rows=20)
    assert decisions(over, (10, 9), (10, 0), (10, 1)) == [CONTINUE, CONTINUE, BLOCK]


def test_a_window_with_few_rows_is_not_judged():
    assert decisions(stream(ratio=0.1, batches=5, min_rows=20), (10, 5), (10, 5)) == [
        CONTINUE,
        BLOCK,
    ]


def test_an_empty_batch_breaks_nothing():
    assert decisions(stream(ratio=0, batches=1), (0, 0)) == [CONTINUE]


def test_the_window_may_be_longer_than_the_history_that_strategies_are_shown():
    long = stream(ratio=0.5, batches=200)
    for _ in range(150):
        ask(long, 10, 0)
        del long.history[:-1]
    assert ask(long, 1_000, 1_000).decision is CONTINUE
    assert ask(long, 1_000, 1_000).decision is BLOCK


def test_after_a_batch_that_someone_let_go_the_window_begins_anew():
    over = stream(ratio=0.3, batches=10)
    assert ask(over, 10, 10, released=True).decision is BLOCK
    assert ask(over, 10, 2).decision is CONTINUE
    assert ask(over, 10, 5).decision is BLOCK


def test_minutes_are_those_of_the_clock():
    over = stream(ratio=0.1, minutes=2)
    told = [ask(over, 10, 1, minute=0), ask(over, 10, 2, minute=1), ask(over, 20, 2, minute=2)]
    assert [answer.decision for answer in told] == [CONTINUE, BLOCK, BLOCK]
    assert ask(over, 20, 2, minute=4).decision is CONTINUE


def test_however_often_batches_come_a_minute_is_one_entry_of_the_state():
    over = stream(ratio=0.1, minutes=3)
    for second in range(300):
        at = written(NOON + timedelta(seconds=second))
        state = over.ask(rows=10, at=at).state
    assert state is not None
    assert [entry[:3] for entry in state["window"]] == [[600, 0, 60]] * 3


def test_a_clock_that_is_set_back_loses_nothing():
    over = stream(ratio=0.1, minutes=5)
    ask(over, 10, 1, minute=3)
    assert ask(over, 10, 2, minute=1).reason == (
        "3 of the 20 rows of the last 5 minutes (2 batches) break the contract (15 %); "
        "it blocks above 10 %"
    )


def test_other_options_begin_a_window_of_their_own():
    minutes = stream(ratio=0.1, minutes=5)
    ask(minutes, 10, 1)
    strategy = BlockOnRejectRatio(RejectRatioOptions(ratio=0.5, batches=5))
    batches = StrategyStream(strategy, history=minutes.history)
    answer = ask(batches, 10, 6)
    assert answer.reason is not None
    assert answer.reason.startswith("6 of the 10 rows of this batch break")
    again = StrategyStream(minutes.strategy, history=batches.history)
    assert str(ask(again, 10, 6).reason).startswith("6 of the 10 rows of the last 5 minutes (1 ")


@pytest.mark.parametrize(
    ("options", "batches", "reason"),
    [
        (
            {"ratio": 0.05, "batches": 2},
            [(1_000, 10), (1_000, 150)],
            "160 of the 2,000 rows of the last 2 batches break the contract (8 %); "
            "it blocks above 5 %",
        ),
        (
            {"ratio": 0.125, "minutes": 1},
            [(3, 1)],
            "1 of the 3 rows of the last minute (1 batch) break the contract (33.33 %); "
            "it blocks above 12.5 %",
        ),
    ],
)
def test_the_reason_has_the_numbers(options, batches, reason):
    over = stream(**options)
    assert [ask(over, *batch).reason for batch in batches][-1] == reason


BATCH = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(0, 3), st.booleans())
WINDOW = st.one_of(
    st.fixed_dictionaries({"batches": st.integers(1, 4)}),
    st.fixed_dictionaries({"minutes": st.integers(1, 4)}),
)


@given(st.lists(BATCH, max_size=30), WINDOW, st.integers(0, 9), st.data())
def test_the_window_is_a_recount_of_the_records_however_often_it_is_started(
    batches, window, tenths, data
):
    ratio = Decimal(tenths) / 10
    options = RejectRatioOptions(ratio=ratio, **window)
    running, minute, told = StrategyStream(BlockOnRejectRatio(options)), 0, []
    for rows, broken, gap, released in batches:
        if data.draw(st.booleans()):
            again = BlockOnRejectRatio(options)
            running = StrategyStream(again, history=[*running.history])
        minute += gap
        answer = ask(running, rows, min(rows, broken), minute=minute, released=released)
        told.append(answer.decision)
    expected = []
    for last, record in enumerate(running.history):
        until = datetime.fromisoformat(record["started_at"])
        seen = []
        for number, earlier in enumerate(running.history[: last + 1]):
            if number < last and earlier["details"]:
                seen = []
                continue
            age = until - datetime.fromisoformat(earlier["started_at"])
            if options.minutes is None or age < timedelta(minutes=options.minutes):
                seen.append(earlier)
        seen = seen[-(options.batches or len(seen)) :]
        rows = sum(r["row_count"] for r in seen)
        broken = sum(r["row_count"] - r["valid_count"] for r in seen)
        is_clean = record["row_count"] == record["valid_count"]
        expected.append(BLOCK if broken > ratio * rows and not is_clean else CONTINUE)
    assert told == expected
