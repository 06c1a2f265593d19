"""Each policy of the knob, asked alone, in a stream and in a batch write."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from dc43_core import Decision, InterventionStrategy, Lane, Outcome, Runtime, RunType, load_config
from dc43_core.errors import BatchBlockedError, ConfigurationError
from dc43_core.testing.fake_pipeline import FakePipeline
from dc43_core.testing.strategies import (
    InterventionStrategyConformance,
    StrategyStream,
    column_drift,
    finding,
)
from dc43_drift.hooks import dc43_intervention_strategies
from dc43_drift.strategy import (
    POLICIES,
    SchemaDrift,
    SchemaDriftBlocking,
    SchemaDriftBlockingOptions,
    SchemaDriftOptions,
)

README = Path(__file__).parents[1] / "README.md"
OBSERVE, ENFORCE = RunType
GOOD = {"id": 1, "amount": 1, "state": "open"}
NEW = GOOD | {"note": "new"}
GONE = {"id": 2, "state": "open"}
EXTRA, WIDER = column_drift(), column_drift("amount", kind="wider", detail="is bigint, not int")
SMALLER = column_drift("id", kind="widened", detail="is int, declared bigint")
MISSING = column_drift("state", kind="missing", detail="is missing; it reads as NULL")
UNREAD = column_drift("tip", detail="is in the header and not read", incompatible=True)
LOST = column_drift("amount", kind="missing", detail="is required and missing", incompatible=True)


def knob(policy: Any, on_incompatible: Any = None) -> SchemaDrift:
    return SchemaDrift(SchemaDriftOptions(policy=policy, on_incompatible=on_incompatible))


@pytest.fixture(params=POLICIES)
def policy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class TestEachPolicy(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self, policy: str) -> InterventionStrategy:
        return knob(policy)


C, W, B = Decision.CONTINUE, Decision.WARN, Decision.BLOCK


@pytest.mark.parametrize(
    ("drift", "expected"),
    [
        (EXTRA, {"ignore": C, "warn": W, "evolve": B, "reject": W, "block": B}),
        (WIDER, {"ignore": C, "warn": W, "evolve": B, "reject": W, "block": B}),
        (SMALLER, {"ignore": C, "warn": W, "evolve": C, "reject": W, "block": B}),
        (MISSING, {"ignore": C, "warn": W, "evolve": C, "reject": W, "block": B}),
        (UNREAD, {"ignore": C, "warn": W, "evolve": C, "reject": W, "block": B}),
        (LOST, {"ignore": C, "warn": W, "evolve": C, "reject": W, "block": B}),
    ],
    ids=["extra", "wider", "smaller", "missing", "declared and not read", "required and missing"],
)
def test_the_policy_says_what_drift_does(policy, drift, expected):
    answer = StrategyStream(knob(policy)).ask(drift=[drift])
    assert answer.decision is expected[policy]
    assert answer.decision is C or drift.column in str(answer.reason)
    assert knob(policy).sets_aside([drift]) is (policy == "reject")


def test_where_the_schema_is_the_contract_s_no_policy_speaks(policy):
    assert StrategyStream(knob(policy)).ask(finding()).decision is Decision.CONTINUE
    assert not knob(policy).sets_aside([])


def test_a_contract_that_could_grow_names_the_command_that_drafts_its_successor():
    assert StrategyStream(knob("evolve")).ask(drift=[EXTRA, MISSING, WIDER]).reason == (
        "the contract could take in columns note, amount (column note: is not declared; it is left "
        "out of main; column amount: is bigint, not int); draft its successor with "
        "`dc43 draft orders`, publish it, and start again under it"
    )


def test_the_file_is_named_where_it_is_known():
    one = column_drift(where="file:/in/2.parquet")
    assert "(file file:/in/2.parquet)" in str(StrategyStream(knob("warn")).ask(drift=[one]).reason)


# -- on rows ---------------------------------------------------------------------------------------


def stream(pipeline: FakePipeline, rows: list[Any], **options: Any) -> Any:
    """Process one batch of a stream; the next call is the next batch."""
    batch = sum(record.outcome is Outcome.COMMITTED for record in pipeline.records())
    return pipeline.start(**options).process(rows, batch)


def write(pipeline: FakePipeline, rows: list[Any], **options: Any) -> Any:
    pipeline.write(rows, **options)
    return pipeline.records()[-1]


both = pytest.mark.parametrize("put", [stream, write], ids=["stream", "batch"])
in_both = pytest.mark.parametrize("run_type", RunType)


@both
@in_both
@pytest.mark.parametrize(
    ("policy", "main", "rejects", "verdict"),
    [("ignore", [1], [], "ok"), ("warn", [1], [], "warn"), ("reject", [], [1], "warn")],
)
def test_a_new_column_is_told_and_its_rows_land_as_the_policy_says(
    put, run_type, policy, main, rejects, verdict
):
    pipeline = FakePipeline()
    record = put(pipeline, [NEW], strategies=[knob(policy)], run_type=run_type)
    assert [row["id"] for row in pipeline.rows()] == main
    assert [row["id"] for row in pipeline.rows(Lane.REJECTS)] == rejects
    assert all("note" not in row for row in pipeline.rows())
    assert record.verdict == verdict
    assert (record.intervention is None) is (policy == "ignore")
    assert record.drift == [
        {
            "column": "note",
            "kind": "extra",
            "detail": "is not declared; it is left out of main",
            "where": None,
            "found": {"logicalType": "string"},
        }
    ]
    # The knob says nothing of rows: the next batch, which has no drift, lands as it would.
    put(pipeline, [GOOD | {"id": 3}], strategies=[knob(policy)], run_type=run_type)
    assert [row["id"] for row in pipeline.rows()] == [*main, 3]


@both
@in_both
@pytest.mark.parametrize("policy", ["evolve", "block"])
def test_a_new_column_blocks_where_the_policy_says_so(put, run_type, policy):
    pipeline = FakePipeline()
    with pytest.raises(BatchBlockedError, match=r"SchemaDrift: the .* column note"):
        put(pipeline, [NEW], strategies=[knob(policy)], run_type=run_type)
    assert (pipeline.rows(), pipeline.rows(Lane.REJECTS)) == ([], [])
    assert pipeline.records()[-1].drift[0]["found"] == {"logicalType": "string"}


@both
def test_under_a_successor_with_the_column_the_same_batch_lands_whole(put):
    pipeline = FakePipeline()
    with pytest.raises(BatchBlockedError):
        put(pipeline, [NEW], strategies=[knob("evolve")])
    grown = "version: 1.0.0", "version: 1.1.0"
    pipeline.contract = pipeline.contract.replace(*grown) + (
        "      - {name: note, logicalType: string}\n"
    )
    record = put(pipeline, [NEW], strategies=[knob("evolve")])
    assert (pipeline.rows(), record.contract_version) == ([NEW], "1.1.0")


@both
@pytest.mark.parametrize("policy", ["warn", "evolve"])
def test_named_in_the_configuration_alone_it_blocks_nothing_that_is_observed(put, policy):
    pipeline = FakePipeline()
    record = put(pipeline, [NEW], strategies=[knob(policy)], explicit=False)
    assert (record.verdict, len(pipeline.rows())) == ("warn", 1)
    assert any("column note" in told for told in record.warnings)


@both
@pytest.mark.parametrize(
    ("run_type", "explicit", "wish", "blocks"),
    [
        (ENFORCE, True, None, True),
        (ENFORCE, True, "block", True),
        (ENFORCE, True, "reject", False),
        (ENFORCE, False, "reject", False),
        (OBSERVE, True, None, False),
        (OBSERVE, True, "block", True),
        (OBSERVE, True, "reject", False),
        (OBSERVE, False, "block", False),
    ],
)
def test_incompatible_drift_does_what_the_knob_says_of_it(put, run_type, explicit, wish, blocks):
    pipeline = FakePipeline()
    options = {"strategies": [knob("ignore", wish)], "run_type": run_type, "explicit": explicit}
    if blocks:
        with pytest.raises(BatchBlockedError, match="column amount: is missing and required"):
            put(pipeline, [GONE], **options)
    else:
        # Its rows break `required`, and are rejects by that where they are not set aside.
        assert put(pipeline, [GONE], **options).reject_count == 1
    assert pipeline.rows() == []


def test_what_the_caller_says_of_incompatible_drift_goes_before_the_knob():
    pipeline = FakePipeline()
    with pytest.raises(BatchBlockedError, match="column amount: is missing and required"):
        pipeline.write(
            [GONE],
            strategies=[knob("ignore", "reject")],
            on_incompatible="block",
            on_incompatible_explicit=True,
        )


@both
def test_rejecting_goes_before_a_strategy_that_does_not_route_yet(put):
    class NotYet:
        routes = True

        def decide(self, context: Any) -> None: ...

    pipeline = FakePipeline()
    record = put(pipeline, [NEW], strategies=[knob("reject"), NotYet()])
    assert (record.decision, pipeline.rows()) == (Decision.ROUTE, [])


@both
@pytest.mark.parametrize("options", [("reject", None), ("warn", "reject")])
def test_without_a_reject_sink_rejecting_is_refused_at_start(put, options):
    with pytest.raises(ConfigurationError, match=r"strategy SchemaDrift: .*give the write rejects"):
        put(FakePipeline(), [GOOD], strategies=[knob(*options)], rejects=False)


def test_two_that_wish_different_things_are_refused():
    one, other = knob("warn", "block"), knob("warn", "reject")
    one.name = "one"  # type: ignore[attr-defined]
    with pytest.raises(ConfigurationError, match="one, SchemaDrift: wish different things"):
        FakePipeline().write([GOOD], strategies=[one, other])


# -- as it is named --------------------------------------------------------------------------------


def test_the_extensions_have_the_names_that_configurations_use():
    assert {one.name: one.options for one in dc43_intervention_strategies()} == {
        "schema-drift": SchemaDriftOptions,
        "schema-drift-blocking": SchemaDriftBlockingOptions,
    }


@pytest.mark.parametrize("option", ['policy = "grow"', 'on_incompatible = "warn"', "on = 1"])
def test_an_option_that_is_not_known_is_refused(tmp_path, option):
    file = tmp_path / "dc43.toml"
    file.write_text(f'[strategies.mine]\nuse = "schema-drift"\n{option}\n')
    with pytest.raises(ConfigurationError, match=r"strategies\.mine \(schema-drift\)"):
        Runtime(config=load_config(file)).strategy("mine")


def test_the_readme_s_configuration_is_right(tmp_path):
    [configuration] = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "dc43.toml").write_text(configuration)
    runtime = Runtime(config=load_config(tmp_path / "dc43.toml"))
    grows, blocks = (runtime.strategy(name).strategy for name in ("growing", "stable-schema"))
    assert isinstance(grows, SchemaDrift)
    assert grows.options == SchemaDriftOptions(policy="evolve", on_incompatible="reject")
    assert isinstance(blocks, SchemaDriftBlocking)
    assert blocks.options.on == "incompatible"
