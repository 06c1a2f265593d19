"""The example that imports public names alone does what its text says."""

import ast
import runpy
from pathlib import Path
from typing import Any

import pytest

import dc43_core
from dc43_integrations.spark import io

pytestmark = [pytest.mark.spark, pytest.mark.slow]

SCRIPT = Path(__file__).parents[2] / "examples" / "flights-script" / "script.py"


def test_it_imports_public_names_alone() -> None:
    public = {"dc43_core": set(dc43_core.__all__), "dc43_integrations.spark.io": set(io.__all__)}
    imported = [
        (node.module, name.name)
        for node in ast.walk(ast.parse(SCRIPT.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("dc43")
        for name in node.names
    ]

    assert imported
    assert [(module, name) for module, name in imported if name not in public[module]] == []


def test_two_streams_and_a_strategy_that_remembers(spark: Any, tmp_path: Path) -> None:
    done = runpy.run_path(str(SCRIPT))["main"](tmp_path, spark)
    days = [len(f.read_text().splitlines()) - 1 for f in sorted((tmp_path / "in").iterdir())]
    rows = [sum(days[:3]), sum(days[3:6]), sum(days[6:])]
    main = spark.read.parquet(str(tmp_path / "main"))
    rejects = spark.read.parquet(str(tmp_path / "rejects"))

    routed = done["routed"]["batches"]
    assert [(n, outcome, good + bad) for n, outcome, good, bad in routed] == [
        (0, "committed", rows[0]),
        (1, "committed", rows[1]),
    ]
    assert (main.count(), rejects.count()) == tuple(sum(b[at] for b in routed) for at in (2, 3))
    assert rejects.count() == rejects.where("size(_dc43_checks) > 0").count() > 0

    product = done["product"]
    assert (product["status"], product["batches"]) == ("warn", [(0, "committed", main.count(), 0)])
    assert (product["product"]["product"], product["product"]["port"]) == ("departures", "daily")

    # Two bad batches land; the third is blocked by a strategy that was built anew in between.
    assert done["strict"]["batches"] == [(n, "committed", rows[n], 0) for n in (0, 1)]
    assert done["strict, again"]["batches"] == [(2, "blocked", 0, 0)]
    assert done["strict, again"]["reason"] == "three-bad-batches: 3 bad batches in a row"
    assert spark.read.parquet(str(tmp_path / "strict")).count() == rows[0] + rows[1]
