from __future__ import annotations

from pathlib import Path

import pytest

from dc43_demo_app.scenarios.flights import prepare
from dc43_demo_app.scenarios.home import Home


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
