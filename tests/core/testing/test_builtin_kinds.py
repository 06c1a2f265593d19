"""Every kind of rule that the core brings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from dc43_core.expectations.interface import ExpectationKind
from dc43_core.expectations.kinds import BUILT_IN
from dc43_core.expectations.kinds.enumeration import EnumKind
from dc43_core.expectations.kinds.keys import PrimaryKeyKind, UniqueKind
from dc43_core.expectations.kinds.length import LengthKind
from dc43_core.expectations.kinds.missing import MissingKind
from dc43_core.expectations.kinds.pattern import PatternKind
from dc43_core.expectations.kinds.range import RangeKind
from dc43_core.expectations.kinds.required import RequiredKind
from dc43_core.expectations.kinds.row_count import RowCountKind
from dc43_core.expectations.kinds.type import TypeKind
from dc43_core.testing.kinds import ExpectationKindConformance, expectation_of


class BuiltIn(ExpectationKindConformance):
    """The fixtures of the kit from plain class attributes."""

    of: type
    valid: Mapping[str, Any] = {}
    invalid: Sequence[Mapping[str, Any]] = ()
    violating: Sequence[Any] = ()
    passing: Sequence[Any] = ()

    @pytest.fixture
    def kind(self) -> ExpectationKind:
        built: ExpectationKind = self.of()
        return built

    @pytest.fixture
    def valid_arguments(self) -> Mapping[str, Any]:
        return self.valid

    @pytest.fixture
    def invalid_arguments(self) -> Sequence[Mapping[str, Any]]:
        return self.invalid

    @pytest.fixture
    def violating_values(self) -> Sequence[Any]:
        return self.violating

    @pytest.fixture
    def passing_values(self) -> Sequence[Any]:
        return self.passing


class TestType(BuiltIn):
    of = TypeKind
    valid = {"logicalType": "integer"}
    invalid = [{"logicalType": 1}, {"physicalType": ["int"]}]
    violating = ["1", 1.0, True, Decimal(1)]
    passing = [0, 2**70]


class TestRequired(BuiltIn):
    of = RequiredKind
    violating = [None]
    passing = [0, "", math.nan, False]


class TestMissing(BuiltIn):
    of = MissingKind
    valid = {"missingValues": [None, "", "n/a", 0]}
    invalid = [{"missingValues": "n/a"}, {"missingValues": 1}]
    violating = [None, "", "n/a", 0]
    passing = [" ", "N/A", False, 1]


class TestEnum(BuiltIn):
    of = EnumKind
    valid = {"validValues": ["open", 1, Decimal("0.1"), None]}
    invalid = [{}, {"validValues": "open"}]
    violating = ["Open", "open\n", "", 2, True, math.nan, "1"]
    passing = ["open", 1, 1.0, 0.1, Decimal("0.10")]


class TestRange(BuiltIn):
    of = RangeKind
    valid = {"minimum": 0, "exclusiveMaximum": Decimal("10.5")}
    invalid = [{}, {"minimum": True}, {"maximum": [1]}, {"minimum": None}]
    violating = [-1, 11, -0.1, 10.5, math.nan, math.inf, -math.inf, Decimal("10.5")]
    passing = [0, 10, -0.0, 10.49, Decimal("10.499999999999999999")]


class TestRangeOfDates(BuiltIn):
    of = RangeKind
    valid = {"minimum": "2024-01-01", "maximum": "2024-12-31"}
    violating = [date(2023, 12, 31), date(2025, 1, 1)]
    passing = [date(2024, 1, 1), date(2024, 12, 31)]


class TestLength(BuiltIn):
    of = LengthKind
    valid = {"minLength": 1, "maxLength": 3}
    invalid = [{}, {"minLength": "1"}, {"maxLength": 1.5}, {"minLength": True}]
    violating = ["", "abcd", "abc\n"]
    passing = ["a", "\U0001f600\U0001f600\U0001f600", "e\u0301"]


class TestPattern(BuiltIn):
    of = PatternKind
    valid = {"pattern": r"^\d+$"}
    invalid = [{}, {"pattern": 1}, {"pattern": "("}, {"pattern": r"(a)\1"}, {"pattern": "(a+)+"}]
    violating = ["", "a", "123\n", "١٢٣", " 1"]
    passing = ["0", "123"]


class TestUnique(BuiltIn):
    of = UniqueKind
    passing = [1, "a"]


class TestPrimaryKey(BuiltIn):
    of = PrimaryKeyKind
    passing = [(1, "a"), (2, "a")]

    @pytest.fixture
    def columns(self) -> Sequence[str]:
        return ("id", "state")


class TestRowCount(BuiltIn):
    of = RowCountKind
    passing = [1, "a"]


def test_every_built_in_kind_is_tried():
    tried = {test.of for test in BuiltIn.__subclasses__()}
    assert tried == set(BUILT_IN)


class LikeNull(RequiredKind):
    name = "Like_Null"

    def describe(self, expectation):
        return "is not null."


def test_the_kit_finds_what_breaks_the_rules_of_kinds():
    kit, kind = ExpectationKindConformance(), LikeNull()
    rule = expectation_of(kind, {})
    with pytest.raises(AssertionError, match="not kebab-case"):
        kit.test_its_name_is_kebab_case(kind)
    with pytest.raises(AssertionError, match="must go on from a column's name"):
        kit.test_it_describes_what_is_asked(kind, rule)
    with pytest.raises(AssertionError, match="of a NULL"):
        kit.test_null_does_not_break_it(kind, rule, [], ["a"])
    with pytest.raises(pytest.fail.Exception, match="must be refused"):
        kit.test_arguments_that_do_not_fit_are_refused(kind, [{}])
