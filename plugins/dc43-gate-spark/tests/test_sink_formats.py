"""Each format of a sink holds what landed: the same rows, values and columns, read by Spark."""

from __future__ import annotations

import csv
import json

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from dc43_core.data_products.errors import ServerError
from dc43_core.errors import ConfigurationError
from dc43_core.protocol.file_store import local_path

pytestmark = pytest.mark.spark

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("name", pa.string()),
        ("price", pa.decimal128(10, 2)),
        ("seen", pa.timestamp("us", tz="UTC")),
        ("share", pa.float64()),
    ]
)
PROPERTIES = [
    {"name": "id", "logicalType": "integer", "required": True},
    {"name": "name", "logicalType": "string"},
    {"name": "price", "logicalType": "number", "physicalType": "decimal(10,2)"},
    {"name": "seen", "logicalType": "timestamp"},
    {"name": "share", "logicalType": "number", "physicalType": "double"},
]
MOMENT = 1_700_000_000_123_456
ROWS = [
    {"id": 1, "name": 'a, "b"\nc', "price": None, "seen": MOMENT, "share": 0.1},
    {"id": 2, "name": "", "price": 12, "seen": None, "share": float("nan")},
    {"id": 3, "name": None, "price": -1, "seen": MOMENT + 1, "share": None},
    {"id": None, "name": "nobody", "price": 0, "seen": None, "share": 1.0},
]


@pytest.fixture
def orders(flow):
    made = flow(PROPERTIES, format="parquet", options={})
    made.put_table(ROWS, SCHEMA)
    return made


def seen(spark: SparkSession, path: str, name: str, schema: str):
    reader = spark.read.schema(schema).format(name)
    if name == "csv":
        # Otherwise Spark reads the empty text as NULL.
        reader = reader.options(header=True, multiLine=True, nullValue="\\N")
    return sorted(map(str, reader.load(path).collect()))


@pytest.mark.parametrize("name", ["parquet", "orc", "json", "csv"])
def test_a_sink_of_files_holds_every_value_as_it_was(spark, orders, name):
    landed = orders.run(format=name)
    assert landed.error is None
    source = spark.read.parquet(orders.at(orders.source)).where("id is not null")
    expected = sorted(map(str, source.collect()))
    assert seen(spark, orders.at(orders.main), name, source._jdf.schema().toDDL()) == expected
    assert landed.batch["reject_count"] == 1
    rejects = "orc" if name == "orc" else "parquet"
    rejected = spark.read.format(rejects).load(orders.at(orders.rejects))
    assert [row["name"] for row in rejected.collect()] == ["nobody"]


def test_json_spells_out_what_is_null_and_csv_has_a_header(orders):
    orders.run(format="json")
    lines = [line for f in orders.main.glob("*.json") for line in f.read_text().splitlines()]
    assert {tuple(json.loads(line)) for line in lines} == {tuple(SCHEMA.names)}


def test_csv_has_a_header_in_each_file(orders):
    orders.run(format="csv")
    files = list(orders.main.glob("*.csv"))
    assert files
    for file in files:
        assert next(csv.reader(file.read_text().splitlines())) == SCHEMA.names


def test_a_compressed_file_is_named_as_one(spark, orders):
    orders.run(format="json", writer_options={"compression": "gzip"})
    assert [f.name[-8:] for f in orders.main.glob("batch-*")] == [".json.gz"]
    assert spark.read.json(orders.at(orders.main)).count() == 3


def test_csv_refuses_a_column_that_it_cannot_hold(flow):
    tagged = flow(
        [{"name": "tags", "logicalType": "array", "items": {"logicalType": "string"}}],
        format="json",
        options={},
    )
    tagged.put_json({"tags": ["a"]})
    with pytest.raises(ConfigurationError, match=r"column tags is of type array<string>"):
        tagged.run(format="csv")


def test_the_memory_sink_is_a_view_of_main_and_one_of_the_rejects(spark, orders):
    orders.run(format="memory", path=None, query_name="looked_at")
    assert [r[0] for r in spark.sql("select id from looked_at order by id").collect()] == [1, 2, 3]
    assert spark.table("looked_at_rejects").count() == 1
    orders.put_table([{**ROWS[0], "id": 7}], SCHEMA)
    orders.run(format="memory", path=None, query_name="looked_at")
    assert spark.table("looked_at").count() == 4
    # What is shown outlives the progress of a stream that keeps none, and has a local folder.
    passed = orders.run(
        format="memory",
        path=None,
        rejects=str(orders.home / "passing"),
        query_name="passing",
        checkpoint_location=None,
        ephemeral=True,
    )
    assert passed.result.run.await_termination(60)
    assert not local_path(passed.result.details["checkpoint"]).exists()
    assert spark.table("passing").count() == 4


def test_the_view_is_there_again_after_a_restart_that_finds_nothing_new(spark, orders):
    orders.run(format="memory", path=None, query_name="again")
    spark.catalog.dropTempView("again")
    orders.run(format="memory", path=None, query_name="again")
    assert spark.table("again").count() == 3


def test_the_console_sink_prints_each_batch(orders, capfd):
    landed = orders.run(format="console", path=None)
    assert "none" in landed.batch["guarantee"]
    rejects, main = capfd.readouterr().out.split("\n---------\nversion 0\n")
    assert "rejects, version 0" in rejects
    assert "|nobody|" in rejects
    assert "|3  |" in main


def test_the_memory_sink_needs_a_name_to_show_rows_under(orders):
    with pytest.raises(ConfigurationError, match="query_name"):
        orders.run(format="memory", path=None)


def test_a_sink_of_files_needs_a_place(orders):
    with pytest.raises(ServerError, match="say where it is with path="):
        orders.run(path=None)
