"""The reference engine against itself, and engines with the usual mistakes."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from dc43_core.errors import UnenforceableError
from dc43_core.expectations.interface import ExpectationEvaluator, ExpectationKind
from dc43_core.expectations.kinds import BUILT_IN
from dc43_core.expectations.model import Expectation
from dc43_core.testing.evaluators import CASES, Case, ExpectationEvaluatorConformance, Judge

KINDS: Mapping[str, ExpectationKind] = {kind.name: kind() for kind in BUILT_IN}
Frame = Mapping[str, Sequence[Any]]


class ListEvaluator:
    """Judges columns of values by the kinds' own words."""

    engine = "list"
    kinds = frozenset(name for name, kind in KINDS.items() if kind.form == "row")

    def violated(self, expectation: Expectation, frame: Frame) -> list[Any]:
        rows = zip(*(frame[column] for column in expectation.columns), strict=True)
        return [self.judge(expectation, row) for row in rows]

    def judge(self, expectation: Expectation, row: tuple[Any, ...]) -> Any:
        return KINDS[expectation.kind].violated_by(expectation, row)


class TestListEvaluator(ExpectationEvaluatorConformance):
    @pytest.fixture
    def evaluator(self) -> ExpectationEvaluator:
        return ListEvaluator()

    @pytest.fixture
    def kinds(self) -> Mapping[str, ExpectationKind]:
        return KINDS

    @pytest.fixture
    def judge(self, evaluator: ExpectationEvaluator) -> Judge:
        return evaluator.violated


class PassesNan(ListEvaluator):
    """As Spark does, where NaN is larger than any number."""

    def judge(self, expectation: Expectation, row: tuple[Any, ...]) -> Any:
        return super().judge(expectation, row) and not _is(row[0], math.isnan)


class JudgesInDoubles(ListEvaluator):
    def judge(self, expectation: Expectation, row: tuple[Any, ...]) -> Any:
        exact = isinstance(row[0], int) and not isinstance(row[0], bool)
        return super().judge(expectation, (float(row[0]),) if exact else row)


class AnswersNull(ListEvaluator):
    def judge(self, expectation: Expectation, row: tuple[Any, ...]) -> Any:
        about_null = expectation.kind in ("required", "missing")
        return None if row[0] is None and not about_null else super().judge(expectation, row)


class MatchesBeforeANewline(ListEvaluator):
    def judge(self, expectation: Expectation, row: tuple[Any, ...]) -> Any:
        if expectation.kind == "pattern" and row[0] is not None:
            return re.search(expectation.arguments.pattern, row[0], re.ASCII) is None
        return super().judge(expectation, row)


class CountsUtf16(ListEvaluator):
    def judge(self, expectation: Expectation, row: tuple[Any, ...]) -> Any:
        if expectation.kind == "length" and row[0] is not None:
            row = ("x" * (len(row[0].encode("utf-16-le")) // 2),)
        return super().judge(expectation, row)


class IgnoresCase(ListEvaluator):
    def judge(self, expectation: Expectation, row: tuple[Any, ...]) -> Any:
        folded = isinstance(row[0], str) and expectation.kind == "enum"
        return super().judge(expectation, (row[0].lower(),) if folded else row)


def _is(value: Any, what: Any) -> bool:
    return isinstance(value, float) and bool(what(value))


def _faults(evaluator: ListEvaluator) -> list[Case]:
    kit, found = ExpectationEvaluatorConformance(), []
    for case in CASES:
        try:
            kit.test_it_agrees_with_the_reference(evaluator, KINDS, evaluator.violated, case)
        except AssertionError:
            found.append(case)
    return found


@pytest.mark.parametrize(
    ("evaluator", "kind"),
    [
        (PassesNan(), "range"),
        (JudgesInDoubles(), "range"),
        (JudgesInDoubles(), "enum"),
        (AnswersNull(), "length"),
        (MatchesBeforeANewline(), "pattern"),
        (CountsUtf16(), "length"),
        (IgnoresCase(), "enum"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, ListEvaluator) else value,
)
def test_the_kit_finds_an_engine_that_judges_otherwise(evaluator, kind):
    assert kind in {case.kind for case in _faults(evaluator)}


def test_what_an_engine_cannot_express_is_skipped():
    def judge(expectation, columns):
        raise UnenforceableError("no look-behind here")

    kit = ExpectationEvaluatorConformance()
    with pytest.raises(pytest.skip.Exception, match="no look-behind here"):
        kit.test_it_agrees_with_the_reference(ListEvaluator(), KINDS, judge, CASES[0])


def test_a_kind_of_its_own_needs_a_case():
    class Other(ListEvaluator):
        kinds = frozenset({"gtin"})

    kinds = {"gtin": KINDS["pattern"]}
    kit = ExpectationEvaluatorConformance()
    with pytest.raises(AssertionError, match="no case tries"):
        kit.test_it_agrees_with_the_reference_on_its_own_kinds(Other(), kinds, Other().violated, ())
