"""Records and schema observations as rows, and back."""

from __future__ import annotations

import json
from typing import Any

from attrs import asdict

from dc43_core.errors import CorruptFileError, FormatVersionError
from dc43_core.governance.model import SchemaObservation
from dc43_core.protocol.record import GovernanceRecord, decode
from dc43_governance_sql.tables import RECORDS, SCHEMA_OBSERVATIONS

_RECORD = [c.name for c in RECORDS.columns if c.name not in ("sequence", "payload")]
_OBSERVATION = [
    c.name for c in SCHEMA_OBSERVATIONS.columns if c.name not in ("sequence", "payload")
]
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


def _text(payload: dict[str, Any]) -> str:
    # In ASCII: half a surrogate pair or a zero, which messages of foreign code may hold, can
    # be stored in no text column otherwise.
    return json.dumps(payload)
