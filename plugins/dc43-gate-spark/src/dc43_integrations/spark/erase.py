"""Rows out of parquet files: finding them, and writing the other rows anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from attrs import frozen
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_core.errors import ConfigurationError, CorruptFileError
from dc43_core.protocol.engine import NewKeys
from dc43_core.protocol.file_store import FileStore, canonical, join
from dc43_core.protocol.keys import Columns
from dc43_core.protocol.partitions import values
from dc43_core.upkeep.interface import Key, Removed
from dc43_integrations.spark.classify import MAIN, UNCAST
from dc43_integrations.spark.file_store import spark_path
from dc43_integrations.spark.known_keys import KEY, key_of, read_keys, write_keys
from dc43_integrations.spark.names import EXTRA, PREFIX, RAW, column
from dc43_integrations.spark.stager import REJECTS

_FILE, _LINE = "_dc43_file", "_dc43_line"


_FORMATS = ("parquet", "orc", "json")


@frozen(kw_only=True)
class SparkEraser:
    """Works on files by their names: what a log lists or does not list is not its concern.

    Lines of JSON are kept as they are; CSV is refused, since a row may span lines.
    """

    spark: SparkSession
    store: FileStore

    def find(self, files: Sequence[str], key: Key, *, staged: bool = False) -> Mapping[str, int]:
        """Return by URI the number of rows of the key, of files that have any."""
        in_paths = any(key.column in values(file, "") for file in files)
        given = {canonical(file): file for file in files}
        counts: dict[str, int] = {}
        for frame in self._all(files):
            meant = _is(frame, key, staged=staged)
            if in_paths and (meant is None or frame.columns == [_LINE]):
                raise ConfigurationError(
                    "--key",
                    [
                        f"the sink is partitioned by {key.column}: its values stand in names of "
                        "folders and in the log, from which nothing is erased; erase the rows by "
                        "another column, such as an id, and keep personal data out of partitions"
                    ],
                )
            if meant is None:
                continue
            rows = (
                frame.where(meant)
                .groupBy(F.col("_metadata.file_path").alias(_FILE))
                .count()
                .collect()
            )
            counts.update({given[canonical(row[_FILE])]: int(row["count"]) for row in rows})
        return counts

    def columns(self, files: Sequence[str], *, staged: bool = False) -> set[str] | None:
        """Return the names of columns, also of those that their contract did not declare."""
        known: set[str] = set()
        for frame in self._all(files):
            if frame.columns == [_LINE]:
                return None
            known.update(name for name in frame.columns if not name.startswith(PREFIX))
            fields = {field.name: field.dataType for field in frame.schema}
            for kept in _undeclared(fields, staged=staged):
                names = frame.select(F.explode(F.json_object_keys(kept)).alias(EXTRA))
                known.update(row[0] for row in names.distinct().collect())
        return known

    def without(self, file: str, key: Key, folder: str, *, staged: bool = False) -> str:
        """Write all other rows of a file into one new file."""
        (kind,) = _by_format([file])
        frame = self._read(kind, [file])
        meant = _is(frame, key, staged=staged)
        kept = frame if meant is None else frame.where(~meant)
        writer = kept.coalesce(1).write.format("text" if kind == "json" else kind)
        writer = writer.option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
        writer.mode("overwrite").save(spark_path(folder))
        made = [f.path for f in self.store.list(folder) if f.name[0] not in "._"]
        if len(made) != 1:
            raise CorruptFileError(folder, f"expected one rewritten file, found {len(made)}")
        return made[0]

    def _all(self, files: Sequence[str]) -> list[DataFrame]:
        return [frame for kind in _by_format(files).items() for frame in self._frames(*kind)]

    def _frames(self, kind: str, files: Sequence[str]) -> list[DataFrame]:
        try:
            return [self._read(kind, files, merge=True)]
        except PySparkException:
            # Files of several contract versions may lie side by side, whose types do not merge.
            return [self._read(kind, [file]) for file in files]

    def keys_without(
        self,
        parts: Sequence[Sequence[str]],
        rules: Mapping[str, Columns],
        files: Sequence[str],
        key: Key,
        folder: str,
    ) -> Sequence[NewKeys | None]:
        """Write keys anew, without those of the rows that are meant."""
        meant = self._keys_of(rules, files, key)
        if meant is None:
            return [None] * len(parts)
        found: list[NewKeys | None] = []
        for number, part in enumerate(parts):
            keys = read_keys(self.spark, part)
            kept = keys.join(F.broadcast(meant), KEY, "left_anti")
            count = kept.count()
            if count == keys.count():
                found.append(None)
                continue
            place = join(folder, str(number))
            found.append(NewKeys(files=write_keys(kept, self.store, place, count), count=count))
        return found

    def _keys_of(
        self, rules: Mapping[str, Columns], files: Sequence[str], key: Key
    ) -> DataFrame | None:
        """Return the keys of such rows; also of one that is gone, where the key is that column."""
        found: list[DataFrame] = []
        one = self.spark.range(1).select(F.lit(key.value).alias(key.column))
        for frame, place in [(one, {}), *self._by_place(files)]:
            meant = _is(frame, key, staged=False)
            if meant is None:
                continue
            frame = frame.where(meant)
            for name, text in place.items():
                # A folder above the sink may be named like a column that is in its files.
                if name not in frame.columns:
                    frame = frame.withColumn(name, F.lit(text))
            for prefix, rule in rules.items():
                types = [self._type(kind) for _, kind in rule]
                names = [name for name, _ in rule]
                found_here = [_value(frame, *one) for one in zip(names, types, strict=True)]
                present = [value for value in found_here if value is not None]
                if len(present) < len(rule):
                    continue
                hashed = key_of(present, types, prefix).alias(KEY)
                found.append(frame.select(hashed).where(F.col(KEY).isNotNull()))
        return reduce(DataFrame.union, found).distinct() if found else None

    def _by_place(self, files: Sequence[str]) -> Iterator[tuple[DataFrame, Mapping[str, Any]]]:
        """Yield frames of files, and the columns that stand in their path."""
        places: dict[tuple[tuple[str, str | None], ...], list[str]] = defaultdict(list)
        for file in files:
            places[tuple(values(file, "").items())].append(file)
        for place, inside in places.items():
            for kind in _by_format(inside).items():
                for frame in self._frames(*kind):
                    yield frame, dict(place)

    def _type(self, kind: str) -> T.DataType:
        return self.spark.createDataFrame([], f"k {kind}").schema["k"].dataType

    def held_counts(self, removed: Mapping[str, int]) -> Removed:
        """Say what rows were counted as; rejects are the violating rows once more."""
        lanes = {group: rows for group, rows in removed.items() if group != REJECTS}
        rows = sum(lanes.values())
        return Removed(
            rows=rows,
            violating=rows - lanes.get(str(MAIN), 0),
            uncast=lanes.get(str(UNCAST), 0),
        )

    def _read(self, kind: str, files: Sequence[str], *, merge: bool = False) -> DataFrame:
        # Names are exact: without this, Spark would take [ and { in them for patterns.
        reader = self.spark.read.option("__globPaths__", "false")
        paths = [spark_path(file) for file in files]
        if kind == "json":
            return reader.format("text").load(paths).withColumnRenamed("value", _LINE)
        if merge:
            reader = reader.option("mergeSchema", "true")
        return reader.format(kind).load(paths)


def _by_format(files: Sequence[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for file in files:
        kind = file.rpartition(".")[2]
        if kind not in _FORMATS:
            raise ConfigurationError(
                file, [f"rows cannot be erased from files that end in .{kind} so far"]
            )
        groups.setdefault(kind, []).append(file)
    return groups


def _is(frame: DataFrame, key: Key, *, staged: bool) -> Column | None:
    """Return whether a row is meant, never NULL, since such rows would be lost.

    None where the frame has no such column.
    """
    value = F.lit(key.value)
    if frame.columns == [_LINE]:
        return F.coalesce(F.get_json_object(_LINE, _path("$", key.column)) == value, F.lit(False))
    fields = {field.name: field.dataType for field in frame.schema}
    raw, undeclared = fields.get(RAW), _undeclared(fields, staged=staged)
    meant = [F.get_json_object(kept, _path("$", key.column)) == value for kept in undeclared]
    if key.column not in fields:
        return _any(meant) if meant else None
    here, kind = column(key.column), fields[key.column]
    meant.append(here.cast("string") == value)
    if not isinstance(kind, T.ArrayType | T.MapType | T.StructType | T.StringType):
        meant.append(here == value.try_cast(kind))
    if isinstance(raw, T.MapType):
        meant.append(column(RAW)[F.lit(key.column)] == value)
    elif isinstance(raw, T.StructType) and key.column in _names(raw["raw"].dataType):
        meant.append(column(RAW, "raw", key.column) == value)
    if staged:
        # What would not cast travels packed in a text column of its row.
        texts = _texts(fields)
        meant += [F.get_json_object(column(n), _path("$.raw", key.column)) == value for n in texts]
        if key.column in texts:
            meant.append(F.get_json_object(here, "$.value") == value)
    return _any(meant)


def _undeclared(fields: Mapping[str, T.DataType], *, staged: bool) -> list[Column]:
    """Return where a row may have the columns that its contract did not declare, as JSON."""
    kept = [F.col(EXTRA)] if EXTRA in fields else []
    raw = fields.get(RAW)
    if isinstance(raw, T.StructType) and "extra" in raw.names:
        kept.append(column(RAW, "extra"))
    if staged:
        kept += [F.get_json_object(column(name), "$.extra") for name in _texts(fields)]
    return kept


def _any(meant: Sequence[Column]) -> Column:
    return reduce(or_, (F.coalesce(one, F.lit(False)) for one in meant))


def _texts(fields: Mapping[str, T.DataType]) -> list[str]:
    return [name for name, kind in fields.items() if isinstance(kind, T.StringType)]


def _value(frame: DataFrame, name: str, kind: T.DataType) -> Column | None:
    """Return a column of data files in its type; None where they have none."""
    places: list[Column] = []
    if _LINE in frame.columns:
        # As Spark's own reader does it: in JSON, what is binary is base64, and a struct is no text.
        row = F.from_json(_LINE, T.StructType([T.StructField(name, kind)]))
        places.append(row.getField(name))
    if name in frame.columns:
        places.append(column(name).try_cast(kind))
    return F.coalesce(*places) if places else None


def _path(start: str, name: str) -> str:
    return start + "['" + name.replace("'", "\\'") + "']"


def _names(kind: T.DataType) -> list[str]:
    return kind.names if isinstance(kind, T.StructType) else []
