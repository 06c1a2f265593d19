"""What can be wrong with a rule and with what judges it."""

from __future__ import annotations

from collections.abc import Iterable

from dc43_core.errors.base import Dc43Error


class ArgumentsError(Dc43Error, ValueError):
    """An expectation's arguments do not fit its kind."""

    def __init__(self, kind: str, problem: str) -> None:
        self.kind, self.problem = kind, problem
        super().__init__(f"{kind}: {problem}")


class UnenforceableError(Dc43Error, ValueError):
    """A rule is understood but cannot be enforced, as its message says."""


class MissingEvaluatorError(Dc43Error, LookupError):
    """An expectation's kind has no evaluator on the engine that is to enforce it."""

    def __init__(self, check_id: str, kind: str, engine: str, known: Iterable[str]) -> None:
        self.check_id, self.kind, self.engine = check_id, kind, engine
        self.known = sorted(known)
        super().__init__(
            f"expectation {check_id} is of kind {kind!r}, which no installed plugin evaluates on "
            f"{engine}; evaluated there: {', '.join(self.known)}; install the plugin that brings "
            f"{kind!r} for {engine}, or take the rule out of the contract"
        )


class EvaluatorError(Dc43Error, TypeError):
    """An evaluator gave an expression that its engine does not take."""

    def __init__(self, check_id: str, kind: str, engine: str, problem: str) -> None:
        self.check_id, self.kind, self.engine, self.problem = check_id, kind, engine, problem
        super().__init__(
            f"the {engine} evaluator of kind {kind!r} gave an unusable expression for {check_id}: "
            f"{problem}; an expression addresses columns by name, is boolean, and is applied to "
            "many frames"
        )
