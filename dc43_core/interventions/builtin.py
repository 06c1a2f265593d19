"""The strategies of the core: `continue` and `fail-fast`."""

from __future__ import annotations

from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.vocabulary import Decision


class Continue:
    """The default: never intervenes."""

    def decide(self, context: DecisionContext) -> Intervention:
        """Let the batch take its course."""
        return Intervention()


class FailFast:
    """Blocks the first bad batch."""

    def decide(self, context: DecisionContext) -> Intervention:
        """Block as soon as one finding of severity error is there."""
        worst = [f for f in context.result.findings if f.severity == "error"]
        if not worst:
            return Intervention()
        more = f" and {len(worst) - 1} more" if len(worst) > 1 else ""
        return Intervention(decision=Decision.BLOCK, reason=f"{worst[0].message}{more}")
