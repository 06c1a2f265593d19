"""The scenarios on real Spark, through the helpers: each with both run types.

One day of flights a batch, no pace, three or four batches: what a scenario is about shows by then.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dc43_core.errors import ConfigurationError, UnknownNameError
from dc43_core.governance.model import StopRequest
from dc43_core.protocol import clock
from dc43_demo_app.streaming import ScenarioRun, restore_feed, run_streaming_scenario

pytestmark = pytest.mark.spark

PAGE = Path(__file__).parents[3] / "docs/explanation/spark-streaming-integration.md"
VALID, REJECTS, BREAK = "streaming-valid", "streaming-dq-rejects", "streaming-schema-break"
JANUARY = [842, 943, 914, 915]
"""Flights of the first days."""
REJECTED = [69, 66, 55]
"""Of these, what breaks the analyst's contract."""


def played(spark: Any, home: Any, scenario: str, run_type: str, **options: Any) -> ScenarioRun:
    given = {"seconds": 0, "pace": 0, **options}
    return run_streaming_scenario(scenario, run_type=run_type, home=home.folder, **given)


def told(run: ScenarioRun, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(batch[name] for name in names) for batch in run.batches]


def landed(spark: Any, run: ScenarioRun) -> tuple[int, int]:
    """Rows of main and of rejects, as Spark's own reader sees them."""
    lanes = (run.totals[name] for name in ("sink", "rejects"))
    main, rejects = (
        spark.read.parquet(lane).count() if Path(lane.removeprefix("file://")).exists() else 0
        for lane in lanes
    )
    return main, rejects


def test_observe_as_the_page_s_snippet_runs_it(spark, home, monkeypatch):
    [snippet] = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert snippet.count("run_streaming_scenario(") == 3
    monkeypatch.setenv("DC43_DEMO_HOME", str(home.folder))
    exec(compile(snippet, str(PAGE), "exec"), {})  # noqa: S102
    ledger = home.runtime().governance
    assert [(run.query_name, run.run_type, run.outcome) for run in ledger.runs()] == [
        (VALID, "observe", "ended"),
        (REJECTS, "observe", "ended"),
        (BREAK, "enforce", "blocked"),
    ]
    valid, rejects, broken = (ledger.records(stream_id=run.stream_id) for run in ledger.runs())
    assert [r.row_count for r in valid[:3]] == [r.valid_count for r in valid[:3]] == JANUARY[:3]
    assert [r.dataset_version for r in valid] == [str(n) for n in range(len(valid))]
    assert {r.verdict for r in valid} == {"ok"}
    assert [r.reject_count for r in rejects[:3]] == REJECTED
    assert {(r.verdict, r.outcome, r.decision) for r in rejects} == {("warn", "committed", "route")}
    assert [r.outcome for r in broken] == [*["committed"] * 3, "blocked"]


def test_a_healthy_stream_keeps_every_row_when_enforced(spark, home):
    run = played(spark, home, VALID, "enforce")
    assert (run.outcome, run.status, run.reason) == ("ended", "ok", "0 seconds are over")
    expected = [(rows, rows, 0, "committed") for rows in JANUARY[:3]]
    assert told(run, "row_count", "valid_count", "reject_count", "outcome") == expected
    assert landed(spark, run) == (sum(JANUARY[:3]), 0)


def test_rejects_leave_main_when_enforced_and_the_stream_goes_on(spark, home):
    run = played(spark, home, REJECTS, "enforce")
    assert (run.outcome, run.status) == ("ended", "warn")
    assert told(run, "row_count", "reject_count") == list(zip(JANUARY, REJECTED, strict=False))
    assert landed(spark, run) == (sum(JANUARY[:3]) - sum(REJECTED), sum(REJECTED))
    assert run.totals["violations_by_check"]["tailnum.pattern"] == 185


def test_a_lost_column_sends_every_row_to_the_rejects_when_observed(spark, home):
    run = played(spark, home, BREAK, "observe")
    assert (run.outcome, run.status) == ("ended", "warn")
    assert told(run, "row_count", "reject_count") == [(842, 0), (943, 2), (914, 2), (915, 915)]
    assert landed(spark, run) == (sum(JANUARY[:3]) - 4, 915 + 4)
    [drift] = run.batches[3]["drift"]
    assert (drift["column"], drift["kind"]) == ("tailnum", "missing")


def test_a_lost_column_blocks_when_enforced_until_it_is_restored(spark, home):
    run = played(spark, home, BREAK, "enforce")
    assert (run.outcome, run.status) == ("blocked", "block")
    assert "column tailnum: is required and missing" in str(run.reason)
    assert told(run, "outcome", "dataset_version") == [
        *(("committed", str(number)) for number in range(3)),
        ("blocked", None),
    ]
    assert landed(spark, run) == (sum(JANUARY[:3]) - 4, 4)
    restored = restore_feed(BREAK, run_type="enforce", home=home.folder)
    assert restored[0] == "2013-01-04.csv"
    after = played(spark, home, BREAK, "enforce", resume=True)
    assert (after.outcome, after.place) == ("ended", run.place)
    assert told(after, "batch_id", "row_count", "outcome")[0] == (3, JANUARY[3], "committed")
    assert landed(spark, after)[0] == sum(b["main_count"] for b in after.batches) + 2695
    records = home.runtime().governance.records(stream_id=after.run.stream_id)
    assert [r.outcome for r in records][:5] == [*["committed"] * 3, "blocked", "committed"]


def test_a_run_that_someone_stops_is_told_as_stopped(spark, home):
    def ask(batch: dict[str, Any]) -> None:
        request = StopRequest(by="anna", at=clock.now(), reason="lunch")
        home.runtime().governance.request_stop(batch["run_id"], request)

    run = played(spark, home, VALID, "observe", seconds=None, pace=0.2, on_streaming_batch=ask)
    assert (run.outcome, run.status) == ("stopped", "ok")
    assert "on request of anna: lunch" in str(run.reason)
    assert landed(spark, run)[0] == run.totals["row_count"] > 0


def test_what_cannot_be_run_is_refused(home):
    with pytest.raises(UnknownNameError, match="no scenario named 'streaming-nothing'"):
        run_streaming_scenario("streaming-nothing", home=home.folder)
    with pytest.raises(ConfigurationError, match="'audit' is not one of observe, enforce"):
        run_streaming_scenario(VALID, run_type="audit", home=home.folder)
    with pytest.raises(UnknownNameError, match="no stream named 'gone'"):
        restore_feed(BREAK, home=home.folder, stream="gone")
