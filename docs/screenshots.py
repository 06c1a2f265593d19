"""The pictures of the walkthrough: its steps, walked through a browser on a demo of their own.

    python3 dev.py screenshots

Needs Chromium. Each step is one of docs/tutorials/spark-streaming-scenarios.md; one that cannot be
taken ends this with an error.
"""

from __future__ import annotations

import base64
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

IMAGES = Path(__file__).parent / "tutorials" / "images"
SIZE = {"width": 1200, "height": 800}
PATIENCE = 300_000
"""Milliseconds that a step may take: Spark starts, and February comes."""


@contextmanager
def demo(home: Path) -> Iterator[str]:
    """Serve `dc43 demo` over a home; yield its address."""
    command = [sys.executable, "-m", "dc43_core.cli", "demo", "--home", str(home), "--port", "0"]
    # Its words go to one place, wherever it prints the address.
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if found := re.search(r"http://\S+", line):
                yield found[0].rstrip("/.,")
                return
        raise SystemExit(f"dc43 demo ended with {process.wait()} before it said its address")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)
        process.stdout.close()


def start(page: Page, address: str, scenario: str, run_type: str) -> None:
    """Start a scenario from the first page, and wait until the launch turns into its run."""
    page.goto(address)
    card = page.locator("li").filter(has=page.get_by_role("heading", name=scenario, exact=True))
    card.get_by_label("Run type").select_option(run_type)
    card.get_by_role("button", name="Start").click()
    page.wait_for_url(re.compile(r"/runs/"), timeout=PATIENCE)


def stop(page: Page) -> None:
    """Stop the run that is shown."""
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Stop run").click()
    if page.get_by_role("button", name="Stop after the current batch").count():
        page.get_by_role("button", name="Stop after the current batch").click()
    expect(page.get_by_role("button", name="Run again")).to_be_visible()


def card(page: Page, batch: int) -> None:
    """Wait until a batch has its card."""
    page.locator(f"#b-{batch}").wait_for(state="attached")


def picture(page: Page, name: str) -> None:
    """Take the window as it is."""
    page.wait_for_timeout(500)
    # A third of what the same picture weighs as PNG, which is all that playwright itself offers.
    window = page.context.new_cdp_session(page)
    taken = window.send("Page.captureScreenshot", {"format": "webp", "quality": 75})
    window.detach()
    file = IMAGES / f"{name}.webp"
    file.write_bytes(base64.b64decode(taken["data"]))
    sys.stdout.write(f"{file.name}, {file.stat().st_size // 1024} kB\n")
    sys.stdout.flush()


def walk(page: Page, address: str) -> None:
    """Go the walkthrough's way."""
    page.goto(address)
    picture(page, "scenarios")

    start(page, address, "streaming-valid", "observe")
    card(page, 4)
    picture(page, "healthy")
    stop(page)

    start(page, address, "streaming-dq-rejects", "observe")
    card(page, 45)
    picture(page, "blizzard")
    stop(page)
    page.goto(f"{page.url.rstrip('/')}/batches/39")
    picture(page, "batch")
    page.get_by_role("link", name=re.compile(r"^\d+ rejected rows$")).first.click()
    picture(page, "rejects")

    start(page, address, "streaming-schema-break", "enforce")
    page.get_by_role("heading", name="Batch 3 was blocked.").wait_for()
    picture(page, "blocked")
    page.get_by_role("button", name=re.compile("^Restore tailnum")).click()
    page.wait_for_url(re.compile(r"/runs/"))
    card(page, 5)
    stop(page)
    page.goto(f"{address}/datasets/flights-aircraft")
    picture(page, "versions")


def main() -> None:
    """Take every picture."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit(
            "there is no chromium on this machine; install it: apt-get install chromium"
        )
    IMAGES.mkdir(exist_ok=True)
    # Pages show paths: a plain one, and the same each time.
    home = Path(tempfile.gettempdir()) / "dc43-demo"
    if home.exists():
        raise SystemExit(f"{home} is there already; this would show its runs too, delete it first")
    with demo(home) as address, sync_playwright() as playwright:
        # Chromium's own sandbox needs rights that a container's root lacks.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        walk(page, address)
        browser.close()
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
