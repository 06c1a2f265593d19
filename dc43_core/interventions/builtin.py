"""The strategies of the core: `continue`, `warn` and `fail-fast`."""

from __future__ import annotations

from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.vocabulary import Decision


class Continue:
    """The default: never intervenes."""

    def decide(self, context: DecisionContext) -> Intervention:
        """Let the batch take its course."""
        return Intervention()


class Warn:
    """Says of each bad batch what is wrong with it, and never blocks."""

    def decide(self, context: DecisionContext) -> Intervention:
        """Warn as soon as one finding of severity error is there, or there is no verdict."""
        return _on_trouble(Decision.WARN, context)


class FailFast:
    """Blocks the first bad batch."""

    def decide(self, context: DecisionContext) -> Intervention:
        """Block as soon as one finding of severity error is there, or there is no verdict."""
        return _on_trouble(Decision.BLOCK, context)


def _on_trouble(decision: Decision, context: DecisionContext) -> Intervention:
    trouble = context.trouble()
    if trouble is None:
        return Intervention()
    return Intervention(decision=decision, reason=trouble)
