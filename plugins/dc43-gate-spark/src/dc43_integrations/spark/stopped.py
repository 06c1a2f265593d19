"""What `query.stop()` does to the batch at hand, told from a fault."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dc43_core.errors import said_by

_SIGNS = (
    "java.lang.InterruptedException",
    "java.io.InterruptedIOException",
    "java.nio.channels.ClosedByInterruptException",
    "SPARK_JOB_CANCELLED",
)

# Spark looks for these words in the callback's traceback to tell a stop from a failure. It does so
# by a regular expression that overflows its stack on the traceback of a Java error.
STOP = (
    "query.stop() (py4j.protocol.Py4JJavaError: An error occurred while calling stop: "
    "java.lang.InterruptedException)"
)


def by_stop(error: BaseException, queries: Sequence[Any]) -> bool:
    """Return whether an error inside a batch comes from stopping its query from outside."""
    if not any(sign in said_by(error) for sign in _SIGNS):
        return False
    try:
        return any(not query.isActive for query in queries)
    # A boundary to foreign code: an engine that cannot be asked has failed.
    except Exception:  # noqa: BLE001
        return False
