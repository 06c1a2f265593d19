"""What a plugin offers that keeps governance records, or hears of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dc43_core.governance.model import SchemaObservation
from dc43_core.protocol.record import GovernanceRecord


class GovernanceClient(Protocol):
    """Keeps records and answers questions about them.

    Called from the thread that runs the batch as well as from the one that started the stream.
    """

    def open(self) -> None:
        """Get ready; called once before anything else."""
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


class RecordExporter(Protocol):
    """Hears of each durable record; whatever it raises is counted and never stops a stream."""

    def export(self, record: GovernanceRecord) -> None:
        """Act on a record: send a page, a lineage event, a metric."""
        ...
