"""Writing a frame under a contract, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from dc43_core.batch import write_batch
from dc43_core.contracts.files import ContractFiles
from dc43_core.contracts.model import Contract
from dc43_core.data_products.interface import DataProductService
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import ConfigurationError, TargetExistsError
from dc43_core.governance.interface import GovernanceClient
from dc43_core.pipeline import schema_version
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.sink_log import OURS
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Direction, Lane, RunType
from dc43_integrations.spark.arguments import (
    Strategy,
    bindings,
    make_policy,
    observe_schema,
    resolve_run_type,
    services,
)
from dc43_integrations.spark.file_store import store_for
from dc43_integrations.spark.ports import Port, find_subject
from dc43_integrations.spark.prepare import prepare
from dc43_integrations.spark.read import reader_options
from dc43_integrations.spark.sinks.find import find_sink
from dc43_integrations.spark.sinks.open import open_sinks

MODES = ("append", "errorifexists", "error", "ignore")
"""Spark's save modes, as far as they add; `overwrite` removes, which a log of additions cannot."""


def write_with_contract(
    *,
    df: DataFrame,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    data_product_output: Port | None = None,
    path: str | Path | None = None,
    format: str | None = None,
    server: str | None = None,
    mode: str = "append",
    rejects: str | None = None,
    reads: Sequence[ValidationResult] = (),
    run_type: RunType | str | None = None,
    enforce: bool | None = None,
    interventions: Sequence[Strategy] = (),
    on_incompatible: str | None = None,
    on_evaluation_error: str = "block",
    auto_cast: bool = True,
    writer_options: Mapping[str, Any] | None = None,
    namespace: str | None = None,
    runtime: Runtime | None = None,
    contract_service: ContractFiles | None = None,
    data_product_service: DataProductService | None = None,
    data_quality_service: DataQualityClient | None = None,
    governance_service: GovernanceClient | None = None,
) -> ValidationResult:
    """Write a frame under a contract: stage, audit, publish.

    The frame is read once. It is classified and staged where nobody sees it, judged, and only then
    published: good rows to `path`, broken ones to `rejects` with their reasons, or nothing at all.
    The write leaves one governance record, and shares the log of streams into the same folder.

    Args:
        df: A frame that does not stream.
        contract: The contract, or the path of its file.
        contract_id: Instead of `contract`: its id in the configured folder.
        expected_contract_version: `1.2.0`, `==1.2.0`, `>=1.0,<2` or `latest`.
        object_name: Which schema object, if the contract has several.
        data_product_output: Instead of a contract: an output port of a data product, as a
            `PortRef` or `{"product": ..., "port": ...}`; the port's contract is used.
        path: Folder or URI of main; by default where the contract's server says.
        format: `parquet`, `orc`, `json`, `csv`, or what a plugin offers, such as `delta`; by
            default what the contract's server says, else `parquet`.
        server: Name or environment of the server, if the contract has several.
        mode: `append`; `errorifexists` or `ignore`, where something was written there before.
        rejects: Folder or URI for rows that break a row rule; None for none.
        reads: Results of the reads that `df` comes from.
        run_type: `observe` (default: never blocks by itself) or `enforce`.
        enforce: Short for `run_type`.
        interventions: Strategies by name or as objects with `decide(context)`; they see no history.
        on_incompatible: `block` or `reject`, when a required column is gone or a type narrowed;
            given here it counts in observe too.
        on_evaluation_error: As in `write_stream_with_contract`.
        auto_cast: Whether columns of another type are cast, row by row.
        writer_options: Options of Spark's file writer.
        namespace: First part of every key.
        runtime: Configuration, plugins and services; by default the process's.
        contract_service: Where contracts are looked for, instead of the configured folder.
        data_product_service: Where products are looked for, instead of the configured folder.
        data_quality_service: Who judges, instead of the runtime's client.
        governance_service: Who keeps the records, instead of the runtime's client.

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
        hint = "; to replace rows, write to a new folder" if mode == "overwrite" else ""
        raise ConfigurationError("mode", [f"{mode!r} is not one of {', '.join(MODES)}{hint}"])
    policy = make_policy(resolve_run_type(run_type, enforce), on_incompatible, on_evaluation_error)
    runtime = services(runtime, governance_service, data_quality_service)
    subject = find_subject(
        runtime,
        contract=contract,
        contract_id=contract_id,
        version=expected_contract_version,
        object_name=object_name,
        port=data_product_output,
        direction=Direction.OUTPUT,
        server=server,
        service=data_product_service,
        contracts=contract_service,
    )
    place, sink = subject.path(path), find_sink(runtime, subject.format(format) or "parquet")
    store, read = store_for(df.sparkSession, place), bindings(reads)
    ready = prepare(
        df,
        subject.plan,
        runtime,
        sink,
        store,
        reads=read,
        auto_cast=auto_cast,
        options=reader_options(writer_options),
        probe=lambda batch_id: [drift for one in read for drift in one.drift],
        inputs=lambda batch_id: {"datasets": [one.described() for one in read]},
        has_rejects=rejects is not None,
        holds_unjudged=policy.holds_unjudged,
        keep_uncast=join(store.uri(place), OURS),
    )
    sinks = open_sinks(
        sink,
        store,
        df.sparkSession,
        ready.stager,
        path=place,
        rejects=None if rejects is None else str(rejects),
    )
    main = sinks[Lane.MAIN]
    if mode != "append" and (main.newest() >= 0 or _holds_files(store, main.uri)):
        if mode != "ignore":
            raise TargetExistsError(main.uri)
        schema = dict(ready.stager.schema())
        return ValidationResult(
            schema=schema,
            dataset_id=subject.plan.dataset_id,
            dataset_version=str(main.newest()) if main.newest() >= 0 else schema_version(schema),
            contract_id=subject.plan.contract.id,
            contract_version=subject.plan.contract.version,
            details={**subject.details, "ignored": True},
        )
    namespace = namespace or runtime.config.namespace
    names = runtime.config.default_strategies
    result = write_batch(
        df,
        runtime=runtime,
        plan=ready.stager.plan,
        stager=ready.stager,
        store=store,
        sinks=sinks,
        policy=policy,
        strategies=[
            *(runtime.strategy(name, explicit=False) for name in names),
            *(runtime.strategy(one) for one in interventions),
        ],
        namespace=namespace,
        details=subject.details,
    )
    result.warnings += subject.warnings
    result.warnings += [f"{n.path} is not enforceable: {n.reason}" for n in ready.notes]
    observe_schema(runtime, result, "write", namespace)
    return result


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


def _holds_files(store: FileStore, uri: str) -> bool:
    return any(file.name[0] not in "._" for file in store.list(uri))
