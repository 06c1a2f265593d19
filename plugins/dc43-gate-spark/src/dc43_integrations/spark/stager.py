"""Spark's part of the protocol: one read of the source, one write for both lanes.

A batch is written once, partitioned by lane, so that the lane stands in the path and not in the
files: main files hold exactly the contract's columns. Rows with a value that would not cast have a
lane of their own, where `parcel` carries their raw text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, reduce
from typing import Any

from attrs import define, evolve, field
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_core.data_quality.model import ColumnDrift
from dc43_core.expectations.model import CheckPlan
from dc43_core.log import get_logger
from dc43_core.protocol.engine import BatchFacts, KnownKeys, NewKeys, Staged
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.record import encode
from dc43_core.vocabulary import Lane
from dc43_integrations.spark.classify import (
    MAIN,
    UNCAST,
    VIOLATING,
    Classifier,
)
from dc43_integrations.spark.convert import Conversion
from dc43_integrations.spark.data_files import StagedFiles
from dc43_integrations.spark.known_keys import merge_keys
from dc43_integrations.spark.names import EXTRA, FAILED, FILE, LINE, RAW
from dc43_integrations.spark.parcel import Parcels, laid_out
from dc43_integrations.spark.partitioning import write_out
from dc43_integrations.spark.rejects import KEY_CHECKS, KEY_REASONS, Envelope
from dc43_integrations.spark.staged_keys import StagedKeys
from dc43_integrations.spark.unjudged import FAULTS, isolated, unshared, without

log = get_logger("spark.stager")
UNCAST_KEPT = 1_000
"""Raw rows kept of a batch whose uncast rows stay in main."""
REJECTS = "rejects"
"""Group of the violating rows with their envelope."""


@define(kw_only=True, eq=False)
class SparkStager:
    """Stages the micro-batches of one stream.

    Attributes:
        spark: A session of our own for what is read back from staging, so that no setting of
            the stream's session is touched.
        store: Where staging lies.
        plan: What the contract asks.
        convert: How the frame's columns become the contract's.
        classifier: The rules as expressions.
        static_drift: Differences known from the frame's schema, the same in every batch.
        probe: Looks at a batch's files for differences; None where the source has none.
        inputs: Says what a batch reads.
        gone: Says which files of a batch are not there any more.
        has_rejects: Whether there is a reject sink.
        keep_uncast: Folder for raw rows that stay in main as NULL.
        writer_options: Options of Spark's file writer.
        holds_unjudged: Whether rows that a rule cannot judge leave the good ones.
        faults: Check id to error, of rules that throw on the batch at hand.
        main_format: What main is written as once more in the end; None for as it was staged.
        main_options: Options of that write.
        partition_by: Columns of main whose values stand in the path of its files.
        settings: Settings that the session needs that writes the source's rows; `spark` has them.
    """

    spark: SparkSession
    store: FileStore
    plan: CheckPlan
    convert: Conversion
    classifier: Classifier
    format: str = "parquet"
    static_drift: tuple[ColumnDrift, ...] = ()
    probe: Callable[[int], Sequence[ColumnDrift]] | None = None
    inputs: Callable[[int], Mapping[str, Any]] = lambda batch_id: {}
    gone: Callable[[int], Sequence[str]] = lambda batch_id: ()
    keep_uncast: str
    has_rejects: bool = True
    writer_options: Mapping[str, str] = field(factory=dict)
    main_format: str | None = None
    main_options: Mapping[str, str] = field(factory=dict)
    partition_by: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(factory=dict)
    holds_unjudged: bool = True
    faults: Mapping[str, str] = field(factory=dict)

    @cached_property
    def _parcels(self) -> Parcels:
        return Parcels(self.convert)

    @cached_property
    def _files(self) -> StagedFiles:
        return StagedFiles(
            spark=self.spark,
            store=self.store,
            format=self.format,
            schema=self._parcels.staged_type,
            options=self.writer_options,
        )

    @cached_property
    def _keys(self) -> StagedKeys:
        rules = [e for e in self.plan.expectations if e.form == "key"]
        return StagedKeys(files=self._files, rules=rules, parcels=self._parcels)

    def schema(self) -> Mapping[str, str]:
        """Return column name to type of what lands in main."""
        return {f.name: f.dataType.simpleString() for f in self.convert.target}

    def lane_schema(self, lane: Lane) -> T.StructType:
        """Return what the files of a lane hold."""
        if lane is Lane.MAIN:
            return self.convert.target
        facts = BatchFacts(
            stream_id="",
            batch_id=0,
            started_at="",
            contract_id="",
            contract_version="",
            contract_digest="",
        )
        nothing = self.spark.createDataFrame([], self._parcels.staged_type)
        return self._envelope.seal(self._masked(nothing, str(MAIN)), facts, whole=False).schema

    def input(self, batch_id: int) -> Mapping[str, Any]:
        """Return what the batch reads."""
        return self.inputs(batch_id)

    def drift(self, frame: DataFrame, batch_id: int) -> Sequence[ColumnDrift]:
        """Return how this batch's schema differs from the contract's."""
        found = self.probe(batch_id) if self.probe is not None else ()
        # Of one difference a file says more than the frame: where, and types of JSON.
        told = {(drift.column, drift.kind) for drift in found}
        return [*(d for d in self.static_drift if (d.column, d.kind) not in told), *found]

    def stage(
        self,
        frame: DataFrame,
        folder: str,
        batch: BatchFacts,
        *,
        reject_all: bool,
        keys: KnownKeys | None = None,
    ) -> Staged:
        """Classify each row once and write it.

        One job over the source; one over what was staged for each key rule; and if any row
        breaks a rule, one over those rows alone, which counts by rule and spells out reasons.
        Only where a rule throws is the source read again, to find it and to judge without it.
        """
        try:
            return self._stage(frame, folder, batch, reject_all=reject_all, keys=keys)
        except FAULTS:
            with unshared(frame.sparkSession, self.spark):
                found = isolated(self.classifier, self.typed(frame), holds=self.holds_unjudged)
                if found is None:
                    raise
                classifier, faults = found
                log.warning("rule.throws", batch_id=batch.batch_id, checks=list(faults))
                self.store.delete(folder)
                if keys is not None:
                    self.store.delete(keys.folder)
                other = evolve(self, classifier=classifier, faults=faults)
                return other._stage(frame, folder, batch, reject_all=reject_all, keys=keys)

    def _stage(
        self,
        frame: DataFrame,
        folder: str,
        batch: BatchFacts,
        *,
        reject_all: bool,
        keys: KnownKeys | None,
    ) -> Staged:
        observation = Observation()
        session = frame.sparkSession
        # Otherwise Spark sorts the whole batch by lane before it writes.
        if int(session.conf.get("spark.sql.maxConcurrentOutputFileWriters", "0") or 0) < 2:
            session.conf.set("spark.sql.maxConcurrentOutputFileWriters", "4")
        # A streaming query has a session of its own: these reach nobody else's writes.
        for name, value in self.settings.items():
            session.conf.set(name, value)
        judged = self.typed(frame, *self._parcels.undeclared_columns).select(
            "*", *self.classifier.mask_columns
        )
        if self._parcels.undeclared:
            # Before anything is counted, which copies each row: of a good one only a NULL is left.
            judged = judged.select("*", self._extra[reject_all])
            judged = judged.drop(*self._parcels.undeclared_names)
        judged = judged.observe(observation, *self.classifier.early_counters)
        judged = judged.select(*self._parcels.packed, self._lanes[reject_all])
        lanes = self._files.write_lanes(judged, folder)
        counts = observation.get
        staged = Staged(
            row_count=int(counts["rows"]),
            broken=self.classifier.broken(counts),
            evaluation_errors=self.faults,
            unjudged=self.classifier.held(counts),
            files={str(lane): lanes.get(str(lane), []) for lane in (MAIN, VIOLATING, UNCAST)},
            folder=folder,
            rejects_all=reject_all,
            # Asked after the read: whatever vanished before it is seen.
            gone=tuple(self.gone(batch.batch_id)),
            layout=self._parcels.layout,
            spans=self.classifier.spans(counts),
        )
        return self._audit(self._keys.judge(staged, keys), batch)

    def typed(self, frame: DataFrame, *more: Column) -> DataFrame:
        """Return the contract's columns in their types, raw text where there is any, and more."""
        return frame.select(*self._typed_columns, *more)

    # Expressions are built once a stream: each costs several calls into the JVM.

    @cached_property
    def _typed_columns(self) -> list[Column]:
        extra: list[Column] = []
        if self.convert.raw:
            fields = [text.alias(name) for name, text in self.convert.raw.items()]
            extra.append(F.struct(*fields).alias(RAW))
        if self.convert.failed is not None:
            extra.append(self.convert.failed.alias(FAILED))
        for name, value in ((LINE, self.convert.line), (FILE, self.convert.file)):
            if value is not None:
                extra.append(value.alias(name))
        return [*self.convert.typed, *extra]

    @cached_property
    def _lanes(self) -> dict[bool, Column]:
        """The lane of a row, by whether drift rejects the whole batch."""
        failed = None if self.convert.failed is None else F.col(FAILED)
        return {whole: self.classifier.lane(failed, reject_all=whole) for whole in (False, True)}

    @cached_property
    def _extra(self) -> dict[bool, Column]:
        """The undeclared columns of a row that leaves the good ones, by the same."""
        return {
            whole: F.when(lane != MAIN, self._parcels.undeclared_json).alias(EXTRA)
            for whole, lane in self._lanes.items()
        }

    @cached_property
    def _envelope(self) -> Envelope:
        raw = tuple(self.convert.raw)
        return Envelope(names=self._parcels.names, classifier=self.classifier, raw=raw)

    def keys_of(self, staged: Staged, keys: KnownKeys) -> NewKeys:
        """Write the keys of the good rows of a batch that was staged."""
        return self._keys.write(staged, keys)

    def merge_keys(self, files: Sequence[str], count: int, folder: str) -> Sequence[str]:
        """Write the keys of several files into new ones."""
        return merge_keys(self.spark, self.store, files, count, folder)

    def _audit(self, staged: Staged, batch: BatchFacts) -> Staged:
        """Count what broke, and where there is a reject sink give the rows their envelope."""
        violating = {k: v for k, v in staged.files.items() if k != str(MAIN) and v}
        if not violating:
            return staged
        frame, counters = self._judged_again(violating), self.classifier.late_counters
        sealed: list[str] = []
        if self.has_rejects:
            observation = Observation()
            sealed = self._sealed(frame.observe(observation, *counters), staged, batch)
            counts = observation.get
        elif self.faults:
            # No aggregate over a rule that throws; see `unjudged`.
            observation = Observation()
            frame.observe(observation, *counters).write.format("noop").mode("overwrite").save()
            counts = observation.get
        else:
            counts = frame.agg(*counters).collect()[0].asDict()
        return evolve(
            staged,
            violating=int(counts["violating"]),
            uncast=int(counts["uncast"]),
            broken={**staged.broken, **self.classifier.broken(counts)},
            files={**staged.files, REJECTS: sealed},
            sealed=self.has_rejects,
        )

    def _sealed(self, frame: DataFrame, staged: Staged, batch: BatchFacts) -> list[str]:
        sealed = self._envelope.seal(frame, batch, whole=staged.rejects_all)
        return self._files.write(sealed, join(staged.folder, REJECTS))

    def finish(
        self, staged: Staged, violating_to: Lane, batch: BatchFacts
    ) -> Mapping[Lane, Sequence[str]]:
        """Return the files of each lane; rows that stay in main lose what they carried."""
        if (layout := self._parcels.said(staged.layout)) != self._parcels.layout:
            # Blocked by a start that read its source in another way, and released.
            other = evolve(self, convert=laid_out(self.convert, layout))
            staged = evolve(staged, layout=other._parcels.layout)
            return other.finish(staged, violating_to, batch)
        if staged.evaluation_errors and not self.faults:
            # Blocked because a rule threw, and released: it would throw again.
            faults = staged.evaluation_errors
            classifier = without(
                self.classifier, faults, staged.unjudged, self.spark, holds=self.holds_unjudged
            )
            with unshared(self.spark):
                other = evolve(self, classifier=classifier, faults=faults)
                return other.finish(staged, violating_to, batch)
        files = dict(staged.files)
        main, sealed = list(files.pop(str(MAIN))), files.pop(REJECTS, [])
        if violating_to is Lane.MAIN:
            sealed = []
            if uncast := files.get(str(UNCAST)):
                self._keep_raw(self._parcels.unpacked(self._files.read(uncast)), batch)
            loaded: list[str] = []
            for lane, paths in files.items():
                (loaded if self._parcels.has_load(lane) else main).extend(paths)
            if loaded:
                rows = self._parcels.unpacked(self._files.read(loaded))
                main += self._rewritten(rows, join(staged.folder, "kept"))
        elif not sealed and (violating := {lane: v for lane, v in files.items() if v}):
            # Blocked by a start without rejects, and released to those of this one.
            sealed = self._sealed(self._judged_again(violating), staged, batch)
        if main and self._parcels.has_column:
            main = self._rewritten(self._files.read(main), join(staged.folder, "plain"))
        if not main:
            empty = self.spark.createDataFrame([], self.convert.target)
            main = self._rewritten(empty, join(staged.folder, "empty"))
        if self.main_format is not None or self.partition_by:
            main = write_out(
                self._files.read(main).select(*self._parcels.columns),
                self.store,
                join(staged.folder, "out"),
                format=self.main_format or self.format,
                options=self.main_options,
                by=self.partition_by,
            )
        return {Lane.MAIN: main, Lane.REJECTS: sealed}

    def _rewritten(self, frame: DataFrame, folder: str) -> list[str]:
        return self._files.write(frame.select(*self._parcels.columns), folder)

    def _judged_again(self, files: Mapping[str, Sequence[str]]) -> DataFrame:
        """Return the violating rows with their masks, what rode along, and key rules they broke."""
        parts = [self._masked(self._files.read(paths), lane) for lane, paths in files.items()]
        return reduce(DataFrame.unionByName, parts)

    def _masked(self, frame: DataFrame, lane: str) -> DataFrame:
        packed, uncast = self._parcels.has_load(lane), lane == str(UNCAST)
        broken = self._keys.lost_under(lane)
        checks = F.array(*(F.lit(e.id) for e in broken)).cast("array<string>")
        reasons = F.array(*(F.lit(e.demand) for e in broken)).cast("array<string>")
        return self._parcels.unpacked(frame, packed=packed).select(
            "*",
            *self.classifier.mask_columns,
            F.lit(uncast).alias(FAILED),
            checks.alias(KEY_CHECKS),
            reasons.alias(KEY_REASONS),
        )

    def _keep_raw(self, rows: DataFrame, batch: BatchFacts) -> None:
        """Keep the raw text of rows that stay in main as NULL; bounded, beside the checkpoint."""
        rows = rows.drop(EXTRA).limit(UNCAST_KEPT)
        lines = rows.select(F.to_json(F.struct("*"))).collect()
        kept = [json.loads(line[0]) for line in lines]
        path = join(self.keep_uncast, batch.stream_id, "uncast", f"{batch.batch_id}.json")
        self.store.create_if_absent(path, encode({"format_version": 1, "rows": kept}))
