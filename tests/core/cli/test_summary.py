"""From records to numbers."""

from __future__ import annotations

from dc43_core.cli.summary import Tally, latest, summarise, tallied
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Outcome, Verdict


def blocked(batch_id: int):
    return make_record(batch_id=batch_id, outcome=Outcome.BLOCKED)


def test_no_records_are_idle_and_ok():
    summary = summarise(Tally())
    assert (summary["status"], summary["outcome"], summary["batch_count"]) == ("ok", "idle", 0)
    assert summary["dataset_id"] is None


def test_counts_and_checks_add_up():
    second = make_record(
        batch_id=1, dataset_version="2", violations_by_check={"z": 1, "amount.required": 4}
    )
    summary = summarise(tallied([make_record(), second]))
    assert (summary["batch_count"], summary["row_count"], summary["reject_count"]) == (2, 20, 2)
    assert list(summary["violations_by_check"].items()) == [("amount.required", 5), ("z", 1)]
    assert summary["dataset_version"] == "2"


def test_the_worst_verdict_counts_not_the_last():
    records = [make_record(verdict=Verdict.WARN), make_record(batch_id=1, verdict=Verdict.OK)]
    assert summarise(tallied(records))["status"] == "warn"


def test_a_blocked_batch_is_named_and_not_counted():
    summary = summarise(tallied([make_record(), blocked(1)]))
    assert (summary["status"], summary["outcome"]) == ("block", "blocked")
    assert (summary["batch_count"], summary["row_count"]) == (1, 10)
    assert summary["blocked_batches"] == [1]


def test_what_is_known_of_a_blocked_batch_is_kept_for_the_report():
    tally = tallied([make_record(), blocked(1)])
    assert (tally.handled, tally.handled_rows) == (2, 20)
    assert tally.handled_by_check == {"amount.required": 2}


def test_a_batch_that_was_blocked_and_then_published_is_the_published_one():
    published = make_record(batch_id=1)
    for records in ([blocked(1), published], [published, blocked(1)]):
        assert latest(records) == [published]


def test_a_fault_leaves_the_verdict_unknown_whatever_was_published():
    summary = summarise(tallied([make_record(verdict=Verdict.OK)]), ended="failed")
    assert (summary["status"], summary["outcome"]) == ("unknown", "failed")


def test_a_stop_leaves_the_verdict_of_what_was_published():
    summary = summarise(tallied([make_record(verdict=Verdict.OK)]), ended="stopped")
    assert (summary["status"], summary["outcome"]) == ("ok", "stopped")
