"""What `dc43 run` refuses: always exit code 2 and one line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from attrs import evolve

from dc43_core.cli import main
from dc43_core.config import Config, Instance
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.runtime import Runtime


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('name = "orders"', "name = ", "orders.toml: Invalid value"),
        ("[sink]", "[snik]", "snik"),
        ('"fake"', '"spark"', "no pipeline runner named 'spark'; installed: fake; it comes with"),
        ("[run]", '[run]\nstrategies = ["nope"]', "no strategy named 'nope'; installed: continue"),
        ('path = "orders.odcs.yaml"', 'path = "gone.yaml"', "gone.yaml does not exist"),
    ],
)
def test_a_pipeline_that_cannot_be_used_exits_2(project, old, new, told):
    project.batches(project.good)
    called = project.dc43("run", project.pipeline(old, new), "--json")
    assert called.code == 2
    assert told in called.err.splitlines()[-1]
    assert (called.json["status"], called.json["outcome"]) == ("unknown", "failed")
    assert told in called.json["error"]


def test_a_missing_pipeline_file_exits_2_with_one_line(project):
    called = project.dc43("run", "gone.toml")
    assert (called.code, called.out) == (2, "")
    assert called.err.splitlines()[-1] == "dc43: gone.toml: no such file"


def test_an_engine_that_is_not_installed_is_named(project):
    def build() -> Any:
        raise ModuleNotFoundError("No module named 'spork'", name="spork")

    project.batches(project.good)
    registry = project.runtime.plugins.registry("pipeline runner")
    offer = registry.get("fake")
    registry._offers["fake"] = evolve(offer, extension=evolve(offer.extension, build=build))
    called = project.dc43("run", project.pipeline())
    assert called.code == 2
    assert called.err.splitlines()[-1].endswith("needs the module 'spork'; install it")


def test_a_wiped_checkpoint_is_refused_unless_adopted(project):
    project.batches(project.good)
    project.dc43("run", project.pipeline())
    (project.folder / "out/checkpoint").rename(project.folder / "away")
    assert project.dc43("run", project.pipeline()).code == 2
    called = project.dc43("run", project.pipeline(), "--adopt", "fork", "--json")
    assert (called.code, called.json["batch_count"]) == (0, 1)


def test_a_broken_configuration_exits_2(project, monkeypatch):
    (project.folder / "dc43.toml").write_text("namespase = 'x'")
    monkeypatch.setenv("DC43_CONFIG", str(project.folder / "dc43.toml"))
    project.capsys.readouterr()
    code = main(["run", project.pipeline(), "--json"])
    out, err = project.capsys.readouterr()
    assert code == 2
    assert "namespase" in err
    assert "namespase" in json.loads(out)["error"]


def test_an_extension_named_in_an_instance_is_built_with_its_options(project):
    project.batches(project.good)
    config = Config(strategies={"mine": Instance(use="continue", options={"n": 1})})
    runtime = Runtime(config=config, plugins=project.runtime.plugins, governance=MemoryGovernance())
    called = evolve(project, runtime=runtime).dc43(
        "run", project.pipeline("[run]", '[run]\nstrategies = ["mine"]')
    )
    assert (called.code, "strategies.mine" in called.err) == (2, True)
