"""Reading files under a contract, once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, overload

from attrs import evolve
from pyspark.sql import DataFrame, SparkSession

from dc43_core.contracts.files import ContractFiles
from dc43_core.contracts.model import Contract
from dc43_core.data_products.interface import DataProductService
from dc43_core.data_quality.local import drift_findings
from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import ConfigurationError
from dc43_core.governance.interface import GovernanceClient
from dc43_core.pipeline import schema_version
from dc43_core.protocol.sink_log import SinkLog
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Verdict
from dc43_integrations.spark.arguments import observe_schema, services
from dc43_integrations.spark.drift import schema_drift
from dc43_integrations.spark.file_store import store_for
from dc43_integrations.spark.names import READ, folds
from dc43_integrations.spark.ports import Port, find_subject
from dc43_integrations.spark.prepare import require_classic
from dc43_integrations.spark.read import BatchSource, reader_options


@overload
def read_with_contract(
    spark: SparkSession,
    *,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    data_product_input: Port | None = None,
    format: str | None = None,
    path: str | Path | None = None,
    server: str | None = None,
    options: Mapping[str, Any] | None = None,
    uncast: str = "carry",
    dataset_id: str | None = None,
    return_status: Literal[True] = True,
    namespace: str | None = None,
    runtime: Runtime | None = None,
    contract_service: ContractFiles | None = None,
    data_product_service: DataProductService | None = None,
    governance_service: GovernanceClient | None = None,
) -> tuple[DataFrame, ValidationResult]: ...


@overload
def read_with_contract(
    spark: SparkSession,
    *,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    data_product_input: Port | None = None,
    format: str | None = None,
    path: str | Path | None = None,
    server: str | None = None,
    options: Mapping[str, Any] | None = None,
    uncast: str = "carry",
    dataset_id: str | None = None,
    return_status: Literal[False],
    namespace: str | None = None,
    runtime: Runtime | None = None,
    contract_service: ContractFiles | None = None,
    data_product_service: DataProductService | None = None,
    governance_service: GovernanceClient | None = None,
) -> DataFrame: ...


def read_with_contract(
    spark: SparkSession,
    *,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    data_product_input: Port | None = None,
    format: str | None = None,
    path: str | Path | None = None,
    server: str | None = None,
    options: Mapping[str, Any] | None = None,
    uncast: str = "carry",
    dataset_id: str | None = None,
    return_status: bool = True,
    namespace: str | None = None,
    runtime: Runtime | None = None,
    contract_service: ContractFiles | None = None,
    data_product_service: DataProductService | None = None,
    governance_service: GovernanceClient | None = None,
) -> tuple[DataFrame, ValidationResult] | DataFrame:
    """Read files under a contract; rows are read when the frame is used.

    Each file is looked at for drift now. Text formats are read as text and cast here, so that a
    value that does not fit its type is carried along (column `_dc43_read`) instead of becoming
    NULL; the write turns it into a reject. Hand the returned result to the write as
    `reads=[result]`.

    Args:
        spark: A classic session.
        contract: The contract, or the path of its file.
        contract_id: Instead of `contract`: its id in the configured folder.
        expected_contract_version: `1.2.0`, `==1.2.0`, `>=1.0,<2` or `latest`.
        object_name: Which schema object, if the contract has several.
        data_product_input: Instead of a contract: a port of a data product, as a `PortRef` or
            `{"product": ..., "port": ...}`; the port's contract is used.
        format: `csv`, `json`, `parquet` or `orc`; by default what the contract's server says.
        path: File, folder or URI; by default where the contract's server says.
        server: Name or environment of the server, if the contract has several.
        options: Options of Spark's reader.
        uncast: `carry`, or `null` to let values that cannot be cast be NULL.
        dataset_id: What governance calls the dataset; by default the folder's name + `.input`.
        return_status: Whether to return the result beside the frame.
        namespace: First part of every key; by default the configuration's.
        runtime: Configuration, plugins and services; by default the process's.
        contract_service: Where contracts are looked for, instead of the configured folder.
        data_product_service: Where products are looked for, instead of the configured folder.
        governance_service: Who is told of the schema, instead of the runtime's client.

    Returns:
        The frame with the contract's types, and the read's `ValidationResult`. Its version is the
        newest of the folder's commit log, where it has one.

    Raises:
        Dc43Error: contract or port not found, ambiguous, draft or broken; source missing.
    """
    require_classic(spark)
    if uncast not in ("carry", "null"):
        raise ConfigurationError("uncast", [f"{uncast!r} is not one of carry, null"])
    runtime = services(runtime, governance_service, None)
    subject = find_subject(
        runtime,
        contract=contract,
        contract_id=contract_id,
        version=expected_contract_version,
        object_name=object_name,
        port=data_product_input,
        server=server,
        service=data_product_service,
        contracts=contract_service,
    )
    plan, kind = subject.plan, subject.format(format)
    if kind is None:
        raise ConfigurationError(
            "format", ["is not given, and no server of the contract says it; give format="]
        )
    source = BatchSource(
        format=kind, path=subject.path(path), options=reader_options(options), uncast=uncast
    )
    frame, binding = source.open(spark, plan)
    drift = (
        *schema_drift(binding.found, plan.schema, folds=folds(spark), auto_cast=True),
        *source.drift(spark, binding),
    )
    binding = evolve(
        binding, dataset_id=dataset_id or binding.dataset_id, about=subject.details, drift=drift
    )
    schema = {f.name: f.dataType.simpleString() for f in frame.schema if f.name != READ}
    findings = drift_findings(drift)
    newest = SinkLog(store_for(spark, binding.path), binding.path).newest()
    result = ValidationResult(
        status=Verdict.WARN if any(f.severity == "error" for f in findings) else Verdict.OK,
        errors=[f.message for f in findings if f.severity == "error"],
        warnings=[*subject.warnings, *(f.message for f in findings if f.severity != "error")],
        schema=schema,
        findings=findings,
        dataset_id=binding.dataset_id,
        dataset_version=str(newest) if newest >= 0 else schema_version(schema),
        contract_id=plan.contract.id,
        contract_version=plan.contract.version,
        details=dict(subject.details),
        binding=binding,
    )
    observe_schema(runtime, result, "read", namespace or runtime.config.namespace)
    return (frame, result) if return_status else frame


@overload
def read_from_contract(
    spark: SparkSession, *, return_status: Literal[True] = True, **options: Any
) -> tuple[DataFrame, ValidationResult]: ...


@overload
def read_from_contract(
    spark: SparkSession, *, return_status: Literal[False], **options: Any
) -> DataFrame: ...


def read_from_contract(
    spark: SparkSession, *, return_status: bool = True, **options: Any
) -> tuple[DataFrame, ValidationResult] | DataFrame:
    """Read where a contract says that its data is.

    Args:
        spark: A classic session.
        return_status: Whether to return the result beside the frame.
        options: As those of `read_with_contract`: `contract` or `contract_id`, and `server` where
            the contract has several; `path` and `format` come from the server.

    Returns:
        As `read_with_contract`.

    Raises:
        ServerError: if the contract leaves open where its data is.
        Dc43Error: as `read_with_contract`.
    """
    if return_status:
        return read_with_contract(spark, return_status=True, **options)
    return read_with_contract(spark, return_status=False, **options)


@overload
def read_from_data_product(
    spark: SparkSession,
    *,
    data_product_input: Port,
    return_status: Literal[True] = True,
    **options: Any,
) -> tuple[DataFrame, ValidationResult]: ...


@overload
def read_from_data_product(
    spark: SparkSession, *, data_product_input: Port, return_status: Literal[False], **options: Any
) -> DataFrame: ...


def read_from_data_product(
    spark: SparkSession, *, data_product_input: Port, return_status: bool = True, **options: Any
) -> tuple[DataFrame, ValidationResult] | DataFrame:
    """Read a port of a data product, under the port's contract.

    Args:
        spark: A classic session.
        data_product_input: The port, as a `PortRef` or `{"product": ..., "port": ...}`.
        return_status: Whether to return the result beside the frame.
        options: As those of `read_with_contract`.

    Returns:
        As `read_with_contract`; `details["data_product"]` names product and port.

    Raises:
        Dc43Error: if product or port are not there, ambiguous or not accepted.
    """
    options["data_product_input"] = data_product_input
    if return_status:
        return read_with_contract(spark, return_status=True, **options)
    return read_with_contract(spark, return_status=False, **options)
