"""One Spark session for the whole run; see `dc43_integrations.testing`."""

import pytest

from dc43_integrations.testing import runtime, spark

__all__ = ["runtime", "spark"]


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the marks in this hook too
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two lanes for `dev.py test`: what shares the Spark session, and the rest beside it."""
    for item in items:
        shares = "spark" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("session" if shares else "rest"))
