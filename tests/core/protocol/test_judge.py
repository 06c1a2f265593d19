"""Who is asked about a batch, in which order, and what each is shown."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from attrs import define, field

from dc43_core.data_quality.local import LocalDataQuality
from dc43_core.data_quality.model import ColumnDrift, Finding, Observations
from dc43_core.errors import ConfigurationError
from dc43_core.interventions.builtin import Continue
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.plugin_manager import load_plugins
from dc43_core.protocol.judge import Judge, NamedStrategy, distinct
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.records import make_record
from dc43_core.testing.strategies import column_drift, drift, finding
from dc43_core.vocabulary import Decision, RunType, Severity

AT = "2026-11-23T17:03:12.004Z"


@define
class Asked:
    """Answers as told, and keeps what it was shown."""

    answer: Intervention = field(factory=Intervention)
    routes: bool = False
    seen: list[DecisionContext] = field(factory=list)

    def decide(self, context: DecisionContext) -> Intervention:
        self.seen.append(context)
        return self.answer


@pytest.fixture(scope="module")
def runtime() -> Runtime:
    return Runtime(plugins=load_plugins(allowed=()))


def a_judge(
    runtime: Runtime,
    *strategies: Asked,
    has_rejects: bool = True,
    history: Sequence[dict] = (),
) -> Judge:
    return Judge(
        plan=runtime.plan(runtime.contracts().parse("orders", ORDERS.encode())),
        data_quality=LocalDataQuality(),
        strategies=[NamedStrategy(name=f"s{i}", strategy=s) for i, s in enumerate(strategies)],
        history=lambda: history,
        schema=dict,
        run_type=RunType.OBSERVE,
        has_rejects=has_rejects,
    )


def ask(
    runtime: Runtime,
    *strategies: Asked,
    findings: Sequence[Finding] = (),
    has_rejects: bool = True,
    history: Sequence[dict] = (),
) -> list[str]:
    judge = a_judge(runtime, *strategies, has_rejects=has_rejects, history=history)
    answers = judge.interventions(3, AT, findings, Observations(row_count=6), {})
    return [answer.name for answer in answers]


@define
class Aside(Asked):
    """Wants every row of a batch with drift in the rejects, or fails."""

    wanted: bool = True
    error: Exception | None = None

    def sets_aside(self, drift: Sequence[ColumnDrift]) -> bool:
        if self.error is not None:
            raise self.error
        return self.wanted


BROKEN = OSError("no route to host")


@pytest.mark.parametrize(
    ("strategies", "has_rejects", "aside", "faults"),
    [
        ([Aside()], True, True, {}),
        ([Aside(wanted=False), Asked()], True, False, {}),
        ([Aside(wanted=False), Aside()], True, True, {}),
        ([Aside()], False, False, {"strategy s0": "wants all rows in the rejects, and has none"}),
        ([Aside(error=BROKEN)], True, False, {"strategy s0": "OSError: no route to host"}),
    ],
)
def test_drift_sets_rows_aside_if_one_strategy_says_so(
    runtime, strategies, has_rejects, aside, faults
):
    judge = a_judge(runtime, *strategies, has_rejects=has_rejects)
    assert judge.sets_aside([column_drift()]) == (aside, faults)
    assert judge.sets_aside([]) == (False, {})


def test_a_strategy_sees_the_facts_of_drift(runtime):
    strategy, fact = Asked(), column_drift()
    a_judge(runtime, strategy).interventions(
        0, AT, [], Observations(row_count=1, drift=(fact,)), {}
    )
    assert strategy.seen[0].drift == (fact,)


ROUTE = Intervention(decision=Decision.ROUTE, reason="because")


@pytest.mark.parametrize(
    ("answer", "has_rejects", "routed"),
    [(ROUTE, True, True), (Intervention(), True, False), (ROUTE, False, False)],
)
def test_those_that_route_are_asked_first_and_the_others_know(runtime, answer, has_rejects, routed):
    other, routing = Asked(), Asked(answer=answer, routes=True)
    assert ask(runtime, other, routing, has_rejects=has_rejects) == ["s1", "s0"]
    assert (routing.seen[0].routed, other.seen[0].routed) == (False, routed)


@pytest.mark.parametrize("has_rejects", [True, False])
def test_without_a_routing_strategy_rows_go_where_a_reject_sink_is(runtime, has_rejects):
    strategy = Asked()
    ask(runtime, strategy, has_rejects=has_rejects)
    assert strategy.seen[0].routed is has_rejects


def test_the_time_of_the_batch_is_that_of_its_record(runtime):
    strategy = Asked()
    ask(runtime, strategy)
    assert strategy.seen[0].started_at == AT


@pytest.mark.parametrize(
    ("found", "trouble", "landed"),
    [
        (finding(message="a row"), "a row", None),
        (
            drift("tip"),
            "column tip: is missing and required",
            "column tip: is missing and required",
        ),
        (finding(message="few", threshold=True), "few", "few"),
        (finding(severity=Severity.WARNING), None, None),
    ],
)
def test_rows_that_are_rejected_are_trouble_that_did_not_land(runtime, found, trouble, landed):
    strategy = Asked()
    ask(runtime, strategy, findings=[found])
    [context] = strategy.seen
    assert (context.trouble(), context.trouble(landed=True)) == (trouble, landed)
    assert context.bad is (trouble is not None)


def test_a_rule_that_could_not_be_judged_is_trouble_whatever_its_severity(runtime):
    strategy = Asked()
    ask(runtime, strategy, findings=[finding(kind="evaluation_error", severity=Severity.WARNING)])
    assert strategy.seen[0].trouble(landed=True) == "no verdict could be reached"


@pytest.mark.parametrize("released", [True, False])
def test_a_strategy_knows_that_the_batch_before_was_let_go(runtime, released):
    details = {"resolution": {"as": "main"}} if released else {}
    history = [
        make_record(batch_id=1, details={"resolution": {"as": "skip"}}).payload(),
        make_record(batch_id=2, details=details).payload(),
    ]
    strategy = Asked()
    ask(runtime, strategy, history=history)
    assert strategy.seen[0].after_release is released


def test_the_first_batch_follows_no_release(runtime):
    strategy = Asked()
    ask(runtime, strategy)
    assert not strategy.seen[0].after_release


# Names


def named(name: str, *, explicit: bool = True) -> NamedStrategy:
    return NamedStrategy(name=name, strategy=Continue(), explicit=explicit)


@pytest.mark.parametrize("mine_first", [True, False])
def test_a_default_that_is_also_asked_for_counts_once_and_as_asked_for(mine_first):
    mine, default, other = named("strict"), named("strict", explicit=False), named("other")
    given = [mine, other, default] if mine_first else [default, other, mine]
    assert [one is two for one, two in zip(distinct(given), [mine, other], strict=True)] == [
        True,
        True,
    ]


def test_two_of_one_name_are_refused_because_state_is_kept_by_name():
    with pytest.raises(ConfigurationError, match=r"strategy strict: is given twice, .* name them"):
        distinct([named("strict"), named("strict")])
