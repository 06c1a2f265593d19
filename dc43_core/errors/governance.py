"""What governance and measurements are asked for in vain."""

from __future__ import annotations

from collections.abc import Iterable

from dc43_core.errors.base import Dc43Error, meant


class UnknownDatasetError(Dc43Error, LookupError):
    """Governance keeps no record of this dataset."""

    def __init__(self, dataset_id: str, namespace: str, ledger: str, known: Iterable[str]) -> None:
        self.dataset_id, self.namespace, self.known = dataset_id, namespace, sorted(known)
        there = ", ".join(self.known) or "none yet"
        super().__init__(
            f"no records of dataset {dataset_id!r} in namespace {namespace!r} of ledger {ledger}; "
            f"datasets there: {there}"
            + (
                f"; what is rejected of {main} is told in its records"
                if (main := dataset_id.removesuffix(".rejects")) in self.known
                else meant(dataset_id, self.known)
            )
        )


class UnknownVersionError(Dc43Error, LookupError):
    """A dataset has no such version, or one in several places."""

    def __init__(self, dataset_id: str, version: str, why: str, remedy: str) -> None:
        self.dataset_id, self.version = dataset_id, version
        self.why, self.remedy = why, remedy
        super().__init__(f"version {version} of {dataset_id} {why}; {remedy}")


class ApprovalRefusedError(Dc43Error, ValueError):
    """A version cannot be approved or rejected as it was asked."""

    def __init__(self, dataset_id: str, version: str, why: str, remedy: str) -> None:
        self.dataset_id, self.version = dataset_id, version
        self.why, self.remedy = why, remedy
        super().__init__(f"version {version} of {dataset_id} gets no status: {why}; {remedy}")


class UnknownMeasurementError(Dc43Error, LookupError):
    """Nobody has been asked for this measurement."""

    def __init__(self, measurement_id: str, place: str) -> None:
        self.measurement_id, self.place = measurement_id, place
        super().__init__(
            f"no measurement {measurement_id!r} in {place}; measure() returns the id to ask with"
        )


class ServiceClosedError(Dc43Error, RuntimeError):
    """A data-quality service that has been closed is asked to measure."""

    def __init__(self) -> None:
        super().__init__("the data-quality service is closed and measures nothing; make another")


class GovernanceDownError(Dc43Error, RuntimeError):
    """Governance takes no records, and the configuration says that the data waits for it."""

    exit_code = 3
    retryable = True

    def __init__(self, reason: str, attempts: int, waiting: int) -> None:
        self.reason, self.attempts, self.waiting = reason, attempts, waiting
        super().__init__(
            f"governance is down, after {attempts} attempts: {reason}; no batch is begun, and "
            f"{waiting} records wait beside the checkpoint; bring it back and start again, or "
            'let the data go on without it with outbox.on_outage = "outbox"'
        )
