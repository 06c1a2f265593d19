"""Rows that cannot be read as declared: never a silent NULL, never a value in a wrong column."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest

from dc43_core.errors import ConfigurationError

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
SIZE = {"name": "size", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string"}
AMOUNT = {"name": "amount", "logicalType": "number", "logicalTypeOptions": {"minimum": 0}}


def columns_of_files(flow) -> set[tuple[str, ...]]:
    return {tuple(pq.read_schema(flow.local(file)).names) for file in flow.logged()}


def test_a_text_in_a_number_column_is_a_reject_that_shows_it(flow):
    rows = flow([ID, SIZE, NOTE])
    file = rows.put("id,size,note", "1,10,good", "2,xx,bad", "3,,missing", 'yy,zz,"both, quoted"')
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert landed.broken == {"size.type": 2, "size.required": 1, "id.type": 1}
    assert landed.batch["metrics"]["uncast_rows"] == 2
    assert rows.main_rows() == [(1, 10, "good")]
    rejects = {row.note: row for row in rows.reject_rows()}
    assert {note: row["_dc43_raw"] for note, row in rejects.items()} == {
        "bad": {"size": "xx"},
        "missing": None,
        "both, quoted": {"id": "yy", "size": "zz"},
    }
    assert rejects["bad"]["_dc43_checks"] == ["size.type"], "not missing: it was there"
    assert rejects["bad"].id == 2
    assert rejects["bad"]["_dc43_reasons"] == ["size must be of type integer"]
    assert rows.local(rejects["bad"]["_dc43_file"]) == file


def test_a_line_that_does_not_split_as_declared_is_kept_as_it_was(flow):
    rows = flow([ID, SIZE, NOTE])
    rows.put("id,size,note", "1,10,good", "2,20", "3", "4,40,fine,4,extra", "5,50,good")
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert rows.main_rows() == [(1, 10, "good"), (5, 50, "good")]
    assert landed.broken == {"row.type": 3}
    rejects = {row["_dc43_line"]: row for row in rows.reject_rows()}
    assert set(rejects) == {"2,20", "3", "4,40,fine,4,extra"}
    # Its fields may stand in the wrong columns, so none of them is taken.
    assert {tuple(row)[:3] for row in rejects.values()} == {(None, None, None)}
    assert {tuple(row["_dc43_checks"]) for row in rejects.values()} == {("row.type",)}


def test_json_that_is_none_and_json_of_another_shape_are_kept(flow):
    tags = {"name": "tags", "logicalType": "array", "items": {"logicalType": "integer"}}
    rows = flow([ID, NOTE, tags], format="json")
    rows.put(
        '{"id": 1, "note": "good", "tags": [1, 2]}',
        '{"id": 2, "note": "cut',
        '{"id": {"a": 3}, "note": "struct"}',
        '{"id": 4, "note": "tags", "tags": ["x"]}',
        '{"id": 5.5, "note": ["list"]}',
    )
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert rows.main_rows() == [(1, "good", [1, 2])]
    assert landed.broken == {"row.type": 2, "id.type": 2}
    told = [(row["_dc43_line"], row["_dc43_raw"]) for row in rows.reject_rows()]
    assert sorted(told, key=repr) == sorted(
        [
            ('{"id": 2, "note": "cut', None),
            ('{"id": 4, "note": "tags", "tags": ["x"]}', None),
            (None, {"id": '{"a": 3}'}),
            (None, {"id": "5.5"}),
        ],
        key=repr,
    )


@pytest.mark.parametrize("rejects", [True, False])
def test_a_contract_without_a_text_column_keeps_raw_text_too(flow, rejects):
    rows = flow([ID, AMOUNT])
    rows.put("id,amount", "1,1.5", "2,x", "3,-1", "4", "5,5")
    landed = rows.run(**({} if rejects else {"rejects": None}))
    assert landed.error is None
    assert landed.broken == {"amount.type": 1, "amount.range": 1, "row.type": 1}
    assert columns_of_files(rows) == {("id", "amount")}
    if not rejects:
        nulls = [(2, None), (3, -1.0), (None, None)]
        assert rows.main_rows() == sorted([(1, 1.5), (5, 5.0), *nulls], key=repr)
        return
    assert rows.main_rows() == [(1, 1.5), (5, 5.0)]
    told = {(row.id, row["_dc43_line"], str(row["_dc43_raw"])) for row in rows.reject_rows()}
    assert told == {(2, None, "{'amount': 'x'}"), (3, None, "None"), (None, "4", "None")}


def test_observed_without_rejects_every_row_lands_and_raw_text_is_kept(flow):
    rows = flow([NOTE, AMOUNT])
    rows.put("note,amount", "good,1", "low,-1", "bad,x", "short")
    landed = rows.run(rejects=None)
    assert landed.error is None
    assert rows.main_rows() == sorted(
        [("good", 1.0), ("low", -1.0), ("bad", None), (None, None)], key=repr
    )
    assert columns_of_files(rows) == {("note", "amount")}
    assert (landed.batch["main_count"], landed.batch["reject_count"]) == (4, 0)
    assert (landed.batch["verdict"], landed.result.ok) == ("warn", False)
    assert len(landed.batch["errors"]) == 3
    stream = landed.result.details["stream_id"]
    kept = json.loads((rows.checkpoint / "dc43" / stream / "uncast" / "0.json").read_text())["rows"]
    told = {(row.get("note"), str(row.get("_dc43_raw")), row.get("_dc43_raw_line")) for row in kept}
    assert told == {("bad", "{'amount': 'x'}", None), (None, "{}", "short")}


def test_enforced_without_rejects_a_broken_row_blocks(flow):
    rows = flow([NOTE, AMOUNT])
    rows.put("note,amount", "good,1", "low,-1", "bad,x")
    landed = rows.run(rejects=None, enforce=True)
    assert landed.error is not None
    assert "batch 0 of orders was blocked" in landed.error
    assert "the rows have no reject sink to go to" in landed.error
    assert (rows.rows(), rows.committed()) == ([], [])
    assert landed.batch["outcome"] == "blocked"


def test_what_would_not_cast_can_be_null_if_the_read_says_so(flow):
    rows = flow([NOTE, AMOUNT])
    rows.put("note,amount", "good,1", "bad,x", "short")
    landed = rows.run(read={"uncast": "null"})
    assert landed.error is None
    assert rows.main_rows() == sorted([("good", 1.0), ("bad", None), (None, None)], key=repr)
    assert landed.batch["verdict"] == "ok"


def test_a_frame_that_lost_what_its_read_carries_is_refused(spark, flow):
    rows = flow([NOTE, AMOUNT])
    rows.put("note,amount", "good,1")
    frame, _ = rows.read()
    with pytest.raises(ConfigurationError, match="the text of values that would not cast"):
        rows.start(df=frame.select("note", "amount"))
    assert spark.streams.active == []


def test_a_selection_of_columns_does_not_hide_a_line_that_is_too_short(flow):
    rows = flow([NOTE, AMOUNT])
    rows.put("note,amount,more", "good,1,2", "short,1", "also good,2,3")
    frame, read = rows.read()
    landed = rows.run(df=frame.select("note", "_dc43_read"), reads=[read])
    assert landed.error is None
    assert rows.main_rows() == [("also good", None), ("good", None)]
    assert [row["_dc43_line"] for row in rows.reject_rows()] == ["short,1"]
