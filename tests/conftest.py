"""One Spark session for the whole run, and the two lanes of `dev.py test`."""

from __future__ import annotations

from typing import Any

import pytest

from dc43_integrations.testing import runtime, spark

__all__ = ["runtime", "spark"]

SHARING = (
    "examples/",
    "plugins/dc43-gate-delta/tests/test_on_spark.py",
    "plugins/dc43-gate-delta/tests/test_z_spark_reads_it.py",
    "plugins/dc43-gate-demo/tests/test_streaming",
    "plugins/dc43-gate-drift/tests/test_on_spark.py",
    "plugins/dc43-gate-spark/",
    "tests/docs/test_snippets.py",
    "tests/flow/test_flights.py",
    "tests/flow/test_script.py",
    "tests/upgrade/",
)
"""Where tests take the Spark session that they share, as the node ids begin."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a second session: a worker that runs the rest would start one for this test."""
    for item in items:
        if "spark" in getattr(item, "fixturenames", ()) and not item.nodeid.startswith(SHARING):
            raise pytest.UsageError(f"{item.nodeid} takes `spark`: name its file in SHARING")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give one worker what shares the session, and another the rest.

    By node ids, because pytest-xdist 3.8 does not see its group marks under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class TwoLanes(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            return "session" if nodeid.startswith(SHARING) else "rest"

    return TwoLanes(config, log)
