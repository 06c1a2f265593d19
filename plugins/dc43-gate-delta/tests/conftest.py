"""Delta tables on disk, in folders whose names must be quoted somewhere."""

import sys
from pathlib import Path

import pytest

from dc43_integrations.testing import runtime, spark

# With --import-mode=importlib no test folder stands on the path.
sys.path.append(str(Path(__file__).parent))

from delta_tables import COLUMNS, Tables

__all__ = ["runtime", "spark"]


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(home=tmp_path / "100% of it ü", columns=COLUMNS)
