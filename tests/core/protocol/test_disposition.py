"""What happens to a row and to a batch: one test a cell of the table (design: streaming)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.data_quality.model import Finding
from dc43_core.interventions.model import Intervention
from dc43_core.protocol.disposition import Disposition, NamedIntervention, Policy, dispose
from dc43_core.vocabulary import Decision, Lane, Outcome, RunType, Severity, Verdict

OBSERVE, ENFORCE = RunType.OBSERVE, RunType.ENFORCE
COMMITTED, BLOCKED = Outcome.COMMITTED, Outcome.BLOCKED
ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def finding(message: str, kind: str = "range", severity: Severity = ERROR, **more: Any) -> Finding:
    return Finding(check_id=message, kind=kind, severity=severity, message=message, **more)


def answer(
    decision: Decision, *, explicit: bool = True, routes: bool = False, name: str = "strategy"
) -> NamedIntervention:
    reason = None if decision is Decision.CONTINUE else "because"
    return NamedIntervention(
        name=name,
        intervention=Intervention(decision=decision, reason=reason),
        explicit=explicit,
        routes=routes,
    )


def decide(
    policy: RunType | Policy,
    *findings: Finding,
    violating: int = 0,
    answers: Sequence[NamedIntervention] = (),
    rejects: bool = False,
    set_aside: bool = False,
    faults: dict[str, str] | None = None,
) -> Disposition:
    return dispose(
        policy=policy if isinstance(policy, Policy) else Policy(run_type=policy),
        findings=findings,
        violating=violating,
        interventions=answers,
        has_rejects=rejects,
        set_aside=set_aside,
        faults=faults,
    )


ROW = finding("broken rows", rows=2)
UNCAST = finding("uncast rows", kind="type", rows=2)
THRESHOLD = finding("too few rows", kind="row-count", threshold=True)
DRIFT = finding("column gone", kind="drift")
UNJUDGED = finding("not judged", kind="evaluation_error")
UNJUDGED_ROWS = finding("rows not judged", kind="evaluation_error", rows=1)
ROUTE = answer(Decision.ROUTE, routes=True)
NOT_YET = answer(Decision.CONTINUE, routes=True)
BLOCK = answer(Decision.BLOCK)
CONFIGURED = answer(Decision.BLOCK, explicit=False)


def cell(name: str, row: str, run_type: RunType, expected: tuple[Any, ...], **given: Any) -> Any:
    return pytest.param(given | {"policy": run_type}, expected, id=f"{row}-{run_type}-{name}")


def with_policy(
    name: str, row: str, expected: tuple[Any, ...], policy: Policy, **given: Any
) -> Any:
    return pytest.param(given | {"policy": policy}, expected, id=f"{row}-{policy.run_type}-{name}")


def both(name: str, row: str, expected: tuple[Any, ...], **given: Any) -> list[Any]:
    return [cell(name, row, run_type, expected, **given) for run_type in RunType]


TO_REJECTS = (COMMITTED, Verdict.WARN, Lane.REJECTS)
TO_MAIN = (COMMITTED, Verdict.WARN, Lane.MAIN)
FINE = (COMMITTED, Verdict.OK, Lane.MAIN)
UNKNOWN = (COMMITTED, Verdict.UNKNOWN, Lane.MAIN)
NOTHING = (BLOCKED, Verdict.BLOCK, Lane.MAIN)
BROKEN = {"findings": [ROW], "violating": 2}
TABLE = [
    *both("rejects", "broken-row", TO_REJECTS, **BROKEN, rejects=True),
    *both("routed", "broken-row", TO_REJECTS, **BROKEN, rejects=True, answers=[ROUTE]),
    cell("no-rejects", "broken-row", OBSERVE, TO_MAIN, **BROKEN),
    cell("no-rejects", "broken-row", ENFORCE, NOTHING, **BROKEN),
    cell("not-routed", "broken-row", OBSERVE, TO_MAIN, **BROKEN, rejects=True, answers=[NOT_YET]),
    cell("not-routed", "broken-row", ENFORCE, NOTHING, **BROKEN, rejects=True, answers=[NOT_YET]),
    cell("no-rejects", "uncast-value", OBSERVE, TO_MAIN, findings=[UNCAST], violating=2),
    cell("no-rejects", "uncast-value", ENFORCE, NOTHING, findings=[UNCAST], violating=2),
    *both("warning", "row-rule", TO_MAIN, findings=[finding("w", severity=WARNING, rows=2)]),
    *both("info", "row-rule", FINE, findings=[finding("i", severity=INFO, rows=2)]),
    *both("holds", "threshold", FINE),
    cell("error", "threshold", OBSERVE, TO_MAIN, findings=[THRESHOLD]),
    cell("error", "threshold", ENFORCE, NOTHING, findings=[THRESHOLD]),
    *both(
        "warning", "threshold", TO_MAIN, findings=[finding("w", threshold=True, severity=WARNING)]
    ),
    *both("info", "threshold", FINE, findings=[finding("i", threshold=True, severity=INFO)]),
    cell("default", "drift", OBSERVE, TO_MAIN, findings=[DRIFT]),
    cell("default", "drift", ENFORCE, NOTHING, findings=[DRIFT]),
    *both("compatible", "drift", FINE, findings=[finding("i", kind="drift", severity=INFO)]),
    *[
        with_policy(
            f"{wish}-explicit-{rejects}",
            "drift",
            TO_REJECTS if wish == "reject" and rejects else NOTHING,
            Policy(run_type=run_type, on_incompatible=wish, on_incompatible_explicit=True),
            findings=[DRIFT],
            violating=2,
            rejects=rejects,
        )
        for run_type in RunType
        for wish in ("block", "reject")
        for rejects in (True, False)
        if wish == "reject" or not rejects
    ],
    *both(
        "set-aside-by-a-strategy",
        "drift",
        TO_REJECTS,
        findings=[finding("i", kind="drift", severity=INFO)],
        violating=2,
        rejects=True,
        set_aside=True,
        answers=[NOT_YET],
    ),
    *both("columns-confused", "unreadable", NOTHING, findings=[finding("u", kind="unreadable")]),
    cell("configured-only", "strategy-blocks", OBSERVE, TO_MAIN, answers=[CONFIGURED]),
    cell("configured-only", "strategy-blocks", ENFORCE, NOTHING, answers=[CONFIGURED]),
    *both("passed-to-helper", "strategy-blocks", NOTHING, answers=[BLOCK]),
    *both("warns", "strategy", TO_MAIN, answers=[answer(Decision.WARN)]),
    cell("default", "evaluation-error", OBSERVE, UNKNOWN, findings=[UNJUDGED]),
    cell(
        "default",
        "evaluation-error",
        ENFORCE,
        (BLOCKED, Verdict.UNKNOWN, Lane.MAIN),
        findings=[UNJUDGED],
    ),
    with_policy(
        "warn",
        "evaluation-error",
        UNKNOWN,
        Policy(run_type=ENFORCE, on_evaluation_error="warn"),
        findings=[UNJUDGED],
    ),
    cell(
        "rows-known",
        "evaluation-error",
        ENFORCE,
        (BLOCKED, Verdict.UNKNOWN, Lane.MAIN),
        findings=[UNJUDGED_ROWS],
        violating=1,
    ),
    cell(
        "rows-known-with-rejects",
        "evaluation-error",
        ENFORCE,
        (BLOCKED, Verdict.UNKNOWN, Lane.REJECTS),
        findings=[UNJUDGED_ROWS],
        violating=1,
        rejects=True,
    ),
    *(
        with_policy(
            f"reject-{name}",
            "evaluation-error",
            expected,
            Policy(run_type=run_type, on_evaluation_error="reject"),
            **given,
        )
        for run_type in (OBSERVE, ENFORCE)
        for name, expected, given in (
            (
                "rows-known",
                (COMMITTED, Verdict.WARN, Lane.REJECTS),
                {"findings": [UNJUDGED_ROWS], "violating": 1, "rejects": True},
            ),
            (
                "rows-unknown",
                (BLOCKED, Verdict.UNKNOWN, Lane.REJECTS),
                {"findings": [UNJUDGED], "rejects": True},
            ),
        )
    ),
    with_policy(
        "reject-nowhere",
        "evaluation-error",
        (BLOCKED, Verdict.UNKNOWN, Lane.MAIN),
        Policy(run_type=ENFORCE, on_evaluation_error="reject"),
        findings=[UNJUDGED_ROWS],
        violating=1,
    ),
]


@pytest.mark.parametrize(("given", "expected"), TABLE)
def test_the_table_holds(given: dict[str, Any], expected: tuple[Any, ...]):
    findings = given.pop("findings", [])
    made = decide(given.pop("policy"), *findings, **given)
    assert (made.outcome, made.verdict, made.violating_to) == expected


def reason_of(*findings: Finding, **more: Any) -> str:
    reason = decide(ENFORCE, *findings, violating=2, **more).reason
    assert reason is not None
    return reason


def test_the_gravest_reason_is_the_one_that_is_given():
    everything = [ROW, THRESHOLD, DRIFT, UNJUDGED]
    assert reason_of(*everything, answers=[BLOCK]) == "not judged"
    assert reason_of(*everything[:3], answers=[BLOCK]) == "column gone"
    assert reason_of(*everything[:2], answers=[BLOCK]) == "too few rows"
    assert reason_of(*everything[:1], answers=[BLOCK]) == "strategy: because"
    assert reason_of(*everything[:1]).startswith("broken rows; ")


def test_a_fault_is_as_grave_as_a_rule_that_could_not_be_judged():
    made = decide(ENFORCE, faults={"strategy pager": "OSError: gone"})
    assert (made.outcome, made.verdict) == (BLOCKED, Verdict.UNKNOWN)
    assert made.reason == "strategy pager: OSError: gone"
    assert made.errors == ("strategy pager: OSError: gone",)


def test_a_fault_is_recorded_as_an_error_in_observe():
    made = decide(OBSERVE, faults={"data-quality client": "OSError: gone"})
    assert (made.outcome, made.verdict) == (COMMITTED, Verdict.UNKNOWN)
    assert made.errors == ("data-quality client: OSError: gone",)


def test_a_configured_strategy_s_wish_is_a_warning_with_its_reason_in_observe():
    assert decide(OBSERVE, answers=[CONFIGURED]).warnings == ("strategy: because",)


def test_a_strategy_without_a_reason_is_said_to_have_none():
    silent = NamedIntervention(
        name="s", intervention=Intervention(decision=Decision.BLOCK), explicit=False
    )
    assert decide(OBSERVE, answers=[silent]).warnings == ("s: gave no reason",)
    assert decide(ENFORCE, answers=[silent]).reason == "s: gave no reason"


def test_several_strategies_merge_by_the_most_severe():
    made = decide(
        OBSERVE, answers=[answer(Decision.WARN, name="a"), answer(Decision.BLOCK, name="b")]
    )
    assert (made.outcome, made.reason) == (BLOCKED, "b: because")


def test_what_landed_in_main_is_an_error_and_what_was_routed_a_warning():
    assert decide(OBSERVE, ROW, violating=2).errors == ("broken rows",)
    routed = decide(OBSERVE, ROW, violating=2, rejects=True)
    assert (routed.errors, routed.warnings) == ((), ("broken rows",))


def test_what_blocked_is_an_error_though_rejects_are_there():
    assert decide(ENFORCE, ROW, THRESHOLD, violating=2, rejects=True).errors == (
        "broken rows",
        "too few rows",
    )


def test_a_threshold_that_failed_in_observe_is_an_error_in_main():
    assert decide(OBSERVE, THRESHOLD, rejects=True).errors == ("too few rows",)


def test_a_routed_batch_is_decided_as_routed():
    assert decide(ENFORCE, ROW, violating=2, rejects=True).decision is Decision.ROUTE
    assert decide(ENFORCE, rejects=True).decision is Decision.CONTINUE


def test_rejected_rows_are_worth_a_warning_though_nobody_found_anything():
    assert decide(ENFORCE, violating=1, rejects=True).verdict is Verdict.WARN


def test_drift_sets_the_whole_batch_aside_only_where_it_counts():
    def sets_aside(run_type: RunType, *, explicit: bool, wish: str = "reject") -> bool:
        policy = Policy(run_type=run_type, on_incompatible=wish, on_incompatible_explicit=explicit)
        return policy.sets_aside([DRIFT])

    assert sets_aside(ENFORCE, explicit=False)
    assert sets_aside(OBSERVE, explicit=True)
    assert not sets_aside(OBSERVE, explicit=False)
    assert not Policy(run_type=ENFORCE, on_incompatible="reject").sets_aside([ROW])


def test_a_batch_that_drift_blocks_is_staged_as_it_could_be_rejected():
    assert Policy(run_type=ENFORCE, on_incompatible="block").sets_aside([DRIFT])
    assert Policy(run_type=OBSERVE).sets_aside([finding("reordered", kind="unreadable")])


@pytest.mark.parametrize("name", ["on_incompatible", "on_evaluation_error"])
def test_a_misspelt_wish_is_refused(name: str):
    misspelt: dict[str, Any] = {name: "blok"}
    with pytest.raises(ValueError, match=name):
        Policy(**misspelt)


POLICIES = st.builds(
    Policy,
    run_type=st.sampled_from(RunType),
    on_incompatible=st.sampled_from(["block", "reject"]),
    on_incompatible_explicit=st.booleans(),
    on_evaluation_error=st.sampled_from(["block", "reject", "warn"]),
)
FINDINGS = st.lists(
    st.builds(
        finding,
        st.sampled_from(["one", "two", "three", "four"]),
        kind=st.sampled_from(["range", "type", "drift", "unreadable", "evaluation_error"]),
        severity=st.sampled_from(Severity),
        threshold=st.booleans(),
    ),
    max_size=5,
)
ANSWERS = st.lists(
    st.builds(answer, st.sampled_from(Decision), explicit=st.booleans(), routes=st.booleans()),
    max_size=3,
)
CASES = st.fixed_dictionaries(
    {
        "policy": POLICIES,
        "findings": FINDINGS,
        "violating": st.integers(0, 3),
        "interventions": ANSWERS,
        "has_rejects": st.booleans(),
        "set_aside": st.booleans(),
        "faults": st.dictionaries(st.just("who"), st.just("why")),
    }
)


@given(CASES)
def test_no_error_ends_as_ok(case: dict[str, Any]):
    made = dispose(**case)
    wrong = any(f.severity is ERROR for f in case["findings"])
    if wrong or case["violating"] or case["faults"]:
        assert made.verdict is not Verdict.OK


@given(CASES)
def test_enforce_never_sends_broken_rows_to_main(case: dict[str, Any]):
    case["policy"] = Policy(run_type=ENFORCE)
    made = dispose(**case)
    if case["violating"] and made.outcome is COMMITTED:
        assert made.violating_to is Lane.REJECTS


@given(CASES)
def test_a_strategy_raises_severity_and_never_lowers_it(case: dict[str, Any]):
    made = dispose(**case)
    without = dispose(**{**case, "interventions": []})
    assert made.verdict.rank >= without.verdict.rank
    assert without.outcome is COMMITTED or made.outcome is BLOCKED


@given(CASES)
def test_observe_blocks_only_by_an_explicit_wish_or_confused_columns(case: dict[str, Any]):
    case["policy"] = Policy(run_type=OBSERVE)
    if dispose(**case).outcome is BLOCKED:
        wishes = [i for i in case["interventions"] if i.explicit]
        assert any(i.intervention.decision is Decision.BLOCK for i in wishes) or any(
            f.kind == "unreadable" for f in case["findings"]
        )


@given(CASES)
def test_a_block_always_has_a_reason(case: dict[str, Any]):
    made = dispose(**case)
    assert made.reason or made.outcome is COMMITTED


@given(CASES)
def test_every_finding_is_told_once(case: dict[str, Any]):
    made = dispose(**{**case, "interventions": [], "faults": {}})
    assert sorted([*made.errors, *made.warnings]) == sorted(f.message for f in case["findings"])
