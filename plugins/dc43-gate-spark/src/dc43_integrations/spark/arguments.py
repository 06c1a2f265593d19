"""What the public helpers have in common: how their arguments become what the core takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from dc43_core.contracts.files import ContractFiles
from dc43_core.contracts.model import Contract
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import ConfigurationError, described
from dc43_core.expectations.model import CheckPlan
from dc43_core.governance.interface import GovernanceClient
from dc43_core.governance.model import SchemaObservation
from dc43_core.interventions.interface import InterventionStrategy
from dc43_core.log import get_logger
from dc43_core.protocol import clock
from dc43_core.protocol.disposition import Policy
from dc43_core.retention import parse_retention
from dc43_core.runtime import Runtime, default_runtime
from dc43_core.vocabulary import RunType
from dc43_integrations.spark.read import ReadBinding

log = get_logger("spark.io")
Strategy = str | Mapping[str, Any] | InterventionStrategy
"""A name, a name with options as `{"use": "block-after", "n": 3}`, or the object itself."""


def resolve_run_type(run_type: RunType | str | None, enforce: bool | None) -> RunType:
    """Merge the two ways to say it.

    Raises:
        TypeError: if they contradict each other.
        ConfigurationError: if the run type is not known.
    """
    try:
        named = None if run_type is None else RunType(run_type)
    except ValueError:
        raise ConfigurationError(
            "run_type", [f"{run_type!r} is not one of {', '.join(RunType)}"]
        ) from None
    if enforce is None:
        return named or RunType.OBSERVE
    short = RunType.ENFORCE if enforce else RunType.OBSERVE
    if named not in (None, short):
        raise TypeError(f"run_type={named.value!r} contradicts enforce={enforce}; give one of them")
    return short


def make_policy(run_type: RunType, on_incompatible: str | None, on_evaluation_error: str) -> Policy:
    """Return the policy, its words checked.

    Raises:
        ConfigurationError: naming the words that are known.
    """
    for name, value, known in (
        ("on_incompatible", on_incompatible, ("block", "reject", None)),
        ("on_evaluation_error", on_evaluation_error, ("block", "reject", "warn")),
    ):
        if value not in known:
            words = ", ".join(str(word) for word in known if word)
            raise ConfigurationError(name, [f"{value!r} is not one of {words}"])
    return Policy(
        run_type=run_type,
        on_incompatible=on_incompatible or "block",
        on_incompatible_explicit=on_incompatible is not None,
        on_evaluation_error=on_evaluation_error,
    )


def retaining(plan: CheckPlan, text: str | None) -> CheckPlan:
    """Return a plan whose keys count as long as a caller says; None leaves it as it is.

    Raises:
        ConfigurationError: saying what is understood.
    """
    if text is None:
        return plan
    try:
        return evolve(plan, retain=parse_retention(text))
    except ValueError as error:
        raise ConfigurationError("retain_keys", [str(error)]) from None


def trigger_arguments(trigger: Mapping[str, Any] | str | None) -> dict[str, Any]:
    """Return what Spark's `trigger` is called with.

    `once` is taken as `availableNow`, which keeps to the source's batch limits.
    """
    if trigger is None:
        return {"processingTime": "0 seconds"}
    if isinstance(trigger, str):
        return {"availableNow": True} if trigger == "available-now" else {"processingTime": trigger}
    return {"availableNow": True} if trigger.get("once") else dict(trigger)


def strategies(given: Strategy | Sequence[Strategy]) -> list[Strategy]:
    """Return strategies as a list; one alone may be given without."""
    return list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]


def bindings(reads: ValidationResult | Sequence[ValidationResult]) -> list[ReadBinding]:
    """Return the bindings of reads.

    Raises:
        TypeError: if one is not the result of a read.
    """
    reads = [reads] if not isinstance(reads, Sequence) else reads
    for read in reads:
        if not isinstance(getattr(read, "binding", None), ReadBinding):
            raise TypeError(
                f"reads= takes results of read_stream_* and read_*, not {read!r}; each returns "
                "the frame and its result"
            )
    return [read.binding for read in reads]


def services(
    runtime: Runtime | None,
    governance: GovernanceClient | None,
    data_quality: DataQualityClient | None,
) -> Runtime:
    """Return the runtime, by default the process's, with these clients in place of its own."""
    base = runtime or default_runtime()
    if governance is None and data_quality is None:
        return base
    return Runtime(
        config=base.config,
        plugins=base.plugins,
        governance=governance or base.governance,
        data_quality=data_quality or base.data_quality,
    )


def given_contract(
    contracts: ContractFiles,
    contract: Contract | str | Path | None,
    contract_id: str | None,
    version: str,
) -> Contract:
    """Return a contract, given as it is, by its file, or by its id.

    Raises:
        TypeError: unless one of these ways is given.
        Dc43Error: if it is not found or broken.
    """
    if (contract is None) == (contract_id is None):
        found = "neither" if contract is None else "both"
        raise TypeError(f"give either contract= or contract_id=, found {found}")
    if contract_id is not None:
        return contracts.get(contract_id, version)
    if isinstance(contract, Contract):
        return contract
    return contracts.read(Path(str(contract)))


def observe_schema(
    runtime: Runtime, result: ValidationResult, direction: str, namespace: str
) -> None:
    """Tell governance of a schema, once for each call of a helper."""
    observation = SchemaObservation(
        dataset_id=result.dataset_id,
        dataset_version=result.dataset_version,
        direction=direction,
        observed_at=clock.now(),
        schema=dict(result.schema),
        contract_id=result.contract_id,
        contract_version=result.contract_version,
        problems=tuple(result.errors),
        namespace=namespace,
    )
    try:
        runtime.governance.observe_schema(observation)
    # A boundary to foreign code: governance being down must not stop the data.
    except Exception as error:  # noqa: BLE001
        log.warning("schema-observation.lost", dataset_id=result.dataset_id, error=described(error))
        result.details["schema_observation"] = f"not recorded: {described(error)}"
