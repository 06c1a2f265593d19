"""The public helpers: Spark reads and writes under a contract.

Services default to the process's runtime, so that contract, frame and path are enough. Every
helper checks all it can before a query is started, and raises one typed error that says what is
wrong and the way out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

from pyspark.sql import DataFrame, SparkSession

from dc43_core.contracts.model import Contract
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.local import drift_findings
from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import ConfigurationError, described
from dc43_core.expectations.model import CheckPlan
from dc43_core.governance.interface import GovernanceClient
from dc43_core.governance.model import SchemaObservation
from dc43_core.interventions.interface import InterventionStrategy
from dc43_core.log import get_logger
from dc43_core.pipeline import OnBatch, schema_version
from dc43_core.protocol import clock
from dc43_core.protocol.disposition import Policy
from dc43_core.runtime import Runtime, default_runtime
from dc43_core.vocabulary import RunType, Verdict
from dc43_integrations.spark.drift import schema_drift
from dc43_integrations.spark.names import READ, folds
from dc43_integrations.spark.prepare import require_classic
from dc43_integrations.spark.read import ReadBinding, StreamSource, reader_options
from dc43_integrations.spark.write import (
    StreamTarget,
    default_checkpoint,
    start,
)

log = get_logger("spark.io")
Strategy = str | InterventionStrategy


@overload
def read_stream_with_contract(
    spark: SparkSession,
    *,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    format: str,
    path: str,
    options: Mapping[str, Any] | None = None,
    uncast: str = "carry",
    dataset_id: str | None = None,
    return_status: Literal[True] = True,
    runtime: Runtime | None = None,
    governance_service: GovernanceClient | None = None,
) -> tuple[DataFrame, ValidationResult]: ...


@overload
def read_stream_with_contract(
    spark: SparkSession,
    *,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    format: str,
    path: str,
    options: Mapping[str, Any] | None = None,
    uncast: str = "carry",
    dataset_id: str | None = None,
    return_status: Literal[False],
    runtime: Runtime | None = None,
    governance_service: GovernanceClient | None = None,
) -> DataFrame: ...


def read_stream_with_contract(
    spark: SparkSession,
    *,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    format: str,
    path: str,
    options: Mapping[str, Any] | None = None,
    uncast: str = "carry",
    dataset_id: str | None = None,
    return_status: bool = True,
    runtime: Runtime | None = None,
    governance_service: GovernanceClient | None = None,
) -> tuple[DataFrame, ValidationResult] | DataFrame:
    """Open a stream over files under a contract; nothing is read until a sink runs.

    Text formats are read as text and cast here, so that a value that does not fit its type is
    carried along (column `_dc43_read`) instead of becoming NULL; the write turns it into a
    reject. Hand the returned result to the write as `reads=[result]`.

    Args:
        spark: A classic session.
        contract: The contract, or the path of its file.
        contract_id: Instead of `contract`: its id in the configured folder.
        expected_contract_version: `1.2.0`, `==1.2.0`, `>=1.0,<2` or `latest`.
        object_name: Which schema object, if the contract has several.
        format: `csv`, `json`, `parquet` or `orc`.
        path: Folder or URI.
        options: Options of Spark's reader, such as `header`, `nullValue`,
            `maxFilesPerTrigger`.
        uncast: `carry`, or `null` to let values that cannot be cast be NULL.
        dataset_id: What governance calls the dataset; by default the folder's name + `.input`.
        return_status: Whether to return the result beside the frame.
        runtime: Configuration, plugins and services; by default the process's.
        governance_service: Who is told of the schema, instead of the runtime's client.

    Returns:
        The streaming frame with the contract's types, and the read's `ValidationResult`.

    Raises:
        Dc43Error: contract not found, draft or broken, source missing.
    """
    require_classic(spark)
    if uncast not in ("carry", "null"):
        raise ConfigurationError("uncast", [f"{uncast!r} is not one of carry, null"])
    runtime = services(runtime, governance_service, None)
    plan = contract_plan(runtime, contract, contract_id, expected_contract_version, object_name)
    source = StreamSource(
        format=format, path=str(path), options=reader_options(options), uncast=uncast
    )
    frame, binding = source.open(spark, plan)
    schema = {f.name: f.dataType.simpleString() for f in frame.schema if f.name != READ}
    drift = drift_findings(
        schema_drift(binding.found, plan.schema, folds=folds(spark), auto_cast=True)
    )
    result = ValidationResult(
        status=Verdict.WARN if any(f.severity == "error" for f in drift) else Verdict.OK,
        errors=[f.message for f in drift if f.severity == "error"],
        warnings=[f.message for f in drift if f.severity != "error"],
        schema=schema,
        findings=drift,
        dataset_id=dataset_id or binding.dataset_id,
        dataset_version=schema_version(schema),
        contract_id=plan.contract.id,
        contract_version=plan.contract.version,
        binding=binding,
    )
    _observe(runtime, result, "read", runtime.config.namespace)
    return (frame, result) if return_status else frame


def write_stream_with_contract(
    *,
    df: DataFrame,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    path: str | None = None,
    format: str = "parquet",
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
        path: Folder or URI of main; none for `memory` and `console`.
        format: `parquet`, `orc`, `json`, `csv`, `memory`, `console`, or what a plugin offers,
            such as `delta`.
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
        on_evaluation_error: `block` or `warn`, when a rule could not be judged in enforce.
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
    kind = resolve_run_type(run_type, enforce)
    runtime = services(runtime, governance_service, data_quality_service)
    plan = contract_plan(runtime, contract, contract_id, expected_contract_version, object_name)
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
            runtime, namespace, plan.contract.id, query_name or str(path)
        )
        log.info("checkpoint.derived", checkpoint=checkpoint_location)
    started = start(
        frame=df,
        runtime=runtime,
        plan=plan,
        target=StreamTarget(
            path=None if path is None else str(path),
            format=format,
            rejects=None if rejects is None else str(rejects),
            checkpoint=str(checkpoint_location),
            options=reader_options(writer_options),
            query_name=query_name,
            trigger=trigger_arguments(trigger),
            output_mode=output_mode,
        ),
        policy=make_policy(kind, on_incompatible, on_evaluation_error),
        strategies=strategies,
        reads=bindings(reads),
        auto_cast=auto_cast,
        namespace=namespace,
        adopt=adopt,
        on_batch=on_streaming_batch,
    )
    _observe(runtime, started.result, "write", namespace)
    return started.result


def resolve_run_type(run_type: RunType | str | None, enforce: bool | None) -> RunType:
    """Merge the two ways to say it.

    Raises:
        TypeError: if they contradict each other.
        ConfigurationError: if the run type is not known.
    """
    try:
        named = None if run_type is None else RunType(run_type)
    except ValueError:
        raise ConfigurationError(
            "run_type", [f"{run_type!r} is not one of {', '.join(RunType)}"]
        ) from None
    if enforce is None:
        return named or RunType.OBSERVE
    short = RunType.ENFORCE if enforce else RunType.OBSERVE
    if named not in (None, short):
        raise TypeError(f"run_type={named.value!r} contradicts enforce={enforce}; give one of them")
    return short


def make_policy(run_type: RunType, on_incompatible: str | None, on_evaluation_error: str) -> Policy:
    """Return the policy, its words checked.

    Raises:
        ConfigurationError: naming the words that are known.
    """
    for name, value, known in (
        ("on_incompatible", on_incompatible, ("block", "reject", None)),
        ("on_evaluation_error", on_evaluation_error, ("block", "warn")),
    ):
        if value not in known:
            words = ", ".join(str(word) for word in known if word)
            raise ConfigurationError(name, [f"{value!r} is not one of {words}"])
    return Policy(
        run_type=run_type,
        on_incompatible=on_incompatible or "block",
        on_incompatible_explicit=on_incompatible is not None,
        on_evaluation_error=on_evaluation_error,
    )


def trigger_arguments(trigger: Mapping[str, Any] | str | None) -> dict[str, Any]:
    """Return what Spark's `trigger` is called with.

    `once` is taken as `availableNow`, which keeps to the source's batch limits.
    """
    if trigger is None:
        return {"processingTime": "0 seconds"}
    if isinstance(trigger, str):
        return {"availableNow": True} if trigger == "available-now" else {"processingTime": trigger}
    return {"availableNow": True} if trigger.get("once") else dict(trigger)


def bindings(reads: Sequence[ValidationResult]) -> list[ReadBinding]:
    """Return the bindings of reads.

    Raises:
        TypeError: if one is not the result of a streaming read.
    """
    for read in reads:
        if not isinstance(getattr(read, "binding", None), ReadBinding):
            raise TypeError(f"reads= takes results of read_stream_*, not {read!r}")
    return [read.binding for read in reads]


def services(
    runtime: Runtime | None,
    governance: GovernanceClient | None,
    data_quality: DataQualityClient | None,
) -> Runtime:
    """Return the runtime, by default the process's, with these clients in place of its own."""
    base = runtime or default_runtime()
    if governance is None and data_quality is None:
        return base
    return Runtime(
        config=base.config,
        plugins=base.plugins,
        governance=governance or base.governance,
        data_quality=data_quality or base.data_quality,
    )


def contract_plan(
    runtime: Runtime,
    contract: Contract | str | Path | None,
    contract_id: str | None,
    version: str,
    object_name: str | None,
) -> CheckPlan:
    """Return what a contract asks, given as it is, by its file, or by its id.

    Raises:
        TypeError: unless one of both ways is given.
        Dc43Error: if it is not found, not accepted, or broken.
    """
    if (contract is None) == (contract_id is None):
        raise TypeError("give either contract= or contract_id=")
    if contract_id is not None:
        contract = runtime.contracts().get(contract_id, version)
    elif not isinstance(contract, Contract):
        contract = runtime.contracts().read(Path(str(contract)))
    return runtime.plan(contract, object_name)


def _observe(runtime: Runtime, result: ValidationResult, direction: str, namespace: str) -> None:
    observation = SchemaObservation(
        dataset_id=result.dataset_id,
        dataset_version=result.dataset_version,
        direction=direction,
        observed_at=clock.now(),
        schema=dict(result.schema),
        contract_id=result.contract_id,
        contract_version=result.contract_version,
        problems=tuple(result.errors),
        namespace=namespace,
    )
    try:
        runtime.governance.observe_schema(observation)
    # A boundary to foreign code: governance being down must not stop the data.
    except Exception as error:  # noqa: BLE001
        log.warning("schema-observation.lost", dataset_id=result.dataset_id, error=described(error))
        result.details["schema_observation"] = f"not recorded: {described(error)}"
