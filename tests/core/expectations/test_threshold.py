"""Bounds over a batch are compared without rounding."""

from __future__ import annotations

import operator
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dc43_core.expectations.model import Threshold

OPERATORS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "mustBe": operator.eq,
    "mustNotBe": operator.ne,
    "mustBeGreaterThan": operator.gt,
    "mustBeGreaterOrEqualTo": operator.ge,
    "mustBeLessThan": operator.lt,
    "mustBeLessOrEqualTo": operator.le,
}
COUNTS = st.integers(0, 10**12)
BOUNDS = st.one_of(
    st.integers(-1, 10**12),
    st.decimals(-1, 1000, allow_nan=False, allow_infinity=False),
    st.decimals(0, 100, places=30),
)


def holds(rows: int, total: int, operators: dict[str, Any], unit: str = "rows") -> bool:
    return Threshold(operators=operators, unit=unit).holds(rows, total)


@pytest.mark.parametrize("name", OPERATORS)
@given(rows=COUNTS, more=COUNTS, bound=BOUNDS)
def test_a_count_is_compared_exactly(name: str, rows: int, more: int, bound: int | Decimal):
    expected = OPERATORS[name](Fraction(rows), Fraction(bound))
    assert holds(rows, rows + more, {name: bound}) is expected


@pytest.mark.parametrize("name", OPERATORS)
@given(rows=COUNTS, more=COUNTS, bound=BOUNDS)
@example(rows=1, more=2, bound=Decimal("33.333333333333333333333333333333"))
@example(rows=1, more=2, bound=Decimal("33.333333333333333333333333333334"))
@example(rows=5, more=95, bound=5)
def test_a_share_is_compared_exactly(name: str, rows: int, more: int, bound: int | Decimal):
    total = rows + more
    share = Fraction(100 * rows, total) if total else Fraction(0)
    expected = OPERATORS[name](share, Fraction(bound))
    assert holds(rows, total, {name: bound}, "percent") is expected


@given(rows=COUNTS, more=COUNTS, one=BOUNDS, other=BOUNDS)
def test_between_includes_both_bounds(rows: int, more: int, one: Any, other: Any):
    low, high = sorted([one, other])
    for unit, measured in (
        ("rows", Fraction(rows)),
        ("percent", Fraction(100 * rows, rows + more) if rows + more else Fraction(0)),
    ):
        inside = Fraction(low) <= measured <= Fraction(high)
        assert holds(rows, rows + more, {"mustBeBetween": [low, high]}, unit) is inside
        assert holds(rows, rows + more, {"mustNotBeBetween": [low, high]}, unit) is not inside


def test_between_may_be_one_number():
    assert [holds(n, 10, {"mustBeBetween": [5, 5]}) for n in (4, 5, 6)] == [False, True, False]


def test_all_operators_must_hold():
    both = {"mustBeGreaterThan": 1, "mustBeLessThan": 5}
    assert [holds(n, 10, both) for n in (1, 2, 4, 5)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("operators", "expected"),
    [
        ({"mustBe": 0}, True),
        ({"mustBeLessThan": 5}, True),
        ({"mustBeGreaterThan": 0}, False),
        ({"mustBeBetween": [0, 5]}, True),
    ],
)
def test_of_no_rows_the_share_is_zero(operators: dict[str, Any], expected: bool):
    assert holds(0, 0, operators, "percent") is expected
    assert Threshold(operators=operators, unit="percent").measured(0, 0) == 0


def test_the_share_counts_all_rows_in_scope():
    assert Threshold(operators={}, unit="percent").measured(1, 8) == Decimal("12.5")


def test_an_unknown_operator_is_an_error():
    with pytest.raises(ValueError, match="mustBeNear"):
        holds(1, 1, {"mustBeNear": 1})


def test_a_threshold_reads_as_words():
    words = str(Threshold(operators={"mustBeBetween": [1, Decimal("2.5")]}, unit="percent"))
    assert words == "mustBeBetween 1 and 2.5 %"
