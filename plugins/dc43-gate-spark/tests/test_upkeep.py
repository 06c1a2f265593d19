"""What `dc43 doctor` sees of Spark, its checkpoint and its sinks; no Spark is started for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dc43_core.pipeline_file import load_pipeline
from dc43_core.upkeep.diagnosis import Level
from dc43_core.vocabulary import Lane
from dc43_integrations.spark import environment
from dc43_integrations.spark.runner import SparkRunner
from dc43_integrations.spark.upkeep import SparkUpkeep

PIPELINE = """\
[source]
format = "csv"
path = "in"
[contract]
path = "c.odcs.yaml"
[sink]
path = "out/main"
[rejects]
path = "out/rejects"
[run]
checkpoint = "checkpoint"
"""


@pytest.fixture
def upkeep(tmp_path: Path, runtime) -> SparkUpkeep:
    (tmp_path / "orders.toml").write_text(PIPELINE)
    return SparkRunner().upkeep(load_pipeline(tmp_path / "orders.toml"), runtime)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """As Spark leaves it: batch 0 committed, batch 1 begun."""
    folder = tmp_path / "checkpoint"
    for kind, name, text in (
        ("", "metadata", '{"id":"5f0c"}'),
        ("offsets", "0", 'v1\n{}\n{"logOffset":0}'),
        ("offsets", "1", 'v1\n{}\n{"logOffset":1}'),
        ("commits", "0", 'v1\n{"nextBatchWatermarkMs":0}'),
    ):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        (folder / kind / name).write_text(text)
    return folder


def errors(upkeep: SparkUpkeep) -> list[str]:
    found = upkeep.checkpoint()
    assert all(one.way_out for one in found if one.level is Level.ERROR)
    return [one.what for one in found if one.level is Level.ERROR]


def test_both_sinks_are_where_the_file_says(upkeep, tmp_path):
    uris = {lane: sink.uri for lane, sink in upkeep.sinks().items()}
    assert uris == {
        Lane.MAIN: (tmp_path / "out/main").as_uri(),
        Lane.REJECTS: (tmp_path / "out/rejects").as_uri(),
    }


def test_a_batch_that_was_begun_is_no_fault(upkeep, checkpoint):
    (said,) = upkeep.checkpoint()
    assert (said.level, said.what) == (
        Level.OK,
        "Spark has begun batch 1 and will hand it over again",
    )


def test_commits_beyond_the_offsets_are_an_error(upkeep, checkpoint):
    (checkpoint / "offsets/1").unlink()
    (checkpoint / "commits/1").write_text("v1\n{}")
    (error,) = errors(upkeep)
    assert error == "Spark has committed batch 1, and the offsets end at batch 0"


def test_a_query_id_that_is_gone_is_an_error(upkeep, checkpoint):
    (checkpoint / "metadata").unlink()
    (error,) = errors(upkeep)
    assert "metadata of Spark is missing" in error


def test_before_the_first_batch_there_is_nothing_to_say(upkeep):
    assert [one.level for one in upkeep.checkpoint()] == [Level.OK]


def test_what_is_installed_here_is_fine():
    found = {one.area: one for one in SparkRunner().environment()}
    assert {area: one.level for area, one in found.items()} == {
        "java": Level.OK,
        "spark": Level.OK,
        "pandas": Level.OK,
    }


def test_no_java_is_an_error_with_its_way_out(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    java = environment._java()
    assert (java.level, "has no bin/java" in java.what) == (Level.ERROR, True)
    assert "JAVA_HOME" in java.way_out


@pytest.mark.parametrize(
    ("found", "level"), [("4.2.1", Level.OK), ("4.20.0", Level.WARNING), ("3.5.1", Level.WARNING)]
)
def test_a_spark_that_is_not_tested_is_a_warning(found, level):
    assert environment._pyspark(found).level is level


@pytest.mark.parametrize(("found", "level"), [("2.3.3", Level.OK), ("3.0.0", Level.WARNING)])
def test_a_pandas_that_spark_warns_of_is_a_warning(monkeypatch, found, level):
    monkeypatch.setattr(environment, "version", lambda name: found)
    assert environment._pandas().level is level


@pytest.mark.spark
def test_a_real_checkpoint_is_fine(flow, runtime):
    orders = flow([{"name": "id", "logicalType": "integer"}])
    orders.put("id", "1")
    orders.run()
    document = PIPELINE.replace('"checkpoint"', json.dumps(str(orders.checkpoint)))
    (orders.home / "orders.toml").write_text(document)
    upkeep = SparkRunner().upkeep(load_pipeline(orders.home / "orders.toml"), runtime)
    assert [(one.level, one.what) for one in upkeep.checkpoint()] == [
        (Level.OK, "Spark has committed up to batch 0")
    ]
