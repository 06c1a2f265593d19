"""Fixtures for tests on Spark: one session for the whole run, and a runtime that leaves no trace.

# conftest.py
from dc43_integrations.testing import runtime, spark
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest

from dc43_core.config import Config
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.runtime import Runtime

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
}
"""Settings of the session; small, quiet and the same on every machine."""
_JVM = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.configurationFile={}"


def small_session() -> Any:
    """Return the session that tests share: classic, on two threads, quiet."""
    sql = pytest.importorskip("pyspark.sql")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    quiet = resources.files("dc43_integrations") / "spark" / "log4j2.properties"
    builder = sql.SparkSession.builder.master("local[2]").appName("dc43 tests")
    builder = builder.config("spark.driver.extraJavaOptions", _JVM.format(quiet))
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A classic session on two threads; whoever asks for it gets the same one."""
    session = small_session()
    yield session
    session.stop()


@pytest.fixture
def runtime() -> Runtime:
    """Defaults, whatever configuration lies about, and governance in memory."""
    return Runtime(config=Config(), governance=MemoryGovernance())
