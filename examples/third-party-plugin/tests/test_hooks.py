"""The plugin is found when it is installed, and only then."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from acme_rules.strategy import BlockAfterN, BlockAfterOptions
from dc43_core import Runtime, load_config, load_plugins
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.errors import UnknownNameError

OFFERED = [
    ("strategy", "acme-block-after"),
    ("expectation kind", "acme-gtin"),
    ("expectation evaluator", "acme-spark"),
]


@pytest.mark.parametrize(("kind", "name"), OFFERED)
def test_what_the_plugin_offers_is_found(kind, name):
    assert load_plugins().registry(kind).get(name).owner == "acme"


@pytest.mark.parametrize(("kind", "name"), OFFERED)
def test_a_blocked_plugin_offers_nothing(kind, name, monkeypatch):
    monkeypatch.setenv("DC43_BLOCK_PLUGINS", "acme")
    with pytest.raises(UnknownNameError, match=f"no {kind} named '{name}'"):
        load_plugins().registry(kind).get(name)


def test_hooks_are_imported_without_pyspark():
    code = "import sys, acme_rules.hooks; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_configuration_sets_the_options(tmp_path: Path):
    file = tmp_path / "dc43.toml"
    file.write_text('[strategies.patient]\nuse = "acme-block-after"\nn = 5\n')
    strategy = Runtime(config=load_config(file)).strategy("patient").strategy
    assert isinstance(strategy, BlockAfterN)
    assert strategy.options == BlockAfterOptions(n=5)


def test_a_contract_reaches_the_kind_by_its_name(tmp_path: Path):
    contract = OdcsLoader().parse(
        "products.odcs.yaml",
        b"""
apiVersion: v3.1.0
kind: DataContract
id: products
version: 1.0.0
schema:
  - name: products
    properties:
      - name: gtin
        logicalType: string
        quality:
          - id: real-gtin
            type: custom
            engine: dc43
            implementation: {kind: acme-gtin, lengths: [13]}
""",
    )
    plan = Runtime(config=load_config(_empty(tmp_path))).plan(contract)
    [rule] = [e for e in plan.expectations if e.kind == "acme-gtin"]
    assert rule.demand == "gtin must be a GTIN of 13 digits with a correct check digit"


@pytest.mark.spark
def test_spark_has_an_evaluator_for_the_kind(tmp_path: Path):
    pytest.importorskip("pyspark")
    from acme_rules.gtin import GtinKind
    from acme_rules.spark import GtinOnSpark
    from dc43_core.testing.kinds import expectation_of

    runtime = Runtime(config=load_config(_empty(tmp_path)))
    found = runtime.evaluators("spark", [expectation_of(GtinKind(), {})])
    assert isinstance(found["acme-gtin"], GtinOnSpark)


def _empty(folder: Path) -> Path:
    file = folder / "dc43.toml"
    file.touch()
    return file
