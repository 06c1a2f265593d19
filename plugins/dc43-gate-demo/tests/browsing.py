"""A real browser in front of the pages: Debian's Chromium, driven by playwright."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from attrs import define, field
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, sync_playwright

from dc43_demo_app.web.app import create_app
from dc43_demo_app.web.serve import bind
from dc43_demo_app.web.site import Site

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
ALONE = "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""The network is off: no name but this machine's leads anywhere (check 1)."""
PATIENCE = 15_000
"""Milliseconds that something may take to appear before it is missing."""


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Start the system's Chromium; without one the tests say so and are skipped."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        reason = "no chromium on this machine: apt-get install chromium"
        if os.environ.get("DC43_TEST_BROWSER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        # Chromium's own sandbox needs rights that a container's root lacks.
        args = ["--no-sandbox", f"--host-resolver-rules={ALONE}"]
        made = playwright.chromium.launch(executable_path=path, args=args)
        yield made
        made.close()


@define
class Server:
    """A server on a thread of this process, which can go and come back at its port."""

    site: Site
    port: int = 0
    _server: uvicorn.Server | None = None
    _thread: threading.Thread | None = None
    _listener: socket.socket | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        """Serve, at the same port if it was served before."""
        address = bind("127.0.0.1", self.port)
        self._listener = address.listener
        self.port = address.listener.getsockname()[1]
        config = uvicorn.Config(
            create_app(self.site), log_level="critical", timeout_graceful_shutdown=0, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [address.listener]}, daemon=True
        )
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def stop(self) -> None:
        """Go, and drop every connection."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join(10)
            assert self._listener is not None
            self._listener.close()


# playwright keeps its own attributes on whose methods it calls.
@define(slots=False)
class Visitor:
    """A browser context that notes what its pages complain of and whom they ask."""

    context: BrowserContext
    url: str
    console: list[str] = field(factory=list)
    foreign: list[str] = field(factory=list)

    def open(self, path: str = "/") -> Page:
        """Open a page of the server."""
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", self._asked)
        page.goto(self.url + path)
        return page

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.console.append(text)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.url).netloc:
            self.foreign.append(request.url)


def until(holds: Callable[[], Any], seconds: float = PATIENCE / 1000) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)


def tab_to(target: Locator) -> None:
    """Go to an element by the Tab key alone."""
    for _ in range(120):
        target.page.keyboard.press("Tab")
        if target.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(f"no Tab leads to {target}")


class Process:
    """`dc43 ui` over a folder's configuration: a process that can be killed, and comes back."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Process:
        """Start it; return when it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "dc43_core.cli", "ui", "--port", str(self.port)],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                self.port = int(found[1])
                return self
        raise AssertionError("".join(said))

    def kill(self) -> None:
        """End it by SIGKILL: it cleans up nothing and tells nobody."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
