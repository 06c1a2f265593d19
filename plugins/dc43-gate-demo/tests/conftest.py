"""Pages over ledgers that the product's own protocol has written, and homes of scenarios."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# With --import-mode=importlib no test folder stands on the path.
sys.path.append(str(Path(__file__).parent))

from browsing import DESK, Server, Visitor, a_browser
from feeds import World
from playwright.sync_api import Browser
from starlette.testclient import TestClient

from dc43_demo_app.scenarios.flights import prepare
from dc43_demo_app.scenarios.home import Home
from dc43_integrations.testing import spark

__all__ = ["spark"]


@pytest.fixture(scope="session")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The flights, one file a day."""
    folder = tmp_path_factory.mktemp("year")
    prepare(folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, year: Path) -> Home:
    """A home of its own, with the flights in it already."""
    (tmp_path / "home" / "data").mkdir(parents=True)
    (tmp_path / "home" / "data" / "flights").symlink_to(year)
    return Home.at(tmp_path / "home")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty ledger, contracts, and streams of flights to run."""
    with World.at(tmp_path) as made:
        yield made


@pytest.fixture
def browse(world: World) -> Iterator[Callable[..., TestClient]]:
    """Open the pages over the world: `browse(launcher=...)`."""
    from dc43_demo_app.web.app import create_app

    clients = []

    def make(**facts: object) -> TestClient:
        client = TestClient(create_app(world.site(**facts)), base_url="http://127.0.0.1:8043")
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with a_browser() as made:
        yield made


@pytest.fixture
def served(world: World) -> Iterator[Callable[..., Server]]:
    """Serve the world at a port of its own: `served(launcher=...)`."""
    servers = []

    def make(**facts: object) -> Server:
        servers.append(Server(world.site(**facts)).start())
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Come with a fresh browser context: `visit(server, color_scheme="dark")`.

    Whatever a page complains of, and whoever else it asks, fails the test (checks 1 and 25).
    """
    visitors: list[tuple[Visitor, bool]] = []

    def make(server: Server, *, quiet: bool = True, **options: object) -> Visitor:
        context = browser.new_context(**{"viewport": DESK, **options})  # type: ignore[arg-type]
        visitors.append((Visitor(context, server.url), quiet))
        return visitors[-1][0]

    yield make
    for visitor, quiet in visitors:
        visitor.context.close()
        assert visitor.foreign == []
        assert not quiet or visitor.console == []
