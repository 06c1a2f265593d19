"""`dc43 datasets` and `dc43 versions`: the catalogue from the command line."""

from __future__ import annotations

import contextlib
import io
import json
import re
from typing import Any

import pytest

from dc43_core.cli import main
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.protocol.file_store import LocalFileStore


@pytest.fixture
def run(project):
    """Three batches: two versions, and one that changes nothing about them."""
    project.batches(project.good, [*project.good, *project.bad])
    pipeline = project.pipeline()
    assert project.dc43("run", pipeline).code == 0
    return project


def approve(project, *more: str, word: str = "approve", dataset: str = "orders"):
    arguments = ("versions", word, dataset, "1", "--reason", "checked", "--by", "anna")
    return project.dc43(*arguments, *more)


def test_versions_are_listed_with_the_one_before_and_who_said_what(run):
    approve(run, word="reject")
    called = run.dc43("versions", "list", "orders")
    assert called.code == 0
    rows = [line.split() for line in called.out.splitlines()]
    assert rows[1][:2] == ["0", "-"]
    assert rows[2][:2] == ["1", "0"]
    assert (rows[1][-1], rows[2][-1]) == ("-", "rejected")
    assert "2 versions of orders." in called.out
    facts = run.dc43("versions", "list", "orders.toml", "--newest", "1", "--json").json
    (one,) = facts["versions"]
    assert (one["dataset_version"], one["previous_version"], one["status"]) == (
        "1",
        "0",
        "rejected",
    )


def test_a_version_is_shown_with_contract_counts_and_words(run):
    approve(run)
    out = run.dc43("versions", "show", "orders", "1").out
    assert "contract   orders 1.0.0" in out
    assert "previous   0" in out
    assert "rows       4, 3 in main, 1 rejected" in out
    assert re.search(r"^rejects    .*, version 0$", out, re.MULTILINE)
    assert "status     approved" in out
    assert "approved by anna: checked" in out
    facts = run.dc43("versions", "show", "orders", "1", "--json").json
    assert facts["record"]["dataset_version"] == "1"
    assert [word["by"] for word in facts["approvals"]] == ["anna"]


def test_a_word_is_a_file_beside_the_sink_and_a_row_of_the_ledger(run):
    called = approve(run)
    assert (called.code, called.out) == (0, "Version 1 of orders is approved by anna: checked.\n")
    approve(run, word="reject")
    folder = run.folder / "out" / "main" / "_dc43" / "approvals"
    assert sorted(path.name for path in folder.iterdir()) == ["1-1", "1-2"]
    kept = [json.loads((folder / name).read_text())["status"] for name in ("1-1", "1-2")]
    assert kept == ["approved", "rejected"]
    assert [a.number for a in run.runtime.governance.approvals()] == [1, 2]
    records = run.runtime.governance.records()
    assert len({r.dataset_version for r in records}) == len(records) == 2


def test_the_history_tells_the_status_where_somebody_spoke(run):
    assert "status" not in run.dc43("history", "orders").out
    approve(run)
    called = run.dc43("history", "orders")
    assert "status" in called.out
    assert "version 1: approved by anna: checked" in called.out
    facts = run.dc43("history", "orders", "--json").json
    assert [word["status"] for word in facts["approvals"]] == ["approved"]


def test_a_ledger_that_is_made_anew_has_the_same_words(run):
    approve(run)
    approve(run, word="reject")
    governance, told = run.runtime.governance, {}
    for way in ("ledger rebuild orders.toml", "run orders.toml"):
        empty = run.runtime._governance = MemoryGovernance()
        assert run.dc43(*way.split()).code == 0
        told[way] = (list(empty.approvals()), [r.payload() for r in empty.records()])
    before = (list(governance.approvals()), [r.payload() for r in governance.records()])
    assert list(told.values()) == [before, before]


def test_rebuilding_says_how_many_approvals_there_are(run):
    approve(run)
    called = run.dc43("ledger", "rebuild", "orders.toml")
    assert called.out.endswith("2 known before, and 1 approval.\n")
    assert run.dc43("ledger", "rebuild", "orders.toml", "--json").json["approvals"] == 1


def test_a_word_that_is_damaged_stops_no_stream(run, caplog):
    approve(run)
    (run.folder / "out/main/_dc43/approvals/1-1").write_text("{")
    assert run.dc43("run", "orders.toml").code == 0
    assert "approvals.kept-back" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "orders", "9"), "version 9 of orders is not there; its newest: 0, 1"),
        (("show", "nobody", "0"), "no records of dataset 'nobody'"),
        (("list", "nobody"), "datasets there: orders"),
        (("approve", "orders", "1", "--reason", " "), "needs a reason"),
    ],
)
def test_what_is_not_there_exits_2_and_says_what_is(run, arguments, told):
    called = run.dc43("versions", *arguments)
    assert called.code == 2
    assert told in called.err


def test_a_sink_that_takes_an_engine_needs_the_pipeline_file(run):
    (first, *_) = run.runtime.governance.records()
    payload = {**first.payload(), "sink": "hdfs://cluster/main", "record_id": "far"}
    run.runtime.governance.record_many(
        [type(first).from_payload({**payload, "dataset_version": "77"}, "far")]
    )
    arguments = ("versions", "approve", "orders", "77", "--reason", "checked")
    called = run.dc43(*arguments)
    assert called.code == 2
    assert "give the pipeline file in place of the dataset's id" in called.err


def test_a_pipeline_s_engine_writes_where_no_local_path_does(run, monkeypatch):
    class Elsewhere(LocalFileStore):
        """Sinks of another file system, which lie on this machine after all."""

        def uri(self, path: str) -> str:
            return super().uri(path.replace("hdfs://cluster", str(run.folder)))

    run.hooks["store"] = Elsewhere()
    monkeypatch.setattr("dc43_core.cli.versions.is_local", lambda uri: False)
    assert approve(run, dataset="orders.toml").code == 0
    assert [a.status.value for a in run.runtime.governance.approvals()] == ["approved"]


def test_datasets_are_listed_with_what_they_are(run):
    approve(run)
    called = run.dc43("datasets")
    assert called.code == 0
    rows = {line.split()[0]: line.split() for line in called.out.splitlines()[1:3]}
    assert rows["orders"][1:5] == ["output", "1", "warn", "approved"]
    # Of two batches one was rejected from: the first entry of that sink.
    assert rows["orders.rejects"][1:3] == ["rejects", "0"]
    facts = run.dc43("datasets", "--json").json["datasets"]
    assert [one["dataset_id"] for one in facts] == ["orders", "orders.rejects"]
    assert facts[0]["version"]["previous_version"] == "0"


def test_an_empty_ledger_says_what_fills_it(project):
    assert "no datasets" in project.dc43("datasets").out


def test_the_commands_that_read_work_while_a_stream_runs(project):
    """Each batch is in every answer as soon as it has landed."""
    project.batches(project.good, project.good, project.good)
    seen = []

    def asked(*arguments: str) -> Any:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main([*arguments, "--json"], runtime=lambda: project.runtime) == 0
        text, found = out.getvalue().strip(), []
        while text:
            one, end = json.JSONDecoder().raw_decode(text)
            found.append(one)
            text = text[end:].strip()
        return found

    def look(batch_id: int) -> None:
        if batch_id == 1:
            asked("versions", "approve", "orders", "0", "--reason", "checked")
        [versions] = asked("versions", "list", "orders")
        [history] = asked("history", "orders")
        [status] = asked("status")
        watched = asked("watch", "orders", "--seconds", "0")
        newest = status["streams"][0]["newest"]["batch_id"]
        seen.append((len(versions["versions"]), len(history["records"]), len(watched), newest))
        assert status["streams"][0]["state"] == "running"

    project.hooks["after"] = look
    assert project.dc43("run", project.pipeline()).code == 0
    assert seen == [(n + 1, n + 1, n + 1, n) for n in range(3)]
    assert len(list(project.runtime.governance.approvals())) == 1


def test_doctor_compares_words_beside_the_sink_with_those_of_the_ledger(run):
    def of_ledger() -> list[tuple[str, str]]:
        facts = run.dc43("doctor", "orders.toml", "--json").json
        # None of it stops a stream or shows readers wrong data.
        assert facts["ok"]
        found = [f for f in facts["findings"] if f["area"] == "ledger"]
        return [(f["level"], f["what"]) for f in found if "approval" in f["what"]]

    assert of_ledger() == []
    approve(run)
    assert of_ledger() == [("ok", "it has every approval beside the sink: 1")]
    run.runtime.governance._approvals.clear()
    assert of_ledger() == [("warning", "1 of 1 approvals beside the sink are not in it")]
    (run.folder / "out/main/_dc43/approvals/1-1").write_text("{")
    [(level, what)] = of_ledger()
    assert (level, "approvals/1-1" in what) == ("warning", True)
    assert run.dc43("vacuum", "orders.toml", "--yes").code == 0
    assert (run.folder / "out/main/_dc43/approvals/1-1").exists()
