"""The sinks that are crashed, each with a reader that shares nothing with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote, urlsplit

import pyarrow.dataset as ds
from attrs import frozen
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from dc43_delta.sink import DeltaSink
from tests.faults.crash_points import Points

Rows = list[dict[str, Any]]


@frozen(kw_only=True)
class SinkUnderTest:
    """One kind of destination.

    Attributes:
        name: Its name in the table of figures.
        format: What a write calls it.
        by_spark: Reads a lane through Spark; None where this machine has no reader of Spark's.
        by_other: Reads a lane without Spark and without dc43.
        publishing: The points on either side of what makes a batch visible.
        counted: Lets what the file store does not see pass through the points while it runs.
    """

    name: str
    format: str
    by_spark: Callable[[SparkSession, Path], Rows] | None
    by_other: Callable[[Path], Rows]
    publishing: tuple[str, str] = ("before create _spark_metadata", "after create _spark_metadata")
    counted: Callable[[Points], AbstractContextManager[object]] = lambda points: nullcontext()

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


def _delta_by_arrow(folder: Path) -> Rows:
    if not DeltaTable.is_deltatable(str(folder)):
        return []
    adds = DeltaTable(str(folder)).get_add_actions().column("path").to_pylist()
    return rows_of([str(folder / str(path)) for path in adds])


def _delta_counted(points: Points) -> AbstractContextManager[object]:
    """delta-rs writes the table's log itself: put a point on either side of each commit."""

    class Counted(DeltaSink):
        def _commit(self, *arguments: Any) -> None:
            points.file("before commit")
            super()._commit(*arguments)
            points.file("after commit")

    return patch("dc43_delta.format.DeltaSink", Counted)


DELTA = SinkUnderTest(
    name="delta",
    format="delta",
    by_spark=None,
    by_other=_delta_by_arrow,
    publishing=("before commit", "after commit"),
    counted=_delta_counted,
)
SINKS: tuple[SinkUnderTest, ...] = (PARQUET, DELTA)
