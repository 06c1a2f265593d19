"""`dc43 blocked`: what waits, why, and its way out, without an engine."""

from __future__ import annotations

import pytest

from dc43_core.protocol.file_store import LocalFileStore

NO_REJECTS = '[rejects]\npath = "out/rejects"\n'
NO_AMOUNT = [{"id": 7, "state": "open"}]


@pytest.fixture
def stuck(project):
    """A pipeline whose second batch is blocked; returns its file."""
    project.batches(project.good, project.bad)
    pipeline = project.pipeline(NO_REJECTS)
    assert project.dc43("run", pipeline).code == 1
    return pipeline


def test_a_blocked_run_names_the_exact_command(project):
    project.batches(project.bad)
    called = project.dc43("run", project.pipeline(NO_REJECTS))
    command = f"dc43 blocked release {project.folder}/orders.toml 0"
    assert f"or release it: `{command} --as main|rejects|skip --reason TEXT`" in called.out
    assert f"`dc43 blocked show {project.folder}/orders.toml 0` shows the ways out" in called.err


def test_list_shows_what_waits_and_why(project, stuck):
    called = project.dc43("blocked", "list", stuck)
    assert (called.code, called.err) == (0, "")
    heading, row = called.out.splitlines()[:2]
    assert " ".join(heading.split()).endswith("waits rows breaking rows kept released as")
    assert row.split()[0] == "1"
    assert row.split()[-4:] == ["2", "1", "yes", "-"]
    assert "batch 1: amount must not be missing" in called.out
    assert f"`dc43 blocked show {stuck} 1` says more." in called.out


def test_the_checkpoint_s_folder_does_as_well(project, stuck):
    folder = project.folder / "out" / "checkpoint"
    for where in (str(folder), folder.as_uri()):
        facts = project.dc43("blocked", "list", where, "--json").json
        assert facts["checkpoint"] == folder.as_uri()
        assert [one["batch_id"] for one in facts["blocked"]] == [1]


def test_nothing_blocked_is_no_error(project):
    project.batches(project.good)
    pipeline = project.pipeline()
    project.dc43("run", pipeline)
    called = project.dc43("blocked", "list", pipeline)
    assert (called.code, called.out.startswith("No batch is blocked beside ")) == (0, True)
    assert project.dc43("blocked", "list", pipeline, "--json").json["blocked"] == []


def test_show_names_reason_rows_and_each_way_out(project, stuck):
    called = project.dc43("blocked", "show", stuck, "1")
    assert called.code == 0
    assert "reason   amount must not be missing" in called.out
    assert "rows     2 rows, 1 breaking\n" in called.out
    assert "amount.required: 1" in called.out
    assert "_dc43/staging/" in called.out
    for as_ in ("main", "rejects", "skip"):
        assert f'dc43 blocked release {stuck} 1 --as {as_} --reason "..."' in called.out


def test_show_says_which_way_is_closed(project):
    project.batches(NO_AMOUNT)
    pipeline = project.pipeline()
    project.dc43("run", pipeline)
    called = project.dc43("blocked", "show", pipeline, "0")
    assert "as main: no, column amount: is missing and required" in called.out
    assert "--as main" not in called.out
    assert "--as rejects" in called.out


def test_show_as_json_holds_what_the_source_must_keep(project, stuck):
    facts = project.dc43("blocked", "show", stuck, "1", "--json").json
    assert facts["ways_out"] == {"main": None, "rejects": None, "skip": None}
    assert (facts["row_count"], facts["violating"], facts["kept"]) == (2, 1, True)
    assert facts["at_risk"] == {}, "a list has neither files nor offsets"


def test_a_released_batch_lands_at_the_next_start(project, stuck):
    called = project.dc43(
        "blocked", "release", stuck, "1", "--as", "main", "--reason", "known", "--by", "anna"
    )
    assert (called.code, called.err) == (0, "")
    assert called.out == (
        f"Batch 1 is released as main by anna: known. `dc43 run {stuck}` carries it out.\n"
    )
    assert "is released as main by anna" in project.dc43("blocked", "show", stuck, "1").out
    facts = project.dc43("run", stuck, "--json").json
    assert (facts["outcome"], facts["main_count"], facts["blocked_batches"]) == ("committed", 4, [])
    assert "batch 1: released as main by anna: known" in project.dc43("history", "orders").out


def test_a_skipped_batch_is_told_as_such(project, stuck):
    made = project.dc43(
        "blocked", "release", stuck, "1", "--as", "skip", "--reason", "test data", "--json"
    ).json
    assert (made["as"], made["reason"], bool(made["by"])) == ("skip", "test data", True)
    called = project.dc43("run", stuck)
    assert called.code == 0
    assert "Batch 1 was released as skip: none of its rows landed." in called.out
    assert "batch 1: 2 rows, released as skip" in called.err
    assert project.dc43("run", stuck, "--json").json["skipped_batches"] == [1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["1", "--reason", "x"], "--as"),
        (["1", "--as", "main"], "--reason"),
        (["1", "--as", "gone", "--reason", "x"], "gone"),
        (["1", "--as", "main", "--reason", " "], "it needs a reason"),
        (["0", "--as", "main", "--reason", "x"], "batch 0 was not blocked"),
    ],
)
def test_a_wrong_release_exits_2(project, stuck, arguments, told):
    called = project.dc43("blocked", "release", stuck, *arguments)
    assert (called.code, called.out) == (2, "")
    assert told in called.err


def test_who_is_asked_for_where_nobody_is_logged_in(project, stuck, monkeypatch):
    def nobody():
        raise OSError("no username")

    monkeypatch.setattr("getpass.getuser", nobody)
    called = project.dc43("blocked", "release", stuck, "1", "--as", "skip", "--reason", "x")
    assert (called.code, "--by: nobody is logged in here" in called.err) == (2, True)


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("gone", "no such folder"),
        ("hdfs://host/x", "give the pipeline file: its engine reads it"),
    ],
)
def test_without_a_checkpoint_it_exits_2(project, where, told):
    called = project.dc43("blocked", "list", where)
    assert (called.code, called.out) == (2, "")
    assert told in called.err


def test_a_checkpoint_elsewhere_is_read_by_the_engine(project, stuck):
    remote = project.pipeline('checkpoint = "out/checkpoint"', 'checkpoint = "hdfs://host/x"')

    class Elsewhere(LocalFileStore):
        """Finds the checkpoint of hdfs: on this machine."""

        def uri(self, path):
            return super().uri(path.replace("hdfs://host/x", f"{project.folder}/out/checkpoint"))

        def list(self, folder):
            return super().list(self.uri(folder))

        def read(self, path, limit=None):
            return super().read(self.uri(path), limit)

    project.hooks["store"] = Elsewhere()
    assert "batch 1: amount" in project.dc43("blocked", "list", remote).out


def test_a_damaged_block_is_a_fault(project, stuck):
    (file,) = (project.folder / "out/checkpoint/dc43").glob("*/blocked/1")
    file.write_text("{")
    called = project.dc43("blocked", "list", stuck)
    assert (called.code, "not JSON" in called.err) == (3, True)
