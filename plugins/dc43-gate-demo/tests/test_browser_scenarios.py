"""Each scenario in the browser, from the click that starts it to its row in the history."""

from __future__ import annotations

import os
import re

import pytest
from browsing import Server
from playwright.sync_api import expect

from dc43_demo_app.commands import make_site
from dc43_demo_app.scenarios.home import Home
from dc43_demo_app.scenarios.launcher import ScenarioLauncher
from dc43_demo_app.web.serve import LOOPBACK

pytestmark = [
    pytest.mark.spark,
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("DC43_TEST_YEAR"), reason="takes minutes; DC43_TEST_YEAR=1 runs it"
    ),
]
LONG = 300_000
"""Milliseconds in which Spark starts, also on a busy machine."""


@pytest.fixture
def demo(tmp_path):
    home = Home.at(tmp_path / "home")
    runtime = home.runtime()
    launcher = ScenarioLauncher.of(home, runtime)
    server = Server(make_site(runtime, launcher, LOOPBACK)).start()
    yield server
    server.stop()
    runtime.close()
    # They outlive a server; a test that ends leaves none behind.
    for process in launcher.launches._children.values():
        process.terminate()
        process.wait(60)


def start(page, scenario):
    page.get_by_role("button", name=f"Start {scenario}").click()
    page.wait_for_url(re.compile("/runs/"), timeout=LONG)


def stop(page):
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Stop run").click()
    expect(page.locator("#head")).to_contain_text("Stopped", timeout=LONG)


@pytest.mark.parametrize("scenario", ["streaming-valid", "streaming-dq-rejects"])
def test_a_stream_from_the_click_to_the_history(demo, visit, scenario):
    page = visit(demo).open("/")
    start(page, scenario)
    expect(page.locator("#b-2")).to_be_visible(timeout=LONG)
    stop(page)
    batches = page.locator("#cards > li").count()
    lead = page.locator("#lead").inner_text()
    assert ("rejected (" in lead) is (scenario == "streaming-dq-rejects")
    page.get_by_role("link", name="Runs", exact=True).first.click()
    row = page.locator("tbody tr")
    expect(row).to_contain_text("Stopped")
    expect(row.locator("td").nth(3)).to_have_text(str(batches))


def test_6_a_block_from_the_click_to_its_way_out(demo, visit):
    page = visit(demo).open("/")
    start(page, "streaming-schema-break")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(
        "The feed of 4 Jan lacks the required column tailnum.", timeout=LONG
    )
    blocked = page.url
    page.get_by_role("button", name="Restore tailnum").click()
    page.wait_for_url(lambda url: "/runs/" in url and url != blocked, timeout=LONG)
    expect(page.locator("#b-4")).to_be_visible(timeout=LONG)
    stop(page)
    page.get_by_role("link", name="Runs", exact=True).first.click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").first).to_contain_text("Stopped")
    expect(page.locator("tbody tr").last).to_contain_text("Blocked")
