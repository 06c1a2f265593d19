"""What an import of the core does not bring."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache

import pytest

ENGINES = ["pyspark", "py4j", "pandas", "pyarrow", "sqlalchemy", "duckdb", "deltalake"]
# Not rich: structlog imports it wherever it is installed.
TERMINAL = ["typer", "click"]
PLUGINS = [
    "acme_rules",
    "dc43_blocking",
    "dc43_delta",
    "dc43_demo_app",
    "dc43_drift",
    "dc43_governance_sql",
    "dc43_integrations",
    "dc43_rejects",
]
TESTS = ["pytest", "hypothesis"]


@cache
def imported_by(statement: str) -> frozenset[str]:
    code = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return frozenset(json.loads(done.stdout))


@pytest.mark.parametrize("name", [*ENGINES, *TERMINAL, *PLUGINS, *TESTS])
def test_the_core_does_not_import(name: str):
    assert name not in imported_by("import dc43_core")


@pytest.mark.parametrize("name", [*ENGINES, *TERMINAL])
def test_no_plugin_imports_it_when_it_is_loaded(name: str):
    assert name not in imported_by("import dc43_core; dc43_core.load_plugins()")


def test_the_core_works_where_none_of_them_is_installed():
    missing = [*ENGINES, *TERMINAL, "rich", *PLUGINS, *TESTS]
    blocked = f"sys.modules.update(dict.fromkeys({missing!r}))"
    assert "dc43_core" in imported_by(f"{blocked}\nimport dc43_core.pipeline")


def test_all_that_is_public_is_there():
    import dc43_core

    assert [name for name in dc43_core.__all__ if not hasattr(dc43_core, name)] == []
