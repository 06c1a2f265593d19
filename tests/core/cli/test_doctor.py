"""`dc43 doctor` names what is wrong with its way out, and changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve

from dc43_core.config import Config
from dc43_core.errors import PluginLoadError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.protocol import clock
from dc43_core.runtime import Runtime
from dc43_core.testing.records import make_record
from dc43_core.testing.runs import make_run


@pytest.fixture
def ran(project):
    """A stream with two committed batches, both lanes."""
    project.batches(project.good, project.bad)
    assert project.dc43("run", project.pipeline()).code == 0
    return project


def look(project) -> tuple[int, list[tuple[str, str, str, str]]]:
    called = project.dc43("doctor", project.pipeline(), "--json")
    assert called.json["ok"] == (called.code == 0)
    return called.code, [
        (f["level"], f["area"], f["what"], f["way_out"]) for f in called.json["findings"]
    ]


def complaints(project) -> list[tuple[str, str, str, str]]:
    code, found = look(project)
    bad = [one for one in found if one[0] != "ok"]
    assert code == (1 if any(one[0] == "error" for one in bad) else 0)
    assert all(one[3] for one in bad)
    return bad


def only(project) -> tuple[str, str, str, str]:
    (one,) = complaints(project)
    return one


def journal(project) -> Path:
    folder: Path
    (folder,) = (f for f in project.folder.glob("out/checkpoint/dc43/*") if f.is_dir())
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    return {str(f): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_stream_that_is_well_has_no_complaint(ran):
    code, found = look(ran)
    assert (code, complaints(ran)) == (0, [])
    said = {(area, what) for _, area, what, _ in found}
    assert ("agreement", "main: 2 batches, as the records say") in said
    assert ("agreement", "rejects: 1 batches, as the records say") in said
    assert ("ledger", "it agrees with all 2 records beside the checkpoint") in said


def test_the_table_ends_with_what_to_do(ran):
    (journal(ran) / "committed" / "1").unlink()
    called = ran.dc43("doctor", ran.pipeline())
    assert called.code == 1
    assert "What to do:\n" in called.out
    assert called.out.rstrip().splitlines()[-1].endswith("error, 0 warnings, 1 note.")


def test_a_file_of_spark_s_that_is_cut_off_is_named(ran):
    offsets = ran.folder / "out" / "checkpoint" / "offsets" / "1"
    offsets.parent.mkdir()
    offsets.write_text('v1\n{"batchWatermarkMs":')
    level, area, what, way_out = only(ran)
    assert (level, area) == ("error", "checkpoint")
    assert "checkpoint/offsets/1: not a whole file of Spark's checkpoint" in what
    assert "restore it from a copy" in way_out


def test_nothing_is_changed(ran):
    before = everything(ran.folder)
    look(ran)
    assert everything(ran.folder) == before


def test_before_the_first_start_there_is_nothing_to_complain_of(project):
    assert complaints(project) == []
    assert not (project.folder / "out").exists()


def test_without_a_pipeline_the_machine_is_looked_at(project):
    called = project.dc43("doctor", "--json")
    areas = [f["area"] for f in called.json["findings"]]
    assert (called.code, areas) == (0, ["python", "configuration", "plugins", "ledger"])


def test_a_plugin_that_does_not_load_is_a_finding(project, monkeypatch):
    class Broken(Runtime):
        @property
        def plugins(self):
            raise PluginLoadError("x", "dc43-core", "1", "another project")

    object.__setattr__(project, "runtime", Broken(config=Config()))
    called = project.dc43("doctor")
    assert called.code == 1
    assert "plugin 'x' of dc43-core 1 did not load" in called.out.replace("\n", " ")


def test_a_missing_file_is_named(ran):
    (gone,) = ran.folder.glob("out/main/*-0000000000-*.jsonl")
    gone.unlink()
    level, area, what, _ = only(ran)
    assert (level, area) == ("error", "main")
    assert gone.name in what


def test_a_log_that_was_deleted_is_an_error(ran):
    for entry in ran.folder.glob("out/main/_spark_metadata/*"):
        entry.unlink()
    assert "error" in {level for level, *_ in complaints(ran)}


def test_files_of_others_are_named(ran):
    (ran.folder / "out/main/part-0.jsonl").write_text("")
    level, area, what, way_out = only(ran)
    assert (level, area) == ("error", "main")
    assert "part-0.jsonl" in what
    assert "adopt='continue'" in way_out


@pytest.mark.parametrize("kind", ["committed", "prepared", "blocked", "resolutions"])
@pytest.mark.parametrize(
    ("text", "said"), [("{", "not JSON"), ('{"format_version": 99}', "upgrade dc43")]
)
def test_a_file_of_ours_that_cannot_be_read_is_named(ran, kind, text, said):
    # A batch of its own: what is committed is not looked for among the prepared.
    file = journal(ran) / kind / "7"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    errors = [one for one in complaints(ran) if one[0] == "error"]
    assert [(a, file.as_uri() in what, said in what + way) for _, a, what, way in errors] == [
        ("checkpoint", True, True)
    ]


def test_a_record_that_is_gone_is_a_disagreement(ran):
    (journal(ran) / "committed" / "1").unlink()
    (journal(ran) / "prepared" / "1").unlink()
    found = complaints(ran)
    said = [(level, area, what) for level, area, what, _ in found]
    assert ("error", "agreement", "main lists files of batches that have no record: 1") in said
    assert ("error", "agreement", "rejects lists files of batches that have no record: 1") in said
    assert any("it has 1 records that do not lie beside" in what for _, _, what in said)


def test_a_batch_that_readers_do_not_see_is_a_disagreement(ran):
    record = json.loads((journal(ran) / "committed" / "1").read_text())
    record |= {"batch_id": 2, "record_id": f"{record['stream_id']}-2"}
    (journal(ran) / "committed" / "2").write_text(json.dumps(record))
    said = {what for _, _, what, _ in complaints(ran)}
    assert "records say that batches landed in main which its log does not list: 2" in said


def test_a_ledger_that_lacks_records_says_how_to_fill_it(ran):
    ran.runtime._governance = MemoryGovernance()
    level, area, what, way_out = only(ran)
    assert (level, area) == ("warning", "ledger")
    assert what == "2 of 2 records beside the checkpoint are not in it"
    assert "dc43 ledger rebuild" in way_out


def test_a_ledger_with_other_counts_is_an_error(ran):
    records = [evolve(r, main_count=99) for r in ran.runtime.governance.records()]
    ran.runtime._governance = MemoryGovernance()
    ran.runtime.governance.record_many(records)
    level, _, what, way_out = only(ran)
    assert (level, "2 records have other counts" in what) == ("error", True)
    assert "the files count" in way_out


def test_another_sink_is_found_before_the_start_is_refused(ran):
    moved = ran.pipeline('path = "out/main"', 'path = "out/other"')
    called = ran.dc43("doctor", moved, "--json")
    (error,) = (f for f in called.json["findings"] if f["level"] == "error")
    assert "belongs to sink" in error["what"]
    assert "adopt='continue'" in error["way_out"]


def test_a_blocked_batch_stops_a_stream(project):
    project.batches(project.bad)
    pipeline = project.pipeline('[rejects]\npath = "out/rejects"\n', "")
    project.dc43("run", pipeline)
    called = project.dc43("doctor", pipeline, "--json")
    (error,) = (f for f in called.json["findings"] if f["level"] == "error")
    assert (called.code, error["what"].startswith("batch 0 has been blocked since")) == (1, True)


def test_a_killed_run_is_mentioned(ran):
    run = ran.runtime.governance.runs()[0]
    dead = make_run(run_id="dead", stream_id=run.stream_id, epoch=run.epoch)
    ran.runtime.governance.save_run(dead)
    level, area, what, _ = only(ran)
    assert (level, area) == ("warning", "runs")
    assert "run dead on host, process 43 has no end" in what
    alive = evolve(dead, heartbeat_at=clock.now())
    ran.runtime.governance.save_run(alive)
    assert complaints(ran) == []


def test_a_place_that_is_a_file_is_an_error(project):
    (project.folder / "out").write_text("")
    said = {what for _, _, what, _ in complaints(project)}
    assert f"{project.folder / 'out'} is a file, and a folder is needed" in said


def test_the_default_ledger_of_a_shared_checkpoint_is_a_warning():
    from dc43_core.upkeep.ledger import check_reach

    runtime = Runtime(config=Config())
    (found,) = check_reach(runtime, "hdfs://host/checkpoint")
    assert found.level == "warning"
    assert list(check_reach(runtime, "file:///checkpoint")) == []


def test_an_engine_without_places_says_so(project, monkeypatch):
    from tests.core.cli import conftest

    monkeypatch.delattr(conftest.Runner, "upkeep")
    called = project.dc43("doctor", project.pipeline())
    assert called.code == 1
    assert "does not offer its places" in called.out.replace("\n", " ")


def test_records_of_another_stream_are_not_compared(ran):
    ran.runtime.governance.record_many([make_record()])
    assert complaints(ran) == []
