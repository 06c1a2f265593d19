"""Batch reads and writes under a contract: each frame is read once, judged, and then published."""

from __future__ import annotations

from collections import Counter

import pytest

from dc43_core.errors import (
    BatchBlockedError,
    ConfigurationError,
    TableNotFoundError,
    TargetExistsError,
)
from dc43_core.vocabulary import Outcome, Verdict
from dc43_integrations.spark.io import read_with_contract, write_with_contract

pytestmark = pytest.mark.spark

PROPERTIES = [
    {"name": "id", "logicalType": "integer", "physicalType": "int", "unique": True},
    {"name": "state", "logicalType": "string", "required": True},
]


@pytest.fixture
def orders(flow):
    made = flow(PROPERTIES, quality=[{"metric": "rowCount", "mustBeGreaterThan": 1}])
    made.put("id,state", "1,open", "2,", "xx,open", "1,open")
    return made


def read(orders, **options):
    return read_with_contract(
        orders.spark,
        contract=orders.contract,
        format="csv",
        path=orders.at(orders.source),
        options={"header": True, **options.pop("options", {})},
        runtime=orders.runtime,
        **options,
    )


def write(orders, df, reads=(), **options):
    return write_with_contract(
        **{
            "df": df,
            "contract": orders.contract,
            "path": orders.at(orders.main),
            "rejects": orders.at(orders.rejects),
            "reads": reads,
            "runtime": orders.runtime,
            **options,
        }
    )


def test_a_file_goes_into_two_lanes_with_reasons_and_raw_text(orders):
    df, found = read(orders)
    result = write(orders, df, [found], enforce=True)
    good, _ = orders.lanes()
    assert good == [1]
    assert Counter(
        (row["_dc43_checks"][0], (row["_dc43_raw"] or {}).get("id")) for row in orders.reject_rows()
    ) == Counter([("id.type", "xx"), ("id.unique", None), ("state.required", None)])
    assert (result.status, result.metrics["row_count"]) == (Verdict.WARN, 4)
    (record,) = orders.records()
    assert record.outcome is Outcome.COMMITTED
    assert record.input["datasets"][0]["dataset_id"] == "in.input"
    assert result.dataset_version == record.dataset_version == "0"


def test_a_write_into_a_streamed_folder_shares_its_log(orders):
    orders.run()
    df = orders.spark.createDataFrame([(7, "open"), (8, "open")], "id int, state string")
    assert write(orders, df).dataset_version == "1"
    orders.put("id,state", "9,open", "10,open")
    orders.run()
    assert sorted(orders.lanes()[0]) == [1, 7, 8, 9, 10]
    assert [r.dataset_version for r in orders.records()] == ["0", "1", "2"]
    # An overwrite is the next compaction of the same log, and the stream goes on behind it.
    assert write(orders, df, mode="overwrite").dataset_version == "9"
    assert orders.lanes()[0] == [7, 8]
    orders.put("id,state", "11,open", "12,open")
    assert orders.run().batch["dataset_version"] == "10"
    assert orders.lanes()[0] == [11, 12, 7, 8]


def test_a_read_of_what_was_written_knows_its_version(orders):
    df, found = read(orders, dataset_id="drop", dataset_version=lambda f: f"{f.dataset_id}-1")
    write(orders, df, [found])
    named = write(orders, df, [found], dataset_id="sales", dataset_version="v{sequence}")
    again, result = read_with_contract(
        orders.spark,
        contract=orders.contract,
        format="parquet",
        path=orders.at(orders.main),
        runtime=orders.runtime,
    )
    assert result.dataset_version == "1"
    assert again.count() == 2
    # What the caller calls them stands in record, lineage and schema observations.
    assert (named.dataset_id, named.dataset_version) == ("sales", "v1")
    (record,) = orders.runtime.governance.records(dataset_id="sales")
    (source,) = record.input["datasets"]
    assert (source["dataset_id"], source["dataset_version"]) == ("drop", "drop-1")
    told = [s.dataset_version for s in orders.runtime.governance.schema_observations()]
    assert told == ["drop-1", "0", "v1", "1"]


def test_a_table_of_the_catalog_is_a_place_with_a_name(orders):
    spark, name = orders.spark, "orders_of_this_test"
    spark.sql(
        f"CREATE TABLE {name} (id INT, state STRING) USING parquet "
        f"LOCATION '{orders.at(orders.main)}'"
    )
    try:
        df = spark.createDataFrame([(7, "open"), (8, "open")], "id int, state string")
        write(orders, df, path=None, table=name)
        assert spark.table(name).count() == 2
        # A stream into it, that forgets its progress, and is seen without a REFRESH.
        result = orders.start(path=None, table=name, checkpoint_location=None, ephemeral=True)
        assert result.run.await_termination(120)
        assert spark.table(name).count() == 3
        assert orders.local(result.details["checkpoint"]).exists() is False
        again, found = read_with_contract(
            spark, contract=orders.contract, table=name, runtime=orders.runtime
        )
        assert (found.dataset_id, found.dataset_version, again.count()) == (name, "1", 3)
    finally:
        spark.sql(f"DROP TABLE {name}")


def test_what_is_no_table_over_files_is_refused(orders):
    df = orders.spark.createDataFrame([(7, "open")], "id int, state string")
    orders.spark.sql("CREATE OR REPLACE VIEW a_view AS SELECT 1 AS id")
    try:
        with pytest.raises(ConfigurationError, match="no table over a folder of files"):
            write(orders, df, table="a_view", path=None)
        with pytest.raises(TableNotFoundError, match="no table 'nowhere' in the catalog"):
            write(orders, df, table="nowhere", path=None)
        with pytest.raises(ConfigurationError, match="as path= does; give one of them"):
            write(orders, df, table="nowhere")
    finally:
        orders.spark.sql("DROP VIEW a_view")


def test_a_blocked_write_leaves_nothing_to_see(orders):
    few = orders.spark.createDataFrame([(7, "open")], "id int, state string")
    with pytest.raises(BatchBlockedError, match="number of rows"):
        write(orders, few, enforce=True)
    assert orders.rows() == []
    (record,) = orders.records()
    assert record.outcome is Outcome.BLOCKED
    # Its schema is known all the same, once.
    (told,) = orders.runtime.governance.schema_observations()
    assert (told.direction, told.schema["state"]) == ("write", "string")


def test_a_missing_required_column_is_found_when_it_is_read_and_blocks_the_write(orders):
    orders.put("id", "5")
    df, found = read(orders)
    assert any("state" in message for message in found.errors)
    with pytest.raises(BatchBlockedError, match="state"):
        write(orders, df, [found], enforce=True)
    assert orders.rows() == []


def test_the_save_modes_that_add_do_what_sparks_do(orders):
    df = orders.spark.createDataFrame([(7, "open"), (8, "open")], "id int, state string")
    write(orders, df, mode="errorifexists")
    with pytest.raises(TargetExistsError, match="use mode='append'"):
        write(orders, df, mode="errorifexists")
    ignored = write(orders, df, mode="ignore")
    assert ignored.details["ignored"]
    assert ignored.dataset_version == "0"
    assert len(orders.rows()) == 2


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"mode": "replace"}, ConfigurationError, "append, overwrite, errorifexists"),
        ({"format": "memory"}, ConfigurationError, "'memory' is for streams"),
        ({"format": "nowhere"}, Exception, "no sink named"),
        ({"enforce": True, "run_type": "observe"}, TypeError, "contradicts"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_read(orders, options, error, match):
    df = orders.spark.createDataFrame([(7, "open")], "id int, state string")
    with pytest.raises(error, match=match):
        write(orders, df, **options)


def test_a_stream_is_not_written_as_a_batch(orders):
    frame, _ = orders.read()
    with pytest.raises(TypeError, match="write_stream_with_contract"):
        write(orders, frame)


def test_read_and_write_each_tell_governance_of_one_schema(orders):
    df, found = read(orders)
    write(orders, df, [found])
    told = [s.direction for s in orders.runtime.governance.schema_observations()]
    assert told[-2:] == ["read", "write"]
