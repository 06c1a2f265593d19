"""The life of a stream: refused starts, restarts, strangers on a sink, strategies, listeners."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import pytest
from attrs import define
from pyspark.sql.functions import udf

from dc43_core.errors import (
    ConfigurationError,
    StreamIdentityError,
    UnknownNameError,
    UnsoundPlaceError,
    UnsupportedOutputModeError,
)
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.vocabulary import Decision

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string"}


# -- before the start ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"output_mode": "complete"}, UnsupportedOutputModeError, "'complete'.*use append"),
        ({"output_mode": "update"}, UnsupportedOutputModeError, "'update'.*use append"),
        ({"output_mode": "appended"}, UnsupportedOutputModeError, "'appended': is not known"),
        ({"trigger": {"continuous": "1 second"}}, UnsupportedOutputModeError, "no micro-batches"),
        ({"trigger": {"realTime": "1 second"}}, UnsupportedOutputModeError, "no micro-batches"),
        ({"trigger": {"whenever": True}}, ConfigurationError, "availableNow, processingTime"),
        ({"trigger": {}}, ConfigurationError, "found nothing"),
        ({"trigger": "now and then"}, ConfigurationError, "an interval such as '10 seconds'"),
        ({"format": "nowhere"}, UnknownNameError, "no sink named 'nowhere'; installed: .*parquet"),
        ({"run_type": "enforce", "enforce": False}, TypeError, "contradicts"),
        ({"run_type": "strict"}, ConfigurationError, "observe, enforce"),
        ({"on_incompatible": "ignore"}, ConfigurationError, "block, reject"),
        ({"reads": [None]}, TypeError, "results of read_stream"),
        ({"reads": ()}, ConfigurationError, r"hand it over as reads=\[result\]"),
        ({"on_streaming_batch": "tell me"}, TypeError, "'tell me' cannot be called"),
        ({"interventions": {"use": "warn", "m": 1}}, ConfigurationError, "takes no options"),
        ({"interventions": "blok-after"}, LookupError, "'blok-after'.*did you mean block-after"),
        ({"interventions": [object()]}, TypeError, "no method decide"),
        ({"adopt": "yes"}, StreamIdentityError, "continue.*fork"),
        ({"dataset_version": "1.0"}, TypeError, "name every batch of the stream alike"),
        ({"dataset_version": "{day}"}, ConfigurationError, r"\{day\} is not one of"),
        ({"dataset_id": lambda facts: ""}, ConfigurationError, "gave '', which is no name"),
    ],
    ids=lambda value: str(next(iter(value))) if isinstance(value, dict) else "",
)
def test_what_cannot_be_kept_is_refused_before_the_start(spark, flow, options, error, match):
    rows = flow([ID])
    rows.put("id", "1")
    with pytest.raises(error, match=match):
        rows.start(**options)
    assert spark.streams.active == []
    assert not (rows.checkpoint / "offsets").exists()


@pytest.mark.parametrize("kind", ["aggregation", "change feed"])
def test_a_frame_that_cannot_be_appended_from_is_refused(spark, flow, kind):
    rows = flow([ID])
    rows.put("id", "1")
    frame, _ = rows.read(uncast="null")
    if kind == "aggregation":
        frame, why = frame.groupBy("id").count(), "it cannot be appended from: .*watermark"
    else:
        frame, why = frame.selectExpr("*", "'insert' AS _change_type"), "would leave its row alive"
    with pytest.raises(UnsupportedOutputModeError, match=why):
        rows.start(df=frame, reads=[])
    assert spark.streams.active == []
    assert not rows.checkpoint.exists()


def test_one_folder_cannot_take_both_lanes(flow):
    rows = flow([ID])
    rows.put("id", "1")
    with pytest.raises(ConfigurationError, match="same folder as main"):
        rows.start(rejects=rows.at(rows.main))


def test_a_frame_that_does_not_stream_is_refused(spark, flow):
    rows = flow([ID])
    rows.put("id", "1")
    with pytest.raises(TypeError, match="does not stream"):
        rows.start(df=spark.range(1))


def test_reserved_names_are_refused(flow):
    rows = flow([ID, {"name": "_dc43_x", "logicalType": "string"}])
    rows.put("id,_dc43_x", "1,a")
    with pytest.raises(ConfigurationError, match="'_dc43_x' begins with _dc43_"):
        rows.start()
    plain = flow([ID])
    plain.put("id,_DC43_y", "1,a")
    with pytest.raises(ConfigurationError, match="'_DC43_y' begins with _dc43_"):
        plain.start()


def test_files_that_would_vanish_from_sight_are_not_written_beside(flow):
    rows = flow([ID])
    rows.put("id", "1")
    rows.main.mkdir()
    (rows.main / "older.parquet").write_bytes(b"")
    with pytest.raises(UnsoundPlaceError, match=r"older\.parquet"):
        rows.start()


# -- restarts --------------------------------------------------------------------------------------


def test_a_restart_goes_on_and_takes_no_batch_twice(flow):
    rows = flow([ID, NOTE])
    rows.put("id,note", "1,a", ",b")
    first = rows.run(query_name="q")
    rows.put("id,note", "2,c")
    second = rows.run(query_name="q")
    assert [b["batch_id"] for b in (*first.batches, *second.batches)] == [0, 1]
    assert second.batch["epoch"] == 2

    # The process died after our commit and before Spark's: Spark hands the batch over again.
    for file in (rows.checkpoint / "commits").glob("*1*"):
        file.unlink()
    rows.put("id,note", "3,d")
    third = rows.run(query_name="q")
    assert third.error is None
    assert [b["batch_id"] for b in third.batches] == [1, 2]
    assert rows.main_rows() == [(1, "a"), (2, "c"), (3, "d")]
    assert len(rows.reject_rows()) == 1
    assert [record.batch_id for record in rows.records()] == [0, 1, 2]
    assert third.result.details["stream_id"] == first.result.details["stream_id"]

    nothing_new = rows.run(query_name="q")
    assert (nothing_new.error, nothing_new.batches) == (None, [])
    assert nothing_new.result.dataset_version == "2"

    rows.put("id,note", "4,e")
    named = rows.run(query_name="q", dataset_id="sales", dataset_version="{timestamp}")
    planned = json.loads((rows.checkpoint / "offsets" / "3").read_text().splitlines()[1])
    moment = datetime.fromtimestamp(planned["batchTimestampMs"] / 1000, UTC)
    assert datetime.fromisoformat(named.batch["dataset_version"]) == moment
    assert (named.batch["dataset_id"], named.result.dataset_id) == ("sales", "sales")


def test_a_wiped_checkpoint_is_refused_or_forked(flow):
    rows = flow([ID])
    rows.put("id", "1")
    rows.run()
    rows.checkpoint.rename(rows.home / "gone")
    with pytest.raises(StreamIdentityError, match="its rows land twice"):
        rows.start()
    landed = rows.run(adopt="fork")
    assert landed.error is None
    assert rows.main_rows() == [(1,), (1,)], "read again, as the caller said"
    assert landed.batch["batch_id"] == 0
    assert landed.batch["dataset_version"] == "1", "numbers are the sink's own"


def test_two_streams_share_a_sink(flow):
    one, other = flow([ID, NOTE]), flow([ID, NOTE])
    shared = {"path": one.at(one.main), "rejects": one.at(one.rejects)}
    one.put("id,note", "1,a", ",b")
    other.put("id,note", "2,c")
    one.run(query_name="one", **shared)
    other.run(query_name="other", **shared)
    other.put("id,note", ",d", "3,e")
    second = other.run(query_name="other", **shared)
    one.put("id,note", "4,f")
    last = one.run(query_name="one", **shared)
    assert one.main_rows() == [(1, "a"), (2, "c"), (3, "e"), (4, "f")]
    assert sorted(row.note for row in one.reject_rows()) == ["b", "d"]
    ids = {row.note: row["_dc43_stream"] for row in one.reject_rows()}
    assert ids["b"] == last.result.details["stream_id"] != ids["d"]
    assert second.batch["dataset_version"] == "2"
    assert last.batch["dataset_version"] == "3"


def test_a_rule_that_does_not_go_with_its_column_is_named_and_not_enforced(flow):
    rows = flow([{"name": "id", "logicalType": "integer", "logicalTypeOptions": {"pattern": "a"}}])
    rows.put("id", "1")
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert rows.main_rows() == [(1,)]
    assert not any("pattern" in check for check in landed.broken)


# -- strategies ------------------------------------------------------------------------------------


class ThirdBadBatch:
    """Blocks the third bad batch it ever saw; remembers through its state alone."""

    def decide(self, context: DecisionContext) -> Intervention | str:
        bad = context.state.get("bad", 0) + context.bad
        if bad >= 3:
            return f"{bad} bad batches"
        return Intervention(
            decision=Decision.WARN if context.bad else Decision.CONTINUE,
            reason=f"{bad} so far" if context.bad else None,
            state={"bad": bad},
        )


def test_a_strategy_s_memory_survives_a_restart(flow):
    rows = flow([ID, NOTE])
    strategy = {"interventions": [ThirdBadBatch()], "per_batch": 1}
    rows.put("id,note", ",bad")
    rows.put("id,note", "1,good")
    rows.put("id,note", "2,half", ",bad")
    first = rows.run(**strategy)
    assert first.error is None
    told = [(b["intervention"], b["decision"]) for b in first.batches]
    assert told == [("1 so far", "route"), (None, "continue"), ("2 so far", "route")]

    rows.put("id,note", "3,good")
    rows.put("id,note", "4,half", ",bad")
    second = rows.run(**strategy)
    assert second.error is not None
    assert "ThirdBadBatch: 3 bad batches" in second.error
    assert rows.main_rows() == [(1, "good"), (2, "half"), (3, "good")]
    assert rows.committed()[-1] == "3"

    # The batch that is tried again does not count twice.
    third = rows.run(**strategy)
    assert third.error is not None
    assert "ThirdBadBatch: 3 bad batches" in third.error
    assert [record.outcome for record in rows.records()] == [*["committed"] * 4, "blocked"]


@define
class Fails:
    def decide(self, context: DecisionContext) -> Intervention:
        raise ZeroDivisionError("no answer")


@pytest.mark.parametrize("enforce", [True, False])
def test_a_strategy_that_fails_leaves_no_verdict(flow, enforce):
    rows = flow([ID])
    rows.put("id", "1")
    landed = rows.run(interventions=[Fails()], enforce=enforce)
    assert (landed.batch["verdict"], landed.result.ok) == ("unknown", False)
    assert (landed.error is None, len(rows.rows())) == ((False, 0) if enforce else (True, 1))
    assert "no answer" in landed.batch["errors"][0]


# -- listeners -------------------------------------------------------------------------------------


def test_a_listener_that_fails_is_counted_and_harmless(flow):
    rows = flow([ID])
    rows.put("id", "1")
    rows.put("id", "2")

    def listen(batch):
        batch.clear()
        raise RuntimeError("not today")

    landed = rows.run(per_batch=1, on_streaming_batch=listen)
    assert landed.error is None
    assert landed.result.details["listener_failures"] == {"on_streaming_batch": 2}
    assert rows.main_rows() == [(1,), (2,)]
    assert [b["batch_id"] for b in landed.batches] == [0, 1]
    assert landed.result.ok


def test_batches_are_seen_from_another_thread_while_the_query_runs(flow):
    rows = flow([ID])
    rows.put("id", "1", "x")
    rows.put("id", "2")
    told, looked = threading.Semaphore(0), threading.Semaphore(0)

    def listen(batch):
        told.release()
        assert looked.acquire(timeout=60)

    result = rows.start(per_batch=1, on_streaming_batch=listen)
    (query,) = result.streaming_queries
    for known in (1, 2):
        assert told.acquire(timeout=60)
        assert query.isActive
        assert [b["batch_id"] for b in result.streaming_batches] == list(range(known))
        assert result.metrics["row_count"] == known + 1
        assert result.dataset_version == str(known - 1)
        assert (result.run.active, result.run.exception()) == (True, None)
        assert result.run.await_termination(0.01) is False
        assert result.run.summary()["outcome"] == "running"
        looked.release()
    assert result.run.await_termination(60)
    assert "listener_failures" not in result.details
    # The worst that happened, not the last.
    assert [b["verdict"] for b in result.streaming_batches] == ["warn", "ok"]
    summary = result.run.summary()
    assert (summary["outcome"], summary["status"], summary["row_count"]) == ("ended", "warn", 3)
    told = [s.direction for s in rows.runtime.governance.schema_observations()]
    assert told == ["read", "write"], "one for each call, however many batches"


def test_a_fault_of_the_query_is_seen_on_the_result(flow):
    rows = flow([ID])
    rows.put("id", "1")

    def boom(value):
        raise ValueError("user code")

    frame, read = rows.read()
    landed = rows.run(df=frame.withColumn("id", udf(boom, "long")("id")), reads=[read])
    assert landed.error is not None
    assert (landed.result.ok, landed.result.status) == (False, "unknown")
    assert landed.result.details["outcome"] == "failed"
    assert (rows.rows(), rows.records()) == ([], [])
