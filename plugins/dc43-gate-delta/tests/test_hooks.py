"""The plugin is found, and loads without Spark and without delta-rs."""

from __future__ import annotations

import json
import subprocess
import sys

from dc43_core.plugin_manager import load_plugins
from dc43_delta.format import DeltaFormat


def test_it_offers_the_sink_delta():
    plugins = load_plugins(allowed=["dc43-gate-delta", "dc43-gate-spark"])
    offers = {o.extension.name: o for o in plugins.registry("sink", "dc43_spark_sinks")}
    assert offers["delta"].owner == "delta"
    assert isinstance(offers["delta"].extension.build(), DeltaFormat)


def test_it_loads_where_the_spark_plugin_is_absent():
    plugins = load_plugins(allowed=["dc43-gate-delta"])
    assert [p.name for p in plugins.loaded] == ["dc43-gate", "delta"]


def test_to_load_it_imports_neither_delta_rs_nor_arrow():
    code = "import json, sys; import dc43_delta.hooks; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    assert not loaded & {"deltalake", "pyarrow", "pyspark", "dc43_integrations"}
