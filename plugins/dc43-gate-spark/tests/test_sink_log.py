"""The commit log as Spark's own readers take it: what is listed is there, and nothing else is.

Its format is internal to Spark; this is the contract test that pins it.
"""

from __future__ import annotations

import json
import shutil

import pytest

pytestmark = pytest.mark.spark

BATCHES = 13
EXPECTED = [(n, f"note {n}") for n in range(BATCHES)]


@pytest.fixture(scope="module")
def table(spark, tmp_path_factory):
    """A sink of 13 batches in a folder named as partitions are, with strangers beside it."""
    from mounts import address
    from stream_helpers import Flow, KindsSeen

    from dc43_core.config import Config
    from dc43_core.governance.memory import MemoryGovernance
    from dc43_core.runtime import Runtime

    runtime = Runtime(config=Config(), governance=MemoryGovernance())
    home = tmp_path_factory.mktemp("log") / "100% mine"
    properties = [
        {"name": "id", "logicalType": "integer", "required": True},
        {"name": "note", "logicalType": "string"},
    ]
    rows = Flow(spark, runtime, home, properties, KindsSeen(), at=address(spark, home.parent))
    for n in range(BATCHES):
        rows.put("id,note", f"{n},note {n}")
    sink = home / "region=eu" / "day=2024-01-01"
    landed = rows.run(per_batch=1, path=rows.at(sink), rejects=None)
    assert landed.error is None
    # What an attempt that died would leave: whole files, and in no entry.
    stranger = next(file for file in sink.iterdir() if file.suffix == ".parquet")
    shutil.copy(stranger, sink / "stranger.parquet")
    return rows, sink


def pairs(frame):
    return sorted((row.id, row.note) for row in frame.select("id", "note").collect())


def test_entries_are_numbered_and_every_tenth_is_compact(table):
    _, sink = table
    names = {file.name for file in (sink / "_spark_metadata").iterdir() if file.name[0] != "."}
    assert names == {"9.compact", *(str(n) for n in range(BATCHES) if n != 9)}
    lines = (sink / "_spark_metadata" / "9.compact").read_text().split("\n")
    assert lines[0] == "v1"
    files = [json.loads(line) for line in lines[1:]]
    assert len({file["path"] for file in files}) == len(files) >= 10
    assert {file["action"] for file in files} == {"add"}


def test_spark_reads_the_committed_rows(spark, table):
    rows, sink = table
    assert pairs(spark.read.parquet(rows.at(sink))) == EXPECTED


def test_a_stream_reads_the_committed_rows_once(spark, table, tmp_path):
    rows, sink = table
    query = (
        spark.readStream.schema("id long, note string")
        .parquet(rows.at(sink))
        .writeStream.format("memory")
        .queryName("seen_by_a_stream")
        .trigger(availableNow=True)
        .option("checkpointLocation", str(tmp_path))
        .start()
    )
    query.awaitTermination()
    assert pairs(spark.table("seen_by_a_stream")) == EXPECTED


def test_a_table_of_the_catalog_reads_the_committed_rows(spark, table):
    rows, sink = table
    spark.sql(f"CREATE TABLE sink_of_a_stream USING parquet LOCATION '{rows.at(sink)}'")
    try:
        assert pairs(spark.table("sink_of_a_stream")) == EXPECTED
    finally:
        spark.sql("DROP TABLE sink_of_a_stream")


def test_every_listed_file_is_there_and_whole(table):
    rows, sink = table
    listed = {rows.local(path) for path in rows.logged(sink)}
    assert all(path.is_file() for path in listed)
    there = {path for path in sink.iterdir() if path.suffix == ".parquet"}
    assert {path.name for path in there - listed} == {"stranger.parquet"}
