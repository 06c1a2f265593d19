"""What a plugin offers that decides about validated micro-batches."""

from __future__ import annotations

import inspect
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


def unable(strategy: object) -> str | None:
    """Say why an object cannot decide, as a clause; None if it can, as far as can be seen."""
    if isinstance(strategy, type):
        return "is a class"
    decide = getattr(strategy, "decide", None)
    if not callable(decide):
        return "has no method decide(context)"
    if inspect.iscoroutinefunction(decide):
        return "has an async decide, whose answer a batch does not wait for"
    try:
        inspect.signature(decide).bind(None)
    except TypeError:
        return "has a decide that does not take the context alone"
    except ValueError:
        # Some callables do not tell what they take.
        pass
    return None
