"""The core's strategies, and strategies that the kit must find fault with."""

from __future__ import annotations

from typing import Any

import pytest

from dc43_core.interventions.builtin import Continue, FailFast, Warn
from dc43_core.interventions.interface import InterventionStrategy
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.testing.strategies import (
    BATCHES,
    InterventionStrategyConformance,
    StrategyStream,
    finding,
    judged,
)
from dc43_core.vocabulary import Decision, RunType, Severity


class TestContinue(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return Continue()

    @pytest.mark.parametrize("batch", BATCHES)
    def test_it_never_intervenes(self, strategy, batch):
        findings, fault = BATCHES[batch]
        assert StrategyStream(strategy).ask(*findings, fault=fault) == Intervention()


class TestWarn(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return Warn()

    @pytest.mark.parametrize("batch", BATCHES)
    def test_it_never_blocks(self, strategy, batch):
        findings, fault = BATCHES[batch]
        stream = StrategyStream(strategy)
        bad = stream.context(judged(*findings, fault=fault)).bad
        answer = stream.ask(*findings, fault=fault)
        assert answer.decision is (Decision.WARN if bad else Decision.CONTINUE)

    def test_the_reason_is_what_was_found(self, strategy):
        answer = StrategyStream(strategy).ask(finding(message="amount is missing"))
        assert answer.reason == "amount is missing"


class TestFailFast(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return FailFast()

    def test_the_first_error_blocks_with_its_message(self, strategy):
        answer = StrategyStream(strategy).ask(finding(message="amount is missing"), finding("b"))
        assert answer.decision is Decision.BLOCK
        assert answer.reason == "amount is missing and 1 more"

    def test_a_batch_without_a_verdict_blocks(self, strategy):
        answer = StrategyStream(strategy).ask(fault="data-quality client: TimeoutError")
        assert answer.decision is Decision.BLOCK
        assert answer.reason == "no verdict could be reached"

    def test_a_warning_does_not_block(self, strategy):
        answer = StrategyStream(strategy).ask(finding(severity=Severity.WARNING))
        assert answer.decision is Decision.CONTINUE


class Remembers:
    """Counts in itself, so a restart starts over."""

    bad = 0

    def decide(self, context: DecisionContext) -> Intervention:
        self.bad += context.bad
        if self.bad < 3:
            return Intervention()
        return Intervention(decision=Decision.BLOCK, reason="three bad batches")


class Wordless:
    def decide(self, context: DecisionContext) -> Intervention:
        return Intervention(decision=Decision.WARN if context.bad else Decision.CONTINUE)


class KeepsASet:
    def decide(self, context: DecisionContext) -> Intervention:
        return Intervention(state={"seen": (1, 2)})


class Meddles:
    def decide(self, context: DecisionContext) -> None:
        context.result.findings.clear()


class RoutesUnsaid:
    def decide(self, context: DecisionContext) -> Intervention:
        return Intervention(decision=Decision.ROUTE, reason="always")


class SaysTrue:
    def decide(self, context: DecisionContext) -> Any:
        return True


KIT = InterventionStrategyConformance()


def test_the_kit_finds_memory_of_its_own():
    with pytest.raises(AssertionError, match=r"keep what it must remember in Intervention\.state"):
        KIT.test_it_answers_the_same_to_the_same(Remembers(), RunType.OBSERVE)
    with pytest.raises(AssertionError, match="started again after 0 batches"):
        KIT.test_a_restart_changes_no_decision(Remembers())


def test_the_kit_finds_a_decision_without_a_reason():
    with pytest.raises(AssertionError, match="gives no reason"):
        KIT.test_it_answers_for_every_batch(Wordless(), "bad", RunType.OBSERVE)


def test_the_kit_finds_state_that_is_not_json():
    with pytest.raises(AssertionError, match="comes back from JSON"):
        KIT.test_it_answers_for_every_batch(KeepsASet(), "clean", RunType.OBSERVE)


def test_the_kit_finds_a_strategy_that_changes_its_context():
    with pytest.raises(AssertionError, match="changed its context"):
        KIT.test_it_leaves_the_context_as_it_is(Meddles(), "bad")


def test_the_kit_finds_a_route_that_nobody_would_follow():
    with pytest.raises(AssertionError, match="routes = True"):
        KIT.test_it_says_that_it_routes(RoutesUnsaid())


def test_the_kit_finds_an_answer_of_another_type():
    with pytest.raises(AssertionError, match="must return an Intervention"):
        KIT.test_it_answers_for_every_batch(SaysTrue(), "clean", RunType.OBSERVE)
