"""The whole year of flights through the pipeline, every number against SQL over the raw files.

The SQL is DuckDB's and shares no code with dc43: the rules stand here a second time, in words of
their own.
"""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pytest
from attrs import evolve, frozen

from dc43_core.config import Config
from dc43_core.data_quality.model import ValidationResult
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.pipeline_file import load_pipeline
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.runtime import Runtime

pytestmark = [pytest.mark.spark, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights-stream"
DAYS_IN_A_BATCH = 30
COLUMNS = {
    **dict.fromkeys(("year", "month", "day", "dep_time", "sched_dep_time"), "INTEGER"),
    **dict.fromkeys(("dep_delay", "arr_time", "sched_arr_time", "arr_delay"), "INTEGER"),
    "carrier": "VARCHAR",
    "flight": "INTEGER",
    **dict.fromkeys(("tailnum", "origin", "dest"), "VARCHAR"),
    **dict.fromkeys(("air_time", "distance", "hour", "minute"), "INTEGER"),
    "time_hour": "TIMESTAMP WITH TIME ZONE",
}
REJECTING = {
    "year.required": "year IS NULL",
    "month.required": "month IS NULL",
    "day.required": "day IS NULL",
    "dep_time.range": "dep_time NOT BETWEEN 1 AND 2359",
    "arr_time.range": "arr_time NOT BETWEEN 1 AND 2359",
    "carrier.required": "carrier IS NULL",
    "carrier_known": "carrier NOT IN ('9E', 'AA', 'AS', 'B6', 'DL', 'EV', 'F9', 'FL', 'HA', 'MQ',"
    " 'OO', 'UA', 'US', 'VX', 'WN', 'YV')",
    "flight.required": "flight IS NULL",
    "tailnum.required": "tailnum IS NULL",
    "tailnum.pattern": "NOT regexp_full_match(tailnum,"
    " 'N[1-9](\\d{0,4}|\\d{0,3}[A-HJ-NP-Z]|\\d{0,2}[A-HJ-NP-Z]{2})')",
    "origin_in_new_york": "origin NOT IN ('EWR', 'JFK', 'LGA')",
    "distance.range": "distance <= 0 OR distance > 4983",
    "hour.range": "hour < 0 OR hour > 23",
    "minute.range": "minute < 0 OR minute > 59",
}
"""Check id to what a broken row looks like; NULL is not broken."""
WARNING = {"dep_delay_plausible": "dep_delay > 720", "arr_delay_present": "arr_delay IS NULL"}
KEY = "year, month, day, carrier, flight"


@frozen
class Year:
    """The year, run once."""

    result: ValidationResult
    records: list[GovernanceRecord]
    seen: list[dict[str, Any]]
    main: Path
    rejects: Path
    sql: duckdb.DuckDBPyConnection
    runtime: Runtime

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.sql.execute(query).fetchall()


def visible(folder: Path) -> list[str]:
    """Files that the sink's log lists, read as the JSON lines that they are."""
    files: dict[str, None] = {}
    for entry in (folder / "_spark_metadata").iterdir():
        if entry.name[0] != ".":
            lines = entry.read_text().split("\n")[1:]
            files.update((unquote(urlsplit(json.loads(x)["path"]).path), None) for x in lines)
    return sorted(files)


@pytest.fixture(scope="module")
def year(spark, tmp_path_factory) -> Year:
    folder = tmp_path_factory.mktemp("flights of 2013")
    raw, out = folder / "raw", folder / "out"
    assert runpy.run_path(str(EXAMPLE / "prepare.py"))["prepare"](raw) == 336_776
    pipeline = load_pipeline(EXAMPLE / "pipeline.toml")
    assert pipeline.source.files_per_trigger == DAYS_IN_A_BATCH
    assert pipeline.rejects is not None
    pipeline = evolve(
        pipeline,
        source=evolve(pipeline.source, path=str(raw)),
        sink=evolve(pipeline.sink, path=str(out / "main")),
        rejects=evolve(pipeline.rejects, path=str(out / "rejects")),
        run=evolve(pipeline.run, checkpoint=str(out / "checkpoint")),
    )
    from dc43_integrations.spark.runner import SparkRunner

    governance = MemoryGovernance()
    seen: list[dict[str, Any]] = []
    runtime = Runtime(config=Config(), governance=governance)
    result = SparkRunner().run(pipeline, runtime, seen.append)
    records = list(governance.records(dataset_id="flights"))
    sql = judged(raw)
    sql.register("spark_main", spark.read.parquet(str(out / "main")).toArrow())
    for name in ("main", "rejects"):
        files = visible(out / name)
        sql.read_parquet(files).create(name)
    return Year(result, records, seen, out / "main", out / "rejects", sql, runtime)


def judged(raw: Path) -> duckdb.DuckDBPyConnection:
    """Return the table `input`: each row with its types, its batch, and the checks it breaks."""
    sql = duckdb.connect()
    sql.execute("SET TimeZone = 'UTC'")
    typed = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in COLUMNS.items())
    sql.execute(
        f"""
        CREATE TABLE typed AS
        SELECT {typed},
          (dense_rank() OVER (ORDER BY filename) - 1) // {DAYS_IN_A_BATCH} AS batch
        FROM read_csv('{raw}/*.csv', header = true, all_varchar = true, nullstr = 'NA',
                      filename = true)
        """
    )
    sql.execute(f"CREATE TABLE row_judged AS SELECT *, {checks_of(REJECTING)} AS bad FROM typed")
    # Which of the rows that share a key is kept is not asked here, only how many are not.
    sql.execute(
        f"""
        CREATE TABLE input AS
        SELECT *, CASE WHEN len(bad) = 0 THEN
            row_number() OVER (PARTITION BY batch, {KEY}, len(bad) = 0) > 1 ELSE false END AS beaten
        FROM row_judged
        """
    )
    return sql


def checks_of(rules: dict[str, str]) -> str:
    cases = ", ".join(f"CASE WHEN {broken} THEN '{check}' END" for check, broken in rules.items())
    return f"list_filter([{cases}], lambda x: x IS NOT NULL)"


def counts(year: Year, where: str) -> dict[str, int]:
    """Count by SQL what each rule is broken by; rules that nothing breaks are left out."""
    rules = {**REJECTING, **WARNING, "primaryKey": "beaten"}
    sums = ", ".join(f"count(*) FILTER (WHERE {broken})" for broken in rules.values())
    (found,) = year.rows(f"SELECT {sums} FROM input WHERE {where}")
    return {check: n for check, n in zip(rules, found, strict=True) if n}


def test_5_the_pages_show_the_known_figures(year):
    from starlette.testclient import TestClient

    from dc43_demo_app.reading.ledger import Ledger
    from dc43_demo_app.reading.promises import Promises
    from dc43_demo_app.web.app import create_app
    from dc43_demo_app.web.site import Site

    runtime = year.runtime
    promises = Promises(runtime=runtime, folders=[EXAMPLE / "contracts"])
    site = Site(runtime=runtime, ledger=Ledger(client=runtime.governance), promises=promises)
    run = f"/runs/{year.records[0].run_id}"
    with TestClient(create_app(site), base_url="http://localhost") as pages:
        text = pages.get(run).text
        rejects = pages.get("/rejects/flights?check=tailnum.pattern").text
    assert "13 batches published, 311,312 rows in" in text
    assert ">25,464</a> of 336,776 rows rejected (7.6\N{NARROW NO-BREAK SPACE}%)" in text
    table = text.split('id="violations"')[1].split("</table>")[0]
    for figure in ("22,754", "2,512", "150", "29", "24"):
        assert f">{figure}</a>" in table
    assert "22,754 rows rejected for" in rejects
    assert rejects.count('<td class="reasons">') == 50


def test_the_year_ends_well(year):
    assert year.result.ok, year.result.errors
    assert [record.verdict for record in year.records] == ["warn"] * 13


def test_the_figures_are_the_known_ones(year):
    total = year.result.metrics
    known = {"row_count": 336_776, "reject_count": 25_464, "valid_count": 311_312}
    assert {name: total[name] for name in known} == known
    broken: dict[str, int] = {}
    for record in year.records:
        for check, rows in record.violations_by_check.items():
            broken[check] = broken.get(check, 0) + rows
    expected = {
        "tailnum.pattern": 22_754,
        "tailnum.required": 2_512,
        "arr_time.range": 150,
        "dep_time.range": 29,
        "primaryKey": 24,
    }
    assert {check: broken[check] for check in expected} == expected
    assert broken == counts(year, "true")


@pytest.mark.parametrize("batch", range(13))
def test_a_batch_is_counted_as_sql_counts_it(year, batch):
    record = year.records[batch]
    assert record.violations_by_check == counts(year, f"batch = {batch}")
    rows, rejected = year.rows(
        f"SELECT count(*), count(*) FILTER (WHERE len(bad) > 0 OR beaten) FROM input"
        f" WHERE batch = {batch}"
    )[0]
    assert (record.row_count, record.reject_count) == (rows, rejected)
    assert (record.main_count, record.valid_count) == (rows - rejected, rows - rejected)
    assert record.metrics["uncast_rows"] == 0
    assert record.violations == sum(record.violations_by_check.values())


def test_a_batch_s_rejects_landed_under_its_number(year):
    landed = year.rows("SELECT _dc43_batch, count(*) FROM rejects GROUP BY ALL ORDER BY ALL")
    assert landed == [(record.batch_id, record.reject_count) for record in year.records]


@pytest.mark.parametrize("main", ["main", "spark_main"])
def test_main_and_rejects_hold_the_rows_of_the_input_and_no_other(year, main):
    names = ", ".join(COLUMNS)
    # Spark writes moments without a zone, in UTC.
    typed = ", ".join(
        f"CAST({name} AS TIMESTAMP) AS {name}" if "TIME" in kind else name
        for name, kind in COLUMNS.items()
    )
    landed = f"(SELECT {typed} FROM {main} UNION ALL SELECT {typed} FROM rejects)"
    given = f"(SELECT {typed} FROM input)"
    for left, right in ((landed, given), (given, landed)):
        more = f"SELECT {names} FROM {left} EXCEPT ALL SELECT {names} FROM {right}"
        assert year.rows(f"SELECT * FROM ({more}) LIMIT 3") == []


def test_spark_and_duckdb_see_the_same_main(year):
    n = year.rows("SELECT (SELECT count(*) FROM main), (SELECT count(*) FROM spark_main)")
    assert n == [(311_312, 311_312)]


def test_main_files_hold_the_contract_s_columns_and_nothing_else(spark, year):
    found = year.rows("SELECT column_name, column_type FROM (DESCRIBE main)")
    naive = {name: kind.removesuffix(" WITH TIME ZONE") for name, kind in COLUMNS.items()}
    assert {name: kind.removesuffix(" WITH TIME ZONE") for name, kind in found} == naive
    assert [name for name, _ in found] == list(COLUMNS)
    every = ", ".join(f"'{file}'" for file in visible(year.main))
    layouts = year.rows(
        "SELECT DISTINCT names FROM (SELECT file_name, list(name) AS names FROM"
        f" parquet_schema([{every}]) WHERE num_children IS NULL GROUP BY file_name)"
    )
    assert layouts == [(list(COLUMNS),)], "every single file, not only the first"
    kinds = {"INTEGER": "int", "VARCHAR": "string", "TIMESTAMP WITH TIME ZONE": "timestamp"}
    assert spark.read.parquet(str(year.main)).dtypes == [
        (name, kinds[kind]) for name, kind in COLUMNS.items()
    ]


def test_each_reject_names_exactly_the_rules_that_it_breaks(year):
    rules = checks_of({**REJECTING, **WARNING})
    wrong = year.rows(
        f"""
        SELECT tailnum, _dc43_checks FROM rejects
        WHERE list_sort(list_filter(_dc43_checks, lambda x: x <> 'primaryKey'))
              IS DISTINCT FROM list_sort({rules})
           OR (len({checks_of(REJECTING)}) = 0) <> list_contains(_dc43_checks, 'primaryKey')
        LIMIT 3
        """
    )
    assert wrong == []


def test_each_key_is_in_main_once_and_the_others_are_rejects(year):
    assert year.rows(f"SELECT 1 FROM main GROUP BY {KEY} HAVING count(*) > 1") == []
    beaten = f"SELECT {KEY} FROM rejects WHERE list_contains(_dc43_checks, 'primaryKey')"
    assert len(year.rows(beaten)) == 24
    assert year.rows(f"{beaten} EXCEPT SELECT {KEY} FROM main") == []


def test_a_reason_says_what_its_check_asks(year):
    pairs = dict(
        year.rows(
            "SELECT DISTINCT unnest(_dc43_checks), unnest(_dc43_reasons) FROM rejects"
            " WHERE len(_dc43_checks) = len(_dc43_reasons)"
        )
    )
    assert year.rows("SELECT 1 FROM rejects WHERE len(_dc43_checks) <> len(_dc43_reasons)") == []
    assert set(pairs) == set(counts(year, "len(bad) > 0 OR beaten"))
    assert pairs["tailnum.required"] == "tailnum must not be missing"
    assert pairs["dep_time.range"] == "dep_time must be between 1 and 2359"
    assert pairs["primaryKey"] == "year, month, day, carrier, flight must be unique"


def test_a_reject_says_where_it_comes_from(year):
    told = year.rows(
        "SELECT DISTINCT _dc43_stream, _dc43_contract_id, _dc43_contract_version,"
        " _dc43_contract_digest, _dc43_raw IS NULL FROM rejects"
    )
    record = year.records[0]
    assert told == [(record.stream_id, "flights", "1.0.0", record.contract_digest, True)]
    assert year.rows("SELECT count(DISTINCT _dc43_row_id) FROM rejects") == [(25_464,)]


def test_there_is_one_record_a_batch(year):
    assert [record.batch_id for record in year.records] == list(range(13))
    assert len({record.record_id for record in year.records}) == 13
    assert [record.dataset_version for record in year.records] == [str(n) for n in range(13)]
    files = [len(record.input["files"]) for record in year.records]
    assert files == [DAYS_IN_A_BATCH] * 12 + [5]


def test_everyone_was_told_the_same(year):
    payloads = [record.payload() for record in year.records]
    assert year.result.streaming_batches == payloads
    assert year.seen == payloads
