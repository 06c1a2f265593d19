"""Strategies that decide when rows that break their contract leave main."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, optional

from dc43_core import Decision, DecisionContext, Intervention


class RouteRejects:
    """Routes the violating rows of every bad batch to the rejects."""

    routes = True

    def decide(self, context: DecisionContext) -> Intervention:
        """Route whenever there is an error finding, or no verdict."""
        trouble = context.trouble()
        if trouble is None:
            return Intervention()
        return Intervention(decision=Decision.ROUTE, reason=f"{trouble}; {_THEN}")


@frozen(kw_only=True)
class RouteAfterOptions:
    """When routing begins, and when it ends.

    Attributes:
        n: Bad batches in a row, the last of which is the first to be routed.
        back_after: Good batches in a row after which routing ends; None keeps it for good.
    """

    n: int = field(default=3, validator=ge(1))
    back_after: int | None = field(default=None, validator=optional(ge(1)))


class RouteAfter:
    """Lets violating rows land in main until bad batches keep coming; then routes them.

    In enforce a violating row never lands in main, so there dc43 takes it with `n = 1` only.

    State: `bad` and `good` batches in a row, and whether it is `routing`.
    """

    routes = True

    def __init__(self, options: RouteAfterOptions) -> None:
        self.options = options

    @property
    def routes_after(self) -> int:
        """Bad batches in a row after which it routes."""
        return self.options.n

    def decide(self, context: DecisionContext) -> Intervention:
        """Count the batch, then route it if it is bad and routing has begun."""
        before, trouble = context.state, context.trouble()
        bad = before.get("bad", 0) + 1 if trouble else 0
        good = 0 if trouble else before.get("good", 0) + 1
        routing = bool(before.get("routing", False)) or bad >= self.options.n
        if self.options.back_after is not None and good >= self.options.back_after:
            routing = False
        state = {"bad": bad, "good": good, "routing": routing}
        if not (routing and trouble):
            return Intervention(state=state)
        which = f"{bad} bad batches in a row" if bad > 1 else "one more bad batch"
        reason = f"{which} ({trouble}); {_THEN}"
        return Intervention(decision=Decision.ROUTE, reason=reason, state=state)


class Split:
    """Splits what is written: valid rows to main, rows that break the contract to the rejects.

    It speaks of rows and not of bad batches: of a threshold that fails it says nothing.
    """

    routes = True

    def decide(self, context: DecisionContext) -> Intervention:
        """Route as soon as a row breaks a rule of severity error."""
        numbers = context.result.metrics
        rows, broken = numbers["row_count"], numbers["violating_rows"]
        if not broken:
            return Intervention()
        trouble = context.trouble()
        why = f" ({trouble})" if trouble else ""
        return Intervention(
            decision=Decision.ROUTE,
            reason=f"of {rows:,} rows {broken:,} break the contract{why} and go to the rejects, "
            f"{rows - broken:,} go to main",
        )


_THEN = "rows that break the contract go to the rejects"
