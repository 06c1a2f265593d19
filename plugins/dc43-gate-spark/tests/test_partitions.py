"""Main partitioned by columns: their values stand in the path, and readers see them as columns."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("pyspark")

from pyspark.sql import types as T

from dc43_core.errors import ConfigurationError
from dc43_integrations.spark.io import read_with_contract, write_with_contract
from dc43_integrations.spark.partitioning import require_partitions
from dc43_integrations.spark.replay import replay_rejects

ID = {"name": "id", "logicalType": "integer", "required": True}
DAY = {"name": "day", "logicalType": "date"}
TOWN = {"name": "the town", "logicalType": "string"}
NOTE = {"name": "note", "logicalType": "string"}
BY = ["day", "the town"]
SCHEMA = pa.schema(
    [("id", pa.int64()), ("day", pa.date32()), ("the town", pa.string()), ("note", pa.string())]
)
FIRST = dt.date(2024, 2, 29)
TOWNS = ["Zürich", "a b/c=d", "100%25", "日本", None, "007"]
ROWS = [
    {"id": n, "day": FIRST if n % 2 else None, "the town": town, "note": str(n)}
    for n, town in enumerate(TOWNS)
]


def landed(flow, **options):
    df, _ = read_with_contract(
        flow.spark,
        contract=flow.contract,
        format="parquet",
        path=flow.at(flow.main),
        runtime=flow.runtime,
        **options,
    )
    rows = [row.asDict() for row in df.collect()]
    return sorted(rows, key=lambda row: row["id"])


@pytest.mark.spark
def test_values_stand_in_the_path_and_readers_see_the_columns(flow):
    flow = flow([ID, DAY, TOWN, NOTE], format="parquet", options={})
    broken = {"id": None, "day": FIRST, "the town": "Zürich", "note": "later"}
    flow.put_table([*ROWS, broken], SCHEMA)
    # A batch of rejects alone leaves its mark in the log, and no row.
    flow.put_table([broken], SCHEMA)
    run = flow.run(per_batch=1, partition_by=BY)
    assert run.error is None
    assert [b["main_count"] for b in run.batches] == [6, 0]
    assert [b["dataset_version"] for b in run.batches] == ["0", "1"]
    assert landed(flow) == ROWS
    # Files hold the other columns alone, and Spark's own reader finds these in the path.
    files = [flow.local(path) for path in flow.logged()]
    assert {tuple(pq.read_schema(f).names) for f in files} == {("id", "note")}
    plain = flow.spark.read.parquet(flow.at(flow.main))
    assert (plain.columns, plain.count()) == (["id", "note", *BY], 6)

    with pytest.raises(ConfigurationError, match="is partitioned by 'day', 'the town'; write"):
        flow.start()

    # What is replayed goes below its folders too: beside them readers would not see it.
    flow.properties = [{**ID, "required": False}, DAY, TOWN, NOTE]
    flow.contract = flow.read_contract()
    replayed = replay_rejects(
        flow.spark,
        contract=flow.contract,
        path=flow.at(flow.main),
        rejects=flow.at(flow.rejects),
        runtime=flow.runtime,
    )
    assert replayed.record.main_count == 2
    assert flow.spark.read.parquet(flow.at(flow.main)).count() == 8

    kinds = "id long, day date, t string, n string"
    df = flow.spark.createDataFrame([(9, FIRST, "Bern", "n")], kinds)
    write_with_contract(
        df=df.toDF("id", "day", "the town", "note"),
        contract=flow.contract,
        path=flow.at(flow.main),
        partition_by=BY,
        mode="overwrite",
        runtime=flow.runtime,
    )
    assert landed(flow) == [{"id": 9, "day": FIRST, "the town": "Bern", "note": "n"}]


@pytest.mark.spark
def test_text_is_partitioned_as_well(flow):
    flow = flow([ID, TOWN])
    df = flow.spark.createDataFrame([(1, "a/b"), (2, None)], "id long, t string")
    write_with_contract(
        df=df.toDF("id", "the town"),
        contract=flow.contract,
        path=flow.at(flow.main),
        format="json",
        partition_by="the town",
        runtime=flow.runtime,
    )
    rows = flow.spark.read.json(flow.at(flow.main)).collect()
    assert sorted((row["id"], row["the town"]) for row in rows) == [(1, "a/b"), (2, None)]


FILES = SimpleNamespace(partitions=True)
TARGET = T.StructType().add("id", "long").add("day", "date").add("at", "timestamp")


@pytest.mark.parametrize(
    ("by", "sink", "match"),
    [
        (["dy"], FILES, "column 'dy' is not in the contract"),
        (["day", "day"], FILES, "'day' is named twice"),
        (["at"], FILES, "'at' is of type timestamp, which a path cannot hold"),
        (["id", "day", "at"], FILES, "at least one column"),
        (["day"], SimpleNamespace(), "no folders to partition"),
    ],
)
def test_what_main_cannot_be_partitioned_by_is_refused(by, sink, match):
    with pytest.raises(ConfigurationError, match=f"partition_by: .*{match}"):
        require_partitions(by, TARGET, sink)


def test_nothing_to_partition_by_is_fine_for_any_sink():
    require_partitions([], TARGET, SimpleNamespace())
