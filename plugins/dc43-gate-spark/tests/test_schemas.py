"""Schemas of typed files, and what Spark would pass over in silence."""

from __future__ import annotations

import pyarrow as pa
import pytest

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string"}
WHOLE = pa.schema([("id", pa.int64()), ("note", pa.string())])


def test_a_parquet_file_that_lost_a_required_column_blocks_in_enforce_and_is_rejects_in_observe(
    flow,
):
    rows = flow([ID, NOTE], format="parquet")
    rows.put_table([{"id": 1, "note": "a"}], WHOLE)
    rows.put_table([{"note": "b"}], pa.schema([("note", pa.string())]))
    landed = rows.run(enforce=True)
    assert "column id: is required and missing" in str(landed.error)
    assert (rows.main_rows(), rows.reject_rows()) == ([], [])
    observed = rows.run()
    assert observed.error is None
    assert rows.main_rows() == [(1, "a")]
    assert rows.lanes()[1] == {None: ["id.required"]}
    assert "column id: is required and missing" in observed.batches[-1]["errors"][0]


@pytest.mark.parametrize("enforce", [True, False])
def test_a_parquet_file_of_another_type_blocks_before_spark_fails_over_it(flow, enforce):
    rows = flow([ID, NOTE], format="parquet")
    rows.put_table([{"id": 1, "note": "a"}], WHOLE)
    rows.put_table(
        [{"id": "x", "note": "b"}], pa.schema([("id", pa.string()), ("note", pa.string())])
    )
    landed = rows.run(per_batch=1, enforce=enforce)
    assert "batch 1 of orders was blocked: column id: is string in this file" in str(landed.error)
    assert "001.parquet" in str(landed.error)
    assert rows.main_rows() == [(1, "a")]
    assert (landed.result.ok, landed.result.status) == (False, "block")
    assert rows.committed() == ["0"]
    assert [record.outcome for record in rows.records()] == ["committed", "blocked"]


def test_a_narrower_type_is_widened_and_a_stranger_is_dropped_and_both_are_told(flow):
    rows = flow([ID, NOTE], format="parquet")
    schema = pa.schema([("note", pa.string()), ("id", pa.int32()), ("secret", pa.string())])
    rows.put_table([{"id": 1, "note": "a", "secret": "s"}], schema)
    _, read = rows.read()
    assert sorted(f.message for f in read.findings) == [
        "column id: is int, declared bigint",
        "column secret: is not declared; it is left out of main",
    ]
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert rows.rows()[0].asDict() == {"id": 1, "note": "a"}
    assert {(d["column"], d["kind"]) for d in landed.batch["drift"]} == {
        ("id", "widened"),
        ("secret", "extra"),
    }


def test_without_auto_cast_another_type_is_drift(flow):
    rows = flow([ID, NOTE], format="parquet")
    rows.put_table([{"id": "1", "note": "a"}], pa.schema([("id", pa.string())]))
    landed = rows.run(enforce=True, auto_cast=False)
    assert landed.error is not None
    assert "column id: is string, declared bigint" in landed.error
    assert rows.rows() == []


def test_a_key_of_json_in_another_case_is_another_key(flow):
    rows = flow([ID, NOTE], format="json")
    rows.put_json({"id": 1, "note": "a"}, {"ID": 2, "note": "b"}, {"id": 3, "note": "c", "x": 1})
    landed = rows.run(enforce=True)
    assert "column id: stands under ID, and keys of JSON are matched exactly" in str(landed.error)
    assert (rows.main_rows(), rows.reject_rows()) == ([], [])
    assert rows.run().error is None
    assert rows.main_rows() == [(1, "a"), (3, "c")]
    assert [(row.note, row["_dc43_checks"]) for row in rows.reject_rows()] == [
        ("b", ["id.required"])
    ]


@pytest.mark.parametrize("compression", ["zstd", "gzip"])
def test_a_writer_s_options_reach_the_files(flow, compression):
    rows = flow([ID])
    rows.put("id", "1")
    assert rows.run(writer_options={"compression": compression}).error is None
    assert rows.main_rows() == [(1,)]
