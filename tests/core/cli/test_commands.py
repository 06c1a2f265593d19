"""`dc43 plan`, `history`, `plugins`, `ledger rebuild`."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from dc43_core.cli import main
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.journal import Journal
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Outcome


def test_plan_shows_every_node_and_counts(project):
    called = project.dc43("plan", "orders.odcs.yaml")
    assert called.code == 0
    assert called.out.startswith("orders 1.0.0, object orders, status active\n")
    assert "enforced  amount.range     amount must be at least 0 [error]" in called.out
    assert "enforced, 0 observed, 0 not enforceable." in called.out
    assert all(len(line) <= 80 for line in called.out.splitlines())


def test_plan_looks_at_contracts_of_any_status_and_names_what_is_not_enforceable(project):
    path = project.folder / "draft.yaml"
    path.write_text(
        (project.folder / "orders.odcs.yaml").read_text().replace("active", "draft")
        + "    quality:\n      - {id: prose, type: text, description: be nice}\n"
    )
    facts = project.dc43("plan", str(path), "--json").json
    assert (facts["status"], facts["object"], facts["contract_version"]) == (
        "draft",
        "orders",
        "1.0.0",
    )
    assert facts["counts"]["not_enforceable"] == 1
    assert {"state": "not enforceable", "path": "quality[0]", "what": "prose"} in facts["nodes"]


@pytest.mark.parametrize(
    ("text", "told"),
    [(None, "x.yaml does not exist"), ("a: [", "x.yaml"), ("a: 1", "no installed contract loader")],
)
def test_plan_of_a_contract_that_cannot_be_read_exits_2(project, text, told):
    if text is not None:
        (project.folder / "x.yaml").write_text(text)
    called = project.dc43("plan", "x.yaml")
    assert (called.code, called.out) == (2, "")
    assert called.err.startswith("dc43: ")
    assert told in called.err
    assert called.err.count("\n") == 1


def test_plan_of_an_unknown_object_exits_2(project):
    assert project.dc43("plan", "orders.odcs.yaml", "--object", "nope").code == 2


def test_history_shows_the_newest_records(project):
    project.batches(project.good, project.bad, project.good)
    project.dc43("run", project.pipeline())
    called = project.dc43("history", "orders", "--newest", "2")
    assert called.code == 0
    assert called.out.startswith("orders, contract orders 1.0.0\n")
    rows = [line.split() for line in called.out.splitlines()[3:5]]
    assert [row[:2] + row[4:] for row in rows] == [
        ["1", "1", "2", "1", "1", "warn", "committed"],
        ["2", "2", "2", "2", "0", "ok", "committed"],
    ]
    assert "2 records; --newest N shows more." in called.out


def test_history_tells_why_and_under_which_contract(project):
    governance = project.runtime.governance
    blocked = make_record(batch_id=1, outcome=Outcome.BLOCKED, contract_version="1.1.0")
    governance.record_many([make_record(), blocked])
    out = project.dc43("history", "orders").out
    assert out.startswith("orders, contracts orders 1.0.0, orders 1.1.0\n")
    assert "batch 1: 1 row breaks amount.required" in out
    assert "block   blocked   1.1.0" in out


def test_history_tells_how_old_the_data_of_the_newest_batch_was(project):
    ages = {"at.latency_seconds": 93_600.5, "frequency_seconds": 3_600.0, "write_seconds": 4}
    known = [make_record(batch_id=number, metrics=ages) for number in (0, 1)]
    project.runtime.governance.record_many([*known, make_record(batch_id=2)])
    lines = project.dc43("history", "orders").out.splitlines()
    assert lines[-4:] == ["", "batch 1: at.latency 1 d 2 h, frequency 1 h 0 min", "", "3 records."]


def test_history_fits_80_columns_with_a_year_of_flights(project):
    count = 336_776
    record = make_record(row_count=count, main_count=311_312, reject_count=25_464)
    project.runtime.governance.record_many([record])
    out = project.dc43("history", "orders").out
    assert "      1     0 2026-11-23 17:03:13 336,776 311,312   25,464 warn    committed" in out


def test_history_as_json_holds_the_records(project):
    project.runtime.governance.record_many([make_record()])
    facts = project.dc43("history", "orders", "--json").json
    assert facts["records"] == [make_record().payload()]


def test_history_of_an_unknown_dataset_names_the_known_ones(project):
    project.runtime.governance.record_many([make_record()])
    called = project.dc43("history", "order")
    assert (called.code, called.out) == (2, "")
    assert called.err.endswith("datasets there: orders; did you mean orders?\n")
    called = project.dc43("history", "orders.rejects")
    assert called.err.endswith("; what is rejected of orders is told in its records\n")
    assert project.dc43("history", "orders", "--namespace", "other").code == 2


def test_history_makes_no_ledger_only_to_look_into_it(project, monkeypatch):
    pytest.importorskip("dc43_governance_sql")
    monkeypatch.setenv("DC43_CONFIG", "")
    project.capsys.readouterr()
    assert main(["history", "orders"]) == 2
    assert "there is no ledger at" in project.capsys.readouterr().err
    assert not (project.folder / ".dc43").exists()


def test_plugins_lists_who_offers_what(project):
    called = project.dc43("plugins")
    assert called.code == 0
    assert called.out.startswith(f"dc43-gate: dc43-gate {version('dc43-gate')}\n")
    assert "  strategy: continue, fail-fast, warn\n" in called.out
    (about,) = project.dc43("plugins", "--json").json["plugins"]
    assert about["module"] == "dc43_core.hooks"
    assert about["offers"]["contract loader"] == ["odcs"]
    assert "dc43_contract_loaders" in about["hooks"]


def keep_records(folder, count):
    checkpoint = folder / "checkpoint"
    journal = Journal(LocalFileStore(), str(checkpoint), "a" * 32)
    for batch_id in range(count):
        journal.keep("committed", make_record(stream_id="a" * 32, batch_id=batch_id))
    return checkpoint


def test_ledger_rebuild_puts_in_what_is_missing(project):
    checkpoint = keep_records(project.folder, 3)
    facts = project.dc43("ledger", "rebuild", str(checkpoint), "--json").json
    assert (facts["found"], facts["new"], facts["streams"]) == (3, 3, ["a" * 32])
    assert len(project.runtime.governance.records()) == 3
    again = project.dc43("ledger", "rebuild", checkpoint.as_uri())
    assert (again.code, "3 records of 1 stream" in again.out) == (0, True)
    assert "0 new in ledger" in again.out


def test_ledger_rebuild_takes_a_pipeline_file(project):
    project.batches(project.bad)
    pipeline = project.pipeline()
    project.dc43("run", pipeline)
    assert project.dc43("ledger", "rebuild", pipeline, "--json").json["found"] == 1


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("gone", "no such folder"),
        (".", "no records of micro-batches lie here"),
        ("hdfs://host/x", "only checkpoints on this machine"),
    ],
)
def test_ledger_rebuild_without_a_journal_exits_2(project, where, told):
    called = project.dc43("ledger", "rebuild", where)
    assert (called.code, called.out) == (2, "")
    assert told in called.err


def test_a_damaged_record_is_a_fault(project):
    checkpoint = keep_records(project.folder, 1)
    (checkpoint / "dc43" / ("a" * 32) / "committed" / "1").write_text("{")
    called = project.dc43("ledger", "rebuild", str(checkpoint))
    assert (called.code, "not JSON" in called.err) == (3, True)
