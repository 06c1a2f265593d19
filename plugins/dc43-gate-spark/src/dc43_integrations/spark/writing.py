"""What batch and streaming writes have in common: what they take, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

from attrs import evolve, frozen
from pyspark.sql import SparkSession

from dc43_core.contracts.files import ContractFiles
from dc43_core.contracts.model import Contract
from dc43_core.data_products.interface import DataProductService
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.model import ValidationResult
from dc43_core.governance.interface import GovernanceClient
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.naming import Name, Versions, named
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Direction, RunType
from dc43_integrations.spark.arguments import (
    Strategy,
    bindings,
    make_policy,
    observe_schema,
    resolve_run_type,
    services,
    strategies,
)
from dc43_integrations.spark.ports import Port, Subject, find_subject
from dc43_integrations.spark.read import ReadBinding, reader_options
from dc43_integrations.spark.tables import find_table


class WriteArguments(TypedDict, total=False):
    """What every write takes beside its frame and a port, by keyword, and none required.

    Attributes:
        contract: The contract, or the path of its file.
        contract_id: Instead of `contract`: its id in the configured folder.
        expected_contract_version: `1.2.0`, `==1.2.0`, `>=1.0,<2` or `latest`.
        object_name: Which schema object, if the contract has several.
        path: Folder or URI of main; by default where the contract's server says. None for
            `memory` and `console`.
        table: Instead of a path: a table of the session's catalog over a folder of files; its
            format and options are used, and its cached files are refreshed.
        format: `parquet`, `orc`, `json`, `csv`, or what a plugin offers, such as `delta`, and of
            a stream `memory` and `console`; by default what the contract's server says, else
            `parquet`.
        server: Name or environment of the server, if the contract has several.
        rejects: Folder or URI for rows that break a row rule; None for none.
        reads: The result of the read that the frame comes from, or several.
        run_type: `observe` (default: never blocks by itself) or `enforce`.
        enforce: Short for `run_type`.
        interventions: One strategy or several: names, names with options as in
            `{"use": "block-after", "n": 3}`, or objects with `decide(context)`.
        on_incompatible: `block` or `reject`, when a required column is gone or a type narrowed;
            given here it counts in observe too.
        on_evaluation_error: What happens when a rule throws: `block` (counts in enforce alone),
            `reject` the rows it cannot judge, or `warn`.
        auto_cast: Whether columns of another type are cast, row by row.
        writer_options: Options of Spark's file writer.
        partition_by: A column of the contract, or several, whose values stand in the path of
            main's files, as in `day=2026-11-23/`, and not in them.
        dataset_id: What governance calls the dataset: a name, or a function of the
            `DatasetFacts`; by default the contract's id.
        dataset_version: What it calls each version: a text with `{batch}`, `{sequence}` or
            `{timestamp}`, or a function of the `DatasetFacts`; by default the number of the
            sink's entry. A batch write may name its version by a constant.
        namespace: First part of every key; by default the configuration's.
        runtime: Configuration, plugins and services; by default the process's.
        contract_service: Where contracts are looked for, instead of the configured folder.
        data_product_service: Where products are looked for, instead of the configured folder.
        data_quality_service: Who judges, instead of the runtime's client.
        governance_service: Who keeps the records, instead of the runtime's client.
    """

    contract: Contract | str | Path | None
    contract_id: str | None
    expected_contract_version: str
    object_name: str | None
    path: str | Path | None
    table: str | None
    format: str | None
    server: str | None
    rejects: str | None
    reads: ValidationResult | Sequence[ValidationResult]
    run_type: RunType | str | None
    enforce: bool | None
    interventions: Strategy | Sequence[Strategy]
    on_incompatible: str | None
    on_evaluation_error: str
    auto_cast: bool
    writer_options: Mapping[str, Any] | None
    partition_by: str | Sequence[str]
    dataset_id: Name | None
    dataset_version: Name | None
    namespace: str | None
    runtime: Runtime | None
    contract_service: ContractFiles | None
    data_product_service: DataProductService | None
    data_quality_service: DataQualityClient | None
    governance_service: GovernanceClient | None


@frozen(kw_only=True)
class Write:
    """What a write was asked for, looked up and checked; nothing is touched yet.

    Attributes:
        runtime: Configuration, plugins and services.
        subject: Contract, rules and place.
        path: Folder or URI of main, if given.
        table: The table that main is, if it was named by one.
        format: Of main and rejects: the name of a sink.
        rejects: Folder or URI of the rejects; None for none.
        reads: Bindings of the reads that the frame comes from.
        policy: Run type and options.
        strategies: Who decides: those of the configuration, then those asked for.
        auto_cast: Whether columns of another type are cast.
        options: Options of Spark's file writer, as text.
        partition_by: Main's columns that stand in the path of its files.
        versions: What governance calls the versions; None for the numbers of the sink's entries.
        namespace: First part of every key.
    """

    runtime: Runtime
    subject: Subject
    path: str | None
    table: str | None
    format: str
    rejects: str | None
    reads: Sequence[ReadBinding]
    policy: Policy
    strategies: Sequence[NamedStrategy]
    auto_cast: bool
    options: Mapping[str, str]
    partition_by: tuple[str, ...]
    versions: Versions | None
    namespace: str

    def observe(self, result: ValidationResult) -> None:
        """Add to a result what the port says, and tell governance of the schema."""
        result.warnings += self.subject.warnings
        observe_schema(self.runtime, result, "write", self.namespace)


def look_up(
    spark: SparkSession,
    *,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    data_product_output: Port | None = None,
    path: str | Path | None = None,
    table: str | None = None,
    format: str | None = None,
    server: str | None = None,
    rejects: str | None = None,
    reads: ValidationResult | Sequence[ValidationResult] = (),
    run_type: RunType | str | None = None,
    enforce: bool | None = None,
    interventions: Strategy | Sequence[Strategy] = (),
    on_incompatible: str | None = None,
    on_evaluation_error: str = "block",
    auto_cast: bool = True,
    writer_options: Mapping[str, Any] | None = None,
    partition_by: str | Sequence[str] = (),
    dataset_id: Name | None = None,
    dataset_version: Name | None = None,
    namespace: str | None = None,
    runtime: Runtime | None = None,
    contract_service: ContractFiles | None = None,
    data_product_service: DataProductService | None = None,
    data_quality_service: DataQualityClient | None = None,
    governance_service: GovernanceClient | None = None,
) -> Write:
    """Look up and check what a write was asked for.

    Args:
        spark: The session of the frame.
        data_product_output: Instead of a contract: an output port of a data product, as a
            `PortRef` or `{"product": ..., "port": ...}`; the port's contract is used.

    The other arguments are those of `WriteArguments`.

    Raises:
        Dc43Error: if anything is not there or does not fit.
        TypeError: if `run_type` and `enforce` contradict each other.
    """
    place, kind = None if path is None else str(path), format
    options = reader_options(writer_options)
    if table is not None:
        found = find_table(spark, table, path=path)
        place, kind, options = found.path, format or found.format, {**found.options, **options}
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
    namespace = namespace or runtime.config.namespace
    called = named("dataset_id", dataset_id, subject.plan.dataset_id, subject.facts(namespace))
    subject = evolve(subject, plan=evolve(subject.plan, called=called))
    names = runtime.config.default_strategies
    return Write(
        runtime=runtime,
        subject=subject,
        path=place,
        format=subject.format(kind) or "parquet",
        rejects=None if rejects is None else str(rejects),
        reads=bindings(reads),
        policy=policy,
        strategies=[
            *(runtime.strategy(name, explicit=False) for name in names),
            *(runtime.strategy(one) for one in strategies(interventions)),
        ],
        auto_cast=auto_cast,
        table=table,
        options=options,
        partition_by=(partition_by,) if isinstance(partition_by, str) else tuple(partition_by),
        versions=None if dataset_version is None else Versions(wanted=dataset_version),
        namespace=namespace,
    )
