"""The built-in sink: parquet files in a folder, under the commit log of Spark's file sink."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_log import FileSink
from dc43_integrations.spark.sinks.interface import LaneTarget


@frozen
class ParquetFiles:
    """`format="parquet"`."""

    file_format: str = "parquet"
    settings: Mapping[str, str] = field(factory=dict)

    def open(self, target: LaneTarget) -> Sink:
        """Return the sink of one lane."""
        return FileSink(target.store, target.path, ".snappy.parquet")
