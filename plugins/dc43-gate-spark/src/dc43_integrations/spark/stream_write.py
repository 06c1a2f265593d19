"""Writing a stream under a contract."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Unpack

from pyspark.sql import DataFrame, SparkSession

from dc43_core.data_quality.model import ValidationResult
from dc43_core.log import get_logger
from dc43_core.pipeline import OnBatch
from dc43_core.protocol.file_store import join
from dc43_core.protocol.sink_log import OURS
from dc43_integrations.spark.arguments import Strategy, retaining, strategies, trigger_arguments
from dc43_integrations.spark.file_store import store_for
from dc43_integrations.spark.ports import Port
from dc43_integrations.spark.signatures import hands_on_to
from dc43_integrations.spark.write import (
    StreamTarget,
    default_checkpoint,
    lives_in_session,
    start,
)
from dc43_integrations.spark.writing import Write, WriteArguments, look_up

log = get_logger("spark.io")


@hands_on_to(look_up)
def write_stream_with_contract(
    *,
    df: DataFrame,
    data_product_output: Port | None = None,
    streaming_intervention_strategy: Strategy | None = None,
    on_streaming_batch: OnBatch | None = None,
    checkpoint_location: str | None = None,
    trigger: Mapping[str, Any] | str | None = None,
    output_mode: str = "append",
    query_name: str | None = None,
    ephemeral: bool = False,
    adopt: str | None = None,
    retain_keys: str | None = None,
    **options: Unpack[WriteArguments],
) -> ValidationResult:
    """Write a stream under a contract: stage, audit, publish, once for each micro-batch.

    One query, one read of the source. Each batch is classified and staged where nobody sees it,
    judged, and only then published: good rows to `path`, broken ones to `rejects` with their
    reasons, or nothing at all. Each batch leaves exactly one governance record.

    Args:
        df: A streaming frame.
        data_product_output: Instead of a contract: an output port of a data product, as a
            `PortRef` or `{"product": ..., "port": ...}`; the port's contract is used.
        streaming_intervention_strategy: One more strategy, under the name the mission uses.
        on_streaming_batch: Called with each entry of `streaming_batches`; its errors are
            counted and never stop the stream.
        checkpoint_location: The query's progress; by default derived from configuration,
            namespace, contract and query name, and shown in `details`.
        trigger: `{"availableNow": True}`, `{"processingTime": "10 seconds"}`, or the words
            `available-now` and an interval; by default as fast as possible.
        output_mode: `append`.
        query_name: Name of the query.
        ephemeral: Whether progress is forgotten when the query ends: the next start reads the
            source again. Not together with `checkpoint_location`.
        adopt: `continue` or `fork`, where checkpoint and sink do not fit.
        retain_keys: How long the keys of `unique` and `primaryKey` count: `batch`, `forever`, or a
            time such as `7 days`; by default as configured.
        options: As `WriteArguments` says: `contract` or `contract_id`, `path`, `rejects`, ...

    Returns:
        A live result: `streaming_batches` grows while the query in `streaming_queries` runs.

    Raises:
        Dc43Error: before anything is started, if anything does not fit.
        TypeError: if `df` does not stream, or `run_type` and `enforce` contradict each other.
    """
    if not df.isStreaming:
        raise TypeError("df does not stream; read it with readStream")
    if on_streaming_batch is not None and not callable(on_streaming_batch):
        raise TypeError(
            f"on_streaming_batch= is called with each batch; {on_streaming_batch!r}"
            " cannot be called"
        )
    if streaming_intervention_strategy is not None:
        options["interventions"] = [
            *strategies(options.get("interventions", ())),
            streaming_intervention_strategy,
        ]
    write = look_up(df.sparkSession, data_product_output=data_product_output, **options)
    plan, place = retaining(write.subject.plan, retain_keys), write.path
    if place is None and not lives_in_session(write.runtime, write.format):
        place = write.subject.path(None)
    if ephemeral:
        if checkpoint_location is not None:
            raise TypeError("ephemeral=True keeps no progress; leave checkpoint_location= out")
        checkpoint_location, adopt = _passing(place), adopt or "fork"
    if checkpoint_location is None:
        checkpoint_location = default_checkpoint(
            write.runtime, write.namespace, plan.contract.id, query_name or place or _sources(write)
        )
        log.info("checkpoint.derived", checkpoint=checkpoint_location)
    with _forgotten_if_refused(df.sparkSession, checkpoint_location if ephemeral else None):
        started = start(
            frame=df,
            runtime=write.runtime,
            plan=plan,
            target=StreamTarget(
                path=place,
                format=write.format,
                rejects=write.rejects,
                checkpoint=str(checkpoint_location),
                options=write.options,
                query_name=query_name,
                trigger=trigger_arguments(trigger),
                output_mode=output_mode,
                partition_by=write.partition_by,
                ephemeral=ephemeral,
            ),
            policy=write.policy,
            strategies=write.strategies,
            reads=write.reads,
            auto_cast=write.auto_cast,
            namespace=write.namespace,
            adopt=adopt,
            on_batch=_refreshing(df.sparkSession, write.table, on_streaming_batch),
            details=write.subject.details,
            versions=write.versions,
        )
    write.observe(started.result)
    return started.result


def _passing(place: str | None) -> str:
    """Return a place for progress that is deleted when the query ends."""
    name = f"dc43-{uuid.uuid4().hex}"
    # Beside the rows, because both must lie on one file system.
    return Path(gettempdir(), name).as_uri() if place is None else join(place, OURS, name)


@contextmanager
def _forgotten_if_refused(spark: SparkSession, checkpoint: str | None) -> Iterator[None]:
    """Delete passing progress if the start that it was for fails."""
    try:
        yield
    # An interruption may come when the query runs already, and needs its progress.
    except Exception:
        if checkpoint is not None:
            store_for(spark, checkpoint).delete(checkpoint)
        raise


def _refreshing(spark: SparkSession, table: str | None, on_batch: OnBatch | None) -> OnBatch | None:
    """Let the catalog's readers see what landed, and call on."""
    if table is None:
        return on_batch
    name = table

    def told(batch: dict[str, Any]) -> None:
        spark.catalog.refreshTable(name)
        if on_batch is not None:
            on_batch(batch)

    return told


def _sources(write: Write) -> str:
    return " ".join(["observed", *(read.path for read in write.reads)])


@hands_on_to(write_stream_with_contract)
def write_stream_to_data_product(
    *, df: DataFrame, data_product_output: Port, **options: Any
) -> ValidationResult:
    """Write a stream to an output port of a data product, under the port's contract.

    Args:
        df: A streaming frame.
        data_product_output: The port, as a `PortRef` or `{"product": ..., "port": ...}`.
        options: As those of `write_stream_with_contract`; `path` and `format` are by default those
            of the contract's server.

    Returns:
        As `write_stream_with_contract`; each record's `details["data_product"]` names product and
        port.

    Raises:
        Dc43Error: if product or port are not there, ambiguous or not accepted; otherwise as
            `write_stream_with_contract`.
    """
    return write_stream_with_contract(df=df, data_product_output=data_product_output, **options)
