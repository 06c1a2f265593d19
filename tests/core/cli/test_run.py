"""`dc43 run` on the fake engine: exit codes, the JSON object, the report."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

from dc43_core.config import Config
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.runtime import Runtime

NO_REJECTS = '[rejects]\npath = "out/rejects"\n'
KEYS = {
    "status",
    "outcome",
    "dataset_id",
    "dataset_version",
    "batch_count",
    "row_count",
    "valid_count",
    "reject_count",
    "violations_by_check",
    "sink",
    "rejects",
}


class NoClient:
    """A data-quality client that cannot be reached."""

    def findings(self, plan: Any, observations: Any) -> Any:
        raise ConnectionError("no route to the judge")


def fail_after(first: int) -> Any:
    def after(batch_id: int) -> None:
        if batch_id == first:
            raise OSError("no space left\non the disk")

    return after


def test_a_clean_run_is_ok_and_exits_0(project):
    project.batches(project.good)
    called = project.dc43("run", project.pipeline())
    assert called.code == 0
    assert "1 batch published: 2 rows in orders, 0 rejected." in called.out
    assert "`dc43 history orders` shows the batches" in called.out


def test_rejected_rows_are_a_warning_and_exit_0(project):
    project.batches(project.good, project.bad)
    called = project.dc43("run", project.pipeline())
    assert called.code == 0
    lines = [line.split() for line in called.out.splitlines()]
    assert ["1", "2", "1", "1", "1", "warn", *lines[2][6:]] == lines[2]
    assert ["amount.required", "1", "25.0", "%"] in lines
    assert "2 batches published: 3 rows in orders, 1 rejected (25.0 %)." in called.out


def test_progress_names_configuration_ledger_engine_and_each_batch(project):
    project.batches(project.good, project.bad)
    err = project.dc43("run", project.pipeline()).err.splitlines()
    assert err[0] == "configuration none found, using defaults"
    assert err[1].startswith("ledger memory")
    assert err[2] == f"pipeline {project.folder / 'orders.toml'} (enforce)"
    assert err[3] == "starting Fake ..."
    assert err[4].startswith("batch 0: 2 rows, 0 rejected, ok, ")
    assert err[5].startswith("batch 1: 2 rows, 1 rejected (50.0 %), warn, ")


def test_json_is_the_only_thing_on_stdout(project):
    project.batches(project.good, project.bad)
    called = project.dc43("run", project.pipeline(), "--json")
    facts = called.json
    assert facts.keys() >= KEYS
    assert facts["this_run"].keys() >= KEYS
    assert (facts["status"], facts["outcome"], facts["error"]) == ("warn", "committed", None)
    assert (facts["dataset_id"], facts["dataset_version"]) == ("orders", "1")
    assert facts["violations_by_check"] == {"amount.required": 1}
    assert facts["sink"] == (project.folder / "out/main").as_uri()
    assert "good-bye" in called.err


def test_totals_are_the_streams_and_this_run_is_the_starts(project):
    project.batches(project.bad)
    project.dc43("run", project.pipeline())
    project.batches(project.bad, project.good)
    facts = project.dc43("run", project.pipeline(), "--json").json
    assert (facts["batch_count"], facts["row_count"], facts["reject_count"]) == (2, 4, 1)
    assert facts["status"] == "warn"
    this_run = facts["this_run"]
    assert (this_run["batch_count"], this_run["row_count"], this_run["status"]) == (1, 2, "ok")


def test_a_start_that_finds_nothing_is_idle(project):
    project.batches(project.bad)
    project.dc43("run", project.pipeline())
    called = project.dc43("run", project.pipeline(), "--json")
    assert called.code == 0
    assert (called.json["outcome"], called.json["batch_count"]) == ("committed", 1)
    this_run = called.json["this_run"]
    assert (this_run["outcome"], this_run["status"], this_run["row_count"]) == ("idle", "ok", 0)
    again = project.dc43("run", project.pipeline())
    assert "batch 0: published by an earlier start, skipped" in again.err
    assert "No new data: nothing was published." in again.out


def test_a_first_start_on_an_empty_source_is_idle(project):
    project.batches()
    facts = project.dc43("run", project.pipeline(), "--json").json
    assert (facts["outcome"], facts["status"], facts["dataset_id"]) == ("idle", "ok", "orders")


def test_blocked_data_exits_1(project):
    project.batches(project.good, project.bad)
    called = project.dc43("run", project.pipeline(NO_REJECTS), "--json")
    assert called.code == 1
    facts = called.json
    assert (facts["status"], facts["outcome"], facts["blocked_batches"]) == (
        "block",
        "blocked",
        [1],
    )
    assert (facts["batch_count"], facts["row_count"], facts["rejects"]) == (1, 2, None)
    assert "batch 1 of orders was blocked" in facts["error"]
    way_out = f"`dc43 blocked show {project.folder}/orders.toml 1` shows the ways out"
    assert called.err.splitlines()[-1] == f"dc43: {facts['error']}; {way_out}"


def test_a_blocked_report_says_what_did_not_happen(project):
    project.batches(project.good, project.bad)
    called = project.dc43("run", project.pipeline(NO_REJECTS))
    assert "Batch 1 was blocked: nothing of it was published. 1 batch of this start" in called.out
    assert "amount.required" in called.out
    assert "mend the data or the contract" in called.out


def test_a_batch_that_stays_blocked_blocks_the_next_start_too(project):
    project.batches(project.bad)
    project.dc43("run", project.pipeline(NO_REJECTS))
    called = project.dc43("run", project.pipeline(NO_REJECTS), "--json")
    assert (called.code, called.json["this_run"]["outcome"]) == (1, "blocked")


def test_a_batch_blocked_first_and_published_later_counts_once(project):
    project.batches(project.bad)
    project.dc43("run", project.pipeline(NO_REJECTS))
    called = project.dc43("run", project.pipeline(), "--json")
    facts = called.json
    assert (called.code, facts["outcome"], facts["blocked_batches"]) == (0, "committed", [])
    assert (facts["batch_count"], facts["row_count"], facts["status"]) == (1, 2, "warn")


def test_observe_wins_over_the_file_and_blocks_nothing(project):
    project.batches(project.bad)
    called = project.dc43("run", project.pipeline(NO_REJECTS), "--observe", "--json")
    assert (called.code, called.json["main_count"], called.json["status"]) == (0, 2, "warn")


def test_a_fault_exits_3_and_is_never_ok(project):
    project.batches(project.good, project.good)
    project.hooks["after"] = fail_after(0)
    called = project.dc43("run", project.pipeline(), "--json")
    assert called.code == 3
    facts = called.json
    assert (facts["status"], facts["outcome"], facts["batch_count"]) == ("unknown", "failed", 1)
    assert facts["this_run"]["status"] == "unknown"
    assert facts["error"] == "OSError: no space left on the disk"
    assert called.err.splitlines()[-1] == (
        "dc43: OSError: no space left on the disk (dc43 --traceback ... shows where)"
    )
    assert "Traceback" not in called.err


@pytest.mark.parametrize("how", ["option", "environment"])
def test_a_traceback_is_shown_on_request(project, monkeypatch, how):
    project.batches(project.good)
    project.hooks["after"] = fail_after(0)
    if how == "environment":
        monkeypatch.setenv("DC43_TRACEBACK", "1")
    called = project.dc43(*(["--traceback"] if how == "option" else []), "run", project.pipeline())
    assert (called.code, "Traceback" in called.err, "in after" in called.err) == (3, True, True)


@pytest.mark.parametrize(("run_type", "published"), [("--observe", 1), ("--enforce", 0)])
def test_a_verdict_that_cannot_be_reached_exits_3(project, run_type, published):
    project.batches(project.good)
    unjudged = evolve(
        project,
        runtime=Runtime(
            config=Config(),
            plugins=project.runtime.plugins,
            governance=MemoryGovernance(),
            data_quality=NoClient(),  # type: ignore[arg-type]
        ),
    )
    called = unjudged.dc43("run", unjudged.pipeline(), run_type, "--json")
    assert (called.code, called.json["status"]) == (3, "unknown")
    assert called.json["batch_count"] == published
    assert "no verdict could be reached" in called.json["error"]
    assert "no route to the judge" in called.err.splitlines()[-1]


def test_ctrl_c_exits_130_and_tells_what_is_published(project):
    def stop(batch_id: int) -> None:
        raise KeyboardInterrupt

    project.batches(project.good, project.good)
    project.hooks["after"] = stop
    called = project.dc43("run", project.pipeline(), "--json")
    assert called.code == 130
    assert (called.json["outcome"], called.json["batch_count"]) == ("stopped", 1)
    assert called.err.splitlines()[-1] == "dc43: stopped; start again to go on"
    called = project.dc43("run", project.pipeline())
    assert "Stopped. This start published nothing." in called.out


def test_the_namespace_option_reaches_the_records(project):
    project.batches(project.good)
    called = project.dc43("run", project.pipeline(), "--namespace", "team")
    assert "`dc43 history orders --namespace team`" in called.out
    assert len(project.runtime.governance.records(namespace="team")) == 1


def test_only_the_last_twenty_batches_are_listed(project):
    rows = [[{"id": n, "amount": 1, "state": "open"}] for n in range(23)]
    project.batches(*rows)
    out = project.dc43("run", project.pipeline()).out
    assert "3 earlier batches not shown." in out
    assert "23 batches published: 23 rows in orders" in out
    assert sum(line.split()[5:6] == ["ok"] for line in out.splitlines()) == 20


@pytest.mark.parametrize("fault", [False, True])
def test_records_that_cannot_be_read_back_are_a_fault(project, fault):
    def damage(batch_id: int) -> None:
        for record in (project.folder / "out/checkpoint/dc43").glob("*/committed/*"):
            record.write_text("{")
        if fault:
            raise OSError("the disk is gone")

    project.batches(project.good)
    project.hooks["after"] = damage
    called = project.dc43("run", project.pipeline(), "--json")
    assert (called.code, called.json["status"], called.json["batch_count"]) == (3, "unknown", 1)
    assert called.json["error"].startswith("OSError: the disk is gone" if fault else "file:")
    assert "not JSON" in called.err.splitlines()[-1]
