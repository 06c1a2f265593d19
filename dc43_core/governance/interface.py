"""What a plugin offers that keeps governance records, or hears of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeGuard

from dc43_core.governance.approvals import Approval
from dc43_core.governance.measurements import Measurement
from dc43_core.governance.model import Run, SchemaObservation, StopRequest
from dc43_core.protocol.record import GovernanceRecord


class GovernanceClient(Protocol):
    """Keeps records and answers questions about them.

    Called from the thread that runs the batch as well as from the one that started the stream.
    Whatever a call raises is an outage: it is repeated later, with the same records in the same
    order. An exception whose attribute `retryable` is false says that this will not help before
    someone has changed something.
    """

    def open(self) -> None:
        """Get ready; called before anything else, and again if it raised."""
        ...

    def close(self) -> None:
        """Let go of what `open` took; safe to call twice."""
        ...

    def health(self) -> str | None:
        """Return what is wrong as a sentence, or None."""
        ...

    def location(self) -> str:
        """Return where the records are kept, for people."""
        ...

    def record_many(self, records: Sequence[GovernanceRecord]) -> int:
        """Keep records, each once by `record_id`; return how many were new.

        All or none. A record that is there already is left untouched.
        """
        ...

    def observe_schema(self, observation: SchemaObservation) -> None:
        """Keep a schema observation."""
        ...

    def records(
        self,
        *,
        namespace: str = "default",
        dataset_id: str | None = None,
        stream_id: str | None = None,
        newest: int | None = None,
    ) -> Sequence[GovernanceRecord]:
        """Return records, oldest first, in the order in which they were kept.

        Args:
            namespace: Only this namespace.
            dataset_id: Only this dataset.
            stream_id: Only this stream.
            newest: Only the last so many.
        """
        ...

    def schema_observations(
        self, *, namespace: str = "default", dataset_id: str | None = None
    ) -> Sequence[SchemaObservation]:
        """Return schema observations, oldest first."""
        ...


class RunKeeper(Protocol):
    """What a governance client may have besides: rows of runs, overwritten while they run.

    A client without these methods still works; its streams cannot be seen running, nor be asked
    to stop.
    """

    def save_run(self, run: Run) -> StopRequest | None:
        """Keep a run's newest state by `run_id`; return who has asked it to stop, if anyone.

        The run's own `stop_request` is not kept: it belongs to whoever calls `request_stop`.
        """
        ...

    def request_stop(self, run_id: str, request: StopRequest) -> bool:
        """Ask a run to end between two batches; False if no such run is known.

        An earlier request counts, and this one is forgotten.
        """
        ...

    def runs(
        self,
        *,
        namespace: str = "default",
        dataset_id: str | None = None,
        stream_id: str | None = None,
        run_id: str | None = None,
        newest: int | None = None,
    ) -> Sequence[Run]:
        """Return runs with their stop requests, in the order in which they were first kept.

        Args:
            namespace: Only this namespace.
            dataset_id: Only this dataset.
            stream_id: Only this stream.
            run_id: Only this run.
            newest: Only the last so many.
        """
        ...


def run_keeper(client: object) -> TypeGuard[RunKeeper]:
    """Say whether a governance client keeps runs."""
    return all(callable(getattr(client, m, None)) for m in ("save_run", "request_stop", "runs"))


class CatalogueKeeper(Protocol):
    """What a governance client may have besides: approvals of versions, and measurements.

    A client without these methods still works; approvals then stand beside the sink alone, and
    measurements can be asked for in the process that takes them alone.
    """

    def dataset_ids(self, *, namespace: str = "default") -> Sequence[str]:
        """Return the id of every dataset that has a record or a schema observation, sorted."""
        ...

    def add_approvals(self, approvals: Sequence[Approval]) -> int:
        """Keep approvals, each once by `approval_id`; return how many were new.

        All or none. One that is there already is left untouched.
        """
        ...

    def approvals(
        self, *, namespace: str = "default", dataset_id: str | None = None
    ) -> Sequence[Approval]:
        """Return approvals, in the order in which they were kept."""
        ...

    def save_measurement(self, measurement: Measurement) -> None:
        """Keep a measurement's newest state by `measurement_id`."""
        ...

    def measurements(
        self,
        *,
        namespace: str = "default",
        dataset_id: str | None = None,
        measurement_id: str | None = None,
        newest: int | None = None,
    ) -> Sequence[Measurement]:
        """Return measurements, in the order in which they were first kept.

        Args:
            namespace: Only this namespace.
            dataset_id: Only this dataset.
            measurement_id: Only this one.
            newest: Only the last so many.
        """
        ...


_OF_CATALOGUES = (
    "dataset_ids",
    "add_approvals",
    "approvals",
    "save_measurement",
    "measurements",
)


def catalogue_keeper(client: object) -> TypeGuard[CatalogueKeeper]:
    """Say whether a governance client keeps approvals and measurements."""
    return all(callable(getattr(client, method, None)) for method in _OF_CATALOGUES)


class RecordExporter(Protocol):
    """Hears of each durable record; whatever it raises is counted and never stops a stream."""

    def export(self, record: GovernanceRecord) -> None:
        """Act on a record: send a page, a lineage event, a metric."""
        ...
