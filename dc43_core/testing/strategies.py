"""What every intervention strategy holds to, and batches for its own tests.

class TestPaging(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> Paging:
        return Paging()
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import asdict, define, field

from dc43_core.data_quality.local import drift_findings
from dc43_core.data_quality.model import ColumnDrift, Finding, ValidationResult
from dc43_core.interventions.interface import InterventionStrategy
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.protocol.clock import written
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Decision, RunType, Severity, Verdict

_NAME = "under-test"
_BEGINNING = datetime(2026, 11, 23, 17, tzinfo=UTC)


def finding(check_id: str = "amount.required", **changes: Any) -> Finding:
    """Return a finding of severity error on two rows, changed as asked."""
    facts: dict[str, Any] = {
        "kind": "required",
        "severity": Severity.ERROR,
        "message": "amount must not be missing: broken by 2 of 6 rows",
        "rows": 2,
    }
    return Finding(check_id=check_id, **(facts | changes))


def drift(column: str = "amount", *, incompatible: bool = True) -> Finding:
    """Return the finding that a column is not what the contract says."""
    severity = Severity.ERROR if incompatible else Severity.INFO
    detail = "is missing and required" if incompatible else "is not in the contract"
    message = f"column {column}: {detail}"
    return finding(f"schema.{column}", kind="drift", severity=severity, message=message, rows=0)


def column_drift(column: str = "note", **changes: Any) -> ColumnDrift:
    """Return the fact that a column is new, changed as asked."""
    facts: dict[str, Any] = {
        "kind": "extra",
        "detail": "is not declared; it is left out of main",
        "incompatible": False,
    }
    return ColumnDrift(column=column, **(facts | changes))


def judged(*findings: Finding, fault: str | None = None, rows: int = 6) -> ValidationResult:
    """Return what a strategy is shown of a batch with these findings.

    Args:
        findings: What does not hold.
        fault: Why no verdict could be reached; None if one was.
        rows: Rows of the batch.
    """
    verdict = Verdict.UNKNOWN if fault else Verdict.WARN if findings else Verdict.OK
    errors = [f.message for f in findings if f.severity is Severity.ERROR]
    violating = max((f.rows for f in findings if _rejects(f)), default=0)
    return ValidationResult(
        status=verdict,
        errors=[*errors, *([fault] if fault else [])],
        warnings=[f.message for f in findings if f.severity is not Severity.ERROR],
        metrics={"row_count": rows, "violating_rows": violating, "uncast_rows": 0},
        schema={"id": "integer", "amount": "number", "state": "string"},
        findings=list(findings),
        dataset_id="orders",
        contract_id="orders",
        contract_version="1.0.0",
    )


def _facts(findings: Sequence[Finding]) -> tuple[ColumnDrift, ...]:
    """Return facts that such findings of drift could come from."""
    return tuple(
        ColumnDrift(
            column=one.check_id.removeprefix("schema."),
            kind=_KINDS[one.kind, one.severity is Severity.ERROR],
            detail=one.message.partition(": ")[2],
            incompatible=one.severity is Severity.ERROR,
        )
        for one in findings
        if one.kind in ("drift", "unreadable")
    )


_KINDS = {
    ("drift", True): "missing",
    ("drift", False): "extra",
    ("unreadable", True): "reordered",
    ("unreadable", False): "reordered",
}


def _rejects(found: Finding) -> bool:
    return found.on_rows and found.severity is Severity.ERROR


_WARNING = finding(severity=Severity.WARNING)
_THRESHOLD = finding("rows", kind="row-count", rows=0, threshold=True, message="measured 0 rows")
_FAULT = finding(kind="evaluation_error", rows=0, message="amount could not be judged: no such")
BATCHES: Mapping[str, tuple[tuple[Finding, ...], str | None]] = {
    "clean": ((), None),
    "warned": ((_WARNING,), None),
    "bad": ((finding(), finding("state.enum", kind="enum")), None),
    "bad again": ((finding(),), None),
    "over a threshold": ((_THRESHOLD,), None),
    "without a column": ((drift(), finding()), None),
    "with columns in another order": ((finding("schema.amount", kind="unreadable", rows=0),), None),
    "clean again": ((), None),
    "with a new column": ((drift("note", incompatible=False),), None),
    "not judged by a rule": ((_FAULT,), None),
    "without a verdict": ((), "data-quality client: TimeoutError: 5 s"),
}
"""Findings and fault of a batch of every sort, in an order that a stream could have."""


@define
class StrategyStream:
    """A stream as a strategy sees it: each answer's state comes back with the next batch.

    Attributes:
        strategy: Who decides.
        history: The batches so far, as their records tell.
        interval: Time from one batch to the next.
    """

    strategy: InterventionStrategy
    run_type: RunType = RunType.OBSERVE
    has_rejects: bool = True
    history: list[dict[str, Any]] = field(factory=list)
    interval: timedelta = timedelta(seconds=10)

    @property
    def routes(self) -> bool:
        """Whether the strategy decides where violating rows go."""
        return bool(getattr(self.strategy, "routes", False))

    def context(
        self,
        result: ValidationResult,
        *,
        at: str | None = None,
        drift: Sequence[ColumnDrift] | None = None,
    ) -> DecisionContext:
        """Return what the strategy is shown of the next batch.

        Args:
            result: What was found.
            at: When it is handed over.
            drift: The facts behind findings of drift; by default what could be.
        """
        batch_id = len(self.history)
        states = (entry["strategies"].get(_NAME) for entry in reversed(self.history))
        return DecisionContext(
            batch_id=batch_id,
            started_at=at or written(_BEGINNING + batch_id * self.interval),
            result=result,
            drift=_facts(result.findings) if drift is None else tuple(drift),
            history=tuple(self.history),
            state=next((dict(state) for state in states if state is not None), {}),
            run_type=self.run_type,
            has_rejects=self.has_rejects,
            routed=self.has_rejects and not self.routes,
        )

    def ask(
        self,
        *findings: Finding,
        drift: Sequence[ColumnDrift] | None = None,
        fault: str | None = None,
        rows: int = 6,
        at: str | None = None,
        released: bool = False,
    ) -> Intervention:
        """Let the strategy decide one more batch.

        Args:
            findings: What does not hold.
            drift: How its schema differs, if that is to be said more closely than by findings.
            fault: Why no verdict could be reached; None if one was.
            rows: Rows of the batch.
            at: When it is handed over; by default one `interval` after the last.
            released: Whether someone then lets the batch go that was blocked.
        """
        findings = (*drift_findings(drift or ()), *findings)
        result = judged(*findings, fault=fault, rows=rows)
        context = self.context(result, at=at, drift=drift)
        answer = as_intervention(self.strategy.decide(context))
        routed = context.routed or (self.has_rejects and answer.decision is Decision.ROUTE)
        violating = result.metrics["violating_rows"]
        record = make_record(
            batch_id=len(self.history),
            started_at=context.started_at,
            ended_at=context.started_at,
            row_count=rows,
            valid_count=rows - violating,
            main_count=rows - violating * routed,
            reject_count=violating * routed,
            verdict=result.status,
            errors=[
                *(
                    f.message
                    for f in findings
                    if f.severity is Severity.ERROR and not (f.on_rows and routed)
                ),
                *([fault] if fault else []),
            ],
            warnings=result.warnings,
            strategies={} if answer.state is None else {_NAME: answer.state},
            details={"resolution": {"as": "main", "by": "someone"}} if released else {},
        )
        self.history.append(record.payload())
        return answer


def as_intervention(answer: object) -> Intervention:
    """Return an answer in its full form: a text means block, None means continue."""
    if answer is None:
        return Intervention()
    if isinstance(answer, str):
        return Intervention(decision=Decision.BLOCK, reason=answer)
    assert isinstance(answer, Intervention), (
        f"decide() must return an Intervention, a reason or None, not {answer!r}"
    )
    return answer


def _ask_all(stream: StrategyStream, names: Sequence[str]) -> list[Intervention]:
    return [stream.ask(*BATCHES[name][0], fault=BATCHES[name][1]) for name in names]


def _seen(context: DecisionContext) -> str:
    result = context.result
    facts = [asdict(f) for f in result.findings], result.errors, result.warnings, result.metrics
    return json.dumps([facts, result.details, dict(context.state), list(context.history)])


every_batch = pytest.mark.parametrize("batch", BATCHES)
both_run_types = pytest.mark.parametrize("run_type", RunType)


class InterventionStrategyConformance:
    """Claims about an `InterventionStrategy`; subclass it and give the fixture `strategy`."""

    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        """The strategy under test."""
        raise NotImplementedError("give the fixture `strategy`")

    def test_it_is_a_strategy(self, strategy: InterventionStrategy) -> None:
        """It has decide(context); `routes` and `routes_after` fit if they are there."""
        assert isinstance(strategy, InterventionStrategy), "it has no method decide(context)"
        routes = getattr(strategy, "routes", False)
        assert isinstance(routes, bool), f"`routes` must be True or False, not {routes!r}"
        after = getattr(strategy, "routes_after", 1)
        assert after in range(1, 1_000_000), f"`routes_after` must be 1 or more, not {after!r}"

    @every_batch
    @both_run_types
    def test_it_answers_for_every_batch(
        self, strategy: InterventionStrategy, batch: str, run_type: RunType
    ) -> None:
        """The answer has a reason unless it is `continue`, and its state is JSON."""
        for has_rejects in (True, False):
            answer = _ask_all(StrategyStream(strategy, run_type, has_rejects), [batch])[0]
            assert isinstance(answer.decision, Decision), f"{answer.decision!r} is no Decision"
            if answer.decision is not Decision.CONTINUE or answer.reason is not None:
                assert str(answer.reason or "").strip(), (
                    f"{answer.decision} on a batch that is {batch} gives no reason"
                )
            if answer.state is not None:
                again = json.loads(json.dumps(dict(answer.state)))
                assert again == answer.state, (
                    f"state {answer.state!r} comes back from JSON as {again!r}"
                )

    def test_it_says_that_it_routes(self, strategy: InterventionStrategy) -> None:
        """Only the `route` of a strategy with `routes = True` counts."""
        answers = _ask_all(StrategyStream(strategy), [*BATCHES, *["bad"] * 12])
        if any(answer.decision is Decision.ROUTE for answer in answers):
            assert getattr(strategy, "routes", False) is True, (
                "it answers `route`, so it needs the attribute routes = True"
            )

    @both_run_types
    def test_it_answers_the_same_to_the_same(
        self, strategy: InterventionStrategy, run_type: RunType
    ) -> None:
        """The answer depends on the context alone, whatever it was asked before."""
        whole = _ask_all(StrategyStream(strategy, run_type), list(BATCHES))
        again = _ask_all(StrategyStream(strategy, run_type), list(BATCHES))
        for name, first, second in zip(BATCHES, whole, again, strict=True):
            assert first == second, (
                f"the batch {name} was answered differently the second time: {first}, {second}; "
                "keep what it must remember in Intervention.state"
            )

    def test_a_restart_changes_no_decision(self, strategy: InterventionStrategy) -> None:
        """What the records hold is all that a new start needs."""
        names = list(BATCHES)
        whole = _ask_all(StrategyStream(strategy), names)
        for done in range(len(names)):
            before = StrategyStream(strategy)
            _ask_all(before, names[:done])
            records = json.loads(json.dumps(before.history))
            rest = _ask_all(StrategyStream(strategy, history=records), names[done:])
            assert rest == whole[done:], (
                f"started again after {done} batches it decides {rest} instead of {whole[done:]}"
            )

    def test_it_joins_a_running_stream(self, strategy: InterventionStrategy) -> None:
        """The records of a stream that it is new to hold no state of its own."""
        history = [make_record(batch_id=number).payload() for number in range(3)]
        _ask_all(StrategyStream(strategy, history=history), list(BATCHES))

    @every_batch
    def test_it_leaves_the_context_as_it_is(
        self, strategy: InterventionStrategy, batch: str
    ) -> None:
        """Every strategy of a stream is shown the same facts."""
        stream = StrategyStream(strategy)
        _ask_all(stream, ["bad", "bad again"])
        findings, fault = BATCHES[batch]
        context = stream.context(judged(*findings, fault=fault))
        before = _seen(context)
        strategy.decide(context)
        assert _seen(context) == before, f"decide() changed its context on a batch that is {batch}"
