"""The sinks that are crashed, each with readers that share nothing with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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
        name: Its name, and what a write calls its format.
        readers: Name to what reads a lane; the first without Spark and without dc43.
        commits: Points around what makes a batch visible.
        counted: Lets what no file store sees pass the points of the stream that is started.
    """

    name: str
    readers: Mapping[str, Callable[[SparkSession, Path], Rows]]
    commits: tuple[str, ...]
    counted: Callable[[Points], AbstractContextManager[object]] = lambda points: nullcontext()


# -- files -----------------------------------------------------------------------------------------


def logged_files(folder: Path) -> list[str]:
    """Return the files that the commit log of Spark's file sink lists."""
    log, found = folder / "_spark_metadata", dict[str, None]()
    for entry in sorted(log.iterdir()) if log.exists() else ():
        if entry.name[0] != ".":
            lines = entry.read_text().split("\n")[1:]
            found.update((unquote(urlsplit(json.loads(x)["path"]).path), None) for x in lines)
    return list(found)


def _files_by_arrow(spark: SparkSession, folder: Path) -> Rows:
    return _read(logged_files(folder))


def _read(files: list[str]) -> Rows:
    found: Rows = ds.dataset(files, format="parquet").to_table().to_pylist() if files else []
    return found


def _files_by_spark(spark: SparkSession, folder: Path) -> Rows:
    if not (folder / "_spark_metadata").exists():
        return []
    return [row.asDict(recursive=True) for row in spark.read.parquet(str(folder)).collect()]


# -- Delta -----------------------------------------------------------------------------------------


def _delta_by_log(spark: SparkSession, folder: Path) -> Rows:
    """Read the files that the table's log adds; nothing here ever removes one."""
    found = []
    for entry in sorted((folder / "_delta_log").glob("*.json")):
        actions = map(json.loads, entry.read_text().splitlines())
        found += [unquote(action["add"]["path"]) for action in actions if "add" in action]
    return _read([str(folder / name) for name in found])


def _delta_by_delta_rs(spark: SparkSession, folder: Path) -> Rows:
    if not DeltaTable.is_deltatable(str(folder)):
        return []
    rows: Rows = DeltaTable(str(folder)).to_pyarrow_table().to_pylist()
    return rows


def _delta_counted(points: Points) -> AbstractContextManager[object]:
    """delta-rs writes the table's log itself: put a point on either side of each commit."""

    class Counted(DeltaSink):
        def _commit(self, *arguments: Any) -> None:
            points.passes("before commit")
            super()._commit(*arguments)
            points.passes("after commit")

    return patch("dc43_delta.format.DeltaSink", Counted)


PARQUET = SinkUnderTest(
    name="parquet",
    readers={"pyarrow": _files_by_arrow, "Spark": _files_by_spark},
    commits=("before create _spark_metadata", "after create _spark_metadata"),
)
DELTA = SinkUnderTest(
    name="delta",
    readers={"pyarrow": _delta_by_log, "delta-rs": _delta_by_delta_rs},
    commits=("before commit", "after commit"),
    counted=_delta_counted,
)
SINKS = (PARQUET, DELTA)
