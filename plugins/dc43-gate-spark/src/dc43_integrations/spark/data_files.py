"""Data files that Spark writes in folders of ours, and files that are read by their exact names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define, field
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from dc43_core.errors import FileAccessError
from dc43_core.protocol.file_store import FileStore
from dc43_integrations.spark.file_store import refusal, spark_path
from dc43_integrations.spark.names import LANE


def read_files(
    spark: SparkSession,
    files: Sequence[str],
    *,
    format: str = "parquet",
    schema: T.StructType | None = None,
    merge: bool = False,
) -> DataFrame:
    """Return the rows of files.

    Args:
        spark: The session that reads them.
        files: Their URIs, or that of a folder.
        format: Spark's name of their format.
        schema: Their columns; None for what the files say.
        merge: Whether every file is asked for its columns, and not one for all.
    """
    # Names are exact: without this, Spark would take [ and { in them for patterns.
    reader = spark.read.format(format).option("__globPaths__", "false")
    reader = reader.option("mergeSchema", str(merge).lower())
    if schema is not None:
        reader = reader.schema(schema)
    return reader.load([spark_path(file) for file in files])


def write_files(
    frame: DataFrame,
    folder: str,
    *,
    format: str = "parquet",
    options: Mapping[str, str] | None = None,
    by: Sequence[str] = (),
) -> None:
    """Write rows into a folder of ours.

    Args:
        frame: The rows.
        folder: URI of the folder.
        format: Spark's name of the files' format.
        options: Options of Spark's writer.
        by: Columns whose values stand in the path instead.

    Raises:
        FileAccessError: when the file system refuses.
    """
    # No marker file: what is in the folder is listed.
    writer = frame.write.format(format).option(
        "mapreduce.fileoutputcommitter.marksuccessfuljobs", "false"
    )
    writer = writer.options(**options or {}).mode("append")
    try:
        (writer.partitionBy(*by) if by else writer).save(spark_path(folder))
    except (PySparkException, Py4JJavaError) as error:
        # Of a task that could not write, Spark tells at the end of a long stack.
        if (problem := refusal(error)) is not None:
            raise FileAccessError("stage in", folder, problem) from error
        raise


def data_files(store: FileStore, folder: str) -> list[str]:
    """Return the URIs of the data files in a folder, not of those below it."""
    found = store.list(folder)
    return [one.path for one in found if one.name[0] not in "._" and not one.is_folder]


@define(kw_only=True, eq=False)
class StagedFiles:
    """How the rows of one stream are staged, and read again.

    Attributes:
        spark: The session that reads.
        store: Where the files lie.
        format: Spark's name of their format.
        schema: Their columns; None for what the files say.
        options: Options of Spark's writer.
    """

    spark: SparkSession
    store: FileStore
    format: str
    schema: T.StructType | None = None
    options: Mapping[str, str] = field(factory=dict)

    def read(self, files: Sequence[str], *, merge: bool = False) -> DataFrame:
        """Return the rows of files; see `read_files`."""
        return read_files(self.spark, files, format=self.format, schema=self.schema, merge=merge)

    def write(self, frame: DataFrame, folder: str) -> list[str]:
        """Write rows into an empty folder, and return the files."""
        write_files(frame, folder, format=self.format, options=self.options)
        return data_files(self.store, folder)

    def write_lanes(self, frame: DataFrame, folder: str) -> dict[str, list[str]]:
        """Write rows into an empty folder by lane; return lane to files, of lanes with rows."""
        write_files(frame, folder, format=self.format, options=self.options, by=[LANE])
        start = f"{LANE}="
        return {
            part.name.removeprefix(start): data_files(self.store, part.path)
            for part in self.store.list(folder)
            if part.is_folder and part.name.startswith(start)
        }
