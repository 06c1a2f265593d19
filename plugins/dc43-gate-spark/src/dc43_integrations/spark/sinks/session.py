"""Sinks for looking at a stream from its own session: a view over what landed, and printed rows.

Spark's own memory and console sinks have no batch writer, so nothing can be held back there. Here
rows land in files beside the checkpoint, as in any file sink, and are shown from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from attrs import field, frozen

from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_log import FileSink
from dc43_core.vocabulary import Lane
from dc43_integrations.spark.data_files import read_files
from dc43_integrations.spark.names import quoted
from dc43_integrations.spark.sinks.interface import LaneTarget

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SHOWN = 20
"""Rows of a batch that the console sink prints."""


@frozen(kw_only=True)
class _InSession:
    file_format: str = "parquet"
    in_session: bool = True
    named: ClassVar[bool] = False
    settings: Mapping[str, str] = field(factory=dict)


class Memory(_InSession):
    """`format="memory"`: a temporary view of this session, named like the query."""

    named: ClassVar[bool] = True

    def open(self, target: LaneTarget) -> Sink:
        """Return the sink of one lane; rejects are the view `<name>_rejects`."""
        suffix = "" if target.lane is Lane.MAIN else "_rejects"
        sink = MemorySink(target.store, target.path, target.session, target.view + suffix)
        sink.show()
        return sink


class Console(_InSession):
    """`format="console"`: the first rows of each batch, printed."""

    def open(self, target: LaneTarget) -> Sink:
        """Return the sink of one lane."""
        words = (target.view, "" if target.lane is Lane.MAIN else "rejects")
        title = ", ".join(word for word in words if word)
        return ConsoleSink(target.store, target.path, target.session, title)


class _SessionSink(FileSink):
    def __init__(self, store: FileStore, folder: str, session: SparkSession, view: str) -> None:
        super().__init__(store, folder, ".snappy.parquet")
        self._session, self._view = session, view

    def _rows(self, files: list[str]) -> DataFrame:
        return read_files(self._session, files)


def memory() -> Memory:
    """Return `format="memory"`."""
    return Memory()


def console() -> Console:
    """Return `format="console"`."""
    return Console()


class MemorySink(_SessionSink):
    """Rows of a stream as a view; it is made anew with each batch."""

    guarantee = "exactly once in this view; the view ends with its session"

    def publish(self, manifest: LaneManifest) -> int:
        """Publish, then let the view show what landed."""
        number = super().publish(manifest)
        self.show()
        return number

    def show(self) -> None:
        """Make the view anew; there is none before anything landed."""
        files = self.log.files()
        if files:
            self._rows(files).createOrReplaceTempView(quoted(self._view))


class ConsoleSink(_SessionSink):
    """Rows of a stream on standard output."""

    guarantee = "none: a batch may be printed again after a crash, or not at all"

    def publish(self, manifest: LaneManifest) -> int:
        """Publish, then print the first rows of the batch."""
        number = super().publish(manifest)
        title = ", ".join(filter(None, (self._view, f"version {number}")))
        print(f"{'-' * len(title)}\n{title}\n{'-' * len(title)}")
        self._rows([final for _, final in manifest.moves]).show(SHOWN, truncate=False)
        return number
