"""Governance for the life of one process."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TypeVar

from dc43_core.governance.approvals import Approval
from dc43_core.governance.measurements import Measurement
from dc43_core.governance.model import Run, SchemaObservation, StopRequest
from dc43_core.protocol.record import GovernanceRecord

T = TypeVar("T")


class MemoryGovernance:
    """Keeps records in a list; for tests, notebooks and as the shape of a client."""

    def __init__(self) -> None:
        self._records: dict[str, GovernanceRecord] = {}
        self._schemas: list[SchemaObservation] = []
        self._runs: dict[str, Run] = {}
        self._requests: dict[str, StopRequest] = {}
        self._approvals: dict[str, Approval] = {}
        self._measurements: dict[str, Measurement] = {}
        self._lock = threading.Lock()

    def open(self) -> None:
        """Nothing to get ready."""

    def close(self) -> None:
        """Nothing to let go of."""

    def health(self) -> str | None:
        """Memory is always well."""
        return None

    def location(self) -> str:
        """Say where the records are."""
        return "memory (gone with this process)"

    def record_many(self, records: Sequence[GovernanceRecord]) -> int:
        """Keep records, each once; return how many were new."""
        with self._lock:
            before = len(self._records)
            for record in records:
                self._records.setdefault(record.record_id, record)
            return len(self._records) - before

    def observe_schema(self, observation: SchemaObservation) -> None:
        """Keep a schema observation."""
        with self._lock:
            self._schemas.append(observation)

    def records(
        self,
        *,
        namespace: str = "default",
        dataset_id: str | None = None,
        stream_id: str | None = None,
        newest: int | None = None,
    ) -> Sequence[GovernanceRecord]:
        """Return records, oldest first."""
        with self._lock:
            found = [
                r
                for r in self._records.values()
                if r.namespace == namespace
                and dataset_id in (None, r.dataset_id)
                and stream_id in (None, r.stream_id)
            ]
        return _last(found, newest)

    def schema_observations(
        self, *, namespace: str = "default", dataset_id: str | None = None
    ) -> Sequence[SchemaObservation]:
        """Return schema observations, oldest first."""
        with self._lock:
            return [
                s
                for s in self._schemas
                if s.namespace == namespace and dataset_id in (None, s.dataset_id)
            ]

    def save_run(self, run: Run) -> StopRequest | None:
        """Keep a run's newest state; return who has asked it to stop."""
        with self._lock:
            self._runs[run.run_id] = run
            return self._requests.get(run.run_id)

    def request_stop(self, run_id: str, request: StopRequest) -> bool:
        """Ask a run to end; False if no such run is known."""
        with self._lock:
            if run_id in self._runs:
                self._requests.setdefault(run_id, request)
            return run_id in self._runs

    def runs(
        self,
        *,
        namespace: str = "default",
        dataset_id: str | None = None,
        stream_id: str | None = None,
        run_id: str | None = None,
        newest: int | None = None,
    ) -> Sequence[Run]:
        """Return runs, oldest first."""
        with self._lock:
            found = [
                r.asked_to_stop(self._requests.get(r.run_id))
                for r in self._runs.values()
                if r.namespace == namespace
                and dataset_id in (None, r.dataset_id)
                and stream_id in (None, r.stream_id)
                and run_id in (None, r.run_id)
            ]
        return _last(found, newest)

    def dataset_ids(self, *, namespace: str = "default") -> Sequence[str]:
        """Return the id of every dataset that is known, sorted."""
        with self._lock:
            seen = {r.dataset_id for r in self._records.values() if r.namespace == namespace}
            seen |= {s.dataset_id for s in self._schemas if s.namespace == namespace}
            return sorted(seen)

    def add_approvals(self, approvals: Sequence[Approval]) -> int:
        """Keep approvals, each once; return how many were new."""
        with self._lock:
            before = len(self._approvals)
            for approval in approvals:
                self._approvals.setdefault(approval.approval_id, approval)
            return len(self._approvals) - before

    def approvals(
        self, *, namespace: str = "default", dataset_id: str | None = None
    ) -> Sequence[Approval]:
        """Return approvals, oldest first."""
        with self._lock:
            return [
                a
                for a in self._approvals.values()
                if a.namespace == namespace and dataset_id in (None, a.dataset_id)
            ]

    def save_measurement(self, measurement: Measurement) -> None:
        """Keep a measurement's newest state."""
        with self._lock:
            self._measurements[measurement.measurement_id] = measurement

    def measurements(
        self,
        *,
        namespace: str = "default",
        dataset_id: str | None = None,
        measurement_id: str | None = None,
        newest: int | None = None,
    ) -> Sequence[Measurement]:
        """Return measurements, oldest first."""
        with self._lock:
            found = [
                m
                for m in self._measurements.values()
                if m.namespace == namespace
                and dataset_id in (None, m.dataset_id)
                and measurement_id in (None, m.measurement_id)
            ]
        return _last(found, newest)


def _last(found: list[T], newest: int | None) -> list[T]:
    return found if newest is None else found[max(len(found) - max(newest, 0), 0) :]
