"""The sinks that are crashed, each with a reader that shares nothing with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pyarrow.dataset as ds
from attrs import frozen
from pyspark.sql import SparkSession

Rows = list[dict[str, Any]]


@frozen(kw_only=True)
class SinkUnderTest:
    """One kind of destination.

    Attributes:
        name: Its name in the table of figures.
        format: What a write calls it.
        by_spark: Reads a lane through Spark; None where this machine has no reader of Spark's.
        by_other: Reads a lane without Spark and without dc43.
    """

    name: str
    format: str
    by_spark: Callable[[SparkSession, Path], Rows] | None
    by_other: Callable[[Path], Rows]

    def readers(self, spark: SparkSession) -> Mapping[str, Callable[[Path], Rows]]:
        """Return every reader by name."""
        found: dict[str, Callable[[Path], Rows]] = {"another reader": self.by_other}
        if self.by_spark is not None:
            read = self.by_spark
            found["Spark"] = lambda folder: read(spark, folder)
        return found


def logged_files(folder: Path) -> list[str]:
    """Return the files that the commit log of Spark's file sink lists."""
    log, found = folder / "_spark_metadata", dict[str, None]()
    for entry in sorted(log.iterdir()) if log.exists() else ():
        if entry.name[0] != ".":
            lines = entry.read_text().split("\n")[1:]
            found.update((unquote(urlsplit(json.loads(x)["path"]).path), None) for x in lines)
    return list(found)


def _files_by_arrow(folder: Path) -> Rows:
    return rows_of(logged_files(folder))


def rows_of(files: Sequence[str]) -> Rows:
    """Read parquet files with pyarrow."""
    found: Rows = ds.dataset(list(files), format="parquet").to_table().to_pylist() if files else []
    return found


def _files_by_spark(spark: SparkSession, folder: Path) -> Rows:
    if not (folder / "_spark_metadata").exists():
        return []
    return [row.asDict(recursive=True) for row in spark.read.parquet(str(folder)).collect()]


PARQUET = SinkUnderTest(
    name="parquet", format="parquet", by_spark=_files_by_spark, by_other=_files_by_arrow
)
SINKS: tuple[SinkUnderTest, ...] = (PARQUET,)
