"""A stream that is observed without a sink: measured as a write measures it, and nothing lands."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from dc43_core.errors import BatchBlockedError, ConfigurationError, SingleUseError
from dc43_integrations.spark.io import StreamingObservationWriter

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
PRICE = {"name": "price", "logicalType": "number", "logicalTypeOptions": {"minimum": 0}}
NOTE = {"name": "note", "logicalType": "string"}
DAY = {"name": "day", "logicalType": "date"}
AGE = "day.latency_seconds"
MEASURED = ("row_count", "valid_count", "violations_by_check", "metrics", "verdict", "warnings")


def observe(flow, **options):
    frame, found = flow.read(options={"maxFilesPerTrigger": 1})
    writer = StreamingObservationWriter(
        contract=flow.contract,
        reads=[found],
        checkpoint_location=flow.at(flow.home / "observed"),
        trigger="available-now",
        runtime=flow.runtime,
        **options,
    )
    return writer, writer.start(frame)


@pytest.fixture
def rows(flow):
    made = flow(
        [ID, PRICE, NOTE, DAY],
        quality=[{"metric": "rowCount", "mustBeGreaterThan": 3}],
        levels=[{"property": "latency", "value": 999, "unit": "y", "element": "day"}],
    )
    made.put("id,price,note,day", "1,2.5,a,2026-01-02", ",2.5,b,2026-01-03", "x,y,c,", "4,-1,d,")
    made.put("id,price,note,day", "5,2.5,e,2026-01-04")
    return made


def measured(batch):
    """What was measured, and in place of an age the moment that it is counted from."""
    planned = datetime.fromisoformat(batch["input"]["planned_at"])
    newest = planned - timedelta(seconds=batch["metrics"][AGE])
    return {**{k: batch[k] for k in MEASURED}, "metrics": {**batch["metrics"], AGE: newest}}


def test_what_is_observed_is_what_a_write_would_measure(rows):
    seen = []
    writer, result = observe(rows, on_streaming_batch=seen.append)
    assert result.run.await_termination(120)
    assert (rows.rows(), rows.rows(rows.rejects)) == ([], [])
    assert [b["batch_id"] for b in seen] == [0, 1]
    assert all(b["details"]["observed_only"] and b["outcome"] == "committed" for b in seen)
    assert {(b["main_count"], b["reject_count"]) for b in seen} == {(0, 0)}
    assert (result.dataset_id, result.dataset_version) == ("orders", "1")
    assert writer.result is result
    assert result.streaming_batches == seen
    assert [r.dataset_version for r in rows.records()] == ["0", "1"]
    assert result.details["guarantee"] == "none: rows are counted, and land nowhere"

    frame, _ = rows.read()
    with pytest.raises(SingleUseError, match="started for orders and serves once; make another"):
        writer.start(frame)

    written = rows.run(per_batch=1, rejects=None)
    for observed, landed in zip(seen, written.batches, strict=True):
        assert measured(observed) == measured(landed)
    assert written.batches[0]["violations_by_check"] == {
        "id.required": 1,
        "id.type": 1,
        "price.range": 1,
        "price.type": 1,
    }


def test_keys_are_compared_and_a_strategy_ends_what_it_does_not_want_to_see(flow):
    class Second:
        def decide(self, context):
            return "seen enough" if context.batch_id == 1 else None

    rows = flow([{**ID, "unique": True}])
    rows.put("id", "1", "1", "2")
    rows.put("id", "3")
    _, result = observe(rows, streaming_intervention_strategy=Second())
    with pytest.raises(BatchBlockedError, match=r"batch 1 of orders was blocked: .*seen enough"):
        result.run.await_termination(120)
    assert result.streaming_batches[0]["violations_by_check"] == {"id.unique": 1}
    assert list(rows.home.glob("observed/**/*.parquet")) == [], "nothing is kept of the rows"
    assert result.status == "block"


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"path": "x"}, TypeError, "no parameter 'path': it writes nothing"),
        ({"dataset_version": "{sequence}"}, ConfigurationError, r"take \{batch\}"),
        ({"pth": "x"}, TypeError, "no parameter 'pth'; did you mean path"),
    ],
)
def test_what_only_a_sink_has_is_refused(rows, options, error, match):
    with pytest.raises(error, match=match):
        observe(rows, **options)
    assert rows.spark.streams.active == []
