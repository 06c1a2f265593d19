"""The row of a run on real Spark: however the query ends, the row says so."""

from __future__ import annotations

import time

import pytest
from stream_helpers import Flow

from dc43_core.errors import BatchBlockedError, StopRequestedError
from dc43_core.governance import run_log
from dc43_core.governance.model import Run, StopRequest
from dc43_core.testing.runs import ASKED
from dc43_core.vocabulary import RunOutcome

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
IDLE = {"processingTime": "1 second"}


def only(flow: Flow) -> Run:
    (run,) = flow.runtime.governance.runs()
    return run


def ended(flow: Flow) -> Run:
    """The row once it has an end; the thread that writes it takes a moment."""
    until = time.monotonic() + 60
    while only(flow).outcome is None and time.monotonic() < until:
        time.sleep(0.02)
    return only(flow)


class Heard:
    """Saves runs, and keeps the stop request that was answered."""

    def __init__(self, save_run) -> None:
        self.save_run, self.answered = save_run, None

    def __call__(self, run: Run) -> StopRequest | None:
        self.answered = self.save_run(run)
        return self.answered


def wait_for(query, batches: int) -> None:
    until = time.monotonic() + 120
    while len(query.recentProgress) < batches and query.isActive and time.monotonic() < until:
        time.sleep(0.05)


def test_a_trigger_that_is_done_ends_the_run(flow):
    orders = flow([ID])
    orders.put("id", "1")
    orders.run()
    run = ended(orders)
    assert (run.outcome, run.step, run.batch_id) == (RunOutcome.ENDED, "swept", 0)
    assert orders.records()[0].run_id == run.run_id


def test_a_blocked_batch_ends_the_run(flow):
    orders = flow([ID])
    orders.put("id", "")
    orders.put("id", "x")
    landed = orders.run(rejects=None, enforce=True)
    run = ended(orders)
    assert landed.error is not None
    with pytest.raises(BatchBlockedError, match="batch 0 of orders was blocked"):
        landed.result.run.await_termination()
    assert run.outcome is RunOutcome.BLOCKED
    assert f"record {run.stream_id}-0-blocked" in run.reason


def test_stop_on_the_query_is_noticed(flow):
    orders = flow([ID])
    orders.put("id", "1")
    (query,) = orders.start(trigger=IDLE).streaming_queries
    wait_for(query, 1)
    assert only(orders).outcome is None
    query.stop()
    assert ended(orders).outcome is RunOutcome.STOPPED


def test_the_handle_stops_a_run_and_knows_that_it_was_no_fault(flow):
    orders = flow([ID])
    orders.put("id", "1")
    result = orders.start(trigger=IDLE)
    wait_for(result.streaming_queries[0], 1)
    result.run.stop()
    assert not result.streaming_queries[0].isActive
    assert (only(orders).outcome, only(orders).reason) == ("stopped", "stopped by its caller")
    assert (result.run.exception(), result.run.await_termination()) == (None, True)
    assert (result.ok, result.run.summary()["outcome"]) == (True, "stopped")


def test_a_stop_request_begins_no_other_batch_and_the_next_start_goes_on(flow, monkeypatch):
    monkeypatch.setattr(run_log, "HEARTBEAT_SECONDS", 0.0)
    monkeypatch.setattr(run_log, "_LOOK_SECONDS", 0.05)
    orders = flow([ID])
    for number in range(3):
        orders.put("id", str(number))
    governance = orders.runtime.governance

    def ask(entry):
        governance.request_stop(only(orders).run_id, ASKED)
        # Not before the run has heard of it does the batch end.
        until = time.monotonic() + 60
        while heard.answered is None and time.monotonic() < until:
            time.sleep(0.02)

    heard = Heard(governance.save_run)
    monkeypatch.setattr(governance, "save_run", heard)
    result = orders.start(per_batch=1, on_streaming_batch=ask)
    with pytest.raises(StopRequestedError, match="stopped on request of anna"):
        result.run.await_termination()
    run = ended(orders)
    assert (run.outcome, run.step, run.batch_id) == (RunOutcome.STOPPED, "swept", 0)
    assert orders.committed() == ["0"]
    assert orders.main_rows() == [(0,)]
    assert (result.status.value, result.details["outcome"]) == ("ok", "stopped")
    orders.run(per_batch=1)
    assert orders.main_rows() == [(0,), (1,), (2,)]


def test_a_stop_request_ends_a_query_that_waits_for_data(flow, monkeypatch):
    monkeypatch.setattr(run_log, "HEARTBEAT_SECONDS", 0.0)
    orders = flow([ID])
    orders.put("id", "1")
    (query,) = orders.start(trigger=IDLE).streaming_queries
    wait_for(query, 1)
    orders.runtime.governance.request_stop(only(orders).run_id, ASKED)
    assert query.awaitTermination(60)
    assert (ended(orders).outcome, orders.main_rows()) == (RunOutcome.STOPPED, [(1,)])
