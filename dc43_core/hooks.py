"""The extensions that the core brings, offered as any plugin offers its own."""

from __future__ import annotations

from collections.abc import Sequence

from dc43_core.contracts.interface import ContractLoader
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.local import LocalDataQuality
from dc43_core.expectations.interface import ExpectationKind
from dc43_core.expectations.kinds import BUILT_IN
from dc43_core.governance.interface import GovernanceClient
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.interventions.builtin import Continue, FailFast, Warn
from dc43_core.interventions.interface import InterventionStrategy
from dc43_core.markers import hookimpl
from dc43_core.registry import Extension


@hookimpl
def dc43_contract_loaders() -> Sequence[Extension[ContractLoader]]:
    """ODCS 3.0 to 3.2."""
    return [Extension("odcs", OdcsLoader)]


@hookimpl
def dc43_expectation_kinds() -> Sequence[Extension[ExpectationKind]]:
    """Every kind that ODCS names."""
    return [Extension(kind.name, kind) for kind in BUILT_IN]


@hookimpl
def dc43_data_quality_clients() -> Sequence[Extension[DataQualityClient]]:
    """Judging in this process."""
    return [Extension("local", LocalDataQuality)]


@hookimpl
def dc43_intervention_strategies() -> Sequence[Extension[InterventionStrategy]]:
    """The default, one that only speaks, and the strictest."""
    return [
        Extension("continue", Continue),
        Extension("warn", Warn),
        Extension("fail-fast", FailFast),
    ]


@hookimpl
def dc43_governance_clients() -> Sequence[Extension[GovernanceClient]]:
    """Records kept for the life of this process."""
    return [Extension("memory", MemoryGovernance, capabilities={"roles": ("ledger", "catalogue")})]
