"""The latest verdict on a dataset: of its newest record, of a measurement since, of a schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import asdict, frozen

from dc43_core.governance.catalogue import approvals_of, latest_record
from dc43_core.governance.interface import GovernanceClient
from dc43_core.governance.measurements import Measurement
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import MeasurementState, Outcome, Verdict, VersionStatus


@frozen(kw_only=True)
class DatasetVerdict:
    """What was said last of a dataset, or of one version of it.

    Attributes:
        dataset_id: The dataset.
        dataset_version: Its version; None for a batch that published none.
        verdict: What was said.
        source: `batch`: of the record of a micro-batch or batch write; `measurement`: of a snapshot
            that was measured since; `schema`: of the schema that a read or write began with, where
            nothing else is known.
        at: When; UTC, RFC 3339.
        reason: Why, as a sentence; None where there is nothing to say.
        errors: Messages of findings of severity error.
        warnings: Messages of all others.
        contract_id: The contract it was held against.
        contract_version: That contract's version.
        row_count: Rows that were judged; None where only a schema was.
        outcome: What became of the batch; None where there was none.
        status: What a steward says of the version, if anything.
        reference: Id of the record or measurement; None for a schema.
    """

    dataset_id: str
    dataset_version: str | None
    verdict: Verdict
    source: str
    at: str
    reason: str | None = None
    errors: Sequence[str] = ()
    warnings: Sequence[str] = ()
    contract_id: str = ""
    contract_version: str = ""
    row_count: int | None = None
    outcome: Outcome | None = None
    status: VersionStatus | None = None
    reference: str | None = None

    @property
    def ok(self) -> bool:
        """No error was found, and the verdict could be reached."""
        return self.verdict not in (Verdict.UNKNOWN, Verdict.BLOCK) and not self.errors

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        plain = asdict(self)
        for name in ("verdict", "outcome", "status"):
            plain[name] = None if plain[name] is None else plain[name].value
        return {**plain, "errors": list(self.errors), "warnings": list(self.warnings)}


def latest_verdict(
    client: GovernanceClient,
    namespace: str,
    dataset_id: str,
    dataset_version: str | None,
    measurements: Sequence[Measurement],
) -> DatasetVerdict | None:
    """Return what was said last; None while nothing is known.

    Args:
        client: Where records are kept.
        namespace: Only this namespace.
        dataset_id: The dataset.
        dataset_version: Its version; None for its newest batch, also if that was blocked.
        measurements: Those of the dataset, oldest first.
    """
    record = latest_record(client, namespace, dataset_id, dataset_version)
    if record is not None:
        dataset_version = record.dataset_version
    done = [
        one
        for one in measurements
        if one.state is MeasurementState.DONE and dataset_version in (None, one.dataset_version)
    ]
    # A batch that was blocked published nothing that could have been measured.
    blocked = record is not None and record.dataset_version is None
    measured = None if blocked or not done else max(done, key=lambda one: one.requested_at)
    if measured is not None and (record is None or measured.requested_at >= record.ended_at):
        return _of_measurement(measured, _status(client, record))
    if record is not None:
        return _of_record(record, _status(client, record))
    return _of_schema(client, namespace, dataset_id, dataset_version)


def _status(client: GovernanceClient, record: GovernanceRecord | None) -> VersionStatus | None:
    if record is None:
        return None
    words = approvals_of(client, record.namespace, record.dataset_id).get(record.record_id)
    return words[-1].status if words else None


def _of_record(record: GovernanceRecord, status: VersionStatus | None) -> DatasetVerdict:
    said = (record.intervention, *record.errors, *record.warnings)
    return DatasetVerdict(
        dataset_id=record.dataset_id,
        dataset_version=record.dataset_version,
        verdict=record.verdict,
        source="batch",
        at=record.ended_at,
        reason=next(filter(None, said), None),
        errors=record.errors,
        warnings=record.warnings,
        contract_id=record.contract_id,
        contract_version=record.contract_version,
        row_count=record.row_count,
        outcome=record.outcome,
        status=status,
        reference=record.record_id,
    )


def _of_measurement(measured: Measurement, status: VersionStatus | None) -> DatasetVerdict:
    said = (measured.reason, *measured.errors, *measured.warnings)
    return DatasetVerdict(
        dataset_id=measured.dataset_id,
        dataset_version=measured.dataset_version,
        verdict=measured.verdict or Verdict.UNKNOWN,
        source="measurement",
        at=measured.ended_at or measured.heartbeat_at,
        reason=next(filter(None, said), None),
        errors=measured.errors,
        warnings=measured.warnings,
        contract_id=measured.contract_id,
        contract_version=measured.contract_version,
        row_count=measured.row_count,
        status=status,
        reference=measured.measurement_id,
    )


def _of_schema(
    client: GovernanceClient, namespace: str, dataset_id: str, dataset_version: str | None
) -> DatasetVerdict | None:
    seen = [
        one
        for one in client.schema_observations(namespace=namespace, dataset_id=dataset_id)
        if dataset_version in (None, one.dataset_version)
    ]
    if not seen:
        return None
    newest = seen[-1]
    return DatasetVerdict(
        dataset_id=dataset_id,
        dataset_version=newest.dataset_version,
        verdict=Verdict.WARN if newest.problems else Verdict.OK,
        source="schema",
        at=newest.observed_at,
        reason=next(iter(newest.problems), None),
        errors=newest.problems,
        contract_id=newest.contract_id,
        contract_version=newest.contract_version,
    )
