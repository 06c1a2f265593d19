"""The checker by itself, for existing `foreachBatch` code that keeps its own writes."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from attrs import define, field, frozen
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from dc43_core.contracts.model import Contract
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.local import drift_findings
from dc43_core.data_quality.model import Observations, ValidationResult
from dc43_core.data_quality.service_levels import measured
from dc43_core.errors import ClosedError, ConfigurationError
from dc43_core.protocol import clock
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.engine import BatchFacts
from dc43_core.protocol.evaluate import evaluate
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Lane, RunType
from dc43_integrations.spark.arguments import (
    bindings,
    given_contract,
    resolve_run_type,
    services,
)
from dc43_integrations.spark.data_files import read_files
from dc43_integrations.spark.file_store import store_for
from dc43_integrations.spark.prepare import prepare
from dc43_integrations.spark.sinks.files import parquet
from dc43_integrations.spark.stager import SparkStager


@define(kw_only=True, eq=False)
class CheckedBatch:
    """A micro-batch as it was judged. Close it, or use it in a `with` block, to free its rows.

    Attributes:
        batch_id: The micro-batch.
        result: The verdict: `status` is what a governed stream of this run type would say.
        observations: What was counted: all that the verdict follows from.
        row_count: Rows in `valid` and `rejects` together: every row is in one of them.
    """

    batch_id: int
    result: ValidationResult
    observations: Observations
    row_count: int
    _frames: Mapping[Lane, DataFrame]
    _store: FileStore
    _folder: str
    _closed: bool = field(default=False, init=False)

    @property
    def valid(self) -> DataFrame:
        """Rows that break no row rule of severity error, with exactly the contract's columns."""
        return self._frame(Lane.MAIN)

    @property
    def rejects(self) -> DataFrame:
        """The other rows, in the envelope that a reject sink holds."""
        return self._frame(Lane.REJECTS)

    def _frame(self, lane: Lane) -> DataFrame:
        if self._closed:
            raise ClosedError(self.batch_id)
        return self._frames[lane]

    def close(self) -> None:
        """Forget the rows; safe to call twice."""
        self._closed = True
        self._store.delete(self._folder)

    def __enter__(self) -> CheckedBatch:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@frozen
class _Schema:
    """What frames of one schema are judged with; expressions are built once for each."""

    stager: SparkStager
    rejects: T.StructType


class ContractChecker:
    """Judges micro-batches against a contract, and writes and records nothing of them.

    Each batch is read once: it is classified into a scratch folder, and both lanes are read from
    there. Use it inside `foreachBatch` code that writes as it always did; what that promises about
    crashes stays as it was. `write_stream_with_contract` does more.

        checker = ContractChecker("contracts/orders.odcs.yaml")

        def handle(df, batch_id):
            with checker.check(df, batch_id) as batch:
                batch.valid.write.mode("append").parquet("out/orders")
                print(batch.result)

    Args:
        contract: The contract, or the path of its file.
        contract_id: Instead of `contract`: its id in the configured folder.
        expected_contract_version: `1.2.0`, `==1.2.0`, `>=1.0,<2` or `latest`.
        object_name: Which schema object, if the contract has several.
        run_type: `observe` (default) or `enforce`; says when `status` is `block`.
        enforce: Short for `run_type`.
        reads: Results of the reads that the frames come from.
        auto_cast: Whether columns of another type are cast, row by row.
        scratch: A folder that driver and executors reach; needed where Spark is not local.
        runtime: Configuration, plugins and services; by default the process's.
        data_quality_service: Who judges, instead of the runtime's client.

    Raises:
        Dc43Error: contract not found, draft or broken.
    """

    def __init__(
        self,
        contract: Contract | str | Path | None = None,
        *,
        contract_id: str | None = None,
        expected_contract_version: str = "latest",
        object_name: str | None = None,
        run_type: RunType | str | None = None,
        enforce: bool | None = None,
        reads: Sequence[ValidationResult] = (),
        auto_cast: bool = True,
        scratch: str | None = None,
        runtime: Runtime | None = None,
        data_quality_service: DataQualityClient | None = None,
    ) -> None:
        self._policy = Policy(run_type=resolve_run_type(run_type, enforce))
        self._runtime = services(runtime, None, data_quality_service)
        found = given_contract(
            self._runtime.contracts(), contract, contract_id, expected_contract_version
        )
        self._plan = self._runtime.plan(found, object_name)
        self._reads, self._auto_cast, self._scratch = bindings(reads), auto_cast, scratch
        self._id = uuid.uuid4().hex
        self._schemas: dict[str, _Schema] = {}

    def check(self, df: DataFrame, batch_id: int = 0) -> CheckedBatch:
        """Judge one batch: one job that reads it, one more if any row breaks a rule.

        Args:
            df: A frame that does not stream: what `foreachBatch` hands over, or any other.
            batch_id: Its number, for messages and for the envelope of rejects.

        Raises:
            TypeError: if the frame streams.
            Dc43Error: if the contract does not go with its columns.
        """
        if df.isStreaming:
            raise TypeError("df streams; check() takes what foreachBatch hands over")
        scratch = self._scratch or _local_scratch(df.sparkSession)
        store = store_for(df.sparkSession, scratch)
        schema = self._schema(df, store)
        stager = schema.stager
        drift = tuple(stager.drift(df, batch_id))
        facts = BatchFacts(
            stream_id=self._id,
            batch_id=batch_id,
            started_at=clock.now(),
            contract_id=self._plan.contract.id,
            contract_version=self._plan.contract.version,
            contract_digest=self._plan.contract.digest,
            drift=drift,
        )
        folder = join(store.uri(scratch), f"dc43-check-{uuid.uuid4().hex}")
        try:
            reject_all = self._policy.sets_aside(drift_findings(drift))
            staged = stager.stage(df, folder, facts, reject_all=reject_all)
            files = stager.finish(staged, Lane.REJECTS, facts)
        except BaseException:
            store.delete(folder)
            raise
        seen = Observations(
            row_count=staged.row_count,
            broken=staged.broken,
            violating=staged.violating,
            uncast=staged.uncast,
            drift=drift,
            evaluation_errors=staged.evaluation_errors,
            unjudged=staged.unjudged,
            metrics={
                **staged.metrics,
                **measured(stager.plan.service_levels, staged.spans, facts.started_at),
            },
        )
        kinds = {Lane.MAIN: stager.convert.target, Lane.REJECTS: schema.rejects}
        return CheckedBatch(
            batch_id=batch_id,
            result=evaluate(
                stager.plan,
                seen,
                data_quality=self._runtime.data_quality,
                policy=self._policy,
                has_rejects=True,
                schema=stager.schema(),
            ),
            observations=seen,
            row_count=staged.row_count,
            frames={
                lane: _frame(df.sparkSession, kind, files.get(lane, ()))
                for lane, kind in kinds.items()
            },
            store=store,
            folder=folder,
        )

    def _schema(self, df: DataFrame, store: FileStore) -> _Schema:
        key = df.schema.json()
        if key not in self._schemas:
            ready = prepare(
                df,
                self._plan,
                self._runtime,
                parquet(),
                store,
                reads=self._reads,
                auto_cast=self._auto_cast,
                keep_uncast="",
            )
            self._schemas[key] = _Schema(ready.stager, ready.stager.lane_schema(Lane.REJECTS))
        return self._schemas[key]


def _frame(spark: SparkSession, kind: T.StructType, files: Sequence[str]) -> DataFrame:
    return read_files(spark, files, schema=kind) if files else spark.createDataFrame([], kind)


def _local_scratch(spark: SparkSession) -> str:
    if not str(spark.sparkContext.master).startswith("local["):
        raise ConfigurationError(
            "scratch", ["Spark is not local; give a folder that driver and executors reach"]
        )
    return tempfile.gettempdir()
