"""How old the data of a batch is, and how long after the batch before it came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from dc43_core.contracts.odcs_sla import MEASURED
from dc43_core.data_quality.lookback import own_time
from dc43_core.data_quality.model import Finding
from dc43_core.expectations.model import CheckPlan
from dc43_core.expectations.service_levels import SECONDS, LevelCheck
from dc43_core.vocabulary import Outcome, Severity


@frozen(kw_only=True)
class Span:
    """The oldest and the newest value of a column in a batch, in microseconds since 1970."""

    oldest: int
    newest: int

    @classmethod
    def of(cls, moments: Iterable[datetime]) -> Span | None:
        """Return the span of some moments, those without a zone in UTC; None of none."""
        found = [_microseconds(one if one.tzinfo else one.replace(tzinfo=UTC)) for one in moments]
        return cls(oldest=min(found), newest=max(found)) if found else None


def measured(
    checks: Sequence[LevelCheck],
    spans: Mapping[str, Span],
    at: str,
    history: Sequence[Mapping[str, Any]] = (),
) -> dict[str, float]:
    """Return what was measured by name; nothing of what a batch without values does not show.

    Args:
        checks: The plan's.
        spans: Column to its oldest and newest value, over rows that break no row rule.
        at: The batch's own time.
        history: Records of the batches before, newest last.
    """
    now, found = _microseconds(datetime.fromisoformat(at)), {}
    for check in checks:
        since: int | None
        if check.column is None:
            since = _last_landed(history)
        else:
            span = spans.get(check.column)
            oldest = check.level.property == "retention"
            since = None if span is None else span.oldest if oldest else span.newest
        if since is not None:
            found[check.metric] = round((now - since) / 1_000_000, 3)
    return found


def _last_landed(history: Sequence[Mapping[str, Any]]) -> int | None:
    for record in reversed(history):
        if record["outcome"] == Outcome.COMMITTED:
            at = own_time(record["input"], record["started_at"])
            return _microseconds(datetime.fromisoformat(at))
    return None


def level_findings(plan: CheckPlan, metrics: Mapping[str, Any]) -> list[Finding]:
    """Return what is older, or came later, than promised: warnings of the batch, never of a row."""
    return [
        Finding(
            check_id=check.id,
            kind=check.level.property,
            severity=Severity.WARNING,
            message=f"{check.demand}, measured {check.measured(metrics[check.metric])}",
            threshold=True,
        )
        for check in plan.service_levels
        if check.metric in metrics and not check.holds(metrics[check.metric])
    ]


def level_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Return the service levels among the metrics of a record, by name."""
    return {
        name: value
        for name, value in metrics.items()
        if name.endswith(SECONDS) and name.removesuffix(SECONDS).rpartition(".")[2] in MEASURED
    }


def _microseconds(moment: datetime) -> int:
    # A whole number of milliseconds is enough, and exact in a float.
    return round(moment.timestamp() * 1_000) * 1_000
