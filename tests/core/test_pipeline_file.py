"""A pipeline as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from dc43_core.config import Instance
from dc43_core.errors import ConfigurationError
from dc43_core.pipeline_file import PipelineFile, load_pipeline
from dc43_core.vocabulary import RunType

SMALL = """\
source = { format = "csv", path = "in" }
contract = { path = "orders.yaml" }
sink = { path = "out" }
"""


def load(folder: Path, more: str = "", text: str = SMALL) -> PipelineFile:
    path = folder / "orders.toml"
    path.write_text(text + more)
    return load_pipeline(path)


def test_little_needs_to_be_said(tmp_path: Path):
    pipeline = load(tmp_path)
    assert (pipeline.name, pipeline.engine, pipeline.rejects) == ("orders", "spark", None)
    assert pipeline.sink.format == "parquet"


def test_a_pipeline_enforces_unless_it_says_otherwise(tmp_path: Path):
    assert load(tmp_path).run.type is RunType.ENFORCE
    assert load(tmp_path, '[run]\ntype = "observe"').run.type is RunType.OBSERVE


def test_everything_can_be_said(tmp_path: Path):
    pipeline = load(
        tmp_path,
        text="""
        name = "nightly"
        engine = "lists"
        namespace = "team"
        [engine_options]
        "spark.sql.shuffle.partitions" = 4
        [source]
        format = "csv"
        path = "in"
        files_per_trigger = 1
        [source.options]
        header = true
        [contract]
        id = "orders"
        version = ">=1,<2"
        object = "lines"
        [sink]
        path = "out"
        format = "delta"
        partition_by = ["day"]
        [rejects]
        path = "bad"
        [run]
        type = "observe"
        checkpoint = "here"
        query_name = "q"
        trigger = "10 seconds"
        on_incompatible = "reject"
        on_evaluation_error = "warn"
        adopt = "fork"
        """,
    )
    assert pipeline.name == "nightly"
    assert pipeline.engine_options == {"spark.sql.shuffle.partitions": 4}
    assert pipeline.source.options == {"header": True}
    assert pipeline.contract.id == "orders"
    assert pipeline.sink.partition_by == ("day",)
    assert pipeline.rejects is not None
    assert pipeline.run.adopt == "fork"


def test_paths_start_at_the_file(tmp_path: Path):
    pipeline = load(tmp_path)
    assert pipeline.resolve("a/b") == str(tmp_path / "a/b")
    assert pipeline.resolve("/a/b") == "/a/b"


@pytest.mark.parametrize("uri", ["file:/a", "hdfs://n/a", "viewfs:///a"])
def test_a_uri_stays_as_it_is(tmp_path: Path, uri: str):
    assert load(tmp_path).resolve(uri) == uri


def test_the_checkpoint_has_a_place_by_default(tmp_path: Path):
    assert load(tmp_path).checkpoint == str(tmp_path / ".dc43/checkpoints/orders")
    assert load(tmp_path, '[run]\ncheckpoint = "cp"').checkpoint == str(tmp_path / "cp")


def test_strategies_are_names_or_tables(tmp_path: Path):
    more = '[run]\nstrategies = ["fail-fast", { use = "block-after-n", n = 3 }]'
    assert load(tmp_path, more).strategies == [
        "fail-fast",
        Instance(use="block-after-n", options={"n": 3}),
    ]


def test_a_strategy_without_a_name_is_told(tmp_path: Path):
    pipeline = load(tmp_path, "[run]\nstrategies = [{ n = 3 }]")
    with pytest.raises(ConfigurationError, match=r'run\.strategies: needs use = "<extension>"'):
        _ = pipeline.strategies


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ("[runn]\n", "unknown key runn"),
        ("[run]\ntype = 'enfoce'", "run.type: 'enfoce' is not one of observe, enforce"),
        ("[run]\ncolour = 1", "run: unknown key colour"),
        ("[run]\non_incompatible = 'blok'", "'blok' is not one of block, reject"),
        ("[run]\non_evaluation_error = 'ignore'", "'ignore' is not one of block, reject, warn"),
        ("[run]\nadopt = 'yes'", "'yes' is not one of continue, fork"),
        ("[rejects]\n", "rejects.path: required key 'path' is missing"),
    ],
)
def test_what_cannot_be_used_is_told_by_file_and_path(tmp_path: Path, more: str, problem: str):
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, more)
    assert str(caught.value).startswith(str(tmp_path / "orders.toml"))
    assert problem in str(caught.value)


@pytest.mark.parametrize("contract", ["{ }", '{ path = "a", id = "b" }'])
def test_a_contract_is_named_by_path_or_by_id(tmp_path: Path, contract: str):
    with pytest.raises(ConfigurationError, match="contract: needs either path or id"):
        load(tmp_path, text=SMALL.replace('{ path = "orders.yaml" }', contract))


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(ConfigurationError, match="no such file"):
        load_pipeline(tmp_path / "absent.toml")
