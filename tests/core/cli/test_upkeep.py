"""`dc43 vacuum` and `dc43 erase`, from the pipeline file to what is gone."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest


@pytest.fixture
def ran(project):
    """A stream with two committed batches, both lanes."""
    project.batches(project.good, project.bad)
    assert project.dc43("run", project.pipeline()).code == 0
    return project


def everything(folder: Path) -> dict[str, bytes]:
    return {str(f): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def holding(project, text: str) -> list[str]:
    out = everything(project.folder / "out")
    return [name for name, data in out.items() if text.encode() in data]


# -- vacuum --------------------------------------------------------------------------------------


def leftover(project) -> Path:
    (stream,) = (f.name for f in project.folder.glob("out/checkpoint/dc43/*") if f.is_dir())
    file: Path = project.folder / f"out/main/_dc43/staging/{stream}/0-dead/x.jsonl"
    file.parent.mkdir(parents=True)
    file.write_text("12345")
    return file


def test_vacuum_shows_and_removes_only_when_told(ran):
    file = leftover(ran)
    shown = ran.dc43("vacuum", ran.pipeline())
    assert (shown.code, file.exists()) == (0, True)
    assert shown.out.endswith("1 leftover, 5 bytes; --yes removes them.\n")
    assert "0-dead" in shown.out
    told = ran.dc43("vacuum", ran.pipeline(), "--yes", "--json").json
    assert (told["removed"], told["bytes"], len(told["found"])) == (True, 5, 1)
    assert not file.parent.exists()
    assert ran.dc43("vacuum", ran.pipeline(), "--yes").out == "0 leftovers, 0 bytes.\n"


def test_a_dry_run_wins(ran):
    file = leftover(ran)
    ran.dc43("vacuum", ran.pipeline(), "--yes", "--dry-run")
    assert file.exists()


def test_vacuum_before_the_first_start_has_nothing_to_do(project):
    assert project.dc43("vacuum", project.pipeline()).out == "0 leftovers, 0 bytes.\n"


def test_doctor_mentions_leftovers(ran):
    leftover(ran)
    notes = [
        f
        for f in ran.dc43("doctor", ran.pipeline(), "--json").json["findings"]
        if f["level"] == "note"
    ]
    assert ["dc43 vacuum" in note["way_out"] for note in notes] == [True]


def test_a_listed_file_that_is_lost_for_good_is_dropped_when_told(ran):
    (file,) = ran.folder.glob("out/main/batch-*-0000000001-*")
    file.unlink()
    told = ran.dc43("doctor", ran.pipeline(), "--json").json["findings"]
    (error,) = (one for one in told if one["level"] == "error")
    assert "lists 1 files that are not there" in error["what"]
    assert "`dc43 vacuum PIPELINE.toml --drop-lost-files`" in error["way_out"]
    assert ran.dc43("vacuum", ran.pipeline(), "--yes").out == "0 leftovers, 0 bytes.\n"
    shown = ran.dc43("vacuum", ran.pipeline(), "--drop-lost-files")
    assert "1 listed file lost; --yes drops them." in shown.out
    assert "up to 1" in shown.out
    assert ran.dc43("run", ran.pipeline()).code != 0, "a look drops nothing"
    dropped = ran.dc43("vacuum", ran.pipeline(), "--drop-lost-files", "--yes", "--json").json
    assert [(one["lane"], one["batch_id"], one["rows"]) for one in dropped["lost"]] == [
        ("main", 1, 1)
    ]
    again = ran.dc43("vacuum", ran.pipeline(), "--drop-lost-files", "--yes").out
    assert again == "0 listed files lost.\n0 leftovers, 0 bytes.\n"
    findings = ran.dc43("doctor", ran.pipeline(), "--json").json["findings"]
    assert not [one for one in findings if one["level"] == "error"]
    assert [one["what"] for one in findings if "dropped" in one["what"]] == [
        "files of main were lost and dropped from the log, of batches 1: their records count more "
        "rows than there are"
    ]
    assert ran.dc43("run", ran.pipeline()).code == 0


def test_a_log_that_is_damaged_otherwise_drops_nothing(ran):
    (file,) = ran.folder.glob("out/main/batch-*-0000000001-*")
    file.unlink()
    (ran.folder / "out/main/_delta_log").mkdir()
    before = everything(ran.folder)
    refused = ran.dc43("vacuum", ran.pipeline(), "--drop-lost-files", "--yes")
    assert refused.code == 3
    assert "nothing is removed" in refused.err
    assert everything(ran.folder) == before


# -- erase ---------------------------------------------------------------------------------------


def test_erase_shows_and_erases_only_when_told(ran):
    before = everything(ran.folder)
    shown = ran.dc43("erase", ran.pipeline(), "--key", "id=3")
    assert (shown.code, everything(ran.folder)) == (0, before)
    assert shown.out.endswith("1 row of this id; --yes erases them.\n")
    assert holding(ran, '"id": 3,')
    told = ran.dc43("erase", ran.pipeline(), "--key", "id=3", "--yes", "--json").json
    assert (told["erased"], told["rows"], told["column"]) == (True, {"rejects": 1}, "id")
    assert holding(ran, '"id": 3,') == []
    assert holding(ran, '"id": 4,')
    again = ran.dc43("erase", ran.pipeline(), "--key", "id=3", "--yes")
    assert (again.code, again.out) == (0, "0 rows of this id.\n")


def test_a_value_on_standard_input_stays_out_of_the_history(ran, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("1\n"))
    called = ran.dc43("erase", ran.pipeline(), "--key", "id", "--yes", "--json")
    assert called.json["rows"] == {"main": 1}
    assert holding(ran, '"id": 1,') == []


@pytest.mark.parametrize("key", ["id=", "=3"])
def test_a_key_without_column_or_value_is_wrong_use(ran, key):
    called = ran.dc43("erase", ran.pipeline(), "--key", key)
    assert (called.code, "COLUMN=VALUE" in called.err) == (2, True)


def test_erase_tells_of_leftovers(ran):
    leftover(ran)
    called = ran.dc43("erase", ran.pipeline(), "--key", "id=3")
    assert "1 leftover of attempts may hold such rows too" in called.out


def test_the_stream_goes_on_and_doctor_is_content(ran):
    ran.dc43("erase", ran.pipeline(), "--key", "id=1", "--yes")
    ran.batches(ran.good, ran.bad, [{"id": 9, "amount": 1, "state": "open"}])
    assert ran.dc43("run", ran.pipeline()).code == 0
    found = ran.dc43("doctor", ran.pipeline(), "--json")
    assert [f for f in found.json["findings"] if f["level"] != "ok"] == []


def test_an_erasure_that_was_begun_is_told_by_doctor(ran):
    place = ran.folder / "out/main/_dc43/erasures/1"
    place.parent.mkdir(parents=True)
    place.write_text(
        '{"format_version": 1, "number": 1, "column": "id", "by": "anna", "at": "", "replaced": []}'
    )
    found = ran.dc43("doctor", ran.pipeline(), "--json")
    errors = [f for f in found.json["findings"] if f["level"] == "error"]
    assert [f["what"] for f in errors] == ["erasure 1 was begun and not brought to its end"]
    refused = ran.dc43("vacuum", ran.pipeline())
    assert (refused.code, "an erasure is not at its end" in refused.err) == (3, True)
    told = ran.dc43("erase", ran.pipeline(), "--key", "id=1", "--yes", "--json").json
    assert told["resumed"] == [1]


def test_an_erasure_of_a_newer_release_is_refused_by_name(ran):
    place = ran.folder / "out/main/_dc43/erasures/1"
    place.parent.mkdir(parents=True)
    place.write_text('{"format_version": 99}')
    refused = ran.dc43("erase", ran.pipeline(), "--key", "id=1", "--yes")
    assert (refused.code, "has format version 99" in refused.err) == (2, True)
