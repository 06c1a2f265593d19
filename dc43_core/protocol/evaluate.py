"""Judging counts apart from any stream: what a governed batch of these numbers would be told."""

from __future__ import annotations

from collections.abc import Mapping

from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.model import Observations, ValidationResult
from dc43_core.expectations.model import CheckPlan
from dc43_core.protocol.disposition import Policy, dispose
from dc43_core.protocol.judge import Judge, metrics


def evaluate(
    plan: CheckPlan,
    seen: Observations,
    *,
    data_quality: DataQualityClient,
    policy: Policy,
    has_rejects: bool,
    schema: Mapping[str, str],
) -> ValidationResult:
    """Return the verdict on counts, with findings, reason and numbers.

    No strategy is asked, and there are no batches before. A client that fails gives the verdict
    `unknown`, with its error.

    Args:
        plan: What the contract asks.
        seen: The counts.
        data_quality: Who judges.
        policy: Run type and options; says when the verdict is `block`.
        has_rejects: Whether violating rows leave the others; findings about them are warnings then.
        schema: Column name to type of what was counted.
    """
    judge = Judge(
        plan=plan,
        data_quality=data_quality,
        strategies=(),
        history=lambda: (),
        schema=lambda: schema,
        run_type=policy.run_type,
        has_rejects=has_rejects,
    )
    findings, faults = judge.findings(seen)
    verdict = dispose(
        policy=policy,
        findings=findings,
        violating=seen.violating,
        interventions=(),
        has_rejects=has_rejects,
        faults=faults,
    )
    broken = {check: rows for check, rows in seen.broken.items() if rows}
    return ValidationResult(
        status=verdict.verdict,
        errors=list(verdict.errors),
        warnings=list(verdict.warnings),
        reason=verdict.reason,
        metrics={**metrics(seen), "violations_by_check": broken},
        schema=dict(schema),
        findings=list(findings),
        dataset_id=plan.dataset_id,
        contract_id=plan.contract.id,
        contract_version=plan.contract.version,
    )
