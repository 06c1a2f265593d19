"""A stop from outside is told from a fault that happens to a running query."""

from __future__ import annotations

import pytest
from attrs import frozen

from dc43_integrations.spark.stopped import by_stop

STOPPED = RuntimeError("o1.save.: java.io.InterruptedIOException: java.lang.InterruptedException")


@frozen
class Query:
    isActive: bool  # noqa: N815


class Gone:
    @property
    def isActive(self) -> bool:
        raise ConnectionError


@pytest.mark.parametrize(
    ("error", "query", "expected"),
    [
        (STOPPED, Query(False), True),
        (STOPPED, Query(True), False),
        (STOPPED, Gone(), False),
        (RuntimeError("disk full"), Query(False), False),
    ],
)
def test_a_stop_is_an_interruption_of_a_query_that_ends(error, query, expected):
    assert by_stop(error, [query]) is expected


def test_before_the_query_is_known_nothing_is_a_stop():
    assert not by_stop(STOPPED, [])
