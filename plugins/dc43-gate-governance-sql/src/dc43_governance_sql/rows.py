"""Records, schema observations and runs as rows, and back."""

from __future__ import annotations

import json
from typing import Any

from attrs import asdict

from dc43_core.errors import CorruptFileError, FormatVersionError
from dc43_core.governance.model import Run, SchemaObservation, StopRequest
from dc43_core.protocol.record import GovernanceRecord, decode
from dc43_governance_sql.tables import RECORDS, RUNS, SCHEMA_OBSERVATIONS

_RECORD = [c.name for c in RECORDS.columns if c.name not in ("sequence", "payload")]
_OBSERVATION = [
    c.name for c in SCHEMA_OBSERVATIONS.columns if c.name not in ("sequence", "payload")
]
_RUN = [c.name for c in RUNS.columns if c.name not in ("sequence", "payload", "stop_request")]
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


def _text(payload: dict[str, Any]) -> str:
    # In ASCII: half a surrogate pair or a zero, which messages of foreign code may hold, can
    # be stored in no text column otherwise.
    return json.dumps(payload)
