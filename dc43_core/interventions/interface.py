"""What a plugin offers that decides about validated micro-batches."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from dc43_core.interventions.model import DecisionContext, Intervention


@runtime_checkable
class InterventionStrategy(Protocol):
    """Decides what happens to a validated micro-batch.

    A strategy may raise the severity of what the disposition table says, never lower it. One
    with the attribute `routes = True` decides where violating rows go: only where it answers
    `route` do they leave main.
    """

    def decide(self, context: DecisionContext) -> Intervention | str | None:
        """Answer for one batch; a plain string means block, None means continue.

        Must be pure: no clock, no network, no memory of its own. What it needs next time goes
        into `Intervention.state`.
        """
        ...
