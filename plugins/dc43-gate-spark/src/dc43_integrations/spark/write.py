"""Starting a governed streaming write: everything is checked before the query is."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from attrs import define, evolve, frozen
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from dc43_core.data_quality.model import ColumnDrift, ValidationResult
from dc43_core.errors import (
    CallbackInterruptedError,
    ConfigurationError,
)
from dc43_core.expectations.model import CheckPlan
from dc43_core.governance.run_handle import GovernedQuery, RunHandle
from dc43_core.log import get_logger
from dc43_core.pipeline import GovernedStream, OnBatch, open_stream
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.file_store import FileStore, canonical, join, local_path
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.naming import SEQUENCE, Versions
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import RunOutcome
from dc43_integrations.spark.file_store import spark_path, store_for, store_to_read
from dc43_integrations.spark.prepare import prepare, require_classic
from dc43_integrations.spark.query import SparkQuery
from dc43_integrations.spark.read import ReadBinding
from dc43_integrations.spark.refuse import refuse_unkeepable
from dc43_integrations.spark.sinks.find import find_sink, lands
from dc43_integrations.spark.sinks.interface import SinkFormat
from dc43_integrations.spark.sinks.open import open_sinks
from dc43_integrations.spark.source_files import BatchFiles
from dc43_integrations.spark.stopped import STOP, by_stop

log = get_logger("spark")


@frozen(kw_only=True)
class StreamTarget:
    """Where and how a stream is written.

    Attributes:
        path: Folder or URI of main; None for sinks that live in the session.
        format: Of main and rejects: the name of an installed sink.
        rejects: Folder or URI of the rejects; None for none.
        checkpoint: Folder or URI of the query's progress.
        options: Options of Spark's file writer.
        query_name: Name of the query.
        trigger: Keyword arguments of Spark's `trigger`.
        output_mode: `append`; the file sinks have no other.
        partition_by: Main's columns that stand in the path of its files.
        ephemeral: Whether the checkpoint is deleted when the query has ended.
    """

    path: str | None = None
    format: str = "parquet"
    rejects: str | None = None
    checkpoint: str
    options: Mapping[str, str]
    query_name: str | None = None
    trigger: Mapping[str, Any]
    output_mode: str = "append"
    partition_by: Sequence[str] = ()
    ephemeral: bool = False


@define(kw_only=True, eq=False)
class StartedStream:
    """A running stream: its query, and the core's side of it."""

    query: StreamingQuery
    stream: GovernedStream[DataFrame]

    @property
    def result(self) -> ValidationResult:
        """The live result."""
        return self.stream.result


def start(
    *,
    frame: DataFrame,
    runtime: Runtime,
    plan: CheckPlan,
    target: StreamTarget,
    policy: Policy,
    strategies: Sequence[NamedStrategy] = (),
    reads: Sequence[ReadBinding] = (),
    auto_cast: bool = True,
    namespace: str | None = None,
    adopt: str | None = None,
    on_batch: OnBatch | None = None,
    details: Mapping[str, Any] | None = None,
    versions: Versions | None = None,
    failpoint: Callable[[str, int], None] | None = None,
) -> StartedStream:
    """Check everything, then start one query that governs every micro-batch.

    Raises:
        Dc43Error: if anything does not fit; no query is started then.
    """
    spark = frame.sparkSession
    require_classic(spark)
    refuse_unkeepable(frame, target.output_mode, target.trigger)
    _refuse_twin(spark, target.query_name)
    sink = find_sink(runtime, target.format)
    store = store_for(spark, target.checkpoint)
    target = _placed(target, sink)
    sink_store = store_for(spark, str(target.path))
    _require_one_system(spark, target)
    checkpoint = store.uri(target.checkpoint)
    ready = prepare(
        frame,
        plan,
        runtime,
        sink,
        sink_store,
        reads=reads,
        auto_cast=auto_cast,
        # What is blocked without a reject sink can be released to one later.
        keeps_undeclared=target.rejects is not None or policy.enforces,
        options=target.options,
        partition_by=target.partition_by,
        probe=_probe(store, checkpoint, reads),
        inputs=_inputs(store, checkpoint, reads),
        gone=_gone(spark, store, checkpoint),
        has_rejects=target.rejects is not None,
        holds_unjudged=policy.holds_unjudged,
        keep_uncast=join(checkpoint, "dc43"),
    )
    stager = ready.stager
    if not lands(sink):
        details = {**(details or {}), "observed_only": True}
        versions = _numbered(versions)
    stream = open_stream(
        runtime=runtime,
        plan=stager.plan,
        stager=stager,
        store=store,
        checkpoint=checkpoint,
        sinks=open_sinks(
            sink,
            sink_store,
            spark,
            stager,
            path=str(target.path),
            rejects=target.rejects,
            view=target.query_name or "",
            partition_by=target.partition_by,
        ),
        policy=policy,
        strategies=strategies,
        namespace=namespace,
        query_name=target.query_name,
        adopt=adopt,
        on_batch=on_batch,
        details=details,
        versions=versions,
        observed_only=not lands(sink),
        failpoint=failpoint,
        batch_time=BatchFiles(store=store, checkpoint=checkpoint).time,
    )
    stream.is_stop = lambda error: by_stop(error, stream.result.streaming_queries)
    for note in ready.notes:
        log.warning("rule.not-enforceable", check=note.path, reason=note.reason)
        stream.result.warnings.append(f"{note.path} is not enforceable: {note.reason}")
    callback = _Callback(stream)
    writer = (
        frame.writeStream.foreachBatch(callback)
        .outputMode(target.output_mode)
        .option("checkpointLocation", spark_path(checkpoint))
        .trigger(**target.trigger)
    )
    if target.query_name:
        writer = writer.queryName(target.query_name)
    try:
        query = writer.start()
    except Exception as error:
        stream.run_log.end(RunOutcome.FAILED, f"not started: {type(error).__name__}")
        callback.end()
        raise
    stream.result.streaming_queries.append(query)
    watched = SparkQuery(query, once="availableNow" in target.trigger)
    governed = GovernedQuery(run_log=stream.run_log, query=watched, failure=lambda: stream.failure)
    stream.result.run = RunHandle(stream.result, [governed])

    def end() -> None:
        # What governance would not take during the run is sent once more when it is over.
        callback.end()
        if target.ephemeral:
            store.delete(checkpoint)

    stream.run_log.watch(watched, end)
    return StartedStream(query=query, stream=stream)


@define(eq=False)
class _Callback:
    """What Spark calls with each micro-batch, until its query has ended.

    Spark's query holds it across the bridge to Python, and the stream holds the query. No collector
    sees the whole of such a ring: it has to be cut, or each start costs its memory for good.
    """

    stream: GovernedStream[DataFrame] | None
    raised: BaseException | None = None

    def __call__(self, frame: DataFrame, batch_id: int) -> None:
        try:
            self._process(frame, batch_id)
        except BaseException as error:
            self.raised = error
            raise

    def _process(self, frame: DataFrame, batch_id: int) -> None:
        stream = self.stream
        assert stream is not None, "a query that has ended hands no batch over"
        try:
            stream.process(frame, batch_id)
        except Exception as error:
            if stream.is_stop(error):
                raise CallbackInterruptedError(batch_id, STOP) from None
            raise
        except BaseException as error:
            # Spark commits a batch whose callback ends without an Exception.
            raise CallbackInterruptedError(batch_id, type(error).__name__) from error

    def end(self) -> None:
        """Send what governance would not take, and let go of the stream."""
        stream, self.stream = self.stream, None
        if stream is not None:
            stream.end()
        error, self.raised = self.raised, None
        while error is not None:
            # PySpark keeps it, and with it each variable of each function that it passed.
            traceback.clear_frames(error.__traceback__)
            error = error.__context__


def lives_in_session(runtime: Runtime, name: str) -> bool:
    """Say whether a sink needs no path."""
    return bool(getattr(find_sink(runtime, name), "in_session", False))


def _placed(target: StreamTarget, sink: SinkFormat) -> StreamTarget:
    """Give a sink that lives in the session a place for its files, beside the checkpoint."""
    if target.path is not None:
        return target
    if not getattr(sink, "in_session", False):
        raise ConfigurationError("path", [f"format {target.format!r} needs a folder or URI"])
    if getattr(sink, "named", False) and not target.query_name:
        raise ConfigurationError(
            "query_name", [f"format {target.format!r} shows rows under it; give one"]
        )
    if not target.ephemeral:
        return evolve(target, path=join(target.checkpoint, "dc43", "shown"))
    # What is shown is looked at when the query has ended, and its progress is gone.
    shown = f"{target.checkpoint}-shown"
    atexit.register(shutil.rmtree, local_path(shown), ignore_errors=True)
    return evolve(target, path=shown)


def _refuse_twin(spark: SparkSession, name: str | None) -> None:
    """Refuse a name that Spark would refuse, before anything is written."""
    if name is not None and any(query.name == name for query in spark.streams.active):
        raise ConfigurationError(
            "query_name",
            [f"a query {name!r} runs in this session already; stop it, or give another name"],
        )


def _numbered(versions: Versions | None) -> Versions:
    """Return what versions are called where no sink numbers them."""
    if versions is None:
        return Versions(wanted="{batch}")
    if not callable(versions.wanted) and SEQUENCE in versions.wanted:
        raise ConfigurationError(
            "dataset_version",
            [f"{SEQUENCE} is the number of a sink's entry, and no row lands; take {{batch}}"],
        )
    return versions


def _require_one_system(spark: SparkSession, target: StreamTarget) -> None:
    """Refuse places that no one store can reach."""
    places = {"path": target.path, "rejects": target.rejects, "checkpoint": target.checkpoint}
    systems = {
        name: "{}://{}".format(*urlsplit(store_for(spark, place).uri(place)))
        for name, place in places.items()
        if place is not None
    }
    if len(set(systems.values())) > 1:
        told = ", ".join(f"{name} on {system}" for name, system in systems.items())
        raise ConfigurationError(
            "path, rejects and checkpoint", [f"must be on one file system, found {told}"]
        )


def _probe(
    store: FileStore, checkpoint: str, reads: Sequence[ReadBinding]
) -> Callable[[int], Sequence[ColumnDrift]] | None:
    checks = [(read.path, read.probe) for read in reads if read.probe is not None]
    if not checks:
        return None
    source = BatchFiles(store=store, checkpoint=checkpoint)

    def probe(batch_id: int) -> Sequence[ColumnDrift]:
        files = source.files(batch_id)
        return [
            drift
            for path, check in checks
            for drift in check.drift([f for f in files if _below(f, path)])
        ]

    return probe


def _inputs(
    store: FileStore, checkpoint: str, reads: Sequence[ReadBinding]
) -> Callable[[int], Mapping[str, Any]]:
    source = BatchFiles(store=store, checkpoint=checkpoint)

    def inputs(batch_id: int) -> Mapping[str, Any]:
        return {
            "datasets": [read.described() for read in reads],
            **source.describe(batch_id),
        }

    return inputs


def _gone(spark: SparkSession, store: FileStore, checkpoint: str) -> Callable[[int], Sequence[str]]:
    source = BatchFiles(store=store, checkpoint=checkpoint)
    return lambda batch_id: source.gone(batch_id, lambda uri: store_to_read(spark, uri))


def _below(file: str, folder: str) -> bool:
    return canonical(file).startswith(canonical(folder).rstrip("/") + "/")


def default_checkpoint(runtime: Runtime, namespace: str, contract_id: str, name: str) -> str:
    """Return where a stream keeps its progress when its caller does not say."""
    digest = hashlib.sha256("\0".join((namespace, contract_id, name)).encode()).hexdigest()[:16]
    return str(runtime.config.folder / ".dc43" / "checkpoints" / digest)
