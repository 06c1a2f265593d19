"""What a plugin offers that knows a kind of rule, or an engine to judge rules on."""

from __future__ import annotations

from typing import Any, Protocol

from dc43_core.expectations.model import Expectation


class ExpectationKind(Protocol):
    """What one kind of rule means, apart from any engine.

    The core ships the meaning, engines ship expressions: `violated_by` is the reference that
    every evaluator must agree with, and what the kit's own engine runs.
    """

    name: str
    """What contracts call it, kebab-case."""
    form: str
    """`row`: judged value by value; `key`: among all rows; `batch`: a measure."""

    @property
    def arguments(self) -> type:
        """The attrs class of its arguments; a contract's mapping is structured into it."""
        ...

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked, as the end of a sentence: `must be at least 1`."""
        ...

    def violated_by(self, expectation: Expectation, values: tuple[Any, ...]) -> bool:
        """Say whether these column values break the rule; NULL breaks only `required`.

        Args:
            expectation: The rule with its arguments.
            values: One value for each of `expectation.columns`.
        """
        ...


class ExpectationEvaluator(Protocol):
    """Turns expectations into expressions of one engine."""

    engine: str
    kinds: frozenset[str]

    def violated(self, expectation: Expectation, frame: Any) -> Any:
        """Return the engine's boolean expression that is true where a row breaks the rule.

        The expression is never NULL and never throws for any value of the column's type. It is
        built once and applied to every micro-batch, so it addresses columns by name.

        Args:
            expectation: A rule whose kind is in `kinds`.
            frame: A frame of the engine, for its schema.

        Raises:
            UnenforceableError: if this engine cannot express these arguments.
        """
        ...
