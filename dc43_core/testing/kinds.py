"""What every kind of rule holds to.

    class TestGtin(ExpectationKindConformance):
        @pytest.fixture
        def kind(self) -> GtinKind:
            return GtinKind()

        @pytest.fixture
        def violating_values(self) -> Sequence[object]:
            return ["4006381333932"]

and so on for the other fixtures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import pytest

from dc43_core.converter import ARGUMENTS, structure
from dc43_core.expectations.interface import ExpectationKind
from dc43_core.expectations.model import Expectation

FORMS = ("row", "key", "batch")
_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
# The two kinds that are about NULL; to every other one NULL is no violation.
_ABOUT_NULL = ("required", "missing")


def expectation_of(
    kind: ExpectationKind,
    arguments: Mapping[str, Any],
    *,
    columns: Sequence[str] = ("value",),
    logical_type: str | None = None,
) -> Expectation:
    """Return an expectation as it is derived from a contract.

    Args:
        kind: What it asks.
        arguments: As a contract writes them: camelCase keys, plain values.
        columns: Physical names of the columns that it reads.
        logical_type: The ODCS logical type of its column.

    Raises:
        ValueError: if the arguments do not fit the kind.
    """
    expectation = Expectation(
        id=f"{columns[0]}.{kind.name}",
        kind=kind.name,
        columns=tuple(columns),
        label=", ".join(columns),
        arguments=structure(ARGUMENTS, kind.arguments, arguments),
        source=f"{columns[0]}.{kind.name}",
        logical_type=logical_type,
        form=kind.form,
    )
    demand = f"{expectation.label} {kind.describe(expectation)}"
    return attrs.evolve(expectation, demand=demand)


class ExpectationKindConformance:
    """Claims about an `ExpectationKind`; subclass it and give the fixtures."""

    @pytest.fixture
    def kind(self) -> ExpectationKind:
        """The kind under test."""
        raise NotImplementedError("give the fixture `kind`")

    @pytest.fixture
    def valid_arguments(self) -> Mapping[str, Any]:
        """Arguments as a contract writes them; the values below are judged with them."""
        return {}

    @pytest.fixture
    def invalid_arguments(self) -> Sequence[Mapping[str, Any]]:
        """Arguments that must be refused; none for a kind that takes none."""
        return ()

    @pytest.fixture
    def violating_values(self) -> Sequence[Any]:
        """Values that break the rule; none for a kind of form `key` or `batch`."""
        raise NotImplementedError("give the fixture `violating_values`")

    @pytest.fixture
    def passing_values(self) -> Sequence[Any]:
        """Values that keep the rule."""
        raise NotImplementedError("give the fixture `passing_values`")

    @pytest.fixture
    def columns(self) -> Sequence[str]:
        """The columns of a rule; with several, each value above is a tuple."""
        return ("value",)

    @pytest.fixture
    def expectation(
        self, kind: ExpectationKind, valid_arguments: Mapping[str, Any], columns: Sequence[str]
    ) -> Expectation:
        """The rule that the values are judged by."""
        return expectation_of(kind, valid_arguments, columns=columns)

    def test_its_name_is_kebab_case(self, kind: ExpectationKind) -> None:
        """Contracts call it by this name."""
        assert _KEBAB.fullmatch(kind.name), f"{kind.name!r} is not kebab-case, such as row-count"

    def test_its_form_is_known(self, kind: ExpectationKind) -> None:
        """Engines go by the form."""
        assert kind.form in FORMS, f"form {kind.form!r} is none of {', '.join(FORMS)}"

    def test_its_arguments_are_a_frozen_attrs_class(
        self, kind: ExpectationKind, expectation: Expectation
    ) -> None:
        """A contract's mapping is structured into it, and stays as it is."""
        assert attrs.has(kind.arguments), f"{kind.arguments!r} is not an attrs class"
        assert isinstance(expectation.arguments, kind.arguments)
        for attribute in attrs.fields(kind.arguments):
            value = getattr(expectation.arguments, attribute.name)
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                setattr(expectation.arguments, attribute.name, value)

    def test_unknown_arguments_are_refused_by_name(
        self, kind: ExpectationKind, valid_arguments: Mapping[str, Any]
    ) -> None:
        """A misspelt argument must not leave a rule weaker than it reads."""
        with pytest.raises(ValueError, match="noSuchArgument"):
            expectation_of(kind, {**valid_arguments, "noSuchArgument": 1})

    def test_arguments_that_do_not_fit_are_refused(
        self, kind: ExpectationKind, invalid_arguments: Sequence[Mapping[str, Any]]
    ) -> None:
        """What cannot be judged is refused when the contract is read, not in a batch."""
        for arguments in invalid_arguments:
            try:
                expectation_of(kind, arguments)
            except ValueError:
                continue
            pytest.fail(f"takes the arguments {arguments}, which must be refused")

    def test_it_describes_what_is_asked(
        self, kind: ExpectationKind, expectation: Expectation
    ) -> None:
        """The label of the column goes before it, so it reads `must ...`."""
        said = kind.describe(expectation)
        assert said.startswith("must "), f"describe() must go on from a column's name: {said!r}"
        assert "\n" not in said, f"describe() must be one line: {said!r}"
        assert not said.endswith("."), f"describe() is not the end of a sentence: {said!r}"

    def test_violating_values_break_it(
        self, kind: ExpectationKind, expectation: Expectation, violating_values: Sequence[Any]
    ) -> None:
        """Each of them breaks the rule, and the answer is a bool."""
        assert violating_values or kind.form != "row", "a row rule needs a value that breaks it"
        for values in _rows(violating_values, expectation):
            answer = kind.violated_by(expectation, values)
            assert answer is True, f"{values!r}: violated_by() says {answer!r}, not True"

    def test_passing_values_keep_it(
        self, kind: ExpectationKind, expectation: Expectation, passing_values: Sequence[Any]
    ) -> None:
        """Each of them keeps the rule, and the answer is a bool."""
        assert passing_values, "a rule needs a value that keeps it"
        for values in _rows(passing_values, expectation):
            answer = kind.violated_by(expectation, values)
            assert answer is False, f"{values!r}: violated_by() says {answer!r}, not False"

    def test_null_does_not_break_it(
        self,
        kind: ExpectationKind,
        expectation: Expectation,
        violating_values: Sequence[Any],
        passing_values: Sequence[Any],
    ) -> None:
        """`required` is the rule for NULL: no other one judges a row where a part is NULL."""
        about_null = kind.name in _ABOUT_NULL
        for values in _rows(
            [] if about_null else [*violating_values, *passing_values], expectation
        ):
            for position in range(len(values)):
                row = (*values[:position], None, *values[position + 1 :])
                answer = kind.violated_by(expectation, row)
                assert answer is False, f"{row!r}: violated_by() says {answer!r} of a NULL"

    def test_it_judges_the_same_each_time(
        self,
        kind: ExpectationKind,
        expectation: Expectation,
        violating_values: Sequence[Any],
        passing_values: Sequence[Any],
    ) -> None:
        """The answer depends on rule and values alone, in whatever order they come."""
        rows = _rows([*violating_values, *passing_values], expectation)
        first = [kind.violated_by(expectation, values) for values in rows]
        again = [kind.violated_by(expectation, values) for values in reversed(rows)]
        assert first == again[::-1], "violated_by() answers otherwise when it is asked again"


def _rows(values: Sequence[Any], expectation: Expectation) -> list[tuple[Any, ...]]:
    several = len(expectation.columns) > 1
    return [tuple(value) if several else (value,) for value in values]
