"""Ages are told of every batch, are the same at each attempt, and stop nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve

from dc43_core.errors import BatchBlockedError
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.pipeline import GovernedStream
from dc43_core.testing.fake_engine import FakeStager, Row
from dc43_core.vocabulary import Decision, Outcome, RunType, Verdict
from tests.core.protocol.conftest import Crash

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, required: true}
      - {name: placed_at}
slaProperties:
  - {property: latency, value: 1, unit: h, element: orders.placed_at}
  - {property: retention, value: 30, unit: d, element: orders.placed_at}
  - {property: frequency, value: 2, unit: h}
"""
LATENCY, RETENTION = "placed_at.latency_seconds", "placed_at.retention_seconds"
FREQUENCY = "frequency_seconds"


class Planned(FakeStager):
    """An engine that says when it planned a batch: on the hour, whoever tries it when."""

    def input(self, batch_id: int) -> Mapping[str, Any]:
        return {"planned_at": f"2026-11-23T{12 + batch_id:02}:00:00.000Z"}


class Seen:
    """A strategy that looks at what it is told."""

    def __init__(self, decision: Decision = Decision.CONTINUE) -> None:
        self.decision = decision
        self.contexts: list[DecisionContext] = []

    def decide(self, context: DecisionContext) -> Intervention:
        self.contexts.append(context)
        return Intervention(decision=self.decision, reason="late")


def planned(stream: GovernedStream[Sequence[Row]]) -> GovernedStream[Sequence[Row]]:
    """Let the engine of a stream say when its batches were planned."""
    known = stream.protocol.stager
    assert isinstance(known, FakeStager)
    stager = Planned(store=known.store, plan=known.plan, kinds=known.kinds)
    stream.protocol = evolve(stream.protocol, stager=stager)
    return stream


def row(*times: str | None) -> list[Row]:
    return [{"id": n, "placed_at": time} for n, time in enumerate(times)]


def test_the_record_the_entry_and_the_result_tell_how_old_the_newest_and_the_oldest_row_is(drivers):
    stream = planned(drivers.start(contract=CONTRACT))
    record = stream.process(row("2026-11-23T11:30:00Z", "2026-11-23T09:00:00Z", None), 0)
    ages = {LATENCY: 1_800, RETENTION: 10_800}
    assert record.metrics.items() >= ages.items()
    assert (record.verdict, FREQUENCY in record.metrics) == (Verdict.OK, False)
    assert stream.result.streaming_batches[-1]["metrics"].items() >= ages.items()
    assert stream.result.metrics.items() >= ages.items()
    assert drivers.governance.records()[-1].metrics == record.metrics


@pytest.mark.parametrize("run_type", list(RunType))
def test_a_bound_that_is_passed_is_a_warning_of_the_batch_and_moves_no_row(drivers, run_type):
    stream = planned(drivers.start(contract=CONTRACT, run_type=run_type))
    record = stream.process(row("2026-11-23T10:00:00Z", "2026-10-04T12:00:00Z"), 0)
    assert record.outcome is Outcome.COMMITTED
    assert (record.verdict, record.errors) == (Verdict.WARN, ())
    assert record.warnings == (
        "age of the newest placed_at of a batch: at most 1 h, measured 2 h",
        "age of the oldest placed_at of a batch: at most 30 d, measured 50 d",
    )
    assert (record.main_count, record.reject_count, record.violations) == (2, 0, 0)


def test_a_bound_that_is_just_met_holds(drivers):
    stream = planned(drivers.start(contract=CONTRACT))
    assert stream.process(row("2026-11-23T11:00:00Z"), 0).verdict is Verdict.OK


def test_a_strategy_sees_it_and_may_block(drivers):
    seen = Seen(Decision.BLOCK)
    stream = planned(drivers.start(seen, contract=CONTRACT, rejects=False))
    with pytest.raises(BatchBlockedError, match="late"):
        stream.process(row("2026-11-23T10:00:00Z"), 0)
    (context,) = seen.contexts
    (finding,) = context.result.findings
    assert (finding.check_id, finding.kind, finding.severity) == (
        "placed_at.latency",
        "latency",
        "warning",
    )
    assert context.result.metrics[LATENCY] == 7_200
    assert drivers.landed() == []
    # What it was measured is kept with the block.
    (blocked,) = drivers.governance.records()
    assert (blocked.outcome, blocked.metrics[LATENCY]) == (Outcome.BLOCKED, 7_200)


@pytest.mark.parametrize("crash_at", ["staged", "decided", "prepared", "main-published"])
def test_a_batch_that_is_tried_again_is_as_old_as_it_was(drivers, crash_at):
    rows = row("2026-11-23T11:30:00Z")
    first = planned(drivers.start(contract=CONTRACT, crash_at=crash_at))
    first.protocol = evolve(first.protocol, now=lambda: "2026-11-23T12:00:01.000Z")
    with pytest.raises(Crash):
        first.process(rows, 0)
    again = planned(drivers.start(contract=CONTRACT))
    again.protocol = evolve(again.protocol, now=lambda: "2026-11-24T12:00:00.000Z")
    assert again.process(rows, 0).metrics[LATENCY] == 1_800
    # The next start finds it committed, and tells the same once more.
    assert planned(drivers.start(contract=CONTRACT)).process(rows, 0).metrics[LATENCY] == 1_800


def test_the_time_between_batches_is_folded_from_the_records_for_any_restarts(drivers):
    rows = row("2026-11-23T15:30:00Z")
    planned(drivers.start(contract=CONTRACT)).process(rows, 0)
    stream = planned(drivers.start(contract=CONTRACT))
    assert stream.process(rows, 1).metrics[FREQUENCY] == 3_600
    # A batch that did not land is no batch before.
    strict = planned(drivers.start(Seen(Decision.BLOCK), contract=CONTRACT, rejects=False))
    with pytest.raises(BatchBlockedError, match="late"):
        strict.process(rows, 4)
    late = planned(drivers.start(contract=CONTRACT)).process(rows, 5)
    assert late.metrics[FREQUENCY] == 14_400
    assert "time since the batch before: at most 2 h, measured 4 h" in late.warnings


def test_rows_that_break_a_rule_and_batches_without_values_tell_no_age(drivers):
    stream = planned(drivers.start(contract=CONTRACT))
    bad = [{"id": None, "placed_at": "2030-01-01T00:00:00Z"}]
    assert LATENCY not in stream.process([*bad, *row(None)], 0).metrics
    assert stream.process([*bad, *row("2026-11-23T12:30:00Z")], 1).metrics[LATENCY] == 1_800
    assert LATENCY not in stream.process([], 2).metrics


def test_an_age_of_the_future_is_below_zero_and_keeps_its_promise(drivers):
    record = planned(drivers.start(contract=CONTRACT)).process(row("2026-11-23T12:30:00Z"), 0)
    assert (record.metrics[LATENCY], record.verdict) == (-1_800, Verdict.OK)
