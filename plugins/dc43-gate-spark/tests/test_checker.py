"""Existing foreachBatch code calls the checker, and keeps its own writes."""

from __future__ import annotations

from collections import Counter

import pytest

from dc43_core.errors import ClosedError, ConfigurationError
from dc43_core.vocabulary import Verdict
from dc43_integrations.spark.checker import ContractChecker

pytestmark = pytest.mark.spark

PROPERTIES = [
    {"name": "id", "logicalType": "integer", "physicalType": "int", "unique": True},
    {"name": "state", "logicalType": "string", "required": True},
]


@pytest.fixture
def orders(flow):
    return flow(PROPERTIES, quality=[{"metric": "rowCount", "mustBeGreaterThan": 2}])


@pytest.fixture
def frame(spark):
    rows = [("1", "open"), ("2", None), ("x", "open"), ("1", "open"), (None, "paid")]
    return spark.createDataFrame(rows, "id string, state string")


def test_every_row_is_valid_or_rejected_with_its_reasons(orders, frame):
    with ContractChecker(orders.contract, runtime=orders.runtime).check(frame, 7) as batch:
        valid = [tuple(row) for row in batch.valid.collect()]
        rejects = [
            (row["state"], row["_dc43_checks"], row["_dc43_raw"], row["_dc43_batch"])
            for row in batch.rejects.collect()
        ]
    assert Counter(valid) == Counter([(1, "open"), (None, "paid")])
    assert sorted(map(str, rejects)) == sorted(
        map(
            str,
            [
                (None, ["state.required"], None, 7),
                ("open", ["id.type"], {"id": "x"}, 7),
                ("open", ["id.unique"], None, 7),
            ],
        )
    )
    assert batch.row_count == 5


def test_the_result_says_what_a_governed_stream_would_say(orders, spark, frame):
    observed = ContractChecker(orders.contract, runtime=orders.runtime)
    enforced = ContractChecker(orders.contract, runtime=orders.runtime, enforce=True)
    few = frame.limit(1)
    with observed.check(frame) as a, observed.check(few) as b, enforced.check(few) as c:
        assert [batch.result.status for batch in (a, b, c)] == [
            Verdict.WARN,
            Verdict.WARN,
            Verdict.BLOCK,
        ]
        assert a.result.metrics["violations_by_check"] == {
            "id.type": 1,
            "id.unique": 1,
            "state.required": 1,
        }
        assert "number of rows" in c.result.reason


def test_nothing_is_left_of_a_batch_that_was_closed(orders, frame, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    checker = ContractChecker(orders.contract, runtime=orders.runtime, scratch=str(scratch))
    with checker.check(frame) as batch:
        assert list(scratch.iterdir()) != []
    assert list(scratch.iterdir()) == []
    with pytest.raises(ClosedError, match="inside the with block"):
        batch.valid.count()


def test_a_stream_of_ones_own_reads_its_source_once(orders, spark, tmp_path):
    orders.put("id,state", "1,open", "2,")
    orders.put("id,state", "3,open", "4,paid")
    raw = spark.readStream.schema("id string, state string").csv(
        str(orders.source), header=True, nullValue=""
    )
    checker = ContractChecker(orders.contract, runtime=orders.runtime)
    seen = []

    def handle(df, batch_id):
        with checker.check(df, batch_id) as batch:
            batch.valid.write.mode("append").parquet(str(tmp_path / "mine"))
            seen.append(batch.result.metrics["violating_rows"])

    query = (
        raw.writeStream.foreachBatch(handle)
        .option("checkpointLocation", str(tmp_path / "mine-checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination(120)
    assert query.exception() is None
    assert seen == [1]
    assert spark.read.parquet(str(tmp_path / "mine")).count() == 3
    assert query.lastProgress.numInputRows == 4


def test_a_frame_that_streams_is_refused(orders):
    orders.put("id,state", "1,open")
    frame, _ = orders.read()
    with pytest.raises(TypeError, match="foreachBatch"):
        ContractChecker(orders.contract, runtime=orders.runtime).check(frame)


def test_a_column_of_a_name_of_ours_is_refused(orders, spark):
    frame = spark.createDataFrame([(1, "a", 1)], "id int, state string, _dc43_lane int")
    with pytest.raises(ConfigurationError, match="reserves"):
        ContractChecker(orders.contract, runtime=orders.runtime).check(frame)
