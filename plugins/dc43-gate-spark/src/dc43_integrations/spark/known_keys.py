"""Keys of earlier batches on Spark: hashes in parquet files, joined to those of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, reduce

from attrs import define
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_core.expectations.model import Expectation
from dc43_core.protocol.engine import KnownKeys, NewKeys
from dc43_core.protocol.file_store import FileStore
from dc43_integrations.spark.data_files import data_files, read_files, write_files
from dc43_integrations.spark.file_store import spark_path
from dc43_integrations.spark.names import column

KEY, OLD = "_dc43_key", "_dc43_old"
_RULE, _COUNT = "_dc43_rule", "_dc43_n"
STATE = T.StructType([T.StructField(KEY, T.BinaryType())])
BROADCAST_ROWS = 2_000_000
"""Rows of a batch up to which its keys are sent to the files of the earlier ones."""
Place = tuple[Column, Column]
"""The key of a row under one rule, and whether it is known."""
_ROWS_PER_FILE = 1_000_000
_EXACT = {
    "timeZone": "UTC",
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


def key_of(columns: Sequence[Column], types: Sequence[T.DataType], prefix: str) -> Column:
    """Return the hash of a key; NULL where a part of it is.

    The text that is hashed is another for any other key, and the same whatever the session's time
    zone is; a wider type of number does not change it.
    """
    texts = [_text(*pair) for pair in zip(columns, types, strict=True)]
    parts = [part for text in texts for part in (F.length(text).cast("string"), F.lit(":"), text)]
    whole = reduce(Column.__and__, [one.isNotNull() for one in columns])
    hashed = F.unhex(F.sha2(F.concat(F.lit(prefix), *parts), 256))
    return F.when(whole, F.substring(hashed, 1, 16))


def _text(value: Column, kind: T.DataType) -> Column:
    match kind:
        case T.TimestampType():
            return F.unix_micros(value).cast("string")
        case T.DecimalType() if kind.scale > 0:
            return F.regexp_replace(value.cast("string"), r"\.?0+$", "")
        case T.FloatType() | T.DoubleType():
            # 0.0 and -0.0 are one value.
            return (value + F.lit(0.0)).cast("string")
        case T.BinaryType():
            return F.hex(value)
        case T.StructType() | T.ArrayType() | T.MapType():
            return F.to_json(F.struct(value.alias("v")), _EXACT)
    return value.cast("string")


@define(kw_only=True, eq=False)
class KeyFiles:
    """The keys of a stream, and how those of its rows are found and written.

    Attributes:
        spark: The session that reads and writes them.
        store: Where they lie.
        known: Those of earlier batches.
        rules: The rules whose keys are kept.
        target: What lands in main.
    """

    spark: SparkSession
    store: FileStore
    known: KnownKeys
    rules: Sequence[Expectation]
    target: T.StructType

    @property
    def several(self) -> bool:
        """Whether a row can lose under one rule and win under another."""
        return len(self._keys) > 1

    @cached_property
    def _keys(self) -> dict[str, Column]:
        """By prefix the key of a row; rules over the same columns share both."""
        types = {one.name: one.dataType for one in self.target}
        return {
            prefix: key_of(
                [column(name) for name in rule.columns],
                [types[name] for name in rule.columns],
                prefix,
            )
            for rule in self.rules
            for prefix in (self.known.prefixes[rule.id],)
        }

    def find(self, rows: DataFrame, row_count: int) -> tuple[dict[str, int], NewKeys]:
        """Write the keys that are new, and count the rows that come too late: one job.

        Args:
            rows: Rows that break no other rule.
            row_count: How many there are at most.

        Returns:
            Check id to the rows whose key was known or has been taken by one before them; and the
            new keys.
        """
        found, seen = self._found(rows, row_count), Observation()
        new = F.col(OLD).isNull().cast("long")
        counters = [
            F.sum(F.when(F.col(_RULE) == index, F.col(_COUNT) - new)).alias(f"l{index}")
            for index in range(len(self._keys))
        ]
        found = found.observe(seen, F.sum(new).alias("new"), *counters)
        new_keys = found.where(F.col(OLD).isNull())
        files = write_keys(new_keys, self.store, self.known.folder, row_count)
        counts = seen.get
        places = {prefix: index for index, prefix in enumerate(self._keys)}
        lost = {r.id: counts[f"l{places[self.known.prefixes[r.id]]}"] or 0 for r in self.rules}
        return lost, NewKeys(files=files, count=int(counts["new"] or 0))

    def late(self, rows: DataFrame, row_count: int, folder: str) -> DataFrame:
        """Return keys that several rows share or that are known, and whether they are known.

        They are written first: what is asked of them is asked more than once.
        """
        found = self._found(rows, row_count)
        late = found.where((F.col(_COUNT) > 1) | F.col(OLD).isNotNull())
        late.select(KEY, OLD).write.parquet(spark_path(folder))
        schema = T.StructType([*STATE.fields, T.StructField(OLD, T.BooleanType())])
        return read_files(self.spark, [folder], schema=schema)

    def marked(self, rows: DataFrame, late: DataFrame) -> tuple[DataFrame, dict[str, Place]]:
        """Return rows with their keys and whether these are known, and by check id where it stands.

        Args:
            rows: Rows that break no other rule.
            late: What `late` returned.
        """
        places: dict[str, Place] = {}
        for index, (prefix, key) in enumerate(self._keys.items()):
            own, old = f"{KEY}{index}", f"{OLD}{index}"
            known = late.select(F.col(KEY).alias(own), F.coalesce(OLD, F.lit(False)).alias(old))
            rows = rows.withColumn(own, key).join(F.broadcast(known), own, "left")
            places.update(
                (rule.id, (F.col(own), F.coalesce(F.col(old), F.lit(False))))
                for rule in self.rules
                if self.known.prefixes[rule.id] == prefix
            )
        return rows, places

    def holding(self, rows: DataFrame, late: DataFrame, file: str) -> set[str]:
        """Return the files that hold a row with a key that several rows share or that is known.

        Args:
            rows: With a column that says which file each is in.
            late: What `late` returned.
            file: The name of that column.
        """
        found: set[str] = set()
        for key in self._keys.values():
            keys = rows.select(key.alias(KEY), file)
            held = (
                keys.join(F.broadcast(late.select(KEY)), KEY, "left_semi").select(file).distinct()
            )
            found.update(row[0] for row in held.collect())
        return found

    def write(self, rows: DataFrame, row_count: int, folder: str) -> NewKeys:
        """Write the new keys of rows, each of which has its key: one job."""
        seen = Observation()
        new = self._found(rows, row_count).where(F.col(OLD).isNull())
        new = new.observe(seen, F.count(F.lit(1)).alias("new"))
        files = write_keys(new, self.store, folder, row_count)
        return NewKeys(files=files, count=int(seen.get["new"]))

    def _found(self, rows: DataFrame, row_count: int) -> DataFrame:
        """Return each key of the rows: under which rules' prefix, of how many, whether known."""
        of_row = list(enumerate(self._keys.values()))
        if len(of_row) == 1:
            keys = rows.select(F.lit(0).alias(_RULE), of_row[0][1].alias(KEY))
        else:
            pairs = (F.struct(F.lit(i).alias(_RULE), key.alias(KEY)) for i, key in of_row)
            keys = rows.select(F.explode(F.array(*pairs)).alias(_RULE)).select(f"{_RULE}.*")
        mine = (
            keys.where(F.col(KEY).isNotNull())
            .groupBy(_RULE, KEY)
            .agg(F.count(F.lit(1)).alias(_COUNT))
        )
        if not self.known.files:
            return mine.withColumn(OLD, F.lit(None).cast("boolean"))
        wanted = mine.select(KEY)
        if row_count <= BROADCAST_ROWS:
            wanted = F.broadcast(wanted)
        old = read_keys(self.spark, self.known.files).join(wanted, KEY, "left_semi").distinct()
        return mine.join(old.withColumn(OLD, F.lit(True)), KEY, "left")


def read_keys(spark: SparkSession, files: Sequence[str]) -> DataFrame:
    """Return the keys of files."""
    return read_files(spark, files, schema=STATE)


def merge_keys(
    spark: SparkSession, store: FileStore, files: Sequence[str], count: int, folder: str
) -> list[str]:
    """Write the keys of files into a folder, each once, and return the new files."""
    # Repartitioned by the key, so that files are written by as many tasks as there are.
    keys = read_keys(spark, files).repartition(_file_count(count), KEY).distinct()
    return write_keys(keys, store, folder, count)


def write_keys(keys: DataFrame, store: FileStore, folder: str, count: int) -> list[str]:
    """Write at most so many keys into a folder, and return the files."""
    write_files(keys.select(KEY).coalesce(_file_count(count)), folder)
    return data_files(store, folder)


def _file_count(count: int) -> int:
    return 1 + count // _ROWS_PER_FILE
