"""The row of a run: alive while the run is, told how it ended, and never in the data's way."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from dc43_core.errors import StopRequestedError
from dc43_core.governance import run_log as module
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.governance.model import Run, StopRequest
from dc43_core.governance.run_log import QueryEnd, RunLog
from dc43_core.testing.runs import ASKED, make_run
from dc43_core.vocabulary import RunOutcome


class Query:
    """A query whose end the test decides."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.end = QueryEnd(outcome=RunOutcome.ENDED)

    def wait(self, seconds: float) -> QueryEnd | None:
        return self.end if self.ended.wait(min(seconds, 0.01)) else None

    def stop(self) -> None:
        self.end = QueryEnd(outcome=RunOutcome.STOPPED)
        self.ended.set()


class Down(MemoryGovernance):
    """Takes records, and no row of a run."""

    def save_run(self, run: Run) -> StopRequest | None:
        raise ConnectionError("governance is down")


class NoRuns:
    """A client of the first release."""


def only(client: MemoryGovernance) -> Run:
    (run,) = client.runs()
    return run


def test_the_row_is_there_before_the_first_batch_and_ends_with_the_query():
    client, query = MemoryGovernance(), Query()
    log = RunLog(lambda: client, make_run())
    log.watch(query)
    assert (only(client).outcome, only(client).ended_at) == (None, None)
    query.ended.set()
    log.join()
    assert only(client).outcome is RunOutcome.ENDED
    assert only(client).ended_at is not None


def test_the_step_is_told(monkeypatch: pytest.MonkeyPatch):
    client, query = MemoryGovernance(), Query()
    log = RunLog(lambda: client, make_run())
    log.watch(query)
    log.step("staged", 7)
    query.ended.set()
    log.join()
    assert (only(client).step, only(client).batch_id) == ("staged", 7)


def test_the_heart_beats_while_nothing_happens(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.0)
    beats = threading.Semaphore(0)

    class Counts(MemoryGovernance):
        def save_run(self, run: Run) -> StopRequest | None:
            beats.release()
            return super().save_run(run)

    query = Query()
    log = RunLog(lambda: Counts(), make_run())
    log.watch(query)
    assert all(beats.acquire(timeout=30) for _ in range(4))
    query.ended.set()
    log.join()


def test_the_first_word_about_the_end_counts():
    client = MemoryGovernance()
    log = RunLog(lambda: client, make_run())
    log.end(RunOutcome.BLOCKED, "1 row breaks a rule")
    log.end(RunOutcome.FAILED, "the query failed")
    assert (only(client).outcome, only(client).reason) == (
        RunOutcome.BLOCKED,
        "1 row breaks a rule",
    )


def test_a_stop_request_refuses_the_next_batch():
    client = MemoryGovernance()
    log = RunLog(lambda: client, make_run())
    log.batch_begins(0)
    log.batch_ends()
    client.request_stop("run-1", ASKED)
    log.beat()
    with pytest.raises(StopRequestedError, match=r"run-1 was stopped on request of anna: größe"):
        log.batch_begins(1)


def test_a_request_made_before_the_first_batch_is_seen():
    client = MemoryGovernance()
    client.save_run(make_run())
    client.request_stop("run-1", ASKED)
    with pytest.raises(StopRequestedError):
        RunLog(lambda: client, make_run()).batch_begins(0)


def test_a_query_that_waits_for_data_is_stopped_on_request(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "HEARTBEAT_SECONDS", 0.0)
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.0)
    client, query = MemoryGovernance(), Query()
    log = RunLog(lambda: client, make_run())
    log.watch(query)
    client.request_stop("run-1", ASKED)
    log.join()
    assert (only(client).outcome, only(client).reason) == (
        RunOutcome.STOPPED,
        "on request of anna: größe 🧾",
    )


def test_a_query_with_a_batch_at_hand_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.0)
    client, query = MemoryGovernance(), Query()
    log = RunLog(lambda: client, make_run())
    log.batch_begins(0)
    client.request_stop("run-1", ASKED)
    log.beat()
    log._stop_idle(query)
    assert not query.ended.is_set()
    log.batch_ends()
    log._stop_idle(query)
    assert query.ended.is_set()


def test_a_query_between_two_batches_is_left_alone():
    client, query = MemoryGovernance(), Query()
    log = RunLog(lambda: client, make_run())
    log.batch_begins(0)
    client.request_stop("run-1", ASKED)
    log.batch_ends()
    log.beat()
    log._stop_idle(query)
    assert not query.ended.is_set()


def test_governance_that_is_down_stops_nothing_and_is_counted():
    query = Query()
    log = RunLog(lambda: Down(), make_run())
    log.watch(query)
    log.batch_begins(0)
    log.batch_ends()
    query.ended.set()
    log.join()
    assert log.failures == 2
    assert log.run.outcome is RunOutcome.ENDED


def test_a_client_that_keeps_no_runs_is_left_alone():
    log = RunLog(lambda: NoRuns(), make_run())
    log.batch_begins(0)
    log.end(RunOutcome.ENDED)
    assert log.failures == 0


def test_an_engine_that_is_gone_ends_the_run():
    class Gone(Query):
        def wait(self, seconds: float) -> Any:
            raise ConnectionRefusedError

    client = MemoryGovernance()
    log = RunLog(lambda: client, make_run())
    log.watch(Gone())
    log.join()
    assert (only(client).outcome, only(client).reason) == (
        RunOutcome.FAILED,
        "the engine is gone: ConnectionRefusedError",
    )


def test_a_program_that_ends_closes_the_row_of_a_query_that_runs():
    client, query = MemoryGovernance(), Query()
    log = RunLog(lambda: client, make_run())
    log.watch(query)
    log._program_ends()
    assert (only(client).outcome, only(client).reason) == (
        RunOutcome.STOPPED,
        "its program ended",
    )
    query.ended.set()
    log.join()


@pytest.mark.parametrize(
    ("run", "now", "state"),
    [
        (make_run(), "2026-11-23T17:03:30.000Z", "running"),
        (make_run(), "2026-11-23T17:04:00.000Z", "silent"),
        (make_run(outcome=RunOutcome.FAILED), "2026-11-23T17:04:00.000Z", "failed"),
    ],
)
def test_a_run_without_a_heartbeat_is_silent(run: Run, now: str, state: str):
    assert run.state(now) == state


@pytest.mark.parametrize("fails", [None, RuntimeError, KeyboardInterrupt])
def test_what_follows_a_query_is_done_once_and_the_end_is_told_whatever_comes_of_it(
    fails: type[BaseException] | None,
):
    client, query, done = MemoryGovernance(), Query(), []

    def then() -> None:
        done.append(only(client).outcome)
        if fails is not None:
            raise fails("the ledger is down")

    log = RunLog(lambda: client, make_run())
    log.watch(query, then)
    query.ended.set()
    log.join()
    assert done == [None]
    assert only(client).outcome is RunOutcome.ENDED
