"""Scenarios in processes of their own, one of them through the whole year; it takes minutes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from starlette.testclient import TestClient

from dc43_core.governance.model import Run
from dc43_core.vocabulary import RunType
from dc43_demo_app.commands import make_site
from dc43_demo_app.scenarios.flights import DAYS
from dc43_demo_app.scenarios.home import Home
from dc43_demo_app.web.app import create_app

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("DC43_TEST_YEAR"), reason="takes minutes; DC43_TEST_YEAR=1 runs it"
    ),
]

PATIENCE = 300


def process(home: Home, scenario: str, *options: str) -> subprocess.Popen[str]:
    """Start a scenario as the pages do, as fast as it goes."""
    command = [sys.executable, "-m", "dc43_demo_app.scenarios", scenario, "--pace", "0"]
    return subprocess.Popen(
        [*command, "--home", str(home.folder), *options],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def runs(home: Home) -> list[Run]:
    runtime = home.runtime()
    try:
        return list(runtime.governance.runs())
    finally:
        runtime.close()


def until(holds: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.2)


def test_a_run_survives_what_becomes_of_its_process(home):
    def is_past(batch: int) -> bool:
        return any((run.batch_id or 0) > batch for run in runs(home)[-1:])

    first = process(home, "streaming-valid")
    until(lambda: is_past(1))
    first.send_signal(signal.SIGTERM)
    assert first.wait(PATIENCE) == 130
    [stopped] = runs(home)
    assert (stopped.outcome, stopped.reason) == ("stopped", "by Ctrl-C or SIGTERM")

    second = process(home, "streaming-valid", "--resume", stopped.stream_id)
    until(lambda: len(runs(home)) == 2 and is_past((stopped.batch_id or 0) + 1))
    # With its JVM, as a machine that goes away.
    os.killpg(second.pid, signal.SIGKILL)
    second.wait(PATIENCE)

    third = process(home, "streaming-valid", "--resume", "--seconds", "0", "--json")
    out, _ = third.communicate(timeout=PATIENCE)
    assert third.returncode == 0
    assert (json.loads(out)["status"], json.loads(out)["run"]["outcome"]) == ("ok", "ended")
    assert len({run.stream_id for run in runs(home)}) == 1
    records = home.runtime().governance.records(stream_id=stopped.stream_id)
    assert [r.batch_id for r in records] == list(range(len(records)))
    days = [file.rpartition("/")[2] for r in records for file in r.input["files"]]
    place = home.newest("streaming-valid", RunType.OBSERVE)
    assert days == sorted(file.name for file in place.feed.folder.glob("*.csv"))


@pytest.fixture(scope="module")
def summary(tmp_path_factory) -> dict[str, Any]:
    """The year of `streaming-dq-rejects`, over."""
    home = Home.at(tmp_path_factory.mktemp("home"))
    played = process(home, "streaming-dq-rejects", "--json")
    out, _ = played.communicate(timeout=10 * PATIENCE)
    assert played.returncode == 0
    return {**json.loads(out), "home": home}


@pytest.fixture(scope="module")
def page(summary) -> str:
    """The page of its run, as text."""
    runtime = summary["home"].runtime()
    site = make_site(runtime, None, "127.0.0.1", folders=[])
    with TestClient(create_app(site), base_url="http://127.0.0.1") as client:
        found = client.get(f"/runs/{summary['run']['run_id']}")
    runtime.close()
    assert found.status_code == 200
    text = unescape(re.sub(r"<[^>]*>", "", found.text))
    return " ".join(text.split())


def test_4_the_blizzard_and_nothing_else_is_unusual(page):
    assert "Unusual: batch 38 (8 Feb) 23.3 %, batch 39 (9 Feb) 27.8 %." in page


def test_5_the_year_ends_with_every_flight_in_one_of_the_lanes(summary, page):
    assert (summary["batch_count"], summary["run"]["outcome"]) == (DAYS, "ended")
    assert summary["run"]["reason"] == "the year is over"
    assert (summary["row_count"], summary["main_count"]) == (336_776, 311_312)
    assert "25,464 of 336,776 rows rejected (7.6 %); nothing blocked." in page


def test_5_what_was_broken_adds_up(summary):
    broken = summary["violations_by_check"]
    rows = {
        "tailnum.pattern": 22_754,
        "tailnum.required": 2_512,
        "arr_time.range": 150,
        "dep_time.range": 29,
        "primaryKey": 24,
    }
    assert {check: broken[check] for check in rows} == rows
    # Five rows break two rules.
    assert summary["reject_count"] == sum(rows.values()) - 5
