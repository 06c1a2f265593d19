"""Rejects judged again on Spark: rows as they were read, cast anew, under the contract of today."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, reduce

from attrs import define
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_core.expectations.model import CheckPlan
from dc43_core.protocol.engine import KnownKeys, NewKeys
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.rejects import Chosen, Restaged, RowNumbers, rule_throws, too_many
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Scope
from dc43_integrations.spark.classify import MAIN, rejects
from dc43_integrations.spark.convert import try_cast
from dc43_integrations.spark.data_files import StagedFiles
from dc43_integrations.spark.keys import FILES, KeyJudge
from dc43_integrations.spark.known_keys import KeyFiles
from dc43_integrations.spark.names import EXTRA, FAILED, LANE, PREFIX, READ, column, finder, folds
from dc43_integrations.spark.nested import Caster
from dc43_integrations.spark.partitioning import write_out
from dc43_integrations.spark.prepare import prepare
from dc43_integrations.spark.read import ReadBinding
from dc43_integrations.spark.sinks.interface import SinkFormat
from dc43_integrations.spark.stager import SparkStager
from dc43_integrations.spark.types import has_more, holds_bytes, is_leaf, target_schema, texts_of
from dc43_integrations.spark.unjudged import FAULTS, culprits, unshared

ROW_ID, CHECKS = f"{PREFIX}row_id", f"{PREFIX}checks"
_RAW, _LINE, _FILE = f"{PREFIX}raw", f"{PREFIX}line", f"{PREFIX}file"
_STREAM, _BATCH = f"{PREFIX}stream", f"{PREFIX}batch"
_TEXT, _WAS = f"{PREFIX}text_", f"{PREFIX}was"
_COUNT = f"{PREFIX}n"


@define(kw_only=True, eq=False)
class SparkReplayer:
    """Judges the rows of one pair of sinks.

    Attributes:
        spark: The session.
        store: Where both sinks lie.
        runtime: Who evaluates the rules.
        plan: What the contract of today asks.
        sink: How rows are staged.
        options: Options of Spark's writer.
        partition_by: Main's columns that stand in the path of its files.
    """

    spark: SparkSession
    store: FileStore
    runtime: Runtime
    plan: CheckPlan
    sink: SinkFormat
    options: Mapping[str, str]
    partition_by: Sequence[str] = ()

    @cached_property
    def _files(self) -> StagedFiles:
        # Where main is written as something else in the end, the options are for that.
        plain = getattr(self.sink, "main_format", None) is None
        return StagedFiles(
            spark=self.spark,
            store=self.store,
            format=self.sink.file_format,
            options=self.options if plain else {},
        )

    def restage(
        self,
        files: Sequence[str],
        left: RowNumbers,
        chosen: Chosen,
        folder: str,
        limit: int,
        *,
        keys: KnownKeys | None = None,
    ) -> Restaged:
        """Judge rejects again, and stage those that pass."""
        if not files:
            return Restaged(judged=0)
        parts = [self._chosen(part, left, chosen) for part in self.frames(files)]
        judged = sum(part.count() for part in parts)
        if judged > limit:
            raise too_many(judged, limit)
        if not judged:
            return Restaged(judged=0)
        target = target_schema(self.plan.schema, parts[0].schema)
        frame = reduce(DataFrame.unionByName, [as_read(part, target) for part in parts])
        stager = self._stager(frame)
        try:
            lanes = self._files.write_lanes(self._judged(frame, stager), join(folder, "judged"))
        except FAULTS as error:
            with unshared(frame.sparkSession):
                faults = culprits(stager.classifier, stager.typed(frame))
            if faults:
                raise rule_throws(faults) from error
            raise
        # From here on rows and ids come from these files alone, whatever the plan is run again.
        passing = lanes.pop(str(MAIN), [])
        failing = [file for files in lanes.values() for file in files]
        broken = self._checks(failing, stager.plan, rejecting=True)
        if passing:
            passing, losers = self._keys(passing, stager.plan, folder, target, keys)
            broken = Counter(broken) + Counter(losers)
        new = None
        if passing and keys is not None and keys.prefixes:
            passing, losers, new = self._against(keys, passing, stager.plan, folder, target, judged)
            broken = Counter(broken) + Counter(losers)
        if not passing:
            return Restaged(judged=judged, broken=broken)
        rows = self._files.read(passing)
        return Restaged(
            judged=judged,
            passed=_ids(rows),
            files=self._main(rows.select(*map(column, target.names)), folder),
            broken=broken,
            warned=self._checks(passing, stager.plan, rejecting=False),
            keys=new,
        )

    def frames(self, files: Sequence[str]) -> list[DataFrame]:
        """Return reject files as frames: one, or one for each schema that contracts have had."""
        try:
            return [self._files.read(files, merge=True)]
        # pyspark translates some exceptions of a plan's analysis, and not this one.
        except (PySparkException, Py4JJavaError) as error:
            if "CANNOT_MERGE" not in str(error):
                raise
            # A column has changed its type.
            by_schema: dict[str, list[str]] = defaultdict(list)
            for file in files:
                by_schema[self._files.read([file]).schema.json()].append(file)
            return [self._files.read(same_schema) for same_schema in by_schema.values()]

    def _chosen(self, frame: DataFrame, left: RowNumbers, chosen: Chosen) -> DataFrame:
        frame = frame.where(F.col(_STREAM).isin(*sorted(chosen.streams)))
        if chosen.batches:
            frame = frame.where(F.col(_BATCH).isin(*chosen.batches))
        if chosen.checks:
            wanted = F.array(*map(F.lit, chosen.checks))
            frame = frame.where(F.arrays_overlap(CHECKS, wanted))
        return without(frame, left)

    def _stager(self, frame: DataFrame) -> SparkStager:
        """Return what judges these rows, as a stream over them would."""
        carried = ReadBinding(
            dataset_id="",
            format="",
            path="",
            contract={},
            carries=True,
            found=frame.schema,
            probe=None,
        )
        ready = prepare(
            frame.drop(ROW_ID, _WAS),
            self.plan,
            self.runtime,
            self.sink,
            self.store,
            reads=[carried],
            options=self.options,
            keep_uncast="",
        )
        return ready.stager

    def _judged(self, frame: DataFrame, stager: SparkStager) -> DataFrame:
        classifier = stager.classifier
        # Who lost a key to a row that is in main would win it here, among rejects alone.
        keys = [e.id for e in stager.plan.expectations if e.form == "key" and rejects(e)]
        lost = F.array_intersect(_WAS, F.array(*map(F.lit, keys)).cast("array<string>"))
        found = F.filter(
            F.array(*classifier.checks).cast("array<string>"), lambda check: check.isNotNull()
        )
        lane = F.when(F.size(lost) > 0, F.lit(1)).otherwise(
            classifier.lane(F.col(FAILED), reject_all=False)
        )
        masked = stager.typed(frame, column(ROW_ID), column(_WAS)).select(
            "*", *classifier.mask_columns
        )
        names = [column(name) for name in stager.convert.target.names]
        return masked.select(*names, ROW_ID, F.concat(found, lost).alias(CHECKS), lane.alias(LANE))

    def _keys(
        self,
        passing: list[str],
        plan: CheckPlan,
        folder: str,
        target: T.StructType,
        known: KnownKeys | None,
    ) -> tuple[list[str], dict[str, int]]:
        """Return the files of rows that win keys which are not kept, and how many lose them."""
        kept = {} if known is None else known.prefixes
        rules = [
            e for e in plan.expectations if e.form == "key" and rejects(e) and e.id not in kept
        ]
        if not rules:
            return passing, {}
        judge = KeyJudge(rules, target.names)
        rows = self._files.read(passing)
        file = F.col("_metadata.file_path").alias(FILES)
        found = judge.find(rules, lambda rule: rows.select(*map(column, target.names), file))
        if not found.files:
            return passing, {}
        split = self._files.write_lanes(judge.split(rows, rows.columns), join(folder, "keys"))
        return split.get(str(MAIN), []), {rule: n for rule, n in found.rows.items() if n}

    def _against(
        self,
        known: KnownKeys,
        passing: list[str],
        plan: CheckPlan,
        folder: str,
        target: T.StructType,
        count: int,
    ) -> tuple[list[str], dict[str, int], NewKeys]:
        """Return the files of rows whose keys nobody has, how many rows come late, and the keys."""
        rules = [e for e in plan.expectations if e.id in known.prefixes]
        keys = KeyFiles(spark=self.spark, store=self.store, known=known, rules=rules, target=target)
        rows = self._files.read(passing)
        lost, new = keys.find(rows, count)
        if not any(lost.values()):
            return passing, {}, new
        late = keys.late(rows, count, join(folder, "late"))
        marked, places = keys.marked(rows, late)
        split = KeyJudge(rules, target.names).split(marked, rows.columns, places)
        won = self._files.write_lanes(split, join(folder, "kept")).get(str(MAIN), [])
        if won and keys.several:
            new = keys.write(self._files.read(won), count, f"{known.folder}-won")
        return won, {rule: n for rule, n in lost.items() if n}, new

    def _checks(self, files: Sequence[str], plan: CheckPlan, *, rejecting: bool) -> dict[str, int]:
        if not files:
            return {}
        wanted = {e.id for e in plan.expectations if e.scope is Scope.ROW}
        wanted &= {e.id for e in plan.expectations if rejects(e) is rejecting}
        rows = self._files.read(files).select(F.explode(CHECKS).alias(CHECKS))
        found = rows.groupBy(CHECKS).agg(F.count(F.lit(1)).alias(_COUNT)).collect()
        return {row[CHECKS]: int(row[_COUNT]) for row in found if row[CHECKS] in wanted}

    def _main(self, rows: DataFrame, folder: str) -> list[str]:
        """Write rows as main holds them."""
        return write_out(
            rows,
            self.store,
            join(folder, "main"),
            format=getattr(self.sink, "main_format", None) or self.sink.file_format,
            options={**getattr(self.sink, "main_options", {}), **self.options},
            by=self.partition_by,
        )


def as_read(frame: DataFrame, target: T.StructType) -> DataFrame:
    """Return rejects in the shape of a read that carries what would not cast.

    A value that was kept as text is cast to the type of today, any other from the type it has. A
    column that was not declared then and is by now is taken from what was kept of such.
    """
    find = finder(frame.columns, folds=folds(frame.sparkSession))
    caster = Caster(frame.sparkSession)
    texts = [
        F.try_element_at(_RAW, F.lit(field.name)).alias(f"{_TEXT}{index}")
        for index, field in enumerate(target)
    ]
    kept_so = _undeclared(frame, target)
    frame = frame.select("*", *texts, *(one.alias(name) for name, (one, _) in kept_so.items()))
    values: list[Column] = []
    failed: list[Column] = []
    for index, field in enumerate(target):
        name, wanted = field.name, field.dataType
        text = F.col(f"{_TEXT}{index}")
        # What is nested was kept as JSON, which is not read anew.
        cast = try_cast(f"{_TEXT}{index}", wanted) if is_leaf(wanted) else F.lit(None).cast(wanted)
        actual = find.get(name)
        kept, spelled = F.lit(None).cast(wanted), F.lit(None).cast("string")
        if actual is not None:
            again = caster.cast(actual, frame.schema[actual].dataType, wanted)
            kept = again.value
            if again.failed is not None:
                spelled = F.when(again.failed, again.text)
        if (extra := f"{EXTRA}{index}") in kept_so:
            was = caster.cast(extra, kept_so[extra][1], wanted)
            there, value, wrong = F.col(extra).isNotNull(), was.value, was.failed
            if holds_bytes(wanted):
                # It may be their base64, or text of a source that spells them otherwise.
                value, wrong = F.lit(None).cast(wanted), there
            kept = F.when(there, value).otherwise(kept)
            if wrong is not None:
                spelled = F.when(there, F.when(wrong, was.text)).otherwise(spelled)
        values.append(F.when(text.isNotNull(), cast).otherwise(kept).alias(name))
        lost = F.when(text.isNotNull(), F.when(cast.isNull(), text)).otherwise(spelled)
        failed.append(lost.alias(name))
    carried = F.struct(
        column(_FILE).alias("file"), column(_LINE).alias("line"), F.struct(*failed).alias("raw")
    )
    wrong = reduce(Column.__or__, [lost.isNotNull() for lost in failed], F.col(_LINE).isNotNull())
    return frame.select(
        *values, F.when(wrong, carried).alias(READ), ROW_ID, column(CHECKS).alias(_WAS)
    )


def _undeclared(frame: DataFrame, target: T.StructType) -> dict[str, tuple[Column, T.DataType]]:
    """Return what was kept of columns that were not declared, and its type, by a name of ours.

    Its leaves are text, which is cast as the source's text would be.
    """
    if EXTRA not in frame.columns:
        # None of these files was written by a dc43 that keeps them.
        return {}
    fold = folds(frame.sparkSession)
    find = finder(frame.columns, folds=fold)
    entries = F.map_entries(F.from_json(EXTRA, "map<string,string>"))
    found: dict[str, tuple[Column, T.DataType]] = {}
    for index, field in enumerate(target):
        actual = find.get(field.name)
        nested = not is_leaf(field.dataType)
        if actual and nested and not has_more(field.dataType, frame.schema[actual].dataType):
            continue
        text = F.get(F.filter(entries, _is(field.name, fold)), 0)["value"]
        kind = texts_of(field.dataType)
        found[f"{EXTRA}{index}"] = (F.from_json(text, kind.json()) if nested else text, kind)
    return found


def _is(name: str, fold: bool) -> Callable[[Column], Column]:
    if fold:
        return lambda entry: F.lower(entry["key"]) == name.lower()
    return lambda entry: entry["key"] == name


def without(frame: DataFrame, left: RowNumbers) -> DataFrame:
    """Return the rows that have not left the rejects."""
    ids = [(f"{batch}-{number}",) for batch, numbers in left.items() for number in numbers]
    if not ids:
        return frame
    gone = frame.sparkSession.createDataFrame(ids, f"{ROW_ID} string")
    return frame.join(gone, ROW_ID, "left_anti")


def _ids(rows: DataFrame) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for row in rows.select(ROW_ID).collect():
        batch, _, number = row[0].rpartition("-")
        found[batch].add(int(number))
    return {batch: frozenset(numbers) for batch, numbers in found.items()}
