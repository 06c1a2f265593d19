"""What a chart draws, in numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Outcome, Verdict
from dc43_demo_app import formats
from dc43_demo_app.charts import panels
from dc43_demo_app.charts.columns import MOST, GrowingColumns, columns, window
from dc43_demo_app.charts.scale import round_up
from dc43_demo_app.reading.batch import BatchState, brief, state_of


def batches(count, **facts):
    """Return batches of ten rows, one of them rejected."""
    made = [brief(make_record(batch_id=at, **facts), at + 1, ()) for at in range(min(count, 50))]
    return (made * (count // 50 + 1))[:count]


@settings(deadline=None, max_examples=40)
@given(count=st.integers(0, 20_000))
def test_no_batch_is_left_out_and_no_panel_is_wider_than_it_may_be(count):
    made = columns(batches(count), ())
    assert len(made) <= MOST
    assert sum(column.rows for column in made) == 10 * count


def test_the_timeline_is_labelled_at_its_ends_and_in_the_middle():
    made = columns(batches(50), ())
    assert [(mark.at, mark.text) for mark in panels.ticks(made)] == [
        (0.0, made[0].label),
        (50.0, made[25].label),
        (100.0, made[-1].label),
    ]
    assert [mark.text for mark in panels.ticks(made[:3])] == [f"{made[0].label} to {made[2].label}"]
    assert panels.ticks([]) == []


@settings(deadline=None, max_examples=40)
@given(steps=st.lists(st.integers(0, 700), max_size=8))
def test_columns_that_grow_are_those_of_the_whole(steps):
    growing, made = GrowingColumns(), []
    for step in steps:
        made = [*made, *batches(step)]
        assert growing.of(made) == columns(made, ())


def test_a_column_is_as_bad_as_its_worst_batch():
    good = brief(make_record(verdict=Verdict.OK, reject_count=0, main_count=10), 1, ())
    bad = brief(make_record(batch_id=1, outcome=Outcome.BLOCKED), 2, ())
    [column] = columns([good, bad, good], (), most=1)
    assert column.state is BatchState.BLOCKED
    assert panels.states([column]).marks[0].text == "Blocked"


def test_one_blocked_batch_among_many_has_its_mark():
    made = batches(9_999)
    made[4_321] = brief(make_record(batch_id=4_321, outcome=Outcome.BLOCKED), 4_322, ())
    [mark] = panels.states(columns(made, ())).marks
    assert mark.state is BatchState.BLOCKED


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        ({"outcome": Outcome.BLOCKED}, "blocked"),
        ({"verdict": Verdict.UNKNOWN}, "error"),
        ({}, "rejected"),
        ({"reject_count": 0}, "warning"),
        ({"reject_count": 0, "verdict": Verdict.OK}, "ok"),
        ({"reject_count": 0, "row_count": 0, "verdict": Verdict.OK}, "idle"),
        ({"outcome": Outcome.SKIPPED}, "skipped"),
    ],
)
def test_the_state_of_a_batch(facts, state):
    assert state_of(make_record(**facts)) == state


def test_a_share_is_unusual_above_twice_the_median_of_ten_batches_before_it():
    usual = [0.1] * 10
    assert not brief(make_record(reject_count=2), 11, usual).is_unusual
    assert brief(make_record(reject_count=3), 11, usual).is_unusual
    assert not brief(make_record(reject_count=3), 10, usual[:9]).is_unusual


@given(value=st.floats(1e-6, 1e9))
def test_the_top_of_an_axis_is_above_and_not_far(value):
    assert value * (1 - 1e-6) <= round_up(value) <= 2 * value


def test_a_window_follows_the_newest_only_while_the_run_goes_on():
    made = batches(50)
    assert len(window(made * 5, None, None, live=True).batches) == 120
    assert len(window(made * 5, None, None, live=False).batches) == 250
    assert [b.batch_id for b in window(made, 4, 6, live=True).batches] == [4, 5, 6]
    assert window(made, 900, None, live=True).batches == []


@pytest.mark.parametrize(
    ("marks", "texts"),
    [
        ([10.0, 60.0], [("10", False), ("10", False)]),
        ([30.0, 33.0], [("10", True), ("10", False)]),
        ([30.0, 33.0, 36.0], [("10", True), ("", False), ("10", False)]),
        ([97.0], [("10", True)]),
    ],
)
def test_values_of_unusual_batches_do_not_lie_over_each_other(marks, texts):
    found = panels._labelled([(at, 0.1) for at in marks])
    assert [(mark.text[:2], mark.end) for mark in found] == texts


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (formats.share(25_464, 336_776), "7.6_%"),
        (formats.share(1, 100_000), "< 0.1_%"),
        (formats.share(99_999, 100_000), "> 99.9_%"),
        (formats.share(0, 5), "0.0_%"),
        (formats.share(5, 5), "100.0_%"),
        (formats.share(0, 0), "-"),
        (formats.duration(0.84), "840 ms"),
        (formats.duration(1.23), "1.2 s"),
        (formats.duration(125), "2 min 05 s"),
        (formats.number(336_776), "336,776"),
        (formats.moment("2020-11-23T17:03:12.004Z"), "23 Nov 2020, 17:03 UTC"),
    ],
)
def test_numbers_and_times_as_people_read_them(said, text):
    assert said == text.replace("_", formats.NARROW)
