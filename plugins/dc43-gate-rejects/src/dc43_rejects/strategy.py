"""Strategies that decide when rows that break their contract leave main."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, optional

from dc43_core import Decision, DecisionContext, Intervention, Verdict


class RouteRejects:
    """Routes the violating rows of every bad batch to the rejects."""

    routes = True

    def decide(self, context: DecisionContext) -> Intervention:
        """Route whenever there is an error finding, or no verdict."""
        if not _is_bad(context):
            return Intervention()
        return Intervention(decision=Decision.ROUTE, reason=f"{_what(context)}; {_THEN}")


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
        before, is_bad = context.state, _is_bad(context)
        bad = before.get("bad", 0) + 1 if is_bad else 0
        good = 0 if is_bad else before.get("good", 0) + 1
        routing = bool(before.get("routing", False)) or bad >= self.options.n
        if self.options.back_after is not None and good >= self.options.back_after:
            routing = False
        state = {"bad": bad, "good": good, "routing": routing}
        if not (routing and is_bad):
            return Intervention(state=state)
        which = f"{bad} bad batches in a row" if bad > 1 else "one more bad batch"
        reason = f"{which} ({_what(context)}); {_THEN}"
        return Intervention(decision=Decision.ROUTE, reason=reason, state=state)


_THEN = "rows that break the contract go to the rejects"


def _is_bad(context: DecisionContext) -> bool:
    # Without a verdict nobody knows that the violating rows may stay.
    return context.bad or context.result.status is Verdict.UNKNOWN


def _what(context: DecisionContext) -> str:
    errors = [f for f in context.result.findings if f.severity == "error"]
    if not errors:
        return "no verdict could be reached"
    more = f" and {len(errors) - 1} more" if len(errors) > 1 else ""
    return f"{errors[0].message}{more}"
