"""docs/reference/hooks.md and the hook specifications say the same."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dc43_core import Extension, Runtime, hookimpl, hookspecs, load_config, load_plugins
from dc43_core.cli import main
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.expectations.interface import ExpectationKind
from dc43_core.governance.interface import GovernanceClient
from dc43_core.interventions.interface import InterventionStrategy
from dc43_core.pipeline import PipelineRunner
from dc43_core.plugin_manager import KINDS
from dc43_integrations import hookspecs as spark_hookspecs

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "hooks.md").read_text(encoding="utf-8")
SPECIFIED = {
    node.name: node
    for specifications in (hookspecs, spark_hookspecs)
    for node in ast.parse(inspect.getsource(specifications)).body
    if isinstance(node, ast.FunctionDef)
}
SECTIONS = {
    title.strip("`"): text
    for title, text in re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    if title.strip("`").startswith("dc43_")
}


def signature(function: ast.FunctionDef) -> str:
    returns = ast.unparse(function.returns) if function.returns else "None"
    return f"def {function.name}({ast.unparse(function.args)}) -> {returns}: ..."


@pytest.mark.parametrize("name", SPECIFIED)
def test_a_hook_has_a_section_with_its_signature(name: str):
    assert name in SECTIONS, "no section"
    first = re.search(r"^```python\n(.*?)^```", SECTIONS[name], re.MULTILINE | re.DOTALL)
    assert first is not None, "no signature"
    assert first[1].strip() == signature(SPECIFIED[name])


@pytest.mark.parametrize("name", SPECIFIED)
def test_a_section_tells_when_the_hook_is_called_and_what_a_clash_does(name: str):
    for part in ("**Called**", "**Clash**"):
        assert part in SECTIONS[name]


def test_sections_stand_in_the_order_of_the_specifications():
    assert list(SECTIONS) == list(SPECIFIED)


def test_no_hook_is_named_that_does_not_exist():
    # A name with an ending of its own, such as that of a distribution, is none of a hook.
    named = set(re.findall(r"\bdc43_[a-z_]+s\b", PAGE)) - {"dc43_integrations", "dc43_rejects"}
    assert named <= set(SPECIFIED)


@pytest.mark.parametrize(("kind", "hook"), KINDS.items())
def test_each_kind_of_extension_is_named_in_the_section_of_its_hook(kind: str, hook: str):
    assert kind in SECTIONS[hook]


# -- the examples ----------------------------------------------------------------------------------


def example(name: str) -> ModuleType:
    """The example of a hook as a plugin's module."""
    _, code = re.findall(r"^```python\n(.*?)^```", SECTIONS[name], re.MULTILINE | re.DOTALL)
    module = ModuleType(f"example_{name}")
    vars(module).update(Extension=Extension, hookimpl=hookimpl)
    exec(compile(code, f"hooks.md, {name}", "exec"), vars(module))  # noqa: S102
    return module


def offered(name: str) -> Extension[Any]:
    """What the example offers, found as that of any plugin is."""
    plugins = load_plugins(allowed=[])
    # A hook of an engine's own is not specified before that engine's plugin is there.
    if not hasattr(plugins.manager.hook, name):
        plugins.manager.add_hookspecs(spark_hookspecs)
    before = {o.extension.name for o in load_plugins(allowed=[]).registry(kind_of(name), name)}
    plugins.manager.register(example(name), name="example")
    plugins.manager.check_pending()
    found = [o for o in plugins.registry(kind_of(name), name) if o.extension.name not in before]
    assert [offer.owner for offer in found] == ["example"]
    return found[0].extension


def kind_of(hook: str) -> str:
    return next((kind for kind, name in KINDS.items() if name == hook), hook)


def methods(protocol: type) -> set[str]:
    return {name for name, value in vars(protocol).items() if inspect.isfunction(value)} - {
        "__init__",
        "__subclasshook__",
    }


@pytest.mark.parametrize(
    ("name", "protocol"),
    [
        ("dc43_expectation_kinds", ExpectationKind),
        ("dc43_data_quality_clients", DataQualityClient),
        ("dc43_intervention_strategies", InterventionStrategy),
        ("dc43_governance_clients", GovernanceClient),
        ("dc43_pipeline_runners", PipelineRunner),
    ],
)
def test_an_example_is_found_built_and_has_what_its_interface_asks(name: str, protocol: type):
    extension = offered(name)
    built = extension.build(*([extension.options()] if extension.options else []))
    assert methods(protocol)
    for method in methods(protocol):
        assert callable(getattr(built, method)), method


def test_the_loader_of_the_example_reads_a_contract():
    loader = offered("dc43_contract_loaders").build()
    text = b'{"acmeTable": "orders", "version": "1.0.0", "columns": {"id": "integer"}}'
    assert loader.accepts("orders.json", text)
    assert not OdcsLoader().accepts("orders.json", text)
    contract = loader.parse("orders.json", text)
    assert (contract.id, contract.objects[0].columns[0].logical_type) == ("orders", "integer")


@pytest.mark.spark
def test_the_evaluator_of_the_example_is_built():
    pytest.importorskip("pyspark")
    extension = offered("dc43_expectation_evaluators")
    assert extension.capabilities["engine"] == "spark"
    assert extension.build()


def test_the_client_of_the_example_judges(caplog: pytest.LogCaptureFixture):
    from dc43_core.data_quality.model import Observations
    from dc43_core.testing.data_quality import judged_plan

    caplog.set_level("INFO", "acme")
    found = (
        offered("dc43_data_quality_clients")
        .build()
        .findings(judged_plan(), Observations(row_count=3, broken={"states": 1}))
    )
    assert [finding.check_id for finding in found] == ["states"]
    assert "orders judged in" in caplog.text


def test_the_exporter_of_the_example_writes_a_line_for_each_record(tmp_path: Path):
    from dc43_core.testing.records import make_record

    extension = offered("dc43_record_exporters")
    file = tmp_path / "records.jsonl"
    options: Any = extension.options
    exporter = extension.build(options(path=str(file)))
    for number in range(2):
        exporter.export(make_record(batch_id=number))
    lines = file.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["batch_id"] for line in lines] == [0, 1]


def test_the_command_of_the_example_runs(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    plugins = load_plugins(allowed=[])
    plugins.manager.register(example("dc43_cli_commands"), name="example")
    (tmp_path / "dc43.toml").touch()
    config = load_config(tmp_path / "dc43.toml")
    make: Callable[[], Runtime] = lambda: Runtime(config=config, plugins=plugins)  # noqa: E731
    assert main(["greet", "Anna"], runtime=make) == 0
    assert capsys.readouterr().out == "Good morning, Anna.\n"


def test_the_example_of_further_hooks_adds_them():
    plugins = load_plugins(allowed=[])
    assert not hasattr(plugins.manager.hook, "dc43_spark_sinks")
    for specifications in example("dc43_addhooks").dc43_addhooks():
        plugins.manager.add_hookspecs(specifications)
    assert hasattr(plugins.manager.hook, "dc43_spark_sinks")


def test_the_sink_of_the_example_opens_a_lane(tmp_path: Path):
    from dc43_core.protocol.file_store import LocalFileStore
    from dc43_core.vocabulary import Lane
    from dc43_integrations.spark.sinks.interface import LaneTarget

    sink = offered("dc43_spark_sinks").build()
    target = LaneTarget(
        lane=Lane.MAIN,
        path=str(tmp_path),
        store=LocalFileStore(),
        schema=lambda: "",
        columns=dict,
        session=None,  # type: ignore[arg-type]
        view="",
    )
    assert (sink.file_format, sink.open(target).newest()) == ("parquet", -1)


def test_every_hook_has_an_example_that_is_tried_above():
    source = Path(__file__).read_text(encoding="utf-8")
    for name in SPECIFIED:
        assert re.search(rf'(offered|example)\("{name}"\)|^        \("{name}", ', source, re.M)
