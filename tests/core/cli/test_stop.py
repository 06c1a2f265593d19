"""`dc43 stop` and what a run's row says afterwards."""

from __future__ import annotations

import os
import signal

import pytest
from attrs import evolve

from dc43_core.protocol import clock
from dc43_core.testing.runs import ASKED, make_run
from dc43_core.vocabulary import RunOutcome


def rows(project, **filters):
    return list(project.runtime.governance.runs(**filters))


def test_a_start_that_is_done_leaves_its_row(project):
    project.batches(project.good)
    assert project.dc43("run", project.pipeline()).code == 0
    (run,) = rows(project)
    record = project.runtime.governance.records()[0]
    assert (run.run_id, run.stream_id, run.epoch) == (record.run_id, record.stream_id, 1)
    assert (run.step, run.batch_id, run.outcome) == ("swept", 0, RunOutcome.ENDED)


def test_a_blocked_batch_ends_the_run_as_blocked(project):
    project.batches(project.bad)
    pipeline = project.pipeline('[rejects]\npath = "out/rejects"\n', "")
    assert project.dc43("run", pipeline).code == 1
    (run,) = rows(project)
    assert run.outcome is RunOutcome.BLOCKED
    assert "was blocked" in run.reason


def test_a_request_between_batches_ends_the_run_and_begins_no_batch(project):
    project.batches(project.good, project.bad)

    def ask(batch_id):
        (run,) = rows(project)
        project.runtime.governance.request_stop(run.run_id, ASKED)
        # What the heartbeat does a moment later.
        project.hooks["stream"].run_log.beat()

    project.hooks["after"] = ask
    called = project.dc43("run", project.pipeline(), "--json")
    assert called.code == 130
    assert "on request of anna: größe 🧾; start again to go on" in called.err
    assert called.json["outcome"] == called.json["this_run"]["outcome"] == "stopped"
    assert (called.json["batch_count"], called.json["status"]) == (1, "ok")
    (run,) = rows(project)
    assert run.outcome is RunOutcome.STOPPED
    assert [r.batch_id for r in project.runtime.governance.records()] == [0]
    assert not list(project.folder.glob("out/checkpoint/dc43/*/prepared/1"))
    project.hooks["after"] = lambda batch_id: None
    again = project.dc43("run", project.pipeline(), "--json")
    assert (again.code, again.json["this_run"]["batch_count"]) == (0, 1)


def test_stop_asks_the_newest_run_of_a_pipeline(project):
    project.batches(project.bad)
    pipeline = project.pipeline()
    project.dc43("run", pipeline)
    (ended,) = rows(project)
    run = evolve(ended, run_id="later", outcome=None, heartbeat_at=clock.now())
    project.runtime.governance.save_run(run)
    called = project.dc43("stop", pipeline, "--reason", "new contract")
    assert called.code == 0
    assert called.out == f"run {run.run_id} of orders is asked to stop, after the batch at hand\n"
    asked = rows(project)[-1].stop_request
    assert (asked.reason, bool(asked.by)) == ("new contract", True)


def test_stop_says_of_a_killed_run_that_its_heartbeat_is_old(project):
    project.runtime.governance.save_run(make_run())
    called = project.dc43("stop", "run-1")
    assert "its heartbeat is from 2026-11-23T17:03:12.004Z" in called.out
    assert project.dc43("stop", "run-1", "--json").json["asked"] == [
        {"run_id": "run-1", "state": "silent"}
    ]


@pytest.mark.parametrize("wanted", ["run-1", "orders.toml"])
def test_stop_without_a_run_says_so(project, wanted):
    project.pipeline()
    called = project.dc43("stop", wanted)
    assert called.code == 2
    assert f"dc43: {wanted}: no run without an end" in called.err


def test_sigterm_ends_a_run_as_ctrl_c_does(project):
    project.batches(project.good, project.good)
    project.hooks["after"] = lambda batch_id: os.kill(os.getpid(), signal.SIGTERM)
    before = signal.getsignal(signal.SIGTERM)
    called = project.dc43("run", project.pipeline(), "--json")
    assert (called.code, called.json["outcome"], called.json["batch_count"]) == (130, "stopped", 1)
    assert signal.getsignal(signal.SIGTERM) is before
