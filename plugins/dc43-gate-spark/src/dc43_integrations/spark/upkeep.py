"""A pipeline's places as Spark sees them; Spark is started only where it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from pyspark.sql import SparkSession

from dc43_core.pipeline_file import PipelineFile
from dc43_core.protocol.file_store import FileStore, LocalFileStore, join
from dc43_core.protocol.sink import Sink
from dc43_core.runtime import Runtime
from dc43_core.upkeep.diagnosis import Diagnosis, Level, fine
from dc43_core.vocabulary import Lane
from dc43_integrations.spark.erase import SparkEraser
from dc43_integrations.spark.file_store import store_for
from dc43_integrations.spark.session import make_session
from dc43_integrations.spark.sinks.find import find_sink
from dc43_integrations.spark.sinks.interface import LaneTarget

_RESTORE = "restore it from a copy of the checkpoint"
_DEFAULT_SYSTEM = "spark.hadoop.fs.defaultFS"


class SparkUpkeep:
    """The places of one pipeline file."""

    def __init__(self, pipeline: PipelineFile, runtime: Runtime) -> None:
        self._pipeline = pipeline
        self._runtime = runtime

    @cached_property
    def _spark(self) -> SparkSession:
        return make_session(self._pipeline.name, self._pipeline.engine_options)

    @cached_property
    def _store(self) -> FileStore:
        place = self._pipeline.checkpoint
        local = place.startswith("file:") or (
            "://" not in place and _DEFAULT_SYSTEM not in self._pipeline.engine_options
        )
        return LocalFileStore() if local else store_for(self._spark, place)

    def store(self) -> FileStore:
        """Return the local store, or Hadoop's through a session."""
        return self._store

    def sinks(self) -> Mapping[Lane, Sink]:
        """Return main and, where the file has them, rejects."""
        file = self._pipeline
        sink = find_sink(self._runtime, file.sink.format)
        in_session = bool(getattr(sink, "in_session", False))
        paths = {Lane.MAIN: file.sink.path}
        if file.rejects is not None:
            paths[Lane.REJECTS] = file.rejects.path
        return {
            lane: sink.open(
                LaneTarget(
                    lane=lane,
                    path=file.resolve(path),
                    store=self.store(),
                    # Of a place that is looked at, nobody declares columns.
                    schema=lambda: "{}",
                    columns=dict,
                    # Starting one takes seconds, and only sinks inside a session ask for it.
                    session=self._spark if in_session else None,  # type: ignore[arg-type]
                    view=file.run.query_name or file.name,
                )
            )
            for lane, path in paths.items()
        }

    def eraser(self) -> SparkEraser:
        """Return who rewrites parquet files, on a session that is started for it."""
        return SparkEraser(spark=self._spark, store=self.store())

    def checkpoint(self) -> Sequence[Diagnosis]:
        """Look at what Spark keeps of its query."""
        return list(_check(self.store(), self.store().uri(self._pipeline.checkpoint)))


def _check(store: FileStore, checkpoint: str) -> Iterator[Diagnosis]:
    found = {kind: _numbered(store, join(checkpoint, kind)) for kind in ("offsets", "commits")}
    if not found["offsets"]:
        yield fine("checkpoint", "Spark has begun no batch yet")
        return
    # Whether each file is whole, the core has looked.
    broken = []
    if store.status(join(checkpoint, "metadata")) is None:
        broken.append(_damage(f"{join(checkpoint, 'metadata')} of Spark is missing"))
    begun, done = max(found["offsets"]), max(found["commits"], default=-1)
    if done > begun:
        broken.append(
            _damage(f"Spark has committed batch {done}, and the offsets end at batch {begun}")
        )
    if broken:
        yield from broken
    elif begun > done:
        yield fine("checkpoint", f"Spark has begun batch {begun} and will hand it over again")
    else:
        yield fine("checkpoint", f"Spark has committed up to batch {done}")


def _numbered(store: FileStore, folder: str) -> dict[int, str]:
    return {int(f.name): f.path for f in store.list(folder) if f.name.isdigit()}


def _damage(what: str) -> Diagnosis:
    return Diagnosis(area="checkpoint", level=Level.ERROR, what=what, way_out=_RESTORE)
