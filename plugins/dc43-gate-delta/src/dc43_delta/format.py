"""`format="delta"`: how Spark stages for it, and where it can write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import field, frozen

from dc43_delta.sink import DeltaSink

if TYPE_CHECKING:
    from dc43_core.protocol.sink import Sink
    from dc43_integrations.spark.sinks.interface import LaneTarget

SETTINGS = {
    # INT96, Spark's default, has nanoseconds, and no place for statistics.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # Delta knows one calendar: dates before 1582 are written as they are.
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
}


@frozen
class DeltaFormat:
    """Delta tables, written by delta-rs out of the parquet files that Spark staged."""

    file_format: str = "parquet"
    partitions: bool = True
    settings: Mapping[str, str] = field(factory=lambda: dict(SETTINGS))

    def open(self, target: LaneTarget) -> Sink:
        """Return the sink of one lane.

        Raises:
            DeltaTableError: if delta-rs and the file store would not mean the same place.
        """
        return DeltaSink(
            store=target.store,
            folder=target.path,
            lane=target.lane,
            schema=target.schema,
            partition_by=tuple(target.partition_by),
        )
