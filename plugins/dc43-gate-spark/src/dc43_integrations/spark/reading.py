"""What batch and streaming reads have in common: all but the reader of Spark's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

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
from dc43_core.protocol.naming import Name, named
from dc43_core.protocol.sink_log import SinkLog
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Verdict
from dc43_integrations.spark.arguments import observe_schema, services
from dc43_integrations.spark.drift import schema_drift
from dc43_integrations.spark.file_store import store_for
from dc43_integrations.spark.names import READ, folds
from dc43_integrations.spark.ports import Port, find_subject
from dc43_integrations.spark.prepare import require_classic
from dc43_integrations.spark.read import TEXT_FORMATS, FileSource, reader_options
from dc43_integrations.spark.tables import find_table


class ReadArguments(TypedDict, total=False):
    """What every read takes beside its session and a port, by keyword, and none required.

    Attributes:
        contract: The contract, or the path of its file.
        contract_id: Instead of `contract`: its id in the configured folder.
        expected_contract_version: `1.2.0`, `==1.2.0`, `>=1.0,<2` or `latest`.
        object_name: Which schema object, if the contract has several.
        format: `csv`, `json`, `parquet` or `orc`; by default what the contract's server says.
        path: File, folder or URI; by default where the contract's server says.
        table: Instead of a path: a table of the session's catalog over a folder of files; its
            format and options are used.
        server: Name or environment of the server, if the contract has several.
        options: Options of Spark's reader, such as `header` or `nullValue`, and of a stream
            `maxFilesPerTrigger`.
        uncast: `carry`, or `null` to let values that cannot be cast be NULL.
        auto_cast: Whether columns of another type than the contract's are cast, row by row; else
            they are incompatible drift. Formats of text have no types, and are always cast.
        dataset_id: What governance calls the dataset: a name, or a function of the
            `DatasetFacts`; by default the table's name, or the folder's + `.input`.
        dataset_version: What it calls the version that is read: likewise; by default the newest
            of the folder's commit log, or a digest of the schema where it has none.
        namespace: First part of every key; by default the configuration's.
        runtime: Configuration, plugins and services; by default the process's.
        contract_service: Where contracts are looked for, instead of the configured folder.
        data_product_service: Where products are looked for, instead of the configured folder.
        governance_service: Who is told of the schema, instead of the runtime's client.
    """

    contract: Contract | str | Path | None
    contract_id: str | None
    expected_contract_version: str
    object_name: str | None
    format: str | None
    path: str | Path | None
    table: str | None
    server: str | None
    options: Mapping[str, Any] | None
    uncast: str
    auto_cast: bool
    dataset_id: Name | None
    dataset_version: Name | None
    namespace: str | None
    runtime: Runtime | None
    contract_service: ContractFiles | None
    data_product_service: DataProductService | None
    governance_service: GovernanceClient | None


def open_read(
    spark: SparkSession,
    reader: type[FileSource],
    *,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    data_product_input: Port | None = None,
    format: str | None = None,
    path: str | Path | None = None,
    table: str | None = None,
    server: str | None = None,
    options: Mapping[str, Any] | None = None,
    uncast: str = "carry",
    auto_cast: bool = True,
    dataset_id: Name | None = None,
    dataset_version: Name | None = None,
    namespace: str | None = None,
    runtime: Runtime | None = None,
    contract_service: ContractFiles | None = None,
    data_product_service: DataProductService | None = None,
    governance_service: GovernanceClient | None = None,
) -> tuple[DataFrame, ValidationResult]:
    """Open files under a contract, and tell governance of their schema.

    Args:
        spark: A classic session.
        reader: How they are read: once, or as they come.
        data_product_input: Instead of a contract: a port of a data product, as a `PortRef` or
            `{"product": ..., "port": ...}`; the port's contract is used.

    The other arguments are those of `ReadArguments`.
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
    plan, given = subject.plan, reader_options(options)
    if table is None:
        place, kind = subject.path(path), subject.format(format)
    else:
        found = find_table(spark, table, path=path)
        place, kind, given = found.path, format or found.format, {**found.options, **given}
    if kind is None:
        raise ConfigurationError(
            "format", ["is not given, and no server of the contract says it; give format="]
        )
    if kind in TEXT_FORMATS and not auto_cast:
        raise ConfigurationError(
            "auto_cast",
            [
                f"values of {kind} are text, and to read them is to cast them; leave auto_cast= "
                'out, or say uncast="null" to let what cannot be cast be NULL'
            ],
        )
    source = reader(format=kind, path=place, options=given, uncast=uncast, auto_cast=auto_cast)
    # Ahead of the listing of files: what lands in between is read, and no version is claimed of
    # which something is missing.
    store = store_for(spark, place)
    newest = SinkLog(store, store.uri(place)).newest()
    frame, binding = source.open(spark, plan)
    drift = (
        *schema_drift(binding.found, plan.schema, folds=folds(spark), auto_cast=auto_cast),
        *source.drift(spark, binding),
    )
    namespace = namespace or runtime.config.namespace
    schema = {f.name: f.dataType.simpleString() for f in frame.schema if f.name != READ}
    facts = subject.facts(
        namespace,
        dataset_id=table or binding.dataset_id,
        dataset_version=str(newest) if newest >= 0 else schema_version(schema),
    )
    facts = evolve(facts, dataset_id=named("dataset_id", dataset_id, facts.dataset_id, facts))
    version = named("dataset_version", dataset_version, str(facts.dataset_version), facts)
    binding = evolve(
        binding,
        dataset_id=facts.dataset_id,
        dataset_version=version,
        about=subject.details,
        drift=drift,
    )
    findings = drift_findings(drift)
    result = ValidationResult(
        status=Verdict.WARN if any(f.severity == "error" for f in findings) else Verdict.OK,
        errors=[f.message for f in findings if f.severity == "error"],
        warnings=[*subject.warnings, *(f.message for f in findings if f.severity != "error")],
        schema=schema,
        findings=findings,
        dataset_id=facts.dataset_id,
        dataset_version=version,
        contract_id=plan.contract.id,
        contract_version=plan.contract.version,
        details=dict(subject.details),
        binding=binding,
    )
    observe_schema(runtime, result, "read", namespace)
    return frame, result
