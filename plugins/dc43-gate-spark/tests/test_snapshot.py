"""The example of a monitor has snapshots measured, each in a thread of the data-quality service."""

from __future__ import annotations

import re
import runpy
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import evolve

from dc43_core import DataQualityService
from dc43_core.config import Config
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_integrations.spark.io import write_with_contract

pytestmark = pytest.mark.spark

MONITOR = Path(__file__).parents[3] / "examples" / "monitor-a-stream" / "monitor.py"


@pytest.fixture
def orders(runtime: Runtime, tmp_path: Path) -> Runtime:
    """A configuration with the contract `orders`."""
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "orders.odcs.yaml").write_text(ORDERS)
    config = evolve(Config(), source=tmp_path / "dc43.toml")
    return Runtime(config=config, plugins=runtime.plugins, governance=MemoryGovernance())


def test_a_version_that_is_not_ok_is_measured_as_a_whole(orders, spark, tmp_path, capsys):
    example = runpy.run_path(str(MONITOR))
    schema = "id bigint, amount decimal(9,2), state string"
    frame = spark.createDataFrame([(1, None, "open"), (2, Decimal(7), "paid")], schema)
    for _ in range(2):
        write_with_contract(
            df=frame, contract_id="orders", path=str(tmp_path / "out"), runtime=orders
        )
    with DataQualityService(orders) as service:
        inspect = example["inspector"](orders, service, spark)
        example["watch"](orders, service, "orders", batches=2, every=0.1, inspect=inspect)
        latest = service.verdict("orders", "1")
    assert latest is not None
    assert (latest.source, latest.row_count) == ("measurement", 4)
    out = capsys.readouterr().out
    assert "version 0, 2 rows: warn: amount must not be missing: broken by 1 of 2 rows" in out
    # In each batch its id is unique.
    assert re.search(r"snapshot of version 1: done, 4 rows, warn .*primaryKey 1", out)
