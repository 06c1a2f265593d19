"""Reading files under a contract: nothing is lost between the file and the typed column."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from attrs import field, frozen
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, DataFrameReader, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.streaming.readwriter import DataStreamReader

from dc43_core.contracts.model import Property
from dc43_core.data_quality.model import ColumnDrift
from dc43_core.errors import ConfigurationError, SourceNotFoundError
from dc43_core.expectations.model import CheckPlan
from dc43_core.protocol.file_store import FileStore
from dc43_integrations.spark.convert import conversion, try_cast
from dc43_integrations.spark.drift import FileProbe
from dc43_integrations.spark.file_store import spark_path, store_for
from dc43_integrations.spark.footers import FORMATS, FooterCheck, read_schema
from dc43_integrations.spark.headers import header_check
from dc43_integrations.spark.heads import option, partitions
from dc43_integrations.spark.names import (
    PREFIX,
    READ,
    column,
    finder,
    folds,
    refuse_alike,
    refuse_reserved,
)
from dc43_integrations.spark.records import record_check
from dc43_integrations.spark.types import has_more, is_leaf, same, target_schema

TEXT_FORMATS = ("csv", "json")
READ_FORMATS = (*TEXT_FORMATS, "orc", "parquet")
_CORRUPT = f"{PREFIX}corrupt"


@frozen(kw_only=True)
class ReadBinding:
    """What a write of the same data needs to know of its read.

    Attributes:
        dataset_id: The dataset that was read.
        dataset_version: Its version when it was opened.
        format: Spark's name of the format.
        path: Where it was read from, as a URI.
        contract: Id, version and digest of the contract it was read under.
        carries: Whether the frame carries the column READ.
        found: Schema of what is there at the start, before anything is made of it.
        probe: Check for the files of each batch; None where their format tells nothing.
        about: What the record says of it besides, such as the port of a data product.
        drift: How what is there at the start differs from the contract.
    """

    dataset_id: str
    format: str
    path: str
    contract: Mapping[str, str]
    carries: bool
    found: T.StructType
    probe: FileProbe | None
    about: Mapping[str, Any] = field(factory=dict)
    drift: tuple[ColumnDrift, ...] = ()
    dataset_version: str | None = None

    def described(self) -> dict[str, Any]:
        """Return what a record says of it, as plain JSON types."""
        return {
            "dataset_id": self.dataset_id,
            "dataset_version": self.dataset_version,
            "path": self.path,
            "contract": dict(self.contract),
            "drift": self.probed,
            **self.about,
        }

    @property
    def probed(self) -> str:
        """Whether the files of each batch are looked at, in the record's words."""
        if self.probe is not None:
            return "probed"
        why = "CSV without a header" if self.format == "csv" else f"files of {self.format}"
        return f"not_probed ({why})"


@frozen(kw_only=True)
class FileSource(ABC):
    """Files that are read under a contract.

    Attributes:
        format: `csv`, `json`, `parquet` or `orc`.
        path: Folder or URI.
        options: Options of Spark's reader, as text.
        uncast: `carry` (default) keeps what would not cast; `null` forgets it.
        auto_cast: Whether columns of another type than the contract's are cast, row by row.
    """

    format: str
    path: str
    options: Mapping[str, str]
    uncast: str = "carry"
    auto_cast: bool = True

    def open(self, spark: SparkSession, plan: CheckPlan) -> tuple[DataFrame, ReadBinding]:
        """Return the frame with the contract's types, and its binding.

        Raises:
            SourceNotFoundError: if the folder is not there.
        """
        if self.format not in READ_FORMATS:
            known = ", ".join(READ_FORMATS)
            raise ConfigurationError(
                "format", [f"{self.format!r} cannot be read under a contract; one of {known} can"]
            )
        store = store_for(spark, self.path)
        uri = store.uri(self.path)
        if store.status(uri) is None and not store.list(uri):
            raise SourceNotFoundError(self.path)
        declared = [p.physical_name for p in plan.schema.columns]
        refuse_reserved(declared, plan.contract.source)
        refuse_alike(declared, plan.contract.source, folds=folds(spark))
        if self.format == "orc":
            _refuse_ticks(plan.schema.columns, plan.contract.source)
        text = self.format in TEXT_FORMATS
        read = self._text if text else self._typed
        frame, found, probe = read(spark, plan, store, uri)
        contract = plan.contract
        binding = ReadBinding(
            dataset_id=f"{uri.rstrip('/').rsplit('/', 1)[-1]}.input",
            format=self.format,
            path=uri,
            contract={"id": contract.id, "version": contract.version, "digest": contract.digest},
            carries=READ in frame.columns,
            found=found,
            probe=probe,
        )
        return frame, binding

    def drift(self, spark: SparkSession, binding: ReadBinding) -> tuple[ColumnDrift, ...]:
        """Return how the files that are there differ from the contract; by default not looked."""
        return ()

    @abstractmethod
    def _reader(self, spark: SparkSession) -> Any:
        """Return Spark's reader."""

    def _load(self, spark: SparkSession, schema: T.StructType, uri: str) -> DataFrame:
        reader = self._reader(spark).format(self.format).schema(schema).options(**self.options)
        frame: DataFrame = reader.load(spark_path(uri))
        return frame

    def _typed(
        self, spark: SparkSession, plan: CheckPlan, store: FileStore, uri: str
    ) -> tuple[DataFrame, T.StructType, FileProbe | None]:
        # A stream over files needs a schema up front: that of the files which are there, so
        # that a column of another type shows as such, and the contract's beside.
        wanted = target_schema(plan.schema)
        first = _first_file(store, uri)
        if first is None:
            return self._load(spark, wanted, uri), wanted, self._footers(spark, plan, uri, wanted)
        reader = spark.read.format(self.format).options(**self.options)
        try:
            found = reader.load(spark_path(first)).schema
        except AnalysisException as error:
            why = str(error).splitlines()[0]
            raise ConfigurationError(first, [f"its columns cannot be told: {why}"]) from error
        asked = found
        if self.format in FORMATS:
            asked = read_schema(spark, self.format, found, wanted)
        inside = [f for f in asked if f.name in partitions(first, uri)]
        found = T.StructType([*found.fields, *(f for f in inside if f.name not in found.names)])
        frame = self._load(spark, asked, uri)
        if self.auto_cast:
            frame = self._as_declared(frame, target_schema(plan.schema, frame.schema))
        return frame, found, self._footers(spark, plan, uri, asked, began=found)

    def _as_declared(self, frame: DataFrame, wanted: T.StructType) -> DataFrame:
        """Cast what the reader could not read as declared, as a write casts it.

        A struct with fields that the contract lacks stays as it is: whoever is rejected keeps them,
        and the write casts the rest.
        """
        find = finder(frame.columns, folds=folds(frame.sparkSession))
        declared = {name: f for f in wanted if (name := find.get(f.name)) is not None}
        other = {
            part.name: declared[part.name]
            for part in frame.schema
            if part.name in declared
            and not same(part.dataType, declared[part.name].dataType)
            and not has_more(part.dataType, declared[part.name].dataType)
        }
        if not other:
            return frame
        convert = conversion(frame, T.StructType(list(other.values())))
        cast = dict(zip(other, convert.typed, strict=True))
        columns = [cast.get(name, column(name)).alias(name) for name in frame.columns]
        if self.uncast == "null" or convert.failed is None:
            return frame.select(*columns)
        line = F.lit(None).cast("string")
        return frame.select(*columns, _carried(convert.failed, line, convert.raw))

    def _footers(
        self,
        spark: SparkSession,
        plan: CheckPlan,
        uri: str,
        asked: T.StructType,
        began: T.StructType | None = None,
    ) -> FileProbe | None:
        if self.format not in FORMATS:
            return None
        return FooterCheck(
            spark=spark,
            format=self.format,
            schema=plan.schema,
            auto_cast=self.auto_cast,
            began=began or asked,
            read_as=asked,
            root=uri,
        )

    def _text(
        self, spark: SparkSession, plan: CheckPlan, store: FileStore, uri: str
    ) -> tuple[DataFrame, T.StructType, FileProbe | None]:
        """Read every leaf as text and cast it here, so that 'xx' in a number stays 'xx'."""
        target = target_schema(plan.schema)
        names = list(target.names)
        probe: FileProbe | None = None
        if self.format == "json":
            keys = record_check(store, plan.schema, self.options, folds=folds(spark), root=uri)
            first = _first_file(store, uri)
            probe = keys = keys.starting(first)
            # Whoever is rejected keeps them.
            names += keys.undeclared(partitions(first, uri) if first is not None else ())
        elif option(self.options, "header", "false").lower() == "true":
            required = [p.physical_name for p in plan.schema.columns if p.required or p.primary_key]
            names = self._header_order(store, uri, names, fold=folds(spark))
            probe = header_check(
                store,
                names,
                required,
                self.options,
                declared=target.names,
                root=uri,
                folds=folds(spark),
            )
        refuse_reserved(names, uri)
        kinds = {f.name: f.dataType for f in target}
        text = T.StringType()
        fields = [
            T.StructField(name, text if is_leaf(kinds.get(name, text)) else kinds[name])
            for name in names
        ]
        raw = (
            self._reader(spark)
            .format(self.format)
            .schema(T.StructType([*fields, T.StructField(_CORRUPT, text)]))
            .options(**self.options)
            .option("mode", "PERMISSIVE")
            # Otherwise a line with too few fields passes where only some columns are used.
            .option("columnPruning", "false")
            .option("columnNameOfCorruptRecord", _CORRUPT)
            .load(spark_path(uri))
        )
        frame = self._cast(raw, kinds, names)
        found = T.StructType([f for f in frame.schema if f.name != READ])
        return frame, found, probe

    def _header_order(
        self, store: FileStore, uri: str, names: list[str], *, fold: bool
    ) -> list[str]:
        """Return the columns in the order in which the files that are there have them."""
        first = _first_file(store, uri)
        found = header_check(store, names, (), self.options).header(first) if first else None
        if first is None or not found:
            return names
        spelled = finder(names, folds=fold)
        inside = [name for name in names if name in partitions(first, uri)]
        order = [*(spelled.get(name) or name for name in found), *inside]
        return (
            order
            if len({name.lower() if fold else name for name in order}) == len(order)
            else names
        )

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
        any_failed = reduce(
            Column.__or__, [~whole, *(value.isNotNull() for value in failed.values())]
        )
        return raw.select(*typed, _carried(any_failed, F.col(_CORRUPT), failed))


def _carried(failed: Column, line: Column, texts: Mapping[str, Column]) -> Column:
    """Return what a frame carries of rows with a value that would not cast, for the write."""
    raw = [text.alias(name) for name, text in texts.items()]
    kept = F.struct(
        F.col("_metadata.file_path").alias("file"),
        line.alias("line"),
        F.struct(*(raw or [F.lit(None).cast("string").alias("none")])).alias("raw"),
    )
    return F.when(failed, kept).alias(READ)


class StreamSource(FileSource):
    """Files that are read as they come; those of each batch are looked at then."""

    def _reader(self, spark: SparkSession) -> DataStreamReader:
        return spark.readStream


class BatchSource(FileSource):
    """Files that are there."""

    def _reader(self, spark: SparkSession) -> DataFrameReader:
        return spark.read

    def drift(self, spark: SparkSession, binding: ReadBinding) -> tuple[ColumnDrift, ...]:
        """Return how the files that are there differ from the contract."""
        if binding.probe is None:
            return ()
        store = store_for(spark, self.path)
        return tuple(binding.probe.drift(data_files(store, binding.path)))


def data_files(store: FileStore, folder: str) -> list[str]:
    """Return the data files below a folder, or the file itself."""
    status = store.status(folder)
    if status is not None and not status.is_folder:
        return [status.path]
    found: list[str] = []
    for entry in store.list(folder):
        if entry.name[0] in "._":
            continue
        found += data_files(store, entry.path) if entry.is_folder else [entry.path]
    return found


def _refuse_ticks(columns: Sequence[Property], where: str) -> None:
    """Refuse names that Spark's ORC reader does not find: their columns would be NULL."""
    for one in columns:
        if "`" in one.physical_name:
            problem = (
                f"column {one.physical_name!r} has a backtick, and Spark reads such columns of ORC "
                "as NULL; rename it, or read another format"
            )
            raise ConfigurationError(where, [problem])
        _refuse_ticks([*one.properties, *([one.items] if one.items else [])], where)


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
