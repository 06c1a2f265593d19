"""What a plugin offers that decides about validated micro-batches."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from dc43_core.data_quality.model import ColumnDrift
from dc43_core.interventions.model import DecisionContext, Intervention


@runtime_checkable
class InterventionStrategy(Protocol):
    """Decides what happens to a validated micro-batch.

    A strategy may raise the severity of what the disposition table says, never lower it. What it
    may have besides `decide`:

    - `name`: what its state is kept under, instead of the name of its class.
    - `routes = True`: it decides where violating rows go; only where it answers `route` do they
      leave main. `routes_after`: bad batches in a row after which it does.
    - `sets_aside(drift)`, see `DriftStrategy`.
    - `needs_rejects = True`: it is refused where there is no reject sink.
    - `on_incompatible`: `block` or `reject`, what is to happen on incompatible drift where the
      caller says nothing.
    """

    def decide(self, context: DecisionContext) -> Intervention | str | None:
        """Answer for one batch; a plain string means block, None means continue.

        Must be pure: no clock, no network, no memory of its own. What it needs next time goes
        into `Intervention.state`.
        """
        ...


@runtime_checkable
class DriftStrategy(InterventionStrategy, Protocol):
    """A strategy that decides about drift also before a row is read."""

    def sets_aside(self, drift: Sequence[ColumnDrift]) -> bool:
        """Say whether every row of a batch with this drift goes to the rejects.

        Asked only where there is drift; as pure as `decide`, which is asked of the batch as well.
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
