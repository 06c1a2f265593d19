"""What each kind of rule means, value by value (design: contract semantics)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from dc43_core.errors import UnenforceableError
from dc43_core.expectations.kinds import BUILT_IN
from dc43_core.expectations.kinds.range import like
from dc43_core.testing.kinds import expectation_of

KINDS = {kind.name: kind() for kind in BUILT_IN}
NAN, INFINITY = float("nan"), float("inf")


def broken(kind: str, value: Any, **arguments: Any) -> bool:
    """Whether a value breaks the rule, the arguments written as in a contract."""
    return KINDS[kind].violated_by(expectation_of(KINDS[kind], arguments), (value,))


VALUE_RULES = [
    ("type", {"logicalType": "string"}),
    ("enum", {"validValues": ["a"]}),
    ("range", {"minimum": 1}),
    ("length", {"minLength": 1}),
    ("pattern", {"pattern": "^a$"}),
]


@pytest.mark.parametrize(("kind", "arguments"), VALUE_RULES)
def test_null_breaks_no_value_rule(kind: str, arguments: dict[str, Any]):
    assert not broken(kind, None, **arguments)


def test_null_breaks_required():
    assert broken("required", None)


@pytest.mark.parametrize("value", ["", 0, False, NAN, []])
def test_whatever_is_not_null_meets_required(value: Any):
    assert not broken("required", value)


@pytest.mark.parametrize("value", [NAN, INFINITY, -INFINITY, Decimal("NaN"), Decimal("Infinity")])
@pytest.mark.parametrize("bounds", [{"minimum": 0}, {"maximum": 0}])
def test_nan_and_infinities_break_every_range(value: Any, bounds: dict[str, Any]):
    assert broken("range", value, **bounds)


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ({"minimum": 1}, [1, 2], [0]),
        ({"maximum": 1}, [1, 0], [2]),
        ({"exclusiveMinimum": 1}, [2], [1]),
        ({"exclusiveMaximum": 1}, [0], [1]),
        ({"minimum": 1, "maximum": 1}, [1], [0, 2]),
        ({"minimum": 1, "exclusiveMaximum": 2}, [1], [0, 2]),
    ],
)
def test_a_range_holds_its_bounds(bounds: dict[str, Any], inside: list[int], outside: list[int]):
    assert [broken("range", v, **bounds) for v in inside + outside] == (
        [False] * len(inside) + [True] * len(outside)
    )


def test_a_range_of_decimals_is_exact():
    bound = Decimal("0.100000000000000000000000000001")
    assert broken("range", Decimal("0.1"), minimum=bound)
    assert not broken("range", bound, minimum=bound)


def test_a_float_meets_the_bound_that_it_was_written_as():
    assert not broken("range", 0.1, minimum=Decimal("0.1"), maximum=Decimal("0.1"))


def test_a_whole_number_beyond_floats_is_compared_exactly():
    assert broken("range", 2**53, minimum=2**53 + 1)


def test_a_text_is_never_compared_with_a_number():
    with pytest.raises(UnenforceableError, match="no bound for a str"):
        broken("range", "5", minimum=1)


def test_a_number_is_never_compared_with_a_text():
    assert like(5, "1") == 1
    with pytest.raises(UnenforceableError, match="'low' is no bound for a int"):
        broken("range", 5, minimum="low")


def test_a_boolean_is_no_number():
    with pytest.raises(UnenforceableError):
        broken("range", True, minimum=0)


def test_dates_are_compared_by_the_calendar():
    assert broken("range", date(2024, 2, 29), minimum="2024-03-01")
    assert not broken("range", date(2024, 3, 1), minimum="2024-03-01")


def test_times_are_compared_by_the_clock():
    assert broken("range", time(23, 59), maximum="12:00")


@pytest.mark.parametrize("bound", ["2024-01-01T12:00:00", "2024-01-01T12:00:00Z"])
@pytest.mark.parametrize("zone", [None, UTC])
def test_a_moment_without_a_zone_is_taken_as_utc(bound: str, zone: Any):
    noon = datetime(2024, 1, 1, 12, tzinfo=zone)
    assert not broken("range", noon, minimum=bound, maximum=bound)
    assert broken("range", noon - timedelta(seconds=1), minimum=bound)


def test_moments_are_compared_across_zones():
    noon_there = datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=5)))
    assert broken("range", noon_there, minimum="2024-01-01T12:00:00Z")


def test_a_date_is_the_midnight_of_a_moment():
    assert not broken("range", datetime(2024, 1, 1), minimum="2024-01-01")


@pytest.mark.parametrize(
    ("text", "length"),
    [("é", 1), ("e\u0301", 2), ("\U0001f600", 1), ("\U0001f468\u200d\U0001f469", 3), ("", 0)],
)
def test_length_counts_code_points(text: str, length: int):
    assert not broken("length", text, minLength=length, maxLength=length)


def test_a_length_holds_its_bounds():
    assert [broken("length", "a" * n, minLength=2, maxLength=3) for n in range(1, 5)] == [
        True,
        False,
        False,
        True,
    ]


def test_a_listed_number_is_met_by_value():
    listed = {"validValues": [1, Decimal("2.50")]}
    assert not any(broken("enum", v, **listed) for v in (1, 1.0, Decimal("1.00"), 2.5))
    assert broken("enum", 2, **listed)


def test_a_listed_text_is_met_exactly():
    listed = {"validValues": ["a", "1"]}
    assert [broken("enum", v, **listed) for v in ("a", "A", "a ", "1", 1)] == [
        False,
        True,
        True,
        False,
        True,
    ]


def test_a_listed_number_is_not_met_by_its_text():
    assert broken("enum", "1", validValues=[1])


def test_true_is_not_one():
    assert broken("enum", True, validValues=[1])
    assert broken("enum", 1, validValues=[True])
    assert not broken("enum", True, validValues=[True])


def test_listed_dates_are_iso_text():
    assert not broken("enum", date(2024, 3, 1), validValues=["2024-03-01"])
    assert broken("enum", date(2024, 3, 1), validValues=["2024-03-02", "soon"])


def test_nan_is_never_listed():
    assert broken("enum", NAN, validValues=[1])


def test_missing_means_null_and_empty_unless_said_otherwise():
    assert [broken("missing", v) for v in (None, "", " ", 0, False)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_listed_missing_number_is_met_by_value():
    listed = {"missingValues": [-999, "n/a"]}
    assert [broken("missing", v, **listed) for v in (-999, -999.0, "n/a", "-999", None)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_missing_zero_is_not_false():
    assert broken("missing", 0, missingValues=[0])
    assert not broken("missing", False, missingValues=[0])


def test_a_pattern_binds_only_where_anchored():
    assert not broken("pattern", "xabcx", pattern="abc")
    assert broken("pattern", "xabcx", pattern="^abc$")


def test_a_pattern_does_not_forgive_a_final_newline():
    assert broken("pattern", "123\n", pattern=r"^\d+$")


def test_a_digit_of_a_pattern_is_ascii():
    assert broken("pattern", "\u0663", pattern=r"^\d$")


@pytest.mark.parametrize(
    ("logical_type", "fits", "does_not"),
    [
        ("string", "1", 1),
        ("integer", 1, "1"),
        ("integer", 1, 1.5),
        ("integer", 1, True),
        ("number", Decimal("1.5"), "1.5"),
        ("number", 1.5, False),
        ("boolean", True, 1),
        ("date", date(2024, 1, 1), "2024-01-01"),
        ("timestamp", datetime(2024, 1, 1), date(2024, 1, 1)),
        ("array", [1], "[1]"),
        ("object", {"a": 1}, [1]),
    ],
)
def test_a_value_of_another_type_breaks_its_type(logical_type: str, fits: Any, does_not: Any):
    assert not broken("type", fits, logicalType=logical_type)
    assert broken("type", does_not, logicalType=logical_type)


@pytest.mark.parametrize("kind", ["unique", "primary-key", "row-count"])
def test_one_row_alone_breaks_no_rule_about_many(kind: str):
    assert not broken(kind, 1)


@pytest.mark.parametrize(
    ("kind", "arguments", "problem"),
    [
        ("range", {}, "needs minimum"),
        ("range", {"minimum": True}, "not True"),
        ("range", {"minimum": 1.5}, "not 1.5"),
        ("range", {"minimun": 1}, "minimun"),
        ("length", {}, "needs minLength"),
        ("length", {"minLength": "1"}, "expected int"),
        ("pattern", {"pattern": 5}, "expected str"),
        ("enum", {"validValues": "abc"}, "expected a list"),
        ("required", {"strict": True}, "strict"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(kind: str, arguments: dict[str, Any], problem: str):
    with pytest.raises(ValueError, match=problem):
        expectation_of(KINDS[kind], arguments)


def test_a_long_list_is_described_in_short():
    said = KINDS["enum"].describe(expectation_of(KINDS["enum"], {"validValues": list(range(20))}))
    assert said.endswith("7 and 12 more")
