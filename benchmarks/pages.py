"""python3 dev.py ui-soak [--seconds N]: check 15 of the pages, on a ledger of 10,000 batches.

A run of 10,000 batches is opened in Chromium while ten more arrive each second. Ready in a second,
fewer than 400 nodes in lists and charts, no task of the page's own above 100 ms, no more work than
100 ms a second, memory that stays flat: the table says what was found, and the exit code is 1 where
one of them does not hold. Tasks and work are time on the processor, which does not grow with what
else the machine does; how long the longest task took by the clock is told beside it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import uvicorn
from attrs import frozen
from playwright.sync_api import CDPSession, sync_playwright

from dc43_core.config import Config
from dc43_core.protocol import clock
from dc43_core.runtime import Runtime
from dc43_core.testing.records import make_record
from dc43_core.testing.runs import make_run
from dc43_demo_app.reading.ledger import Ledger
from dc43_demo_app.reading.promises import Promises
from dc43_demo_app.web.app import create_app
from dc43_demo_app.web.serve import bind
from dc43_demo_app.web.site import Site
from dc43_governance_sql.ledger import SqlGovernance
from dc43_governance_sql.options import SqlOptions

BATCHES, A_SECOND = 10_000, 10
MOST_READY, MOST_NODES, MOST_TASK, MOST_WORK, MOST_GROWTH = 1_000.0, 400, 100.0, 100.0, 8.0
"""Milliseconds, nodes, milliseconds, milliseconds a second, MB."""
NODES = "document.querySelectorAll('#timeline *, #cards *, #violations *').length"


class Feed(threading.Thread):
    """Appends batches, as many a second as were agreed, until it is told to end."""

    def __init__(self, client: SqlGovernance) -> None:
        super().__init__(daemon=True)
        self.client, self.sent, self.over = client, BATCHES, threading.Event()

    def run(self) -> None:
        """Append until the end."""
        due = time.monotonic()
        while not self.over.is_set():
            self.client.record_many(records(self.sent, self.sent + 1))
            self.client.save_run(make_run(heartbeat_at=clock.now(), batch_id=self.sent))
            self.sent += 1
            due += 1 / A_SECOND
            self.over.wait(max(0.0, due - time.monotonic()))


def records(first: int, last: int) -> list[Any]:
    """Return records of a stretch of batches."""
    stream_id = make_run().stream_id
    return [make_record(batch_id=n, stream_id=stream_id) for n in range(first, last)]


def main(arguments: list[str]) -> int:
    """Run the soak; return the exit code."""
    parser = argparse.ArgumentParser(prog="ui-soak", description=__doc__)
    parser.add_argument("--seconds", type=int, default=600)
    seconds: int = parser.parse_args(arguments).seconds
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("ui-soak: no chromium on this machine: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        client = SqlGovernance(SqlOptions(path=str(Path(folder) / "ledger.db")))
        client.open()
        client.save_run(make_run(heartbeat_at=clock.now()))
        client.record_many(records(0, BATCHES))
        runtime = Runtime(config=Config(), governance=client)
        site = Site(
            runtime=runtime, ledger=Ledger(client=client), promises=Promises(runtime=runtime)
        )
        address = bind("127.0.0.1", 0)
        config = uvicorn.Config(create_app(site), log_level="warning", lifespan="off")
        server = uvicorn.Server(config)
        serving = threading.Thread(target=server.run, kwargs={"sockets": [address.listener]})
        serving.start()
        feed = Feed(client)
        try:
            figures = look(chromium, f"{address.url}runs/{make_run().run_id}", feed, seconds)
        finally:
            feed.over.set()
            server.should_exit = server.force_exit = True
            serving.join()
    return told(figures)


def look(chromium: str, url: str, feed: Feed, seconds: int) -> dict[str, tuple[float, float]]:
    """Look at the run for some time; return what was found, and what it may be at most."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        # The server reads a ledger once; what is measured is the page.
        page.goto(url)
        page.goto(url)
        ready = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
        tools = page.context.new_cdp_session(page)
        tools.send("Performance.enable", {"timeDomain": "threadTicks"})
        feed.start()
        began, busy = time.monotonic(), work(tools)
        end, first, nodes = time.monotonic() + seconds, 0.0, 0
        tasks: list[Task] = []
        while time.monotonic() < end:
            browser.start_tracing(page=page, categories=["toplevel"])
            page.wait_for_timeout(1_000 * min(5.0, seconds / 4))
            tasks.append(longest(browser.stop_tracing()))
            first = first or heap(tools)
            nodes = max(nodes, page.evaluate(NODES))
        newest = page.locator("#cards > li").first.get_attribute("id") or ""
        behind = feed.sent - int(newest.removeprefix("b-"))
        figures = {
            "ready, ms": (ready, MOST_READY),
            "nodes in lists and charts": (float(nodes), float(MOST_NODES)),
            "longest task, ms": (max(task.worked for task in tasks), MOST_TASK),
            "work, ms a second": (
                (work(tools) - busy) / (time.monotonic() - began),
                MOST_WORK,
            ),
            "growth of memory, MB": (heap(tools) - first, MOST_GROWTH),
            "batches behind": (float(behind), 2.0 * A_SECOND),
        }
        clock_time = max(task.took for task in tasks)
        sys.stdout.write(f"the longest task by the clock took {clock_time:.0f} ms\n")
        browser.close()
    return figures


@frozen
class Task:
    """The longest tasks of a stretch of time, in ms of the processor and by the clock."""

    worked: float
    took: float


def longest(trace: bytes) -> Task:
    """Return the longest tasks of the main threads in a trace."""
    events = json.loads(trace)["traceEvents"]
    main = {
        (one["pid"], one["tid"])
        for one in events
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        one
        for one in events
        if one["ph"] == "X" and (one["pid"], one["tid"]) in main and "RunTask" in one["name"]
    ]
    # Without one nothing was measured, and that is no pass.
    return Task(
        max(one.get("tdur", 0) for one in tasks) / 1_000, max(one["dur"] for one in tasks) / 1_000
    )


def heap(tools: CDPSession) -> float:
    """Return what the page's scripts hold, in MB, after all that can go has gone."""
    tools.send("HeapProfiler.collectGarbage")
    return float(tools.send("Runtime.getHeapUsage")["usedSize"]) / 2**20


def work(tools: CDPSession) -> float:
    """Return what the page's main thread has worked, in ms of the processor."""
    found = tools.send("Performance.getMetrics")["metrics"]
    return 1_000 * float(next(one["value"] for one in found if one["name"] == "TaskDuration"))


def told(figures: dict[str, tuple[float, float]]) -> int:
    """Print a table; return 1 if a figure is above what it may be."""
    for name, (found, most) in figures.items():
        held = "holds" if found <= most else "DOES NOT HOLD"
        sys.stdout.write(f"{name:28} {found:10.1f}  at most {most:6.0f}  {held}\n")
    return int(any(found > most for found, most in figures.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
