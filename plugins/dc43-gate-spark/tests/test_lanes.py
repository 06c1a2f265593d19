"""Which lane a batch's rows take, and what its record says of them."""

from __future__ import annotations

import time

import pytest

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer"}


def test_a_rule_that_only_warns_counts_and_moves_no_row(flow):
    def late(severity):
        rule = {
            "type": "custom",
            "engine": "dc43",
            "implementation": {"kind": "range", "maximum": 9},
        }
        return {"id": f"late_{severity}", "severity": severity, **rule}

    rows = flow([{**ID, "quality": [late("warning"), late("info")]}])
    rows.put("id", "1", "10", "11")
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert landed.broken == {"late_warning": 2, "late_info": 2}
    assert rows.main_rows() == [(1,), (10,), (11,)]
    counted = {
        n: landed.batch[n] for n in ("valid_count", "main_count", "reject_count", "violations")
    }
    assert counted == {"valid_count": 3, "main_count": 3, "reject_count": 0, "violations": 4}
    assert (landed.batch["verdict"], landed.batch["decision"]) == ("warn", "warn")
    assert (landed.result.ok, len(landed.batch["warnings"])) == (True, 2)
    assert rows.rows(rows.rejects) == []


HALF = {"id": "half_known", "metric": "nullValues", "mustBeLessOrEqualTo": 50, "unit": "percent"}


@pytest.mark.parametrize("run_type", ["observe", "enforce"])
def test_a_threshold_judges_the_batch_and_moves_no_row(flow, run_type):
    note = {"name": "note", "logicalType": "string", "quality": [HALF]}
    rows = flow([ID, note])
    rows.put("id,note", "1,a", "2,", "3,", "4,b")
    rows.put("id,note", "5,a", "6,", "7,")
    landed = rows.run(per_batch=1, run_type=run_type)
    held, failed = landed.batches
    assert held["violations_by_check"] == failed["violations_by_check"] == {"half_known": 2}
    assert (held["verdict"], held["main_count"], held["reject_count"]) == ("ok", 4, 0)
    why = "measured 66.67 %, mustBeLessOrEqualTo 50 %"
    if run_type == "observe":
        assert landed.error is None
        assert (failed["verdict"], failed["main_count"]) == ("warn", 3)
        assert why in failed["errors"][0]
        assert len(rows.main_rows()) == 7
    else:
        assert landed.error is not None
        assert why in landed.error
        assert (failed["outcome"], failed["main_count"]) == ("blocked", 0)
        assert len(rows.main_rows()) == 4
        assert rows.committed() == ["0"]
    assert rows.reject_rows() == []


def test_the_number_of_rows_is_judged_too(flow):
    rows = flow(
        [ID],
        quality=[
            {"id": "few", "metric": "rowCount", "mustBeLessThan": 3, "severity": "warning"},
            {"id": "some", "metric": "rowCount", "mustBeGreaterThan": 0},
        ],
    )
    rows.put("id", "1", "2")
    rows.put("id", "3", "4", "5")
    landed = rows.run(per_batch=1, enforce=True)
    assert landed.error is None
    few, many = landed.batches
    assert (few["verdict"], few["warnings"]) == ("ok", [])
    assert many["warnings"] == ["the number of rows: measured 3, mustBeLessThan 3"]
    assert len(rows.rows()) == 5


def test_a_batch_may_be_all_good_all_bad_or_without_a_row(flow):
    rows = flow([{**ID, "required": True}, {"name": "note", "logicalType": "string"}])
    rows.put("id,note", "1,a", "2,b")
    rows.put("id,note", ",c", "x,d")
    rows.put("id,note")
    rows.put()
    rows.put("id,note", "5,e")
    landed = rows.run(per_batch=1, enforce=True)
    assert landed.error is None
    counts = [(b["row_count"], b["main_count"], b["reject_count"]) for b in landed.batches]
    assert counts == [(2, 2, 0), (2, 0, 2), (0, 0, 0), (0, 0, 0), (1, 1, 0)]
    verdicts = [(b["verdict"], b["decision"]) for b in landed.batches]
    ok = ("ok", "continue")
    assert verdicts == [ok, ("warn", "route"), ok, ok, ok]
    assert rows.main_rows() == [(1, "a"), (2, "b"), (5, "e")]
    assert sorted(row.note for row in rows.reject_rows()) == ["c", "d"]
    assert [b["dataset_version"] for b in landed.batches] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("keys", [False, True])
def test_a_frame_that_can_have_no_row_is_a_batch_of_none(flow, keys):
    rows = flow([{**ID, "primaryKey": keys}])
    rows.put("id", "1")
    frame, read = rows.read()
    # Spark plans such a frame away, and with it whatever counts its rows.
    landed = rows.run(df=frame.where("1 = 0"), reads=[read], timeout=60)
    assert landed.error is None
    assert (landed.batch["row_count"], landed.batch["verdict"]) == (0, "ok")
    assert rows.rows() == []


def test_a_first_batch_of_rejects_leaves_a_main_that_can_be_read(flow):
    rows = flow([{**ID, "required": True}, {"name": "note", "logicalType": "string"}])
    rows.put("id,note", "x,a", ",b", ",")
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert (landed.batch["main_count"], landed.batch["reject_count"]) == (0, 3)
    main = rows.spark.read.parquet(rows.at(rows.main))
    assert main.schema.simpleString() == "struct<id:bigint,note:string>"
    assert (main.count(), len(rows.logged())) == (0, 1)
    # Another job may follow it from there.
    assert rows.spark.readStream.schema(main.schema).parquet(rows.at(rows.main)).isStreaming


@pytest.mark.parametrize("source", ["csv", "json"])
def test_rows_of_nothing_but_null_are_rows(flow, source):
    kinds = ("integer", "string", "number", "date", "boolean")
    columns = [{"name": kind, "logicalType": kind} for kind in kinds]
    rows = flow([*columns, {"name": "n", "logicalType": "integer", "unique": True}], format=source)
    if source == "csv":
        rows.put(",".join((*kinds, "n")), ",,,,,", ",,,,,")
    else:
        rows.put_json({}, {"n": None})
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert (landed.batch["row_count"], landed.batch["verdict"]) == (2, "ok")
    assert rows.main_rows() == [(None,) * 6] * 2


def test_a_source_without_files_may_give_batches_without_rows(spark, flow):
    rows = flow([ID])
    ticks = spark.readStream.format("rate-micro-batch").option("rowsPerBatch", 3).load()
    frame = ticks.selectExpr("value AS id").where("id % 7 = 5")
    result = rows.start(df=frame, reads=[], trigger={"processingTime": "0 seconds"})
    (query,) = result.streaming_queries
    try:
        # Rows 0 to 2 make the first batch; the second has row 5.
        _until(result, 3)
    finally:
        query.stop()
    counts = [batch["row_count"] for batch in result.streaming_batches[:3]]
    assert counts == [0, 1, 0]
    assert {b["verdict"] for b in result.streaming_batches} == {"ok"}
    assert result.streaming_batches[0]["input"]["file_count"] == 0
    assert rows.main_rows()[0] == (5,)


def _until(result, batches, seconds=60):
    deadline = time.monotonic() + seconds
    while len(result.streaming_batches) < batches and time.monotonic() < deadline:
        time.sleep(0.05)


def test_the_record_is_the_entry_is_the_call(flow):
    rows = flow([{**ID, "required": True}, {"name": "note", "logicalType": "string"}])
    file = rows.put("id,note", "1,a", ",b")
    landed = rows.run(query_name="one of many", namespace="tests")
    records = list(rows.runtime.governance.records(namespace="tests", dataset_id="orders"))
    assert [record.payload() for record in records] == landed.batches == landed.seen
    batch = landed.batch
    expected = {
        "namespace": "tests",
        "query_name": "one of many",
        "run_type": "observe",
        "batch_id": 0,
        "row_count": 2,
        "main_count": 1,
        "valid_count": 1,
        "reject_count": 1,
        "violations": 1,
        "violations_by_check": {"id.required": 1},
        "outcome": "committed",
        "decision": "route",
        "dataset_id": "orders",
        "dataset_version": "0",
        "contract_id": "orders",
        "contract_version": "1.0.0",
        "guarantee": "exactly once",
    }
    assert {key: batch[key] for key in expected} == expected
    assert batch["timestamp"] == batch["ended_at"] >= batch["started_at"]
    assert batch["duration"] >= 0
    assert [rows.local(found) for found in batch["input"]["files"]] == [file]
    (dataset,) = batch["input"]["datasets"]
    assert (dataset["dataset_id"], dataset["drift"]) == ("in.input", "probed")
    result = landed.result
    assert (result.dataset_id, result.dataset_version, result.ok) == ("orders", "0", True)
    assert result.schema == {"id": "bigint", "note": "string"}
    directions = [
        (o.direction, o.dataset_id)
        for o in rows.runtime.governance.schema_observations(namespace="tests")
    ]
    assert ("write", "orders") in directions
