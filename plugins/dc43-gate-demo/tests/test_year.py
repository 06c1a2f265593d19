"""The whole year in a process of its own, one day a batch; it takes minutes."""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from typing import Any

import pytest

from dc43_core.governance.model import Run
from dc43_core.protocol.record import GovernanceRecord
from dc43_demo_app.scenarios.flights import DAYS
from dc43_demo_app.scenarios.home import Home

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("DC43_TEST_YEAR"), reason="takes minutes; DC43_TEST_YEAR=1 runs it"
    ),
]

REJECTS = "streaming-dq-rejects"


def process(home: Home, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "dc43_demo_app.scenarios", REJECTS]
    return subprocess.Popen(
        [*command, "--home", str(home.folder), "--json", *options],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def runs(home: Home) -> list[Run]:
    return list(home.runtime().governance.runs())


def until(holds: Any) -> None:
    end = time.monotonic() + 300
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)


@pytest.fixture(scope="module")
def year_home(tmp_path_factory) -> Home:
    return Home.at(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def summary(year_home) -> dict[str, Any]:
    """The year, stopped by SIGTERM on its way, killed once, and gone on with."""
    first = process(year_home, "--pace", "0")
    until(lambda: any(run.batch_id for run in runs(year_home)))
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 130
    [stopped] = runs(year_home)
    assert (stopped.outcome, stopped.reason) == ("stopped", "by Ctrl-C or SIGTERM")
    second = process(year_home, "--pace", "0", "--resume", stopped.stream_id)
    until(lambda: len(runs(year_home)) == 2 and (runs(year_home)[1].batch_id or 0) > 20)
    os.killpg(second.pid, signal.SIGKILL)
    second.wait(60)
    third = process(year_home, "--pace", "0", "--resume")
    out, _ = third.communicate(timeout=1_500)
    assert third.returncode == 0
    return dict(json.loads(out))


@pytest.fixture(scope="module")
def records(year_home, summary) -> list[GovernanceRecord]:
    return list(year_home.runtime().governance.records(stream_id=summary["run"]["stream_id"]))


def test_it_ends_with_the_year(summary):
    assert (summary["status"], summary["run"]["outcome"]) == ("warn", "ended")
    assert summary["reason"] == "the year is over" or summary["run"]["reason"] == "the year is over"


def test_every_flight_landed_once(records):
    assert [r.batch_id for r in records] == list(range(DAYS))
    assert sum(r.row_count for r in records) == 336_776
    assert sum(r.reject_count for r in records) == 25_464
    assert sum(r.main_count for r in records) == 311_312


def test_what_was_broken_adds_up(records):
    checks = {
        "tailnum.pattern": 22_754,
        "tailnum.required": 2_512,
        "arr_time.range": 150,
        "dep_time.range": 29,
        "primaryKey": 24,
    }
    found = {c: sum(r.violations_by_check.get(c, 0) for r in records) for c in checks}
    assert found == checks


def test_the_blizzard_alone_is_unusual(records):
    share = [r.reject_count / r.row_count for r in records]
    usual = [statistics.median(share[max(0, n - 30) : n]) if n >= 10 else 1 for n in range(DAYS)]
    unusual = {n: round(100 * share[n], 1) for n in range(DAYS) if share[n] > 2 * usual[n]}
    assert unusual == {38: 23.3, 39: 27.8}
