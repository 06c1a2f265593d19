"""What every evaluator holds to: on each value, the verdict of the kind itself.

`kind.violated_by` is the reference. The table holds the values that engines tell apart in ways
of their own: NULL, NaN, infinities, the newline at the end, characters beyond 16 bits, integers
that no double holds, decimals of 38 digits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from attrs import field, frozen

from dc43_core.errors import UnenforceableError
from dc43_core.expectations.interface import ExpectationEvaluator, ExpectationKind
from dc43_core.expectations.model import Expectation
from dc43_core.testing.kinds import expectation_of

Judge = Callable[[Expectation, Mapping[str, Sequence[Any]]], Sequence[bool]]

_EAST = timezone(timedelta(hours=5, minutes=30))
VALUES: Mapping[str, Sequence[Any]] = {
    "string": (
        *(None, "", " ", "a", "A", "b", "a\n", "\na", "a\r\n", "a\u2028", "a\x00", "aa", "aaa"),
        *("é", "e\u0301", "ß", "\U0001f600", "日本語", "\u00a0", "0", "123", "123\n", "١٢٣", "-1"),
        *("null", "NULL", "NaN", "n/a", "a.b", "a\\b", "'a'", "`a`", "%", "x" * 300),
    ),
    "integer": (
        None,
        0,
        1,
        -1,
        5,
        10,
        11,
        2**31,
        -(2**31) - 1,
        2**53,
        2**53 + 1,
        2**63 - 1,
        -(2**63),
    ),
    "number": (
        *(None, 0.0, -0.0, 0.1, 0.1 + 0.2, 0.3, 1.0, 10.0, 10.000000000000002, -5.5, 5e-324),
        *(1.7976931348623157e308, math.inf, -math.inf, math.nan),
    ),
    "decimal": (
        *(None, Decimal("0"), Decimal("0.1"), Decimal("0.10"), Decimal("0.3"), Decimal("10")),
        *(Decimal("10.000000000000000001"), Decimal("-0.000000000000000001")),
        *(Decimal("99999999999999999999.999999999999999999"),),
    ),
    "boolean": (None, True, False),
    "date": (None, date(1582, 10, 4), date(1969, 12, 31), date(2024, 2, 29), date(9999, 12, 31)),
    "timestamp": (
        *(None, datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), datetime(2024, 1, 1, tzinfo=UTC)),
        *(datetime(2024, 1, 1, 0, 0, 0, 1, UTC), datetime(2024, 1, 1, 5, 30, tzinfo=_EAST)),
        datetime(2024, 1, 1, 5, 29, tzinfo=_EAST),
    ),
}
"""Values by type of column; `decimal` is the logical type number, stored exactly."""


@frozen(kw_only=True)
class Case:
    """One rule and the values that an engine must judge as the rule's kind does.

    Attributes:
        kind: Name of the kind.
        arguments: As a contract writes them.
        type: A key of `VALUES`; also the logical type of the column.
        values: The column; by default all of `VALUES[type]`. One type in each column.
    """

    kind: str
    arguments: Mapping[str, Any] = field(factory=dict)
    type: str = "string"
    values: Sequence[Any] = field()

    @values.default
    def _all(self) -> Sequence[Any]:
        return VALUES[self.type]

    def __str__(self) -> str:
        said = " ".join(f"{key}={value!r:.30}" for key, value in self.arguments.items())
        return " ".join(part for part in (self.kind, ascii(said)[1:-1], self.type) if part)


def _cases(kind: str, type_: str, *arguments: Mapping[str, Any]) -> tuple[Case, ...]:
    return tuple(Case(kind=kind, arguments=given, type=type_) for given in arguments)


_PATTERNS = (
    *("^a$", "a", "^$", r"^\d+$", r"^[0-9]+$", r"^\w+$", r"^\S+$", r"\s", "^.$", "^[^a]$"),
    *(r"^a\.b$", r"^a\\b$", "^(?:a|é)$", "^a{2,3}$", "%", "^\\u0065\u0301$"),
)
CASES: tuple[Case, ...] = (
    *(Case(kind="required", type=name) for name in VALUES),
    *_cases("missing", "string", {}, {"missingValues": ["n/a", " ", "null"]}),
    *_cases("missing", "integer", {"missingValues": [None, -1, 2**53 + 1]}),
    *_cases("missing", "number", {"missingValues": [0, Decimal("-5.5")]}),
    *_cases("missing", "boolean", {"missingValues": [0, None]}),
    *_cases("enum", "string", {"validValues": ["a", "é", "\U0001f600", "", "NaN", "'a'", "a\\b"]}),
    *_cases("enum", "integer", {"validValues": [0, 2**53, Decimal("1.0"), 2**70]}),
    *_cases("enum", "number", {"validValues": [Decimal("0.1"), Decimal("0.3"), 10, 0]}),
    *_cases("enum", "decimal", {"validValues": [Decimal("0.1"), 10]}),
    *_cases("enum", "boolean", {"validValues": [True]}, {"validValues": [1, 0]}),
    *_cases("enum", "date", {"validValues": ["2024-02-29", "1582-10-04", "soon", 0]}),
    *_cases("enum", "timestamp", {"validValues": ["2024-01-01T00:00:00Z"]}),
    *_cases(
        *("range", "integer"),
        *({"minimum": 0, "maximum": 10}, {"exclusiveMinimum": 0, "exclusiveMaximum": 10}),
        *({"exclusiveMinimum": 2**53}, {"maximum": 2**70}, {"minimum": -(2**70)}),
        *({"minimum": Decimal("0.5")}, {"maximum": Decimal("10.5")}),
    ),
    *_cases(
        *("range", "number"),
        *({"minimum": 0, "maximum": 10}, {"exclusiveMinimum": 0}, {"maximum": Decimal("0.3")}),
        *({"exclusiveMaximum": Decimal("0.1")}, {"maximum": 2**70}),
    ),
    *_cases(
        *("range", "decimal"),
        *({"minimum": 0, "maximum": 10}, {"exclusiveMinimum": Decimal("0.1")}),
        *({"maximum": 2**70}, {"exclusiveMaximum": Decimal("10.000000000000000001")}),
    ),
    *_cases("range", "string", {"minimum": "A", "exclusiveMaximum": "日本語"}),
    *_cases("range", "date", {"minimum": "1970-01-01", "exclusiveMaximum": "9999-12-31"}),
    *_cases(
        *("range", "timestamp"),
        *({"minimum": "2024-01-01T00:00:00Z"}, {"exclusiveMinimum": "2024-01-01T05:30:00+05:30"}),
        {"exclusiveMaximum": "2024-01-01T00:00:00"},
    ),
    *_cases("length", "string", {"minLength": 1, "maxLength": 1}, {"minLength": 2}),
    *_cases("length", "string", {"maxLength": 0}),
    *(Case(kind="pattern", arguments={"pattern": pattern}) for pattern in _PATTERNS),
)
"""Rules of the built-in kinds; a kind that the evaluator does not have is skipped."""

_AWKWARD = "a.b `c` é\U0001f600"


class ExpectationEvaluatorConformance:
    """Claims about an `ExpectationEvaluator`; subclass it and give the fixtures."""

    @pytest.fixture
    def evaluator(self) -> ExpectationEvaluator:
        """The evaluator under test."""
        raise NotImplementedError("give the fixture `evaluator`")

    @pytest.fixture
    def kinds(self) -> Mapping[str, ExpectationKind]:
        """The kinds that it evaluates, by name: the reference."""
        raise NotImplementedError("give the fixture `kinds`")

    @pytest.fixture
    def judge(self) -> Judge:
        """Runs the engine: an expectation and columns of values in, one bool a row out.

        The values of a column are of one Python type, and None.
        """
        raise NotImplementedError("give the fixture `judge`")

    @pytest.fixture
    def own_cases(self) -> Sequence[Case]:
        """Cases for kinds that the core does not bring."""
        return ()

    def test_it_says_what_it_evaluates(
        self, evaluator: ExpectationEvaluator, kinds: Mapping[str, ExpectationKind]
    ) -> None:
        """It names its engine, and kinds that exist."""
        assert evaluator.engine.strip(), "it names no engine"
        assert isinstance(evaluator.kinds, frozenset), "`kinds` must be a frozenset of names"
        unknown = sorted(evaluator.kinds - set(kinds))
        assert not unknown, f"it evaluates {unknown}, which the fixture `kinds` does not have"

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_it_agrees_with_the_reference(
        self,
        evaluator: ExpectationEvaluator,
        kinds: Mapping[str, ExpectationKind],
        judge: Judge,
        case: Case,
    ) -> None:
        """On every tricky value the engine says what the kind says."""
        if case.kind not in evaluator.kinds:
            pytest.skip(f"the evaluator does not have {case.kind}")
        _compare(kinds[case.kind], case, judge)

    def test_it_agrees_with_the_reference_on_its_own_kinds(
        self,
        evaluator: ExpectationEvaluator,
        kinds: Mapping[str, ExpectationKind],
        judge: Judge,
        own_cases: Sequence[Case],
    ) -> None:
        """Each kind that the core does not bring has a case, and the engine agrees on it."""
        for case in own_cases:
            _compare(kinds[case.kind], case, judge)
        # `type` is judged where an engine casts, so values of one type cannot try it.
        tried = {"type"} | {case.kind for case in (*CASES, *own_cases)}
        rows = {name for name in evaluator.kinds if kinds[name].form == "row"}
        assert rows <= tried, f"no case tries {sorted(rows - tried)}; give the fixture `own_cases`"

    def test_a_column_may_have_any_name(
        self,
        evaluator: ExpectationEvaluator,
        kinds: Mapping[str, ExpectationKind],
        judge: Judge,
        own_cases: Sequence[Case],
    ) -> None:
        """Dots, backticks, spaces and emoji are part of a name, not syntax."""
        cases = {case.kind: case for case in (*own_cases, *CASES) if case.kind in evaluator.kinds}
        for case in cases.values():
            _compare(kinds[case.kind], case, judge, column=_AWKWARD)


def _compare(kind: ExpectationKind, case: Case, judge: Judge, column: str = "value") -> None:
    type_ = "number" if case.type == "decimal" else case.type
    expectation = expectation_of(kind, case.arguments, columns=(column,), logical_type=type_)
    try:
        found = list(judge(expectation, {column: case.values}))
    except UnenforceableError as error:
        pytest.skip(f"the engine cannot express it: {error}")
    assert len(found) == len(case.values), f"{len(found)} verdicts on {len(case.values)} rows"
    wrong = [
        f"{value!r}: the engine says {got!r}, the reference {expected!r}"
        for value, got in zip(case.values, found, strict=True)
        if got is not (expected := kind.violated_by(expectation, (value,)))
    ]
    assert not wrong, f"is it violated ({case})? " + "; ".join(wrong)
