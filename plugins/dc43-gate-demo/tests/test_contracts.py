"""What the scenarios promise, held against the flights by SQL that shares no code with dc43."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import duckdb
import pytest

from dc43_core.config import Config
from dc43_core.contracts.model import Contract
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Severity
from dc43_demo_app.scenarios.catalogue import PLOTS
from dc43_demo_app.scenarios.flights import FLIGHTS

EXAMPLE = Path(__file__).parents[3] / "examples/flights-stream/contracts/flights.odcs.yaml"
SCHEDULED = {
    *("year", "month", "day", "carrier", "flight", "sched_dep_time"),
    *("origin", "distance", "hour", "minute"),
}
"""What is known of a flight before it leaves, as far as something is expected of it."""


@pytest.fixture(params=PLOTS)
def contract(request, home) -> Contract:
    return home.runtime().contracts().get(PLOTS[request.param].contract)


@pytest.fixture(scope="module")
def flights(year) -> duckdb.DuckDBPyConnection:
    sql = duckdb.connect()
    sql.execute(
        f"CREATE TABLE flights AS SELECT * FROM read_csv('{year}/*.csv', header = true,"
        " all_varchar = true, nullstr = 'NA')"
    )
    return sql


def one(sql: duckdb.DuckDBPyConnection, query: str) -> int:
    [(value,)] = sql.execute(query).fetchall()
    return int(value)


def test_a_contract_declares_every_column_in_the_feed_s_order(contract, flights):
    header = [name for name, *_ in flights.execute("DESCRIBE flights").fetchall()]
    [schema] = contract.objects
    assert [column.name for column in schema.columns] == header


def test_the_analyst_s_contract_is_that_of_the_example():
    # A copy, because a wheel holds what lies in its own folder only.
    packaged = resources.files("dc43_demo_app") / "contracts" / "flights.odcs.yaml"
    assert packaged.read_bytes() == EXAMPLE.read_bytes()


def test_all_of_a_contract_is_enforced(contract):
    assert Runtime(config=Config()).plan(contract).unenforceable == ()


def test_the_healthy_stream_s_contract_expects_something_of_scheduled_columns_alone(home):
    contract = home.runtime().contracts().get("flights-schedule")
    plan = Runtime(config=Config()).plan(contract)
    asked = [e for e in plan.expectations if e.kind != "type"]
    columns = {column for e in asked for column in e.columns}
    assert columns == SCHEDULED
    assert {e.severity for e in asked} == {Severity.ERROR}


def test_all_flights_keep_the_healthy_stream_s_contract(flights):
    kept = one(
        flights,
        """
        SELECT count(*) FROM flights
        WHERE carrier IN ('9E', 'AA', 'AS', 'B6', 'DL', 'EV', 'F9', 'FL', 'HA', 'MQ', 'OO', 'UA',
                          'US', 'VX', 'WN', 'YV')
          AND origin IN ('EWR', 'JFK', 'LGA') AND distance::INT > 0 AND distance::INT <= 4983
          AND hour::INT BETWEEN 0 AND 23 AND minute::INT BETWEEN 0 AND 59
          AND year || month || day || flight || sched_dep_time IS NOT NULL
        """,
    )
    key = "year, month, day, carrier, flight, sched_dep_time"
    keys = one(flights, f"SELECT count(*) FROM (SELECT DISTINCT {key} FROM flights)")
    assert (kept, keys) == (FLIGHTS, FLIGHTS)
