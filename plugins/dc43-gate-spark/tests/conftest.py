"""One Spark session for the whole run, and streams of a few rows."""

import sys
from pathlib import Path

import pytest

from dc43_integrations.testing import runtime, spark

# With --import-mode=importlib no test folder stands on the path.
sys.path.append(str(Path(__file__).parent))

from mounts import address
from stream_helpers import Flow, KindsSeen

__all__ = ["runtime", "spark"]


@pytest.fixture(scope="session")
def kinds_seen() -> KindsSeen:
    """Which kinds of rule were broken in any test of this run."""
    return KindsSeen()


@pytest.fixture
def flow(spark, runtime, tmp_path, kinds_seen):
    """Make a source, a contract and sinks: `flow(properties, ...)`."""
    # Names that must be quoted somewhere, in every test.
    folder = tmp_path / "100% of it"
    folder.mkdir()
    made = []
    # A mount point is a plain name: Hadoop does not decode it.
    at = address(spark, tmp_path)

    def make(properties, **options) -> Flow:
        home = folder / f"flow {len(made)}"
        made.append(Flow(spark, runtime, home, properties, kinds_seen, at=at, **options))
        return made[-1]

    return make
