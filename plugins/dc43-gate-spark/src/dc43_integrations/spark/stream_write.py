"""Writing a stream under a contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from dc43_core.contracts.files import ContractFiles
from dc43_core.contracts.model import Contract
from dc43_core.data_products.interface import DataProductService
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.model import ValidationResult
from dc43_core.governance.interface import GovernanceClient
from dc43_core.log import get_logger
from dc43_core.pipeline import OnBatch
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Direction, RunType
from dc43_integrations.spark.arguments import (
    Strategy,
    bindings,
    make_policy,
    observe_schema,
    resolve_run_type,
    services,
    trigger_arguments,
)
from dc43_integrations.spark.ports import Port, find_subject
from dc43_integrations.spark.read import reader_options
from dc43_integrations.spark.write import (
    StreamTarget,
    default_checkpoint,
    lives_in_session,
    start,
)

log = get_logger("spark.io")


def write_stream_with_contract(
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
    rejects: str | None = None,
    reads: Sequence[ValidationResult] = (),
    run_type: RunType | str | None = None,
    enforce: bool | None = None,
    interventions: Sequence[Strategy] = (),
    streaming_intervention_strategy: Strategy | None = None,
    on_streaming_batch: OnBatch | None = None,
    on_incompatible: str | None = None,
    on_evaluation_error: str = "block",
    auto_cast: bool = True,
    checkpoint_location: str | None = None,
    trigger: Mapping[str, Any] | str | None = None,
    output_mode: str = "append",
    query_name: str | None = None,
    writer_options: Mapping[str, Any] | None = None,
    adopt: str | None = None,
    namespace: str | None = None,
    runtime: Runtime | None = None,
    contract_service: ContractFiles | None = None,
    data_product_service: DataProductService | None = None,
    data_quality_service: DataQualityClient | None = None,
    governance_service: GovernanceClient | None = None,
) -> ValidationResult:
    """Write a stream under a contract: stage, audit, publish, once for each micro-batch.

    One query, one read of the source. Each batch is classified and staged where nobody sees it,
    judged, and only then published: good rows to `path`, broken ones to `rejects` with their
    reasons, or nothing at all. Each batch leaves exactly one governance record.

    Args:
        df: A streaming frame.
        contract: The contract, or the path of its file.
        contract_id: Instead of `contract`: its id in the configured folder.
        expected_contract_version: `1.2.0`, `==1.2.0`, `>=1.0,<2` or `latest`.
        object_name: Which schema object, if the contract has several.
        data_product_output: Instead of a contract: an output port of a data product, as a
            `PortRef` or `{"product": ..., "port": ...}`; the port's contract is used.
        path: Folder or URI of main; by default where the contract's server says. None for
            `memory` and `console`.
        format: `parquet`, `orc`, `json`, `csv`, `memory`, `console`, or what a plugin offers,
            such as `delta`; by default what the contract's server says, else `parquet`.
        server: Name or environment of the server, if the contract has several.
        rejects: Folder or URI for rows that break a row rule; None for none.
        reads: Results of the reads that `df` comes from.
        run_type: `observe` (default: never blocks by itself) or `enforce`.
        enforce: Short for `run_type`.
        interventions: Strategies by name or as objects with `decide(context)`.
        streaming_intervention_strategy: One more strategy, under the name the mission uses.
        on_streaming_batch: Called with each entry of `streaming_batches`; its errors are
            counted and never stop the stream.
        on_incompatible: `block` or `reject`, when a required column is gone or a type narrowed;
            given here it counts in observe too.
        on_evaluation_error: What happens when a rule throws: `block` the batch (counts in enforce
            alone), `reject` the rows it cannot judge, or `warn`.
        auto_cast: Whether columns of another type are cast, row by row.
        checkpoint_location: The query's progress; by default derived from configuration,
            namespace, contract and query name, and shown in `details`.
        trigger: `{"availableNow": True}`, `{"processingTime": "10 seconds"}`, or the words
            `available-now` and an interval; by default as fast as possible.
        output_mode: `append`.
        query_name: Name of the query.
        writer_options: Options of Spark's file writer.
        adopt: `continue` or `fork`, where checkpoint and sink do not fit.
        namespace: First part of every key.
        runtime: Configuration, plugins and services; by default the process's.
        contract_service: Where contracts are looked for, instead of the configured folder.
        data_product_service: Where products are looked for, instead of the configured folder.
        data_quality_service: Who judges, instead of the runtime's client.
        governance_service: Who keeps the records, instead of the runtime's client.

    Returns:
        A live result: `streaming_batches` grows while the query in `streaming_queries` runs.

    Raises:
        Dc43Error: before anything is started, if anything does not fit.
        TypeError: if `df` does not stream, or `run_type` and `enforce` contradict each other.
    """
    if not df.isStreaming:
        raise TypeError("df does not stream; read it with readStream")
    resolved = resolve_run_type(run_type, enforce)
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
    plan, kind = subject.plan, subject.format(format) or "parquet"
    place = str(path) if path is not None else None
    if place is None and not lives_in_session(runtime, kind):
        place = subject.path(None)
    wanted = [*interventions]
    if streaming_intervention_strategy is not None:
        wanted.append(streaming_intervention_strategy)
    strategies = [
        *(runtime.strategy(name, explicit=False) for name in runtime.config.default_strategies),
        *(runtime.strategy(one) for one in wanted),
    ]
    namespace = namespace or runtime.config.namespace
    if checkpoint_location is None:
        checkpoint_location = default_checkpoint(
            runtime, namespace, plan.contract.id, query_name or str(place)
        )
        log.info("checkpoint.derived", checkpoint=checkpoint_location)
    started = start(
        frame=df,
        runtime=runtime,
        plan=plan,
        target=StreamTarget(
            path=place,
            format=kind,
            rejects=None if rejects is None else str(rejects),
            checkpoint=str(checkpoint_location),
            options=reader_options(writer_options),
            query_name=query_name,
            trigger=trigger_arguments(trigger),
            output_mode=output_mode,
        ),
        policy=make_policy(resolved, on_incompatible, on_evaluation_error),
        strategies=strategies,
        reads=bindings(reads),
        auto_cast=auto_cast,
        namespace=namespace,
        adopt=adopt,
        on_batch=on_streaming_batch,
        details=subject.details,
    )
    started.result.warnings.extend(subject.warnings)
    observe_schema(runtime, started.result, "write", namespace)
    return started.result


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
