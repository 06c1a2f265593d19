"""The data-quality client of the core: judges in this process, from the counts alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import asdict

from dc43_core.data_quality.model import ColumnDrift, Finding, Observations
from dc43_core.data_quality.service_levels import level_findings
from dc43_core.expectations.derive import planned
from dc43_core.expectations.model import CheckPlan, Expectation
from dc43_core.vocabulary import Scope, Severity

UNREADABLE = ("reordered", "retyped")
"""Kinds of drift under which the engine would read wrong values, or none."""


class LocalDataQuality:
    """Compares counts with expectations; keeps nothing and calls nobody."""

    def findings(self, plan: CheckPlan, observations: Observations) -> Sequence[Finding]:
        """Return what does not hold, in the contract's order, drift first."""
        found = drift_findings(observations.drift)
        for expectation in plan.expectations:
            failed = expectation.id in observations.evaluation_errors
            if failed:
                found.append(_unjudged(expectation, observations))
            if failed and expectation.id not in observations.unjudged:
                continue
            if (finding := self._judge(expectation, observations)) is not None:
                found.append(finding)
        return found + level_findings(plan, observations.metrics)

    def _judge(self, expectation: Expectation, observations: Observations) -> Finding | None:
        total = observations.row_count
        of_batch = expectation.form == "batch"
        rows = total if of_batch else observations.broken.get(expectation.id, 0)
        if expectation.scope is Scope.ROW:
            if not rows:
                return None
            message = f"{expectation.demand}: broken by {rows} of {total} rows"
        else:
            threshold, window = expectation.threshold, expectation.window
            if window is not None:
                broken_before, rows_before = observations.earlier.get(expectation.id, (0, 0))
                total += rows_before
                rows = total if of_batch else rows + broken_before
            if threshold is None or threshold.holds(rows, total):
                return None
            measured = threshold.measured(rows, total)
            shown = f"{measured:.4g} %" if threshold.unit == "percent" else f"{measured}"
            what = (
                "the number of rows"
                if of_batch
                else (f"the rows that break «{expectation.demand}»")
            )
            over = f" over {window}" if window else ""
            message = f"{what}{over}: measured {shown}, {threshold}"
        return Finding(
            check_id=expectation.id,
            kind=expectation.kind,
            severity=expectation.severity,
            message=message,
            rows=0 if of_batch else rows,
            threshold=expectation.scope is not Scope.ROW,
        )

    def describe_expectations(self, plan: CheckPlan) -> Sequence[dict[str, str]]:
        """Return `{path, state, what}` for every node of the contract."""
        return [asdict(node) for node in planned(plan)]


def _unjudged(expectation: Expectation, seen: Observations) -> Finding:
    rows, why = seen.unjudged.get(expectation.id, 0), seen.evaluation_errors[expectation.id]
    told = f" for {rows} of {seen.row_count} rows" if rows else ""
    return Finding(
        check_id=expectation.id,
        kind="evaluation_error",
        severity=expectation.severity,
        message=f"{expectation.id} could not be judged{told}: {why}",
        rows=rows,
    )


def drift_findings(drift: Iterable[ColumnDrift]) -> list[Finding]:
    """Return what differences between schemas mean, before any row is looked at."""
    return [_drift(one) for one in drift]


def _drift(drift: ColumnDrift) -> Finding:
    where = f" (file {drift.where})" if drift.where else ""
    return Finding(
        check_id=f"schema.{drift.column}",
        # Values in the wrong columns are no matter of quality: nobody could tell them apart.
        kind="unreadable" if drift.kind in UNREADABLE else "drift",
        severity=Severity.ERROR if drift.incompatible else Severity.INFO,
        message=f"column {drift.column}: {drift.detail}{where}",
    )
