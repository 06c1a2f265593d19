"""One row that breaks the contract, and nothing of what is written is visible."""

from __future__ import annotations

import pytest

from dc43_blocking.strict import Strict, StrictOptions
from dc43_core import Decision, InterventionStrategy, Lane, Outcome, RunType
from dc43_core.errors import BatchBlockedError
from dc43_core.testing.fake_pipeline import FakePipeline
from dc43_core.testing.strategies import (
    InterventionStrategyConformance,
    StrategyStream,
    drift,
    finding,
)
from dc43_core.vocabulary import Severity

WARNING = finding(severity=Severity.WARNING, message="a warning")
GOOD = [{"id": number, "amount": 1, "state": "open"} for number in (1, 2, 3)]
BAD = {"id": 9, "amount": None, "state": "open"}


class TestStrict(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return Strict()


class TestStrictOnWarnings(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return Strict(StrictOptions(severity="warning"))


@pytest.mark.parametrize(
    ("found", "on_errors", "on_warnings"),
    [
        (finding(), True, True),
        (WARNING, False, True),
        (finding(severity=Severity.INFO), False, False),
        (finding(threshold=True, rows=0), False, False),
        (drift(), False, False),
        (finding(kind="evaluation_error", rows=3), True, True),
    ],
)
def test_the_option_says_which_rules_no_row_may_break(found, on_errors, on_warnings):
    for severity, blocks in (("error", on_errors), ("warning", on_warnings)):
        answer = StrategyStream(Strict(StrictOptions(severity=severity))).ask(found)
        assert answer.decision is (Decision.BLOCK if blocks else Decision.CONTINUE)


def test_without_a_verdict_nobody_knows_that_every_row_fits():
    answer = StrategyStream(Strict()).ask(fault="client: TimeoutError")
    assert answer.decision is Decision.BLOCK
    assert "no verdict could be reached" in str(answer.reason)


def test_the_reason_names_the_first_rules_and_counts_the_others():
    found = [finding(str(number), message=f"rule {number}") for number in range(5)]
    assert StrategyStream(Strict()).ask(*found).reason == (
        "every row must keep the contract (rule 0; rule 1; rule 2 and 2 more)"
    )


@pytest.mark.parametrize("rejects", [True, False])
@pytest.mark.parametrize("run_type", RunType)
def test_a_write_with_one_broken_row_fails_and_nothing_of_it_is_visible(run_type, rejects):
    pipeline = FakePipeline()
    with pytest.raises(BatchBlockedError, match="Strict: every row must keep the contract"):
        pipeline.write([*GOOD, BAD], strategies=[Strict()], run_type=run_type, rejects=rejects)
    assert (pipeline.rows(), pipeline.rows(Lane.REJECTS)) == ([], [])
    [record] = pipeline.records()
    assert (record.outcome, record.dataset_version) == (Outcome.BLOCKED, None)
    assert "Strict: every row must keep" in str(record.intervention)
    assert pipeline.write(GOOD, strategies=[Strict()], run_type=run_type).dataset_version == "0"
