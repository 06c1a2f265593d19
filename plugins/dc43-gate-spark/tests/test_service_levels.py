"""How old the rows of a batch are, counted while it is written."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dc43_integrations.spark.io import write_with_contract

pytestmark = pytest.mark.spark

COLUMNS = [
    {"name": "id", "logicalType": "integer", "required": True},
    {"name": "at", "logicalType": "timestamp"},
    {"name": "wall", "physicalType": "timestamp_ntz"},
    {"name": "day", "logicalType": "date"},
    {"name": "text", "physicalType": "string"},
]
LEVELS = [
    {"property": "latency", "value": 1, "unit": "h", "element": "rows.at, wall, day"},
    {"property": "retention", "value": 9_999, "unit": "y", "element": "rows.at, day"},
    {"property": "frequency", "value": 1, "unit": "h"},
    {"property": "freshness", "value": 1, "unit": "h", "element": "text"},
]


def test_each_column_is_as_old_as_its_newest_row_and_that_costs_no_job(spark, flow):
    rows = flow(COLUMNS, levels=LEVELS)
    rows.put(
        "id,at,wall,day,text",
        "1,2026-01-02T03:04:05.678Z,2026-01-02T03:04:05,2026-01-02,a",
        "2,2025-01-01T00:00:00Z,,+99999-01-01,b",
        # It breaks a rule, so it is no news.
        ",2099-01-01T00:00:00Z,2099-01-01T00:00:00,0001-01-01,c",
    )
    landed = rows.run(enforce=True)
    assert landed.error is None
    (query,) = landed.result.streaming_queries
    # One over the source, and one over the row that is rejected.
    assert len(spark.sparkContext.statusTracker().getJobIdsForGroup(str(query.runId))) == 2

    planned = datetime.fromisoformat(landed.batch["input"]["planned_at"])
    zone = ZoneInfo(spark.conf.get("spark.sql.session.timeZone"))

    def age(moment: datetime) -> float:
        return round((planned - moment).total_seconds(), 3)

    numbers = {name: n for name, n in landed.batch["metrics"].items() if name.endswith("_seconds")}
    assert numbers == {
        "at.latency_seconds": age(datetime(2026, 1, 2, 3, 4, 5, 678_000, UTC)),
        "wall.latency_seconds": age(datetime(2026, 1, 2, 3, 4, 5, tzinfo=zone)),
        # The last day that is told; a later one is no error.
        "day.latency_seconds": age(datetime(9999, 12, 30, tzinfo=zone)),
        "at.retention_seconds": age(datetime(2025, 1, 1, tzinfo=UTC)),
        "day.retention_seconds": age(datetime(2026, 1, 2, tzinfo=zone)),
    }
    assert landed.batch["verdict"] == "warn"
    assert [text.split(":")[0] for text in landed.batch["warnings"] if text.startswith("age")] == [
        "age of the newest at of a batch",
        "age of the newest wall of a batch",
    ]
    assert (
        "text.freshness is not enforceable: text is string; only a date or timestamp has an age"
        in (landed.result.warnings)
    )

    again = write_with_contract(
        df=spark.createDataFrame([(3, datetime(2026, 1, 2, tzinfo=UTC))], "id int, at timestamp"),
        contract=rows.contract,
        path=rows.at(rows.home / "once"),
        runtime=rows.runtime,
    )
    begun = datetime.fromisoformat(rows.records()[-1].started_at)
    assert again.metrics["at.latency_seconds"] == round(
        (begun - datetime(2026, 1, 2, tzinfo=UTC)).total_seconds(), 3
    )
