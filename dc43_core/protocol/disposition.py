"""What happens to a batch and its rows: one table, one function, one test a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import field, frozen, validators

from dc43_core.data_quality.model import Finding
from dc43_core.interventions.model import Intervention
from dc43_core.vocabulary import Decision, Lane, Outcome, RunType, Severity, Verdict

ON_INCOMPATIBLE = ("block", "reject")
"""What may happen when a required column is gone or a type narrowed."""


@frozen(kw_only=True)
class Policy:
    """What the caller asked for, apart from strategies.

    Attributes:
        run_type: `observe` never blocks by itself; `enforce` lets no broken row through.
        on_incompatible: `block` or `reject`, when a required column is gone or a type narrowed.
        on_incompatible_explicit: Whether the helper's caller said so: then it counts in
            observe too.
        on_evaluation_error: `block`, `reject` or `warn`, when a rule could not be judged.
            `block` counts in enforce alone; `reject`, which must be asked for, in both.
    """

    run_type: RunType = RunType.OBSERVE
    on_incompatible: str = field(default="block", validator=validators.in_(ON_INCOMPATIBLE))
    on_incompatible_explicit: bool = False
    on_evaluation_error: str = field(
        default="block", validator=validators.in_(("block", "reject", "warn"))
    )

    @property
    def enforces(self) -> bool:
        """Whether broken rows must not pass."""
        return self.run_type is RunType.ENFORCE

    @property
    def holds_unjudged(self) -> bool:
        """Whether a row that a rule cannot judge leaves the good ones.

        A blocked batch is staged that way, so that it can be released to the rejects.
        """
        wish = self.on_evaluation_error
        return wish == "reject" or (wish == "block" and self.enforces)

    def sets_aside(self, findings: Sequence[Finding]) -> bool:
        """Whether drift lets no row pass: the batch is blocked, or rejected as a whole.

        A blocked one is staged that way, so that it can be released to the rejects.
        """
        if any(f.kind == "unreadable" for f in findings):
            return True
        counts = self.enforces or self.on_incompatible_explicit
        return counts and any(map(_incompatible, findings))


@frozen(kw_only=True)
class NamedIntervention:
    """A strategy's answer together with who gave it.

    Attributes:
        name: Instance name of the strategy.
        intervention: What it answered.
        explicit: Whether the strategy was passed to the helper or named in a pipeline file;
            one that stands only in the configuration cannot block an observed stream.
        routes: Whether the strategy decides where violating rows go.
    """

    name: str
    intervention: Intervention
    explicit: bool = True
    routes: bool = False


@frozen(kw_only=True)
class Disposition:
    """The end of all deciding.

    Attributes:
        outcome: `committed` or `blocked`.
        violating_to: The lane of rows that break a row rule of severity error.
        reason: Why the batch is blocked or a strategy intervened; None if neither.
        errors: Messages of error findings that land in main or block.
        warnings: Messages of all others.
    """

    outcome: Outcome
    verdict: Verdict
    decision: Decision
    violating_to: Lane
    reason: str | None
    errors: Sequence[str] = field(factory=tuple)
    warnings: Sequence[str] = field(factory=tuple)


def goes_to_rejects(interventions: Sequence[NamedIntervention], *, has_rejects: bool) -> bool:
    """Say whether violating rows leave main: a routing strategy answered so, or there is none."""
    routing = [i for i in interventions if i.routes]
    wanted = any(i.intervention.decision is Decision.ROUTE for i in routing)
    return has_rejects and (wanted or not routing)


def dispose(
    *,
    policy: Policy,
    findings: Sequence[Finding],
    violating: int,
    interventions: Sequence[NamedIntervention],
    has_rejects: bool,
    set_aside: bool = False,
    faults: Mapping[str, str] | None = None,
) -> Disposition:
    """Decide a batch.

    Order of severity: unreadable input (which blocks in observe too: its values would land in
    wrong columns), evaluation error, drift, threshold, strategy, rows. A strategy may raise what
    the table says, never lower it.

    Args:
        policy: Run type and options.
        findings: What does not hold.
        violating: Rows that break a row rule of severity error.
        interventions: What the strategies answered.
        has_rejects: Whether a reject sink is configured.
        set_aside: Whether drift sent every row to the rejects; then no strategy that routes is
            waited for.
        faults: Who could not answer at all (data-quality client, a strategy), and why.
    """
    faults = faults or {}
    routed = goes_to_rejects(interventions, has_rejects=has_rejects) or (set_aside and has_rejects)
    reason = _block_reason(policy, findings, violating, interventions, routed, faults)
    blocked = reason is not None
    # Rows that could not be judged and are rejects leave a main that was judged as a whole.
    unknown = bool(faults) or any(
        f.kind == "evaluation_error" and not (f.on_rows and routed and not blocked)
        for f in findings
    )
    if reason is None:
        spoken = [i.intervention for i in interventions if i.intervention.reason]
        reason = "; ".join(str(i.reason) for i in sorted(spoken, key=lambda i: -_rank(i.decision)))
    errors, warnings = _split(findings, blocked=blocked, routed=routed)
    errors += [f"{who}: {why}" for who, why in faults.items()]
    warned = [
        i for i in interventions if i.intervention.decision in (Decision.WARN, Decision.BLOCK)
    ]
    if not blocked:
        warnings += [_spoken(i) for i in warned]
    worrying = [f for f in findings if f.severity is not Severity.INFO]
    if unknown:
        verdict = Verdict.UNKNOWN
    elif blocked:
        verdict = Verdict.BLOCK
    else:
        verdict = Verdict.WARN if worrying or warned or violating else Verdict.OK
    if blocked:
        decision = Decision.BLOCK
    elif routed and violating:
        decision = Decision.ROUTE
    else:
        decision = Decision.CONTINUE if verdict is Verdict.OK else Decision.WARN
    return Disposition(
        outcome=Outcome.BLOCKED if blocked else Outcome.COMMITTED,
        verdict=verdict,
        decision=decision,
        violating_to=Lane.REJECTS if routed else Lane.MAIN,
        reason=reason or None,
        errors=tuple(errors),
        warnings=tuple(warnings),
    )


def _block_reason(
    policy: Policy,
    findings: Sequence[Finding],
    violating: int,
    interventions: Sequence[NamedIntervention],
    routed: bool,
    faults: Mapping[str, str],
) -> str | None:
    unreadable = [f.message for f in findings if f.kind == "unreadable"]
    if unreadable:
        return _sentence(unreadable)
    failed = [f for f in findings if f.kind == "evaluation_error"]
    broken: list[str] = []
    if policy.on_evaluation_error == "reject":
        # What cannot be told row by row cannot be rejected row by row.
        broken = [f.message for f in failed if not f.on_rows]
    elif policy.on_evaluation_error == "block" and policy.enforces:
        broken = [f.message for f in failed]
    if policy.enforces and policy.on_evaluation_error != "warn":
        broken += [f"{who}: {why}" for who, why in faults.items()]
    if broken:
        return _sentence(broken)
    drift = [f.message for f in findings if _incompatible(f)]
    if drift and (policy.enforces or policy.on_incompatible_explicit):
        if policy.on_incompatible == "block":
            return _sentence(drift)
        if not routed:
            return _sentence(drift) + "; and there is no reject sink to take the rows"
    if policy.enforces:
        missed = [f.message for f in findings if f.threshold and f.severity is Severity.ERROR]
        if missed:
            return _sentence(missed)
    wanted = [
        _spoken(i)
        for i in interventions
        if i.intervention.decision is Decision.BLOCK and (i.explicit or policy.enforces)
    ]
    if wanted:
        return _sentence(wanted)
    if policy.enforces and violating and not routed:
        rows = [f for f in findings if f.severity is Severity.ERROR and not f.threshold]
        return _sentence([f.message for f in rows]) + "; the rows have no reject sink to go to"
    return None


def _split(
    findings: Sequence[Finding], *, blocked: bool, routed: bool
) -> tuple[list[str], list[str]]:
    errors: list[str] = []
    warnings: list[str] = []
    for finding in findings:
        rejected = finding.on_rows and routed and not blocked
        harmless = finding.severity is not Severity.ERROR or rejected
        (warnings if harmless else errors).append(finding.message)
    return errors, warnings


def _incompatible(finding: Finding) -> bool:
    return finding.kind == "drift" and finding.severity is Severity.ERROR


def _spoken(answer: NamedIntervention) -> str:
    return f"{answer.name}: {answer.intervention.reason or 'gave no reason'}"


def _rank(decision: Decision) -> int:
    return decision.rank


def _sentence(messages: Sequence[str]) -> str:
    more = f" (and {len(messages) - 3} more)" if len(messages) > 3 else ""
    return "; ".join(messages[:3]) + more
