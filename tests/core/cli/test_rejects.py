"""`dc43 rejects`: what was rejected, and a replay of what passes by now."""

from __future__ import annotations

from pathlib import Path

import pytest

from dc43_core.pipeline import tell_of_write
from dc43_core.protocol.identity import streams_into
from dc43_core.protocol.rejects import Chosen, RejectBatch
from dc43_core.protocol.replay import ReplayProtocol
from dc43_core.runtime import Runtime
from dc43_core.testing.fake_engine import FakeStager, read_rows
from dc43_core.vocabulary import Lane

BROKEN = [
    {"id": 1, "amount": 5, "state": "open"},
    {"id": 2, "amount": None, "state": "open"},
    {"id": 3, "amount": -5, "state": "open"},
]


@pytest.fixture
def rejected(project):
    """A pipeline with two rejects; returns its file."""

    class Rejects:
        """What an engine offers, over lists."""

        def __init__(self, pipeline, runtime):
            tended = project.tended(pipeline)
            contract = runtime.contracts().read(Path(pipeline.resolve(pipeline.contract.path)))
            plan = runtime.plan(contract)
            self.runtime, self.store, self.sinks = runtime, tended.store(), tended.sinks()
            stager = FakeStager(store=self.store, plan=plan, kinds=runtime.kinds)
            self.protocol = ReplayProtocol(
                store=self.store,
                sinks=self.sinks,
                replayer=stager,
                plan=plan,
                namespace="default",
            )

        def batches(self):
            rows = self._rows()
            if not rows:
                return []
            by_check = {check: 1 for row in rows for check in row["_dc43_checks"]}
            return [
                RejectBatch(
                    stream_id="s",
                    batch_id=0,
                    rejected_at="2026-11-26T13:00:00.000Z",
                    contract_version="1.0.0",
                    rows=len(rows),
                    staying=len(rows) - 1,
                    by_check=by_check,
                    staying_by_check=by_check,
                )
            ]

        def rows(self, *, newest, batches=(), checks=()):
            envelope = {
                "_dc43_rejected_at": "2026-11-26T13:00:00.000Z",
                "_dc43_raw": {"amount": "x\x1bx"},
                "_dc43_line": None,
                "_dc43_file": "file:///in/1.csv",
            }
            rows = [
                {**row, **envelope, "_dc43_reasons": row["_dc43_checks"]} for row in self._rows()
            ]
            return [r for r in rows if not checks or set(checks) & set(r["_dc43_checks"])][:newest]

        def replay(self, *, batches=(), checks=()):
            print("the engine is busy")
            streams = {s["stream_id"] for s in streams_into(self.store, self.sinks[Lane.MAIN].uri)}
            done = self.protocol.run(
                Chosen(streams=frozenset(streams), batches=tuple(batches), checks=tuple(checks))
            )
            if done.record is not None:
                tell_of_write(self.runtime, done.record)
            return done

        def _rows(self):
            files = self.sinks[Lane.REJECTS].files()
            return [row for path in files for row in read_rows(self.store, path)]

    project.hooks["rejects"] = Rejects
    project.batches(BROKEN)
    pipeline = project.pipeline()
    assert project.dc43("run", pipeline).code == 0
    return pipeline


def optional(project):
    """Publish a contract under which an amount may be missing."""
    file = project.folder / "orders.odcs.yaml"
    file.write_text(file.read_text().replace("required: true, ", ""))


def test_list_shows_batches_and_rules_and_what_stays(project, rejected):
    called = project.dc43("rejects", "list", rejected)
    assert (called.code, called.err) == (0, "starting Fake ...\n")
    assert " ".join(called.out.splitlines()[1].split()) == "0 2026-11-26 13:00:00 1.0.0 2 1 1"
    assert "amount.required     1     1" in called.out
    assert called.out.endswith("2 rows rejected, 1 replayed, 1 stay.\n")
    (batch,) = project.dc43("rejects", "list", rejected, "--json").json["batches"]
    assert (batch["rows"], batch["by_check"]["amount.range"]) == (2, 1)


def test_show_prints_rows_reasons_and_raw_text_and_steers_no_terminal(project, rejected):
    called = project.dc43("rejects", "show", rejected)
    assert "  id=2, amount=None, state=open\n  amount.required: amount.required\n" in called.out
    assert "  amount was 'x\\x1bx'\n" in called.out
    assert called.out.endswith("2 rows.\n")
    assert project.dc43("rejects", "show", rejected, "--newest", "1").out.endswith(
        "1 row; --newest N shows more.\n"
    )
    chosen = project.dc43("rejects", "show", rejected, "--check", "amount.range", "--json").json
    assert [row["id"] for row in chosen["rows"]] == [3]


def test_replay_publishes_what_passes_and_names_what_stays(project, rejected):
    optional(project)
    called = project.dc43("rejects", "replay", rejected)
    assert (called.code, "the engine is busy" in called.err) == (0, True)
    assert "amount.range       1\n" in called.out
    assert called.out.endswith("2 rows judged: 1 landed in main as version 1, 1 stay.\n")
    again = project.dc43("rejects", "replay", rejected, "--json").json
    assert again == {
        "judged": 1,
        "published": 0,
        "broken": {"amount.range": 1},
        "record": None,
    }


def test_a_replay_can_be_narrowed(project, rejected):
    optional(project)
    none = project.dc43("rejects", "replay", rejected, "--check", "amount.range", "--json").json
    assert (none["judged"], none["published"]) == (1, 0)
    assert project.dc43("rejects", "replay", rejected, "--batch", "7", "--json").json["judged"] == 0


def test_a_replay_stands_in_history_and_in_the_ledger_made_anew(project, rejected):
    optional(project)
    record = project.dc43("rejects", "replay", rejected, "--json").json["record"]
    told = "batch 1: replay 1 of rejects: 1 of 2 rows pass now, of batch 0"
    assert told in project.dc43("history", "orders").out
    project.runtime.governance._records.clear()
    assert project.dc43("ledger", "rebuild", rejected, "--json").json["found"] == 2
    found = [r.record_id for r in project.runtime.governance.records(dataset_id="orders")]
    assert record["record_id"] in found


def test_an_engine_without_rejects_exits_2(project):
    called = project.dc43("rejects", "list", project.pipeline())
    assert (called.code, called.out) == (2, "")
    assert "engine 'fake' cannot read its rejects" in called.err


def test_exporters_hear_of_a_replay_and_one_that_fails_is_told(
    project, rejected, caplog, monkeypatch
):
    optional(project)
    heard = []

    class Fails:
        def export(self, record):
            raise OSError("no route to host")

    class Hears:
        def export(self, record):
            heard.append(record.record_id)

    exporters = [("fails", Fails()), ("hears", Hears())]
    monkeypatch.setattr(Runtime, "exporters", lambda self: exporters)
    record = project.dc43("rejects", "replay", rejected, "--json").json["record"]
    assert heard == [record["record_id"]]
    assert "listener.failed" in caplog.text
