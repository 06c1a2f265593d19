"""One Spark session for the whole run; see `dc43_integrations.testing`."""

from dc43_integrations.testing import runtime, spark

__all__ = ["runtime", "spark"]
