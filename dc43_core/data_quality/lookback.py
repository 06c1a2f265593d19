"""What thresholds over several batches look back on, folded from the records.

A record keeps, of each rule that looks back, what its own batch measured, and of rules over the
whole stream also the sums so far. Nothing is kept elsewhere: a batch that is replayed has one
record, so it counts once, and a batch that did not land counts in no later window.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from attrs import define, field

from dc43_core.data_quality.model import Observations
from dc43_core.expectations.model import CheckPlan, Expectation
from dc43_core.vocabulary import Outcome, Scope

MEASURED, TOTALS = "measured", "totals"
"""Keys of a record's `details`: check id to `[rows that broke it, rows]`."""
Sums = dict[str, tuple[int, int]]


@define
class _Batch:
    at: str
    measured: Mapping[str, tuple[int, int]]
    totals: Mapping[str, tuple[int, int]]


@define(kw_only=True)
class Lookback:
    """The landed batches of one stream, as far as its rules look back on them.

    Attributes:
        plan: What the contract asks.
        limit: Batches kept; a window of time that holds more cannot be judged.
    """

    plan: CheckPlan
    limit: int
    _batches: dict[int, _Batch] = field(factory=dict, init=False, repr=False)
    _dropped: str | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self.limit = max(self.limit, *(e.window.batches or 0 for e in self.rules if e.window), 0)

    @property
    def rules(self) -> list[Expectation]:
        """The rules that look back."""
        return [e for e in self.plan.expectations if e.window is not None]

    def add(self, record: Mapping[str, Any]) -> None:
        """Take a batch in; one that did not land, or is known, changes nothing.

        Args:
            record: A record's payload; the newest last.
        """
        batch_id = int(record["batch_id"])
        if record["outcome"] != Outcome.COMMITTED or batch_id in self._batches or not self.rules:
            return
        details = record["details"]
        self._batches[batch_id] = _Batch(
            own_time(record["input"], record["started_at"]),
            details.get(MEASURED, {}),
            details.get(TOTALS, {}),
        )
        while len(self._batches) > self.limit:
            self._dropped = self._batches.pop(next(iter(self._batches))).at

    def before(self, batch_id: int, at: str) -> tuple[Sums, dict[str, str]]:
        """Return what the earlier batches of each rule's window add, and what cannot be judged.

        Args:
            batch_id: The batch that is judged.
            at: Its own time; windows of time end there.
        """
        earlier = [batch for number, batch in self._batches.items() if number < batch_id]
        sums: Sums = {}
        errors: dict[str, str] = {}
        for rule in self.rules:
            try:
                sums[rule.id] = self._sum(rule, earlier, at)
            except OverflowError as error:
                errors[rule.id] = str(error)
        return sums, errors

    def _sum(self, rule: Expectation, earlier: list[_Batch], at: str) -> tuple[int, int]:
        window = rule.window
        assert window is not None
        if rule.scope is Scope.DATASET:
            found = (batch.totals.get(rule.id) for batch in reversed(earlier))
            broken, rows = next(filter(None, found), (0, 0))
            return broken, rows
        if window.batches is not None:
            inside = earlier[max(0, len(earlier) - window.batches + 1) :]
        else:
            seconds = window.seconds or 0
            if self._dropped is not None and _age(self._dropped, at) < seconds:
                raise OverflowError(
                    f"{window} hold more than {self.limit} batches; raise limits.lookback, or let "
                    "the window count batches"
                )
            inside = [b for b in earlier if _age(b.at, at) < seconds]
        measured = [batch.measured.get(rule.id, (0, 0)) for batch in inside]
        return sum(broken for broken, _ in measured), sum(rows for _, rows in measured)


def own_time(read: Mapping[str, Any], started_at: str) -> str:
    """Return when a batch is, the same at each attempt, as far as its engine says so.

    Args:
        read: What a record says of its input.
        started_at: When it was handed over to this attempt.
    """
    return str(read.get("planned_at") or started_at)


def kept(plan: CheckPlan, seen: Observations) -> dict[str, dict[str, list[int]]]:
    """Return what the record of a batch keeps for those after it; empty if no rule looks back."""
    measured: dict[str, list[int]] = {}
    totals: dict[str, list[int]] = {}
    for rule in plan.expectations:
        if rule.window is None or rule.id in seen.evaluation_errors:
            continue
        broken, rows = seen.broken.get(rule.id, 0), seen.row_count
        if rule.scope is Scope.WINDOW:
            measured[rule.id] = [broken, rows]
        else:
            before = seen.earlier.get(rule.id, (0, 0))
            totals[rule.id] = [broken + before[0], rows + before[1]]
    found = {MEASURED: measured, TOTALS: totals}
    return {name: sums for name, sums in found.items() if sums}


def _age(moment: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(moment)).total_seconds()
