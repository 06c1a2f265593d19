"""The schemas that parquet and ORC files carry: read on the driver, without a Spark job.

A stream has one schema for all its files. Where a later file has another, Spark gives NULL for a
column that is gone, drops one that is new, and fails on a parquet column of another type; of an
ORC column of another type it makes NULL, or 1 out of 1.7, without a word.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from attrs import evolve, field, frozen
from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from dc43_core.contracts.model import SchemaObject
from dc43_core.data_quality.model import ColumnDrift
from dc43_integrations.spark.drift import schema_drift
from dc43_integrations.spark.file_store import spark_path
from dc43_integrations.spark.heads import partitions
from dc43_integrations.spark.names import finder, folds
from dc43_integrations.spark.types import declared_as, same, widens

FORMATS = ("parquet", "orc")
_AT_ONCE = 8
# Spark's readers fail on these, although nothing would be lost.
_NOT_READ: dict[str, tuple[tuple[type[T.DataType], type[T.DataType]], ...]] = {
    "parquet": ((T.ByteType, T.FloatType), (T.ShortType, T.FloatType)),
    "orc": ((T.DateType, T.TimestampNTZType),),
}
Found = T.StructType | str
"""A file's schema, or why it has none."""


@frozen(kw_only=True)
class FooterCheck:
    """Compares the schema of each file of a batch with the contract's and with the stream's.

    Attributes:
        spark: For its JVM.
        format: `parquet` or `orc`.
        schema: The contract's object.
        began: Schema of the file that the stream began with.
        read_as: The schema that the stream reads by.
        root: Where it reads from; folders `column=value` below it hold values.
        auto_cast: Whether values of another type are cast row by row; then that is no drift.
    """

    spark: SparkSession
    format: str
    schema: SchemaObject
    began: T.StructType
    read_as: T.StructType
    root: str
    auto_cast: bool = True
    _folds: bool = field(init=False)

    @_folds.default
    def _session_folds(self) -> bool:
        return folds(self.spark)

    def drift(self, files: Sequence[str]) -> list[ColumnDrift]:
        """Return how the schemas of these files differ, the first file of each kind named."""
        schemas = _parquet if self.format == "parquet" else _orc
        seen: dict[tuple[str, frozenset[str]], tuple[Found, str]] = {}
        for path, found in schemas(self.spark, files):
            text = found if isinstance(found, str) else found.json()
            seen.setdefault((text, frozenset(partitions(path, self.root))), (found, path))
        drift: dict[tuple[str, str], ColumnDrift] = {}
        for (_, inside), (found, path) in seen.items():
            compared = list(self._compare(found, inside))
            retyped = {one.column for one in compared if one.kind == "retyped"}
            for one in compared:
                # What cannot be read is not cast either.
                if not (one.kind == "wider" and one.column in retyped):
                    drift.setdefault((one.column, one.kind), evolve(one, where=path))
        return list(drift.values())

    def _compare(self, found: Found, inside: frozenset[str]) -> Iterator[ColumnDrift]:
        if isinstance(found, str):
            first = self.schema.columns[0].physical_name
            yield ColumnDrift(column=first, kind="retyped", detail=found, incompatible=True)
            return
        stands = [f for f in self.read_as if f.name in inside and f.name not in found.names]
        found = T.StructType([*found.fields, *stands])
        yield from schema_drift(
            found, self.schema, folds=self._folds, auto_cast=self.auto_cast, began=self.began
        )
        find = finder(found.names, folds=self._folds)
        asked = finder(self.read_as.names, folds=self._folds)
        for prop in self.schema.columns:
            name, read = find.get(prop.physical_name), asked.get(prop.physical_name)
            if name is not None and read is not None:
                where = prop.physical_name
                yield from self._unread(found[name].dataType, self.read_as[read].dataType, where)

    def _unread(self, found: T.DataType, read: T.DataType, where: str) -> Iterator[ColumnDrift]:
        """Yield what Spark would fail on, or read as something else."""
        if isinstance(found, T.StructType) and isinstance(read, T.StructType):
            find = finder(found.names, folds=self._folds)
            for part in read:
                name = find.get(part.name)
                if name is not None:
                    yield from self._unread(
                        found[name].dataType, part.dataType, f"{where}.{part.name}"
                    )
        elif isinstance(found, T.ArrayType) and isinstance(read, T.ArrayType):
            yield from self._unread(found.elementType, read.elementType, f"{where}[]")
        elif isinstance(found, T.MapType) and isinstance(read, T.MapType):
            yield from self._unread(found.keyType, read.keyType, f"{where} (key)")
            yield from self._unread(found.valueType, read.valueType, f"{where} (value)")
        elif not reads(self.format, found, read):
            detail = (
                f"is {found.simpleString()} in this file and {read.simpleString()} in the stream, "
                "whose files have one type; write the file again, or read it by a stream of its own"
            )
            yield ColumnDrift(
                column=where,
                kind="retyped",
                detail=detail,
                incompatible=True,
                found=declared_as(found),
            )


def reads(kind: str, found: T.DataType, read: T.DataType) -> bool:
    """Say whether Spark reads a file's type as another and loses nothing."""
    if same(found, read):
        return True
    return widens(found, read) and (type(found), type(read)) not in _NOT_READ.get(kind, ())


def read_schema(
    spark: SparkSession, kind: str, found: T.StructType, wanted: T.StructType
) -> T.StructType:
    """Return what a stream reads its files by, from the first file's schema and the contract's.

    The contract's columns are all in it, in its types where the file's can be read as these: a
    column that the first file lacks, or has in a smaller type, may be whole in a later one.
    """
    # Before Spark 4 its parquet reader widens nothing.
    exact = kind == "parquet" and spark.version.startswith("3.")

    def asked(have: T.DataType, want: T.DataType) -> bool:
        return not exact and reads(kind, have, want)

    merged = _merged(found, wanted, folds(spark), asked)
    assert isinstance(merged, T.StructType)
    return merged


def _merged(
    found: T.DataType,
    wanted: T.DataType,
    fold: bool,
    asked: Callable[[T.DataType, T.DataType], bool],
) -> T.DataType:
    if isinstance(found, T.StructType) and isinstance(wanted, T.StructType):
        find = finder(wanted.names, folds=fold)
        fields = []
        for part in found:
            name, kind = find.get(part.name), part.dataType
            if name is not None:
                kind = _merged(kind, wanted[name].dataType, fold, asked)
            fields.append(T.StructField(part.name, kind))
        there = finder(found.names, folds=fold)
        return T.StructType([*fields, *(f for f in wanted if there.get(f.name) is None)])
    if isinstance(found, T.ArrayType) and isinstance(wanted, T.ArrayType):
        return T.ArrayType(_merged(found.elementType, wanted.elementType, fold, asked))
    return wanted if asked(found, wanted) else found


def _parquet(spark: SparkSession, paths: Sequence[str]) -> Iterator[tuple[str, Found]]:
    jvm: Any = spark._jvm
    hadoop = spark._jsc.hadoopConfiguration()
    reader = jvm.org.apache.parquet.hadoop.ParquetFileReader
    package = jvm.org.apache.spark.sql.execution.datasources.parquet
    convert = package.ParquetToSparkSchemaConverter(spark._jsparkSession.sessionState().conf())
    schema_of = package.ParquetFileFormat.readSchemaFromFooter

    def footers(statuses: Sequence[Any]) -> list[Any]:
        listed = jvm.java.util.ArrayList()
        for status in statuses:
            listed.add(status)
        # In parallel, in the order given.
        return list(reader.readAllFootersInParallel(hadoop, listed, True))

    there = [(path, status) for path in paths if (status := _status(jvm, hadoop, path)) is not None]
    try:
        found = footers([status for _, status in there])
    except Py4JJavaError:
        # One of them is no parquet: Spark will fail over it. The others are looked at.
        there, found = _one_by_one(there, footers)
    for (path, _), footer in zip(there, found, strict=True):
        yield path, _schema(lambda footer=footer: schema_of(footer, convert).json())


def _one_by_one(there: Sequence[tuple[str, Any]], footers: Any) -> tuple[list[Any], list[Any]]:
    kept, found = [], []
    for path, status in there:
        try:
            found += footers([status])
        except Py4JJavaError:
            continue
        kept.append((path, status))
    return kept, found


def _orc(spark: SparkSession, paths: Sequence[str]) -> Iterator[tuple[str, Found]]:
    jvm: Any = spark._jvm
    hadoop = spark._jsc.hadoopConfiguration()
    file, path_of = jvm.org.apache.orc.OrcFile, jvm.org.apache.hadoop.fs.Path
    schema_of = jvm.org.apache.spark.sql.execution.datasources.orc.OrcUtils.toCatalystSchema
    options = file.readerOptions(hadoop)

    def found(path: str) -> Found | None:
        try:
            reader = file.createReader(path_of(spark_path(path)), options)
        except Py4JJavaError:
            # Gone, or no ORC: Spark will fail over it.
            return None
        try:
            kind = reader.getSchema()
            return _schema(lambda: schema_of(kind).json())
        finally:
            reader.close()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for path, schema in zip(paths, pool.map(found, paths), strict=True):
            # An empty file has no columns, and no rows that lack them.
            if schema is not None and not (isinstance(schema, T.StructType) and not schema.fields):
                yield path, schema


def _status(jvm: Any, hadoop: Any, path: str) -> Any:
    where = jvm.org.apache.hadoop.fs.Path(spark_path(path))
    try:
        return where.getFileSystem(hadoop).getFileStatus(where)
    except Py4JJavaError:
        # Deleted since it was listed.
        return None


def _schema(text: Any) -> Found:
    try:
        return T.StructType.fromJson(json.loads(text()))
    except Py4JJavaError as error:
        return f"cannot be told: {str(error.java_exception.getMessage()).splitlines()[0]}"
