"""In a program of somebody else's: its session, its logging, and two teams in one process."""

import logging

import pytest
import structlog

from dc43_core.config import Config
from dc43_core.errors import ConfigurationError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.runtime import Runtime

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
SHORT = {
    "name": "note",
    "logicalType": "string",
    "logicalTypeOptions": {"maxLength": 3},
}


def test_two_streams_of_two_runtimes_run_at_once_and_leave_the_host_as_it_was(spark, flow):
    host = logging.getLogger()
    settings = dict(spark.conf.getAll)
    before = (list(host.handlers), host.level, structlog.is_configured())

    orders = flow([ID, SHORT], name="orders")
    returns = flow([ID], name="returns")
    returns.runtime = Runtime(config=Config(), governance=MemoryGovernance())
    orders.put("id,note", "1,a", "2,long")
    returns.put("id", "7", "seven")
    asked = {"trigger": {"processingTime": "0 seconds"}}
    started = [one.start(query_name=one.name, **asked) for one in (orders, returns)]
    queries = [query for result in started for query in result.streaming_queries]
    try:
        for query in queries:
            query.processAllAvailable()
        assert all(query.isActive for query in queries)
        # Spark would refuse the name later, when all is laid out.
        other = returns.main.parent / "other"
        with pytest.raises(ConfigurationError, match="a query 'orders' runs in this session"):
            returns.start(
                query_name="orders", path=str(other), checkpoint_location=None, ephemeral=True
            )
        assert not other.exists()
        assert {query.id for query in spark.streams.active} >= {query.id for query in queries}
    finally:
        for query in queries:
            query.stop()

    # Each under its own contract, told to its own governance, and to nobody else's.
    assert [(r.contract_id, r.main_count, r.reject_count) for r in orders.records()] == [
        ("orders", 1, 1)
    ]
    assert [(r.contract_id, r.main_count, r.reject_count) for r in returns.records()] == [
        ("returns", 1, 1)
    ]
    for one, other in ((orders, returns), (returns, orders)):
        assert not list(one.runtime.governance.records(dataset_id=other.name))
    assert dict(spark.conf.getAll) == settings
    assert (list(host.handlers), host.level, structlog.is_configured()) == before
