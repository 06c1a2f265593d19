"""One handle over a run: it stops, waits, and never tells a fault as an end."""

from __future__ import annotations

import json
import threading

import pytest

from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import BatchBlockedError, EngineError, StopRequestedError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.governance.run_handle import GovernedQuery, RunHandle
from dc43_core.governance.run_log import QueryEnd, RunLog
from dc43_core.testing.runs import ASKED, make_run
from dc43_core.vocabulary import RunOutcome, Verdict

BLOCKED = BatchBlockedError("orders", 3, "3 rows are broken", "record-3")


class Query:
    """A query whose end the test decides."""

    def __init__(self, name: str) -> None:
        self.client, self.over = MemoryGovernance(), threading.Event()
        self.end = QueryEnd(outcome=RunOutcome.ENDED)
        self.failure: BaseException | None = None
        self.log = RunLog(lambda: self.client, make_run(run_id=name))
        self.log.watch(self)

    def wait(self, seconds: float) -> QueryEnd | None:
        return self.end if self.over.wait(min(seconds, 0.01)) else None

    def stop(self) -> None:
        self.ends(QueryEnd(outcome=RunOutcome.STOPPED))

    def ends(self, end: QueryEnd, failure: BaseException | None = None) -> None:
        self.end, self.failure = end, failure
        self.over.set()

    def governed(self) -> GovernedQuery:
        return GovernedQuery(run_log=self.log, query=self, failure=lambda: self.failure)


@pytest.fixture
def queries():
    made = [Query("one"), Query("two")]
    yield made
    for query in made:
        query.over.set()


def handle(queries: list[Query], **facts) -> RunHandle:
    return RunHandle(ValidationResult(**facts), [query.governed() for query in queries])


def test_waiting_returns_false_in_time_and_true_when_all_have_ended(queries):
    run = handle(queries)
    queries[0].over.set()
    seen = [(run.await_termination(0.05), run.active)]
    queries[1].over.set()
    seen.append((run.await_termination(), run.active))
    assert seen == [(False, True), (True, False)]
    assert run.summary()["outcome"] == "ended"


def test_stop_ends_every_query_that_still_runs_and_their_rows_say_so(queries):
    run = handle(queries)
    queries[0].over.set()
    queries[0].log.join()
    run.stop()
    run.stop()
    assert not run.active
    assert run.exception() is None
    outcomes = [query.client.runs()[0].outcome for query in queries]
    assert outcomes == [RunOutcome.ENDED, RunOutcome.STOPPED]
    assert run.summary()["outcome"] == "stopped"


def test_a_run_whose_work_is_done_ends_instead_of_being_stopped(queries):
    run = handle(queries)
    run.finish("the year is over")
    assert not run.active
    assert [(row.outcome, row.reason) for row in run.rows] == [("ended", "the year is over")] * 2
    assert run.summary()["outcome"] == "ended"


def test_what_stopped_a_batch_is_raised_as_it_was(queries):
    run = handle(queries)
    queries[0].over.set()
    queries[1].log.end(RunOutcome.BLOCKED, str(BLOCKED))
    queries[1].ends(QueryEnd(outcome=RunOutcome.FAILED, error=RuntimeError("lost")), BLOCKED)
    assert run.exception() is BLOCKED
    with pytest.raises(BatchBlockedError, match="3 rows are broken"):
        run.await_termination()
    assert run.summary()["outcome"] == "blocked"


def test_a_fault_of_the_engine_is_an_engine_error_with_its_cause(queries):
    run, cause = handle(queries), RuntimeError("no more memory\nat line 1")
    queries[0].ends(QueryEnd(outcome=RunOutcome.FAILED, reason="OOM", error=cause))
    assert run.active
    fault = run.exception()
    assert isinstance(fault, EngineError)
    assert str(fault) == "the stream stopped: RuntimeError: no more memory"
    assert fault.__cause__ is cause
    assert run.summary()["outcome"] == "failed", "although the other one still runs"


def test_a_stop_that_someone_else_asked_for_is_told(queries):
    query = queries[0]
    run = handle([query])
    query.client.request_stop("one", ASKED)
    query.log.beat()
    query.stop()
    with pytest.raises(StopRequestedError, match="on request of anna"):
        run.await_termination()


def test_the_summary_is_the_worst_that_happened_and_plain_json(queries):
    result = {"status": Verdict.WARN, "reason": "1 row is broken", "metrics": {"row_count": 4}}
    run = handle(queries, dataset_id="orders", **result)
    said = run.summary()
    assert json.loads(json.dumps(said)) == said
    assert (said["outcome"], said["status"], said["row_count"]) == ("running", "warn", 4)
    assert said["run_ids"] == ["one", "two"]
    assert str(run).startswith("running\nwarn: orders")
    assert run._repr_html_().startswith("<p>running</p><div><p><strong>warn: orders")
