"""Spark's own Delta jars read what delta-rs committed, and can write to the table afterwards."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jars import NoJarsError, delta_jars
from test_on_spark import BATCHES, LANDED, Flow

pytestmark = [pytest.mark.spark, pytest.mark.slow]


@pytest.fixture(scope="module")
def seen(spark, tmp_path_factory) -> dict[str, Any]:
    import pyspark

    from dc43_core.config import Config
    from dc43_core.governance.memory import MemoryGovernance
    from dc43_core.runtime import Runtime

    if not pyspark.__version__.startswith("4.2."):
        pytest.skip(f"Delta 4.4.0 is for Spark 4.2, this is {pyspark.__version__}")
    try:
        jars = delta_jars()
    except NoJarsError as error:
        pytest.skip(str(error))
    runtime = Runtime(config=Config(), governance=MemoryGovernance())
    flow = Flow(spark, runtime, tmp_path_factory.mktemp("delta") / "by jar")
    for number, rows in enumerate(BATCHES):
        flow.put(f"{number}.parquet", rows)
    flow.run()
    script = Path(__file__).with_name("read_with_jar.py")
    command = [sys.executable, str(script), str(flow.main), ",".join(map(str, jars))]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_it_sees_every_row_and_type(seen):
    assert sorted(row["id"] for row in seen["rows"]) == sorted(row["id"] for row in LANDED)
    assert seen["schema"].startswith(
        "struct<id:bigint,amount:decimal(20,4),ratio:double,small:smallint,at:timestamp,"
        "wall:timestamp_ntz,day:date"
    )
    (plain,) = [row for row in seen["rows"] if row["id"] == 1]
    assert plain["at"] == "2024-02-29T12:30:00.123Z"
    assert plain["place"] == {"city": "Zürich", "tags": ["a", None, "日本語"]}


def test_statistics_hide_no_row_from_it(seen):
    assert all(count >= 1 for count in seen["skipped"].values()), seen["skipped"]


def test_its_history_says_which_batch_a_version_is(seen):
    told = dict(seen["history"])
    assert "main batch 0 of" in told[0]
    assert "main batch 1 of" in told[1]


def test_it_can_append_to_the_table(seen):
    assert seen["after an append"] == len(LANDED) + 1
