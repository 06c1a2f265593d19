"""Rules of a plugin whose expression throws: found, isolated, and never taken for a pass."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from attrs import frozen
from pyspark.sql import functions as F
from test_replay import replay

from dc43_core import Extension, blocked_batches, hookimpl, release_batch
from dc43_core.config import Config
from dc43_core.errors import EvaluatorError, ReplayRefusedError
from dc43_core.expectations.model import Expectation
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.plugin_manager import Plugins, load_plugins
from dc43_core.runtime import Runtime

pytestmark = pytest.mark.spark


@frozen(kw_only=True)
class SqlArguments:
    """What is true where a row breaks the rule; `python` calls a function of Python."""

    broken: str


class SqlKind:
    name = "test-sql"
    form = "row"
    arguments: type = SqlArguments

    def describe(self, expectation: Expectation) -> str:
        return f"must not be {expectation.arguments.broken}"

    def violated_by(self, expectation: Expectation, values: tuple[Any, ...]) -> bool:
        raise NotImplementedError("only Spark judges it here")


class SqlOnSpark:
    engine = "spark"
    kinds = frozenset({SqlKind.name})

    def violated(self, expectation: Expectation, frame: Any) -> Any:
        broken = expectation.arguments.broken
        if broken == "python":
            return F.udf(lambda text: int(text) < 0, "boolean")("text")
        return F.expr(broken)


@hookimpl
def dc43_expectation_kinds():
    return [Extension(SqlKind.name, SqlKind)]


@hookimpl
def dc43_expectation_evaluators():
    facts = {"engine": "spark", "kinds": (SqlKind.name,)}
    return [Extension("test-spark", SqlOnSpark, capabilities=facts)]


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    loaded = load_plugins()
    own = SimpleNamespace(
        dc43_expectation_kinds=dc43_expectation_kinds,
        dc43_expectation_evaluators=dc43_expectation_evaluators,
    )
    loaded.manager.register(own, name="test-rules")
    return loaded


def sql(check: str, broken: str, **more: Any) -> dict[str, Any]:
    how = {"kind": SqlKind.name, "broken": broken}
    return {"id": check, "type": "custom", "engine": "dc43", "implementation": how, **more}


ID = {"name": "id", "logicalType": "integer", "logicalTypeOptions": {"maximum": 90}}
# Common parts of an expression are computed beforehand, outside of whatever guards it.
CAST = "cast(text AS int) < 0 OR cast(text AS int) > 1000"
LINES = ("id,text", "1,10", "2,xx", "3,-1", "4,", "99,5")


@pytest.fixture
def orders(flow, plugins):
    """Make a flow whose column `text` has these rules."""

    def make(*rules):
        text = {"name": "text", "logicalType": "string", "quality": list(rules)}
        rows = flow([ID, text])
        rows.runtime = Runtime(config=Config(), plugins=plugins, governance=MemoryGovernance())
        return rows

    return make


def test_a_rule_that_throws_blocks_in_enforce_and_the_batch_can_be_released(orders):
    rows = orders(sql("fine", "text = 'no such'"), sql("small", CAST))
    rows.put(*LINES)
    landed = rows.run(enforce=True)
    assert "batch 0 of orders was blocked: small could not be judged for 1 of 5" in str(
        landed.error
    )
    assert "CAST_INVALID_INPUT" in " ".join(landed.batch["errors"])
    assert (landed.batch["verdict"], landed.result.ok) == ("unknown", False)
    assert (rows.rows(), rows.rows(rows.rejects), rows.committed()) == ([], [], [])
    assert len(blocked_batches(str(rows.checkpoint))) == 1
    release_batch(str(rows.checkpoint), 0, as_="rejects", reason="known", by="anna")
    assert rows.run(enforce=True).error is None
    assert rows.lanes() == (
        [1, 4],
        {2: ["small.evaluation_error"], 3: ["small"], 99: ["id.range"]},
    )


def test_observed_it_is_unknown_and_never_a_pass(orders):
    rows = orders(sql("small", CAST))
    rows.put(*LINES)
    landed = rows.run()
    assert landed.error is None
    assert (landed.batch["verdict"], landed.result.status) == ("unknown", "unknown")
    assert landed.result.ok is False
    assert "small could not be judged" in landed.batch["errors"][0]
    # What can be judged is; the row that cannot stays, as observing lets it.
    assert rows.lanes() == ([1, 2, 4], {3: ["small"], 99: ["id.range"]})


def test_rows_that_cannot_be_judged_are_rejects_where_the_caller_says_so(orders):
    throws = {
        "cast": (CAST, "xx"),
        "division": ("1 / (length(text) - 7) > 5", "seven77"),
        "raised": ("CASE WHEN text = 'boo' THEN raise_error('boo') ELSE false END", "boo"),
        "overflow": ("CASE WHEN text = 'big' THEN 9223372036854775807 + id > 0 END", "big"),
        "element": ("array(1, 2)[length(text)] > 5", "four"),
    }
    rows = orders(*(sql(check, broken) for check, (broken, _) in throws.items() if check != "cast"))
    rows.put("id,text", "1,a", *(f"{n},{text}" for n, (_, text) in enumerate(throws.values(), 2)))
    landed = rows.run(enforce=True, on_evaluation_error="reject")
    assert landed.error is None
    told = {row.text: set(row["_dc43_checks"]) for row in rows.rows(rows.rejects)}
    for check, (_, text) in throws.items():
        if check != "cast":
            assert f"{check}.evaluation_error" in told[text], check
    assert [row.text for row in rows.rows()] == ["a"]
    assert (landed.batch["verdict"], landed.batch["decision"]) == ("warn", "route")
    assert landed.batch["violations_by_check"]["raised.evaluation_error"] == 1
    reasons = {row.text: row["_dc43_reasons"] for row in rows.rows(rows.rejects)}["boo"]
    assert "raised could not be judged for this row: its rule throws" in reasons
    # Judged again, it throws again: nothing is published, and whoever asked is told which.
    with pytest.raises(
        ReplayRefusedError, match=r"a rule throws .*raised: .*boo.*correct the rule"
    ):
        replay(rows)
    assert len(rows.rows()) == 1
    assert not (rows.rejects / "_dc43" / "replayed").exists()


def test_what_a_python_function_throws_is_known_of_no_row(orders):
    rows = orders(sql("called", "python"))
    rows.put(*LINES)
    landed = rows.run(enforce=True, on_evaluation_error="reject")
    assert "called could not be judged: PythonException: ValueError" in str(landed.error)
    assert (rows.rows(), rows.rows(rows.rejects)) == ([], [])
    warned = rows.run(enforce=True, on_evaluation_error="warn")
    assert warned.error is None
    assert warned.batches[-1]["verdict"] == "unknown"
    assert rows.lanes() == ([1, 2, 3, 4], {99: ["id.range"]})


@pytest.mark.parametrize("kind", ["warning", "threshold"])
def test_a_rule_that_moves_no_row_cannot_reject_one_and_blocks(orders, kind):
    more = {"severity": "warning"} if kind == "warning" else {"mustBeLessThan": 3}
    rows = orders(sql("small", CAST, **more))
    rows.put(*LINES)
    landed = rows.run(enforce=True, on_evaluation_error="reject")
    assert "small could not be judged: NumberFormatException" in str(landed.error)
    assert rows.rows() == []


def test_what_throws_before_the_rules_is_no_rule_s_fault(orders):
    rows = orders(sql("fine", "text = 'no such'"))
    rows.put(*LINES)
    frame, read = rows.read()
    broken = frame.withColumn("text", F.expr("cast(cast(text AS int) AS string)"))
    landed = rows.run(df=broken, reads=[read], on_evaluation_error="reject")
    assert "CAST_INVALID_INPUT" in str(landed.error)
    assert "could not be judged" not in str(landed.error)
    assert (landed.result.status, rows.rows(), rows.records()) == ("unknown", [], [])


def test_a_rule_that_does_not_throw_costs_one_job(spark, orders):
    rows = orders(sql("small", "length(text) > 1000"))
    rows.put("id,text", "1,10", "2,xx")
    landed = rows.run(enforce=True)
    assert landed.error is None
    (query,) = landed.result.streaming_queries
    assert len(spark.sparkContext.statusTracker().getJobIdsForGroup(str(query.runId))) == 1


@pytest.mark.parametrize(
    ("broken", "problem"),
    [("1 + 1", "it is int, not boolean"), ("no_such_column > 1", "UNRESOLVED_COLUMN")],
)
def test_an_expression_that_is_none_is_refused_at_the_start(orders, broken, problem):
    rows = orders(sql("fine", "text = 'no such'"), sql("odd", broken))
    rows.put(*LINES)
    with pytest.raises(EvaluatorError, match=f"unusable expression for odd: .*{problem}"):
        rows.start()
