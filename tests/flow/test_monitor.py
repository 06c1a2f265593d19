"""The example of a monitor: another process sees each batch while the stream runs."""

from __future__ import annotations

import runpy
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dc43_core import (
    DataQualityService,
    GovernanceRecord,
    Observations,
    Runtime,
    load_config,
)
from dc43_core.errors import BatchBlockedError
from dc43_core.governance.measurements import Measurement
from dc43_core.pipeline import open_stream
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.sink_log import FileSink
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeStager
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane, RunOutcome, RunType

MONITOR = Path(__file__).parents[2] / "examples" / "monitor-a-stream" / "monitor.py"
GOOD = [{"id": 1, "amount": 5, "state": "open"}, {"id": 2, "amount": 7, "state": "paid"}]
BAD = [{"id": 3, "amount": None, "state": "open"}]


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "orders.odcs.yaml").write_text(ORDERS)
    (tmp_path / "dc43.toml").write_text('[governance.ledger]\nuse = "sql"\npath = "ledger.db"\n')
    made = Runtime(config=load_config(tmp_path / "dc43.toml"))
    yield made
    made.close()


def stream(runtime: Runtime, *, run_type: RunType) -> Any:
    """A stream on the engine of lists: the real protocol, without Spark."""
    plan = runtime.plan(runtime.contracts().get("orders"))
    store = MemoryStore()
    return open_stream(
        runtime=runtime,
        plan=plan,
        stager=FakeStager(store=store, plan=plan, kinds=runtime.kinds),
        store=store,
        checkpoint="memory:/checkpoint",
        sinks={Lane.MAIN: FileSink(store, "memory:/main", ".jsonl")},
        policy=Policy(run_type=run_type),
    )


def test_another_process_sees_each_batch_while_the_stream_runs(runtime, tmp_path):
    running = stream(runtime, run_type=RunType.ENFORCE)
    monitor = subprocess.Popen(
        [sys.executable, MONITOR, "orders", "--batches", "3", "--every", "0.1"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    with monitor:
        assert monitor.stdout is not None
        running.process(GOOD, 0)
        # The stream is between two batches, and the monitor has seen the first already.
        assert monitor.stdout.readline() == "batch 0, version 0, 2 rows: ok\n"
        running.process([*GOOD, *GOOD][1:3], 1)
        assert monitor.stdout.readline() == "batch 1, version 1, 2 rows: ok\n"
        with pytest.raises(BatchBlockedError):
            running.process(BAD, 2)
        told = monitor.stdout.readline()
        assert monitor.wait(timeout=30) == 1
    running.run_log.end(RunOutcome.BLOCKED)
    assert told.startswith("batch 2, no version, 1 rows: block: amount must not be missing")


def test_what_is_measured_is_told_until_it_has_ended(runtime, capsys):
    class Counted:
        """A snapshot that is counted while the monitor looks again."""

        def observe(self, plan: Any) -> Observations:
            time.sleep(0.5)
            return Observations(row_count=4, broken={"primaryKey": 1}, violating=1)

    running = stream(runtime, run_type=RunType.OBSERVE)
    running.process(BAD, 0)
    watch = runpy.run_path(str(MONITOR))["watch"]
    with DataQualityService(runtime) as service:

        def inspect(record: GovernanceRecord) -> Measurement:
            # The next batch lands, and the monitor goes on meanwhile.
            running.process(GOOD, 1)
            return service.measure(Counted(), "orders", dataset_version="0")

        watch(runtime, service, "orders", batches=2, every=0.1, inspect=inspect)
    running.run_log.end(RunOutcome.ENDED)
    first, *told, last = capsys.readouterr().out.splitlines()
    assert first.startswith("batch 0, version 0, 1 rows: warn: amount must not be missing")
    assert "batch 1, version 1, 2 rows: ok" in told
    assert {line for line in told if "snapshot" in line} <= {
        "  snapshot of version 0: waiting",
        "  snapshot of version 0: running",
    }
    assert last == "  snapshot of version 0: done, 4 rows, warn primaryKey 1"
