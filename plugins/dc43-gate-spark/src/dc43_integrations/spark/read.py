"""Reading a stream under a contract: nothing is lost between the file and the typed column."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import Any

from attrs import frozen
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_core.errors import SourceNotFoundError
from dc43_core.expectations.model import CheckPlan
from dc43_core.protocol.file_store import FileStore
from dc43_integrations.spark.classify import try_cast
from dc43_integrations.spark.drift import HeaderCheck, header_check, option
from dc43_integrations.spark.file_store import spark_path, store_for
from dc43_integrations.spark.names import PREFIX, READ, column, refuse_reserved
from dc43_integrations.spark.types import is_leaf, target_schema

TEXT_FORMATS = ("csv", "json")
_CORRUPT = f"{PREFIX}corrupt"


@frozen(kw_only=True)
class ReadBinding:
    """What a write of the same data needs to know of its read.

    Attributes:
        dataset_id: The dataset that was read.
        format: Spark's name of the format.
        path: Where it was read from, as a URI.
        contract: Id, version and digest of the contract it was read under.
        carries: Whether the frame carries the column READ.
        header: Check for the files of each batch; None where the format has no header.
    """

    dataset_id: str
    format: str
    path: str
    contract: Mapping[str, str]
    carries: bool
    header: HeaderCheck | None


@frozen(kw_only=True)
class StreamSource:
    """Where a stream is read from.

    Attributes:
        format: `csv`, `json`, `parquet` or `orc`.
        path: Folder or URI.
        options: Options of Spark's reader, as text.
        uncast: `carry` (default) keeps what would not cast; `null` forgets it.
    """

    format: str
    path: str
    options: Mapping[str, str]
    uncast: str = "carry"

    def open(self, spark: SparkSession, plan: CheckPlan) -> tuple[DataFrame, ReadBinding]:
        """Return the streaming frame with the contract's types, and its binding.

        Raises:
            SourceNotFoundError: if the folder is not there.
        """
        store = store_for(spark, self.path)
        uri = store.uri(self.path)
        if store.status(uri) is None and not store.list(uri):
            raise SourceNotFoundError(self.path)
        text = self.format in TEXT_FORMATS
        frame, header = (
            self._text(spark, plan, store, uri) if text else (self._typed(spark, plan, uri), None)
        )
        contract = plan.contract
        binding = ReadBinding(
            dataset_id=f"{uri.rstrip('/').rsplit('/', 1)[-1]}.input",
            format=self.format,
            path=uri,
            contract={"id": contract.id, "version": contract.version, "digest": contract.digest},
            carries=text and self.uncast == "carry",
            header=header,
        )
        return frame, binding

    def _load(self, spark: SparkSession, schema: T.StructType, uri: str) -> DataFrame:
        return (
            spark.readStream.format(self.format)
            .schema(schema)
            .options(**self.options)
            .load(spark_path(uri))
        )

    def _typed(self, spark: SparkSession, plan: CheckPlan, uri: str) -> DataFrame:
        # A stream over files needs a schema up front: that of the files which are there, so
        # that a column that is gone or changed its type shows as such.
        first = _first_file(store_for(spark, uri), uri)
        if first is None:
            return self._load(spark, target_schema(plan.schema), uri)
        found = (
            spark.read.format(self.format).options(**self.options).load(spark_path(first)).schema
        )
        return self._load(spark, found, uri)

    def _text(
        self, spark: SparkSession, plan: CheckPlan, store: FileStore, uri: str
    ) -> tuple[DataFrame, HeaderCheck | None]:
        """Read every leaf as text and cast it here, so that 'xx' in a number stays 'xx'."""
        target = target_schema(plan.schema)
        required = [p.physical_name for p in plan.schema.columns if p.required or p.primary_key]
        names = list(target.names)
        header = None
        if self.format == "csv" and option(self.options, "header", "false").lower() == "true":
            names = self._header_order(store, uri, names)
            header = header_check(store, names, required, self.options)
        refuse_reserved(names, uri)
        kinds = {f.name: f.dataType for f in target}
        text = T.StringType()
        fields = [
            T.StructField(name, text if is_leaf(kinds.get(name, text)) else kinds[name])
            for name in names
        ]
        raw = (
            spark.readStream.format(self.format)
            .schema(T.StructType([*fields, T.StructField(_CORRUPT, text)]))
            .options(**self.options)
            .option("mode", "PERMISSIVE")
            # Otherwise a line with too few fields passes where only some columns are used.
            .option("columnPruning", "false")
            .option("columnNameOfCorruptRecord", _CORRUPT)
            .load(spark_path(uri))
        )
        return self._cast(raw, kinds, names), header

    def _header_order(self, store: FileStore, uri: str, names: list[str]) -> list[str]:
        """Return the columns in the order in which the files that are there have them."""
        first = _first_file(store, uri)
        found = header_check(store, names, (), self.options).header(first) if first else None
        return list(found) if found and len(set(found)) == len(found) else names

    def _cast(self, raw: DataFrame, kinds: Mapping[str, T.DataType], names: list[str]) -> DataFrame:
        whole = F.col(_CORRUPT).isNull()
        typed: list[Column] = []
        failed: dict[str, Column] = {}
        for name in names:
            kind, text = kinds.get(name, T.StringType()), column(name)
            value = text
            if is_leaf(kind) and not isinstance(kind, T.StringType):
                value = try_cast(name, kind)
                failed[name] = F.when(whole & text.isNotNull() & value.isNull(), text)
            # Fields of a line that does not split as declared may stand in the wrong columns.
            typed.append(F.when(whole, value).alias(name))
        if self.uncast == "null":
            return raw.select(*typed)
        texts = [value.alias(name) for name, value in failed.items()]
        carried = F.struct(
            F.col("_metadata.file_path").alias("file"),
            F.col(_CORRUPT).alias("line"),
            (
                F.struct(*texts) if texts else F.struct(F.lit(None).cast("string").alias("none"))
            ).alias("raw"),
        )
        any_failed = reduce(
            Column.__or__, [~whole, *(value.isNotNull() for value in failed.values())]
        )
        return raw.select(*typed, F.when(any_failed, carried).alias(READ))


def _first_file(store: FileStore, uri: str) -> str | None:
    """Return some data file below a folder, found one level at a time."""
    found = [entry for entry in store.list(uri) if entry.name[0] not in "._"]
    for entry in found:
        if not entry.is_folder:
            return entry.path
    for entry in found:
        below = _first_file(store, entry.path)
        if below is not None:
            return below
    return None


def reader_options(options: Mapping[str, Any] | None) -> dict[str, str]:
    """Return options as Spark takes them: text, with true and false in lower case."""
    return {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in (options or {}).items()
    }
