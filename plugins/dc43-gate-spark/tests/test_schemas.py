"""Schemas of typed files, and what Spark would pass over in silence."""

from __future__ import annotations

import json
from datetime import date

import pyarrow as pa
import pytest

from dc43_core.errors import ConfigurationError
from dc43_integrations.spark.io import read_with_contract
from dc43_integrations.spark.names import READ

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string"}
DAY = {"name": "day", "logicalType": "date"}
N = {"name": "n", "logicalType": "integer"}
PARTS = {
    "name": "parts",
    "logicalType": "array",
    "items": {"logicalType": "object", "properties": [N]},
}
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
    told = "column id: is string, declared bigint"
    as_it_is = {"auto_cast": False}
    frame, found = rows.read(**as_it_is)
    assert (frame.schema["id"].dataType.simpleString(), found.status) == ("string", "warn")
    assert found.errors == [told]
    # Whatever the write casts: files are judged by the contract that they are read under.
    landed = rows.run(enforce=True, read=as_it_is)
    assert f"{told} (file " in str(landed.error)
    assert rows.rows() == []


def test_a_read_casts_as_a_write_does_and_carries_what_would_not(flow):
    rows = flow([ID, NOTE, PARTS, DAY], format="parquet")
    there = [
        {"id": "1", "note": 7, "parts": [{"n": "3"}], "day": "2026-01-02", "more": 1},
        {"id": "x", "note": 8, "parts": [{"n": "y"}], "day": None, "more": 2},
    ]
    part = pa.list_(pa.struct([("n", pa.string())]))
    kinds = [("id", pa.string()), ("note", pa.int32()), ("parts", part), ("day", pa.string())]
    rows.put_table(there, pa.schema([*kinds, ("more", pa.int32())]))
    frame, found = read_with_contract(
        rows.spark,
        contract=rows.contract,
        format="parquet",
        path=rows.at(rows.source),
        runtime=rows.runtime,
    )
    assert frame.drop(READ).schema.simpleString() == (
        "struct<id:bigint,note:string,parts:array<struct<n:bigint>>,day:date,more:int>"
    )
    good, bad = frame.orderBy("more").collect()
    assert good.asDict(recursive=True) == {
        "id": 1,
        "note": "7",
        "parts": [{"n": 3}],
        "day": date(2026, 1, 2),
        "more": 1,
        READ: None,
    }
    assert (bad["id"], bad["parts"], bad[READ]["line"]) == (None, [(None,)], None)
    assert bad[READ]["raw"].asDict() == {
        "id": "x",
        "note": None,
        "parts": '[{"n":"y"}]',
        "day": None,
    }
    assert bad[READ]["file"].endswith("000.parquet")
    assert "column more: is not declared" in found.warnings[0]

    landed = rows.run(enforce=True)
    assert landed.error is None
    assert landed.broken == {"id.type": 1, "parts.type": 1}
    (kept,) = rows.rows(rows.rejects)
    assert kept["_dc43_raw"] == {"id": "x", "parts": '[{"n":"y"}]'}
    assert json.loads(kept["_dc43_extra"]) == {"more": 2}


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_text_has_no_types_that_could_be_left_as_they_are(flow, kind):
    rows = flow([ID, NOTE], format=kind)
    with pytest.raises(ConfigurationError, match=f"auto_cast: values of {kind} are text"):
        rows.read(auto_cast=False)


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
