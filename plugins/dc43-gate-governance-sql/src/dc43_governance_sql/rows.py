"""Records, schema observations, runs, approvals and measurements as rows, and back."""

from __future__ import annotations

import json
from typing import Any

from attrs import asdict
from sqlalchemy import Table

from dc43_core.errors import CorruptFileError, FormatVersionError
from dc43_core.governance.approvals import Approval
from dc43_core.governance.measurements import Measurement
from dc43_core.governance.model import Run, SchemaObservation, StopRequest
from dc43_core.protocol.record import GovernanceRecord, decode
from dc43_governance_sql.tables import (
    APPROVALS,
    MEASUREMENTS,
    RECORDS,
    RUNS,
    SCHEMA_OBSERVATIONS,
)


def _columns(table: Table) -> list[str]:
    apart = ("sequence", "payload", "stop_request")
    return [c.name for c in table.columns if c.name not in apart]


_RECORD, _OBSERVATION, _RUN = map(_columns, (RECORDS, SCHEMA_OBSERVATIONS, RUNS))
_APPROVAL, _MEASUREMENT = map(_columns, (APPROVALS, MEASUREMENTS))
_OBSERVATION_VERSION = 1


def record_row(record: GovernanceRecord) -> dict[str, Any]:
    """Return a record's columns."""
    payload = record.payload()
    return {name: payload[name] for name in _RECORD} | {"payload": _text(payload)}


def read_record(record_id: str, payload: str, location: str) -> GovernanceRecord:
    """Make a record of its row.

    Raises:
        CorruptFileError: if the row is not a record.
        FormatVersionError: if a newer dc43 wrote it.
    """
    source = f"{location}, record {record_id}"
    return GovernanceRecord.from_payload(decode(payload.encode(), source), source)


def observation_row(observation: SchemaObservation) -> dict[str, Any]:
    """Return a schema observation's columns."""
    payload = {**asdict(observation), "format_version": _OBSERVATION_VERSION}
    return {name: payload[name] for name in _OBSERVATION} | {"payload": _text(payload)}


def read_observation(sequence: int, payload: str, location: str) -> SchemaObservation:
    """Make a schema observation of its row.

    Raises:
        CorruptFileError: if the row is not a schema observation.
        FormatVersionError: if a newer dc43 wrote it.
    """
    source = f"{location}, schema observation {sequence}"
    facts = decode(payload.encode(), source)
    version = facts.pop("format_version", None)
    if not isinstance(version, int) or version > _OBSERVATION_VERSION:
        raise FormatVersionError(source, version, _OBSERVATION_VERSION)
    try:
        return SchemaObservation(**{**facts, "problems": tuple(facts["problems"])})
    except (KeyError, TypeError) as error:
        raise CorruptFileError(source, f"not a schema observation: {error}") from error


def run_row(run: Run) -> dict[str, Any]:
    """Return a run's columns, but for the stop request, which is not the run's own."""
    payload = run.payload()
    del payload["stop_request"]
    return {name: payload[name] for name in _RUN} | {"payload": _text(payload)}


def request_text(request: StopRequest) -> str:
    """Return a stop request as its column holds it."""
    return _text(asdict(request))


def read_request(run_id: str, text: str | None, location: str) -> StopRequest | None:
    """Make a stop request of its column.

    Raises:
        CorruptFileError: if it is none.
    """
    if text is None:
        return None
    source = f"{location}, stop request of run {run_id}"
    try:
        return StopRequest(**decode(text.encode(), source))
    except TypeError as error:
        raise CorruptFileError(source, f"not a stop request: {error}") from error


def read_run(run_id: str, payload: str, request: str | None, location: str) -> Run:
    """Make a run of its row.

    Raises:
        CorruptFileError: if the row is not a run.
        FormatVersionError: if a newer dc43 wrote it.
    """
    source = f"{location}, run {run_id}"
    run = Run.from_payload(decode(payload.encode(), source), source)
    return run.asked_to_stop(read_request(run_id, request, location))


def approval_row(approval: Approval) -> dict[str, Any]:
    """Return an approval's columns."""
    payload = {**approval.payload(), "approval_id": approval.approval_id}
    return {name: payload[name] for name in _APPROVAL} | {"payload": _text(payload)}


def read_approval(approval_id: str, payload: str, location: str) -> Approval:
    """Make an approval of its row.

    Raises:
        CorruptFileError: if the row is not an approval.
        FormatVersionError: if a newer dc43 wrote it.
    """
    source = f"{location}, approval {approval_id}"
    return Approval.from_payload(decode(payload.encode(), source), source)


def measurement_row(measurement: Measurement) -> dict[str, Any]:
    """Return a measurement's columns."""
    payload = measurement.payload()
    return {name: payload[name] for name in _MEASUREMENT} | {"payload": _text(payload)}


def read_measurement(measurement_id: str, payload: str, location: str) -> Measurement:
    """Make a measurement of its row.

    Raises:
        CorruptFileError: if the row is not a measurement.
        FormatVersionError: if a newer dc43 wrote it.
    """
    source = f"{location}, measurement {measurement_id}"
    return Measurement.from_payload(decode(payload.encode(), source), source)


def _text(payload: dict[str, Any]) -> str:
    # In ASCII: half a surrogate pair or a zero, which messages of foreign code may hold, can
    # be stored in no text column otherwise.
    return json.dumps(payload)
