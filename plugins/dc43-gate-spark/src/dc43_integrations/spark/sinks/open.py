"""Opening the lanes of a write."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import SparkSession

from dc43_core.errors import ConfigurationError
from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.sink import Sink
from dc43_core.vocabulary import Lane
from dc43_integrations.spark.partitioning import require_layout
from dc43_integrations.spark.sinks.interface import LaneTarget, SinkFormat
from dc43_integrations.spark.stager import SparkStager


def open_sinks(
    sink: SinkFormat,
    store: FileStore,
    session: SparkSession,
    stager: SparkStager,
    *,
    path: str,
    rejects: str | None,
    view: str = "",
    partition_by: Sequence[str] = (),
) -> dict[Lane, Sink]:
    """Return main, and rejects where they are wanted.

    Args:
        sink: The format.
        store: Where both lie.
        session: The session of the write.
        stager: Who knows the lanes' columns.
        path: Folder or URI of main.
        rejects: Folder or URI of the rejects.
        view: What to call the write in its session.
        partition_by: Main's columns that stand in the path of its files.

    Raises:
        ConfigurationError: if both are one folder, or a column does not go with the format.
    """

    def opened(lane: Lane, place: str) -> Sink:
        return sink.open(
            LaneTarget(
                lane=lane,
                path=place,
                store=store,
                schema=lambda: stager.lane_schema(lane).json(),
                columns=stager.schema,
                session=session,
                view=view,
                partition_by=partition_by if lane is Lane.MAIN else (),
            )
        )

    sinks = {Lane.MAIN: opened(Lane.MAIN, path)}
    require_layout(sinks[Lane.MAIN], partition_by)
    if rejects is not None:
        sinks[Lane.REJECTS] = opened(Lane.REJECTS, rejects)
        if sinks[Lane.REJECTS].uri == sinks[Lane.MAIN].uri:
            raise ConfigurationError("rejects", ["is the same folder as main; choose another"])
    return sinks
