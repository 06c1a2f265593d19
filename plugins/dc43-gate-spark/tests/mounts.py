"""Folders behind viewfs: a mount table is configuration, no jar, and `os.path` sees nothing there.

`DC43_TEST_FILE_SYSTEM=viewfs` puts source, sinks and checkpoint of every `Flow` there.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

FILE_SYSTEM = os.environ.get("DC43_TEST_FILE_SYSTEM", "file")
in_faults = pytest.mark.skipif(
    FILE_SYSTEM == "file", reason="takes long; `python3 dev.py faults --only viewfs` runs it"
)
local_only = pytest.mark.skipif(
    FILE_SYSTEM != "file", reason="delta-rs reads no viewfs: the sink refuses it at the start"
)
Address = Callable[[Path], str]


def mount(spark: SparkSession, folder: Path) -> str:
    """Mount a folder in a table of its own; return its viewfs URI."""
    name = f"dc43-{uuid.uuid4().hex}"
    folder.mkdir(parents=True, exist_ok=True)
    spark._jsc.hadoopConfiguration().set(f"fs.viewfs.mounttable.{name}.link./data", folder.as_uri())
    return f"viewfs://{name}/data"


def address(spark: SparkSession, folder: Path) -> Address:
    """Return how dc43 and Spark are told of paths below a folder: as they are, or behind viewfs."""
    if FILE_SYSTEM == "file":
        return str
    assert FILE_SYSTEM == "viewfs", f"DC43_TEST_FILE_SYSTEM={FILE_SYSTEM}: file or viewfs"
    root = mount(spark, folder)
    return lambda path: f"{root}/{path.relative_to(folder)}"
