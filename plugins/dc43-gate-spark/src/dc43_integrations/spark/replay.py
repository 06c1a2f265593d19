"""The rejects of a sink: what is there, and a replay of what passes by now."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from dc43_core.contracts.model import Contract
from dc43_core.errors import ReplayRefusedError, UnsoundPlaceError
from dc43_core.expectations.model import CheckPlan
from dc43_core.pipeline import tell_of_write
from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.identity import streams_into
from dc43_core.protocol.rejects import Chosen, RejectBatch, Replayed, RowNumbers
from dc43_core.protocol.replay import ReplayProtocol
from dc43_core.protocol.replays import Replays
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.writes import Writes
from dc43_core.runtime import Runtime, default_runtime
from dc43_core.vocabulary import Lane
from dc43_integrations.spark.arguments import given_contract
from dc43_integrations.spark.file_store import store_for
from dc43_integrations.spark.names import PREFIX
from dc43_integrations.spark.partitioning import found_layout
from dc43_integrations.spark.prepare import own_session, require_classic
from dc43_integrations.spark.restage import CHECKS, ROW_ID, SparkReplayer, without
from dc43_integrations.spark.sinks.find import find_sink
from dc43_integrations.spark.sinks.interface import LaneTarget
from dc43_integrations.spark.types import target_schema

_BATCH, _STREAM, _AT = f"{PREFIX}batch", f"{PREFIX}stream", f"{PREFIX}rejected_at"
_VERSION = f"{PREFIX}contract_version"
_LEFT, _CHECK, _ROWS = f"{PREFIX}left", f"{PREFIX}check", f"{PREFIX}rows"


@define(kw_only=True, eq=False)
class SparkRejects:
    """The rejects beside one main sink.

    Attributes:
        spark: A session; its settings stay as they are.
        runtime: Who evaluates rules and who is told.
        plan: What the contract of today asks.
        path: Folder or URI of main.
        rejects_path: Folder or URI of the rejects.
        format: Of both.
        options: Options of Spark's file writer.
        namespace: First part of every key.
        failpoint: Called at each arrow of a replay.
    """

    spark: SparkSession
    runtime: Runtime
    plan: CheckPlan
    path: str
    rejects_path: str
    format: str = "parquet"
    options: Mapping[str, str]
    namespace: str
    failpoint: Callable[[str, int], None] = lambda name, number: None

    @cached_property
    def _store(self) -> FileStore:
        return store_for(self.spark, self.path)

    @cached_property
    def _sinks(self) -> dict[Lane, Sink]:
        main = self._opened(Lane.MAIN, self.path)
        if by := found_layout(main):
            main = self._opened(Lane.MAIN, self.path, by)
        return {Lane.MAIN: main, Lane.REJECTS: self._opened(Lane.REJECTS, self.rejects_path)}

    def _opened(self, lane: Lane, path: str, partition_by: Sequence[str] = ()) -> Sink:
        target = target_schema(self.plan.schema)
        columns = {field.name: field.dataType.simpleString() for field in target}
        # Rejects are only read: what their envelope was when they were written, they say.
        return find_sink(self.runtime, self.format).open(
            LaneTarget(
                lane=lane,
                path=path,
                store=self._store,
                schema=target.json if lane is Lane.MAIN else lambda: "{}",
                columns=lambda: columns,
                session=self.spark,
                view="",
                partition_by=partition_by,
            )
        )

    @cached_property
    def _replayer(self) -> SparkReplayer:
        sink, main = find_sink(self.runtime, self.format), self._sinks[Lane.MAIN]
        return SparkReplayer(
            spark=own_session(self.spark, sink.settings),
            store=self._store,
            runtime=self.runtime,
            plan=self.plan,
            sink=sink,
            options=self.options,
            # As main is: readers of one with partitions do not see files beside their folders.
            partition_by=found_layout(main) or (),
        )

    def _streams(self) -> frozenset[str]:
        """Return who has rejects that belong to this main: streams, and batch writes."""
        main = self._sinks[Lane.MAIN].uri
        streams = {str(one["stream_id"]) for one in streams_into(self._store, main)}
        return frozenset(streams.union(Writes(self._store, main).names()))

    def _left(self) -> RowNumbers:
        return Replays(self._store, self._sinks[Lane.REJECTS].uri).left()

    def _frames(self) -> list[DataFrame]:
        """Return what is visible of the envelope and the row, rejects of this main's streams."""
        files = self._sinks[Lane.REJECTS].files()
        if not files:
            return []
        mine = F.col(_STREAM).isin(*sorted(self._streams()))
        return [frame.where(mine) for frame in self._replayer.frames(files)]

    def batches(self) -> list[RejectBatch]:
        """Return each batch that has rejects, oldest first, with what of it was replayed."""
        left = self._left()
        found: dict[tuple[str, int], dict[str, Any]] = {}
        for frame in self._frames():
            staying = without(frame.select(ROW_ID), left).withColumn(_LEFT, F.lit(False))
            marked = frame.join(staying, ROW_ID, "left")
            by = [_STREAM, _BATCH, _AT, _VERSION]
            for row in _counted(marked, by):
                facts = found.setdefault(
                    (row[_STREAM], int(row[_BATCH])),
                    {
                        "stream_id": row[_STREAM],
                        "batch_id": int(row[_BATCH]),
                        "rejected_at": row[_AT],
                        "contract_version": row[_VERSION],
                        "by_check": {},
                        "staying_by_check": {},
                    },
                )
                if row[_CHECK] is None:
                    facts["rows"], facts["staying"] = int(row[_ROWS]), int(row[_LEFT])
                    continue
                facts["by_check"][row[_CHECK]] = int(row[_ROWS])
                facts["staying_by_check"][row[_CHECK]] = int(row[_LEFT])
        batches = [RejectBatch(**facts) for facts in found.values()]
        return sorted(batches, key=lambda batch: (batch.rejected_at, batch.batch_id))

    def rows(
        self, *, newest: int, batches: Sequence[int] = (), checks: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Return rejects that have not been replayed, newest first: their columns and envelope."""
        left, found = self._left(), []
        for frame in self._frames():
            if batches:
                frame = frame.where(F.col(_BATCH).isin(*batches))
            if checks:
                frame = frame.where(F.arrays_overlap(CHECKS, F.array(*map(F.lit, checks))))
            frame = without(frame, left).orderBy(F.col(_AT).desc(), ROW_ID).limit(newest)
            found += [row.asDict(recursive=True) for row in frame.collect()]
        found.sort(key=lambda row: row[ROW_ID])
        found.sort(key=lambda row: row[_AT], reverse=True)
        return found[:newest]

    def replay(self, *, batches: Sequence[int] = (), checks: Sequence[str] = ()) -> Replayed:
        """Judge rejects again, and publish those that pass; each leaves once.

        Raises:
            ReplayRefusedError: if more is chosen than one replay may judge, or a rule throws.
            UnsoundPlaceError: if main is not as it was left.
        """
        main = self._sinks[Lane.MAIN]
        defects = main.defects()
        if defects:
            raise UnsoundPlaceError(main.uri, defects)
        protocol = ReplayProtocol(
            store=self._store,
            sinks=self._sinks,
            replayer=self._replayer,
            plan=self.plan,
            namespace=self.namespace,
            limit=self.runtime.config.limits.replay_rows,
            failpoint=self.failpoint,
        )
        chosen = Chosen(streams=self._streams(), batches=tuple(batches), checks=tuple(checks))
        done = protocol.run(chosen)
        if done.record is not None:
            tell_of_write(self.runtime, done.record)
        return done


def _counted(marked: DataFrame, by: Sequence[str]) -> list[Any]:
    """Return rows by batch, and for each check the rows that broke it: all, and those that stay."""
    stays = F.count(_LEFT)
    total = marked.groupBy(*by).agg(F.count(F.lit(1)).alias(_ROWS), stays.alias(_LEFT))
    checks = marked.withColumn(_CHECK, F.explode(CHECKS)).groupBy(*by, _CHECK)
    counted = checks.agg(F.count(F.lit(1)).alias(_ROWS), stays.alias(_LEFT))
    whole = total.withColumn(_CHECK, F.lit(None).cast("string"))
    return whole.unionByName(counted).collect()


def replay_rejects(
    spark: SparkSession,
    *,
    contract: Contract | str | Path | None = None,
    contract_id: str | None = None,
    expected_contract_version: str = "latest",
    object_name: str | None = None,
    path: str,
    rejects: str | None,
    format: str = "parquet",
    writer_options: Mapping[str, Any] | None = None,
    batches: Sequence[int] = (),
    checks: Sequence[str] = (),
    namespace: str | None = None,
    runtime: Runtime | None = None,
) -> Replayed:
    """Judge the rejects of a sink again, and publish to main those that pass now.

    Each row leaves the rejects once, also if this is interrupted or runs twice at once. Reject
    files stay as they are; which rows left stands in `<rejects>/_dc43/replayed`.

    Args:
        spark: A classic session.
        contract: The contract of today, or the path of its file.
        contract_id: Instead of `contract`: its id in the configured folder.
        expected_contract_version: `1.2.0`, `==1.2.0`, `>=1.0,<2` or `latest`.
        object_name: Which schema object, if the contract has several.
        path: Folder or URI of main.
        rejects: Folder or URI of the rejects.
        format: Of both, as the stream writes them.
        writer_options: Options of Spark's file writer.
        batches: Only rejects of these micro-batches.
        checks: Only rejects that broke one of these rules.
        namespace: First part of every key; default: the configuration's.
        runtime: Surroundings; default: this process's.

    Returns:
        The record of the replay (None if no row passes), and what was judged.

    Raises:
        ReplayRefusedError: if there is no reject sink, there are more rows than
            `limits.replay_rows`, or a rule of the contract throws on one of them.
    """
    if rejects is None:
        raise ReplayRefusedError("there is no reject sink", "name it with rejects=")
    require_classic(spark)
    runtime = runtime or default_runtime()
    found = given_contract(runtime.contracts(), contract, contract_id, expected_contract_version)
    rows = SparkRejects(
        spark=spark,
        runtime=runtime,
        plan=runtime.plan(found, object_name),
        path=path,
        rejects_path=rejects,
        format=format,
        options={key: str(value) for key, value in (writer_options or {}).items()},
        namespace=namespace or runtime.config.namespace,
    )
    return rows.replay(batches=batches, checks=checks)
