"""Which drift blocks a batch, and what the reason says."""

from __future__ import annotations

import pytest

from dc43_core import Decision, InterventionStrategy, Runtime, RunType, load_config
from dc43_core.errors import ConfigurationError
from dc43_core.testing.strategies import (
    InterventionStrategyConformance,
    StrategyStream,
    drift,
    finding,
)
from dc43_drift.strategy import SchemaDriftBlocking, SchemaDriftBlockingOptions

ON_ANY = SchemaDriftBlocking()
ON_INCOMPATIBLE = SchemaDriftBlocking(SchemaDriftBlockingOptions(on="incompatible"))


class TestOnAnyDrift(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return ON_ANY


class TestOnIncompatibleDrift(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return ON_INCOMPATIBLE


@pytest.mark.parametrize("run_type", RunType)
@pytest.mark.parametrize(
    ("strategy", "incompatible", "blocks"),
    [
        (ON_ANY, True, True),
        (ON_ANY, False, True),
        (ON_INCOMPATIBLE, True, True),
        (ON_INCOMPATIBLE, False, False),
    ],
)
def test_the_option_says_which_drift_blocks(strategy, incompatible, blocks, run_type):
    answer = StrategyStream(strategy, run_type).ask(drift(incompatible=incompatible))
    assert answer.decision is (Decision.BLOCK if blocks else Decision.CONTINUE)


def test_columns_in_another_order_are_drift():
    reordered = finding("schema.tip", kind="unreadable", message="column tip: is first", rows=0)
    assert StrategyStream(ON_INCOMPATIBLE).ask(reordered).decision is Decision.BLOCK


def test_broken_rows_are_no_drift():
    assert StrategyStream(ON_ANY).ask(finding()).decision is Decision.CONTINUE


def test_the_reason_names_the_columns_and_what_was_found():
    answer = StrategyStream(ON_ANY).ask(finding(), drift("tip"), drift("a.b", incompatible=False))
    assert answer.reason == (
        "the schema is not the contract's in columns tip, a.b (column tip: is missing and "
        "required; column a.b: is not in the contract)"
    )


def test_drift_that_does_not_count_is_not_named():
    answer = StrategyStream(ON_INCOMPATIBLE).ask(drift("tip"), drift("note", incompatible=False))
    assert answer.reason is not None
    assert "note" not in answer.reason


def test_every_column_is_named_however_many_there_are():
    columns = [f"c{number}" for number in range(10)]
    answer = StrategyStream(ON_ANY).ask(*map(drift, columns))
    assert answer.reason is not None
    assert ", ".join(columns) in answer.reason
    assert answer.reason.endswith("; and 7 more)")


def test_an_option_that_is_not_known_is_refused(tmp_path):
    file = tmp_path / "dc43.toml"
    file.write_text('[strategies.strict]\nuse = "schema-drift-blocking"\non = "some"\n')
    with pytest.raises(ConfigurationError, match=r"strategies\.strict .*on: .*some"):
        Runtime(config=load_config(file)).strategy("strict")
