"""Who judges a micro-batch, and what the strategies say to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.model import ColumnDrift, Finding, Observations, ValidationResult
from dc43_core.errors import ConfigurationError, described
from dc43_core.expectations.model import CheckPlan
from dc43_core.interventions.interface import DriftStrategy, InterventionStrategy
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.log import get_logger
from dc43_core.protocol.disposition import NamedIntervention, goes_to_rejects
from dc43_core.vocabulary import Decision, RunType, Verdict

log = get_logger("protocol")


@frozen(kw_only=True)
class NamedStrategy:
    """A strategy instance with what the protocol needs to know of it."""

    name: str
    strategy: InterventionStrategy
    explicit: bool = True

    @property
    def routes(self) -> bool:
        """Whether it decides where violating rows go."""
        return bool(getattr(self.strategy, "routes", False))


def distinct(strategies: Sequence[NamedStrategy]) -> tuple[NamedStrategy, ...]:
    """Return the strategies of a stream, each name once: one that was asked for goes first.

    Raises:
        ConfigurationError: if two that were asked for have one name; state is kept by name.
    """
    found: dict[str, NamedStrategy] = {}
    for named in strategies:
        known = found.setdefault(named.name, named)
        if known is named or not named.explicit:
            continue
        if known.explicit:
            raise ConfigurationError(
                f"strategy {named.name}",
                [
                    "is given twice, and each keeps its state under its name; name them apart, "
                    "as instances under [strategies.<name>], or objects by an attribute `name`"
                ],
            )
        found[named.name] = named
    return tuple(found.values())


@frozen(kw_only=True)
class Judge:
    """Asks a data-quality client for findings and strategies for interventions.

    Both are foreign code: where one fails there is no verdict, and the fault says why.

    Attributes:
        plan: What the contract asks.
        data_quality: Who judges.
        strategies: Who decides.
        history: The newest records, newest last.
        schema: Column name to type of what lands in main.
        run_type: Whether the stream enforces.
        has_rejects: Whether there is a reject sink.
    """

    plan: CheckPlan
    data_quality: DataQualityClient
    strategies: Sequence[NamedStrategy]
    history: Callable[[], Sequence[Mapping[str, Any]]]
    schema: Callable[[], Mapping[str, str]]
    run_type: RunType
    has_rejects: bool

    def findings(self, observations: Observations) -> tuple[Sequence[Finding], dict[str, str]]:
        """Ask for findings; a client that fails leaves the batch without a verdict."""
        try:
            # A generator would fail only where it is used, and be empty the second time.
            found = list(self.data_quality.findings(self.plan, observations))
            for one in found:
                if not isinstance(one, Finding):
                    raise TypeError(f"findings() returned {one!r}, which is not a Finding")
            return found, {}
        # A boundary to foreign code: the fault is recorded and, in enforce, blocks.
        except Exception as error:
            log.error("validation.failed", error=described(error), exc_info=True)
            return [], {"data-quality client": described(error)}

    def sets_aside(self, drift: Sequence[ColumnDrift]) -> tuple[bool, dict[str, str]]:
        """Ask whether drift sends every row to the rejects; a strategy that fails has a fault."""
        faults: dict[str, str] = {}
        aside = False
        for named in self.strategies if drift else ():
            if not isinstance(named.strategy, DriftStrategy):
                continue
            try:
                wanted = bool(named.strategy.sets_aside(drift))
            # A boundary to foreign code, as in `interventions`.
            except Exception as error:
                log.error("strategy.failed", strategy=named.name, exc_info=True)
                faults[f"strategy {named.name}"] = described(error)
                continue
            if wanted and not self.has_rejects:
                faults[f"strategy {named.name}"] = "wants all rows in the rejects, and has none"
            aside |= wanted and self.has_rejects
        return aside, faults

    def interventions(
        self,
        batch_id: int,
        started_at: str,
        findings: Sequence[Finding],
        observations: Observations,
        faults: dict[str, str],
    ) -> list[NamedIntervention]:
        """Ask each strategy; one that fails leaves its fault in `faults`.

        Those that route are asked first, so that the others know where violating rows go.
        """
        if not self.strategies:
            return []
        # A batch that was blocked comes back: its first record is no batch before it, and one
        # that was published since counts once.
        earlier = {r["batch_id"]: r for r in self.history() if r["batch_id"] < batch_id}
        history = list(earlier.values())
        answers: list[NamedIntervention] = []
        for named in sorted(self.strategies, key=lambda named: not named.routes):
            routed = goes_to_rejects(answers, has_rejects=self.has_rejects)
            context = DecisionContext(
                batch_id=batch_id,
                started_at=started_at,
                result=self._result(findings, observations, faults),
                drift=observations.drift,
                history=history,
                state=_last_state(history, named.name),
                run_type=self.run_type,
                has_rejects=self.has_rejects,
                routed=routed and not named.routes,
            )
            try:
                answer = _normal(named.strategy.decide(context))
            # A boundary to foreign code: a strategy that fails leaves no verdict.
            except Exception as error:
                log.error("strategy.failed", strategy=named.name, exc_info=True)
                faults[f"strategy {named.name}"] = described(error)
                continue
            answers.append(
                NamedIntervention(
                    name=named.name,
                    intervention=answer,
                    explicit=named.explicit,
                    routes=named.routes,
                )
            )
        return answers

    def _result(
        self, findings: Sequence[Finding], observations: Observations, faults: Mapping[str, str]
    ) -> ValidationResult:
        errors = [f.message for f in findings if f.severity == "error"]
        unknown = faults or any(f.kind == "evaluation_error" for f in findings)
        return ValidationResult(
            status=Verdict.UNKNOWN if unknown else Verdict.WARN if findings else Verdict.OK,
            errors=[*errors, *faults.values()],
            warnings=[f.message for f in findings if f.severity != "error"],
            metrics=metrics(observations),
            schema=dict(self.schema()),
            findings=list(findings),
            dataset_id=self.plan.dataset_id,
            contract_id=self.plan.contract.id,
            contract_version=self.plan.contract.version,
        )


def metrics(seen: Observations) -> dict[str, Any]:
    """Return the numbers of a batch by name."""
    return {
        "row_count": seen.row_count,
        "violating_rows": seen.violating,
        "uncast_rows": seen.uncast,
        **seen.metrics,
    }


def _last_state(history: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    for entry in reversed(history):
        state = entry.get("strategies", {}).get(name)
        if state is not None:
            return dict(state)
    return {}


def _normal(answer: Intervention | str | None) -> Intervention:
    if answer is None:
        return Intervention()
    if isinstance(answer, str):
        return Intervention(decision=Decision.BLOCK, reason=answer)
    if not isinstance(answer, Intervention):
        raise TypeError(f"decide() returned {answer!r}, not an Intervention, a reason or None")
    if answer.state is not None:
        # It is committed with the batch: what is no JSON would end the stream only there.
        json.dumps(dict(answer.state))
    return answer
