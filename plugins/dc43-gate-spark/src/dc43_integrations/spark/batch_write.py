"""Writing a frame under a contract, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from pyspark.sql import DataFrame

from dc43_core.batch import write_batch
from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import BatchBlockedError, ConfigurationError, TargetExistsError
from dc43_core.pipeline import schema_version
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.sink_log import OURS
from dc43_core.vocabulary import Lane
from dc43_integrations.spark.file_store import store_for
from dc43_integrations.spark.ports import Port
from dc43_integrations.spark.prepare import prepare
from dc43_integrations.spark.signatures import hands_on_to
from dc43_integrations.spark.sinks.find import find_sink
from dc43_integrations.spark.sinks.open import open_sinks
from dc43_integrations.spark.writing import Write, WriteArguments, look_up

MODES = ("append", "overwrite", "errorifexists", "error", "ignore")
"""Spark's save modes."""
_TAKES_ALL = ("append", "overwrite")


@hands_on_to(look_up)
def write_with_contract(
    *,
    df: DataFrame,
    data_product_output: Port | None = None,
    mode: str = "append",
    **options: Unpack[WriteArguments],
) -> ValidationResult:
    """Write a frame under a contract: stage, audit, publish.

    The frame is read once. It is classified and staged where nobody sees it, judged, and only then
    published: good rows to `path`, broken ones to `rejects` with their reasons, or nothing at all.
    The write leaves one governance record, and shares the log of streams into the same folder.
    Strategies see no history: a write is one batch.

    Args:
        df: A frame that does not stream.
        data_product_output: Instead of a contract: an output port of a data product, as a
            `PortRef` or `{"product": ..., "port": ...}`; the port's contract is used.
        mode: `append`; `overwrite`, which replaces all that is in main and adds to the rejects;
            `errorifexists` or `ignore`, where something was written there before.
        options: As `WriteArguments` says: `contract` or `contract_id`, `path`, `rejects`, ...

    Returns:
        The result of this write: verdict, counts, and as `dataset_version` the version it made.

    Raises:
        BatchBlockedError: when the write is blocked; nothing of it is visible, and its record is
            durable.
        TargetExistsError: if something is there, and `mode` is `errorifexists`.
        Dc43Error: before anything is read, if anything does not fit.
        TypeError: if `df` streams, or `run_type` and `enforce` contradict each other.
    """
    if df.isStreaming:
        raise TypeError("df streams; use write_stream_with_contract")
    if mode not in MODES:
        raise ConfigurationError("mode", [f"{mode!r} is not one of {', '.join(MODES)}"])
    write = look_up(df.sparkSession, data_product_output=data_product_output, **options)
    subject, policy = write.subject, write.policy
    place, sink = subject.path(write.path), find_sink(write.runtime, write.format)
    if getattr(sink, "in_session", False):
        raise ConfigurationError(
            "format", [f"{write.format!r} is for streams; a batch of rows needs a folder"]
        )
    store = store_for(df.sparkSession, place)
    ready = prepare(
        df,
        subject.plan,
        write.runtime,
        sink,
        store,
        reads=write.reads,
        auto_cast=write.auto_cast,
        keeps_undeclared=write.rejects is not None,
        options=write.options,
        partition_by=write.partition_by,
        probe=lambda batch_id: [drift for one in write.reads for drift in one.drift],
        inputs=lambda batch_id: {"datasets": [one.described() for one in write.reads]},
        has_rejects=write.rejects is not None,
        holds_unjudged=policy.holds_unjudged,
        keep_uncast=join(store.uri(place), OURS),
    )
    sinks = open_sinks(
        sink,
        store,
        df.sparkSession,
        ready.stager,
        path=place,
        rejects=write.rejects,
        partition_by=write.partition_by,
    )
    main = sinks[Lane.MAIN]
    if mode not in _TAKES_ALL and (main.newest() >= 0 or _holds_files(store, main.uri)):
        if mode != "ignore":
            raise TargetExistsError(main.uri)
        found = _nothing_written(write, ready.stager.schema())
        if main.newest() >= 0:
            found.dataset_version = str(main.newest())
        found.details["ignored"] = True
        return found
    try:
        result = write_batch(
            df,
            runtime=write.runtime,
            plan=ready.stager.plan,
            stager=ready.stager,
            store=store,
            sinks=sinks,
            policy=policy,
            strategies=write.strategies,
            namespace=write.namespace,
            details=subject.details,
            versions=write.versions,
            overwrite=mode == "overwrite",
        )
    except BatchBlockedError:
        write.observe(_nothing_written(write, ready.stager.schema()))
        raise
    result.warnings += [f"{n.path} is not enforceable: {n.reason}" for n in ready.notes]
    write.observe(result)
    if write.table is not None:
        df.sparkSession.catalog.refreshTable(write.table)
    return result


@hands_on_to(write_with_contract)
def write_to_data_product(
    *, df: DataFrame, data_product_output: Port, **options: Any
) -> ValidationResult:
    """Write a frame to an output port of a data product, under the port's contract.

    Args:
        df: A frame that does not stream.
        data_product_output: The port, as a `PortRef` or `{"product": ..., "port": ...}`.
        options: As those of `write_with_contract`; `path` and `format` are by default those of the
            contract's server.

    Returns:
        As `write_with_contract`; `details["data_product"]` names product and port.

    Raises:
        Dc43Error: if product or port are not there, ambiguous or not accepted; otherwise as
            `write_with_contract`.
    """
    return write_with_contract(df=df, data_product_output=data_product_output, **options)


def _nothing_written(write: Write, schema: Mapping[str, str]) -> ValidationResult:
    """Return what is known of a write that wrote nothing."""
    plan = write.subject.plan
    return ValidationResult(
        schema=dict(schema),
        dataset_id=plan.dataset_id,
        dataset_version=schema_version(schema),
        contract_id=plan.contract.id,
        contract_version=plan.contract.version,
        details=dict(write.subject.details),
    )


def _holds_files(store: FileStore, uri: str) -> bool:
    return any(file.name[0] not in "._" for file in store.list(uri))
