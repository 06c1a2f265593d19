"""Measurements of snapshots: asked for, taken in the background, and polled from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, field, frozen

from dc43_core.errors import CorruptFileError
from dc43_core.governance.model import SILENT_AFTER
from dc43_core.protocol.clock import seconds_between
from dc43_core.protocol.record import known_facts
from dc43_core.vocabulary import MeasurementState, Verdict

MEASUREMENT_FORMAT_VERSION = 1
_OPEN = (MeasurementState.WAITING, MeasurementState.RUNNING)


@frozen(kw_only=True)
class Measurement:
    """One measuring of one snapshot. Its row is overwritten until it is done or has failed.

    Attributes:
        measurement_id: What it is asked for by.
        dataset_id: The dataset.
        dataset_version: Its version, as whoever handed in the snapshot says.
        contract_id: The contract it is held against.
        contract_version: That contract's version.
        state: How far it has come.
        driver: Host and process that measure.
        requested_at: UTC, RFC 3339, as all times here.
        heartbeat_at: When the process last said that it is alive.
        ended_at: When it was done or failed.
        verdict: What the snapshot's numbers say; None until it is done.
        row_count: Rows of the snapshot.
        violations_by_check: Check id to the rows that break it; only rules that were broken.
        errors: Messages of findings of severity error.
        warnings: Messages of all others.
        metrics: Numbers by name.
        reason: Why the verdict is what it is, or why it failed.
        namespace: First part of every key.
    """

    measurement_id: str
    dataset_id: str
    dataset_version: str
    contract_id: str
    contract_version: str
    state: MeasurementState = MeasurementState.WAITING
    driver: str
    requested_at: str
    heartbeat_at: str
    ended_at: str | None = None
    verdict: Verdict | None = None
    row_count: int | None = None
    violations_by_check: Mapping[str, int] = field(factory=dict)
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    metrics: Mapping[str, Any] = field(factory=dict)
    reason: str | None = None
    namespace: str = "default"
    format_version: int = MEASUREMENT_FORMAT_VERSION

    @property
    def ended(self) -> bool:
        """Whether it is done or has failed."""
        return self.state not in _OPEN

    def status(self, now: str) -> str:
        """Return its state, or `silent` if whoever measures gives no sign of life."""
        silent = seconds_between(self.heartbeat_at, now) > SILENT_AFTER
        return "silent" if silent and not self.ended else self.state.value

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            **asdict(self),
            "errors": list(self.errors),
            "warnings": list(self.warnings),
            "state": self.state.value,
            "verdict": None if self.verdict is None else self.verdict.value,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> Measurement:
        """Read a measurement back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not a measurement.
        """
        facts = known_facts(cls, payload, source, MEASUREMENT_FORMAT_VERSION)
        try:
            verdict = facts["verdict"]
            return cls(
                **{
                    **facts,
                    "state": MeasurementState(facts["state"]),
                    "verdict": None if verdict is None else Verdict(verdict),
                    "errors": tuple(facts["errors"]),
                    "warnings": tuple(facts["warnings"]),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFileError(source, f"not a measurement: {error}") from error
