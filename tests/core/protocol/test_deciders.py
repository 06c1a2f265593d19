"""Data-quality clients and strategies: what they are told, and what their word is worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from dc43_core.data_quality.local import LocalDataQuality
from dc43_core.errors import BatchBlockedError
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.vocabulary import Decision, Outcome, RunType, Verdict
from tests.core.protocol.conftest import BAD, GOOD, Crash, Drivers, blocked

OBSERVE = RunType.OBSERVE


class BadBatches:
    """Counts bad batches, and tells what it was told."""

    def __init__(self, block_at: int = 99) -> None:
        self.block_at = block_at
        self.told: list[tuple[int, dict[str, Any], list[int]]] = []

    def decide(self, context: DecisionContext) -> Intervention:
        known = [entry["batch_id"] for entry in context.history]
        self.told.append((context.batch_id, dict(context.state), known))
        count = context.state.get("count", 0) + context.bad
        block = count >= self.block_at
        return Intervention(
            decision=Decision.BLOCK if block else Decision.CONTINUE,
            reason=f"{count} bad batches" if block else None,
            state={"count": count},
        )


def test_a_strategy_s_state_survives_a_restart(drivers: Drivers):
    drivers.start(BadBatches(), run_type=OBSERVE).process(BAD, 0)
    strategy = BadBatches()
    drivers.start(strategy, run_type=OBSERVE).process(BAD, 1)
    assert strategy.told == [(1, {"count": 1}, [0])]


def test_a_replayed_batch_does_not_count_twice(drivers: Drivers):
    drivers.start(BadBatches(block_at=2), run_type=OBSERVE).process(BAD, 0)
    for _ in range(2):
        strategy = BadBatches(block_at=2)
        blocked(drivers.start(strategy, run_type=OBSERVE), BAD, 1)
        assert strategy.told == [(1, {"count": 1}, [0])]


def test_a_batch_that_was_blocked_and_published_is_one_batch_before(drivers: Drivers):
    blocked(drivers.start(BadBatches(block_at=1), run_type=OBSERVE), BAD, 0)
    drivers.start(BadBatches(), run_type=OBSERVE).process(BAD, 0)
    strategy = BadBatches()
    drivers.start(strategy, run_type=OBSERVE).process(GOOD, 1)
    assert strategy.told == [(1, {"count": 1}, [0])]


def test_the_state_is_committed_with_the_batch(drivers: Drivers):
    with pytest.raises(Crash):
        drivers.start(BadBatches(), crash_at="synced", run_type=OBSERVE).process(BAD, 0)
    strategy = BadBatches()
    drivers.start(strategy, run_type=OBSERVE).process(BAD, 0)
    assert strategy.told == [(0, {}, [])]


class Answer:
    """Always answers the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def decide(self, context: DecisionContext) -> Any:
        return self.answer


def test_a_plain_text_means_block(drivers: Drivers):
    assert (
        blocked(drivers.start(Answer("too hot"), run_type=OBSERVE), GOOD).reason
        == "Answer: too hot"
    )


def test_a_decision_may_be_a_plain_word(drivers: Drivers):
    word: Any = "block"
    answer = Answer(Intervention(decision=word, reason="too hot"))
    assert blocked(drivers.start(answer, run_type=OBSERVE), GOOD).reason == "Answer: too hot"


def test_no_answer_means_continue(drivers: Drivers):
    assert drivers.start(Answer(None)).process(GOOD, 0).decision is Decision.CONTINUE


def test_a_configured_strategy_cannot_block_what_is_observed(drivers: Drivers):
    record = drivers.start(Answer("too hot"), explicit=False, run_type=OBSERVE).process(GOOD, 0)
    assert (record.verdict, record.warnings) == (Verdict.WARN, ("Answer: too hot",))


class Failing:
    """A data-quality client and a strategy that fails."""

    def findings(self, *arguments: object) -> Any:
        raise OSError("no route to host")

    decide = findings


class Wrong:
    """A data-quality client and a strategy that answers nonsense."""

    def decide(self, context: DecisionContext) -> Any:
        return 42


class Misspelt:
    """A strategy that knows no such word."""

    def decide(self, context: DecisionContext) -> Any:
        word: Any = "blok"
        return Intervention(decision=word, reason="too hot")


NO_JSON = Answer(Intervention(state={"seen": {1, 2}}))
FAULTS = [
    pytest.param((), Failing(), "data-quality client: OSError: no route", id="data-quality-client"),
    pytest.param((Failing(),), None, "strategy Failing: OSError: no route", id="strategy"),
    pytest.param((Wrong(),), None, "strategy Wrong: TypeError: .*42", id="nonsense"),
    pytest.param((Misspelt(),), None, "strategy Misspelt: ValueError: 'blok'", id="misspelt"),
    pytest.param((NO_JSON,), None, "strategy Answer: TypeError: .* set", id="no-json"),
]


@pytest.mark.parametrize(("strategies", "client", "told"), FAULTS)
def test_without_a_verdict_the_batch_is_blocked_in_enforce(
    drivers: Drivers, strategies: Sequence[Any], client: Any, told: str
):
    stream = drivers.start(*strategies, data_quality=client)
    with pytest.raises(BatchBlockedError, match=told):
        stream.process(GOOD, 0)
    record = stream.protocol.journal.blocked(0)
    assert record is not None
    assert record.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("strategies", "client", "told"), FAULTS)
def test_without_a_verdict_the_batch_is_recorded_as_unknown_in_observe(
    drivers: Drivers, strategies: Sequence[Any], client: Any, told: str
):
    stream = drivers.start(*strategies, data_quality=client, run_type=OBSERVE)
    record = stream.process(GOOD, 0)
    assert (record.outcome, record.verdict) == (Outcome.COMMITTED, Verdict.UNKNOWN)
    assert drivers.ids() == [1, 2]
    assert not stream.result.ok


def test_a_client_that_finds_nothing_cannot_pass_broken_rows_as_ok(drivers: Drivers):
    class Lenient(LocalDataQuality):
        def findings(self, *arguments: object) -> Any:
            return []

    record = drivers.start(data_quality=Lenient()).process(BAD, 0)
    assert (record.verdict, drivers.ids()) == (Verdict.WARN, [3])
    blocked(drivers.start(data_quality=Lenient(), rejects=False), BAD, 1)
