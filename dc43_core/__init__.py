"""dc43: data contracts enforced inside every read and write.

This package knows no engine. What stands in `__all__` is public; everything else may change.
Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dc43_core.config import Config, Instance, load_config
    from dc43_core.contracts.model import Contract
    from dc43_core.data_products.model import DataProduct, Port
    from dc43_core.data_products.resolve import PortBinding
    from dc43_core.data_quality.model import ColumnDrift, Finding, Observations, ValidationResult
    from dc43_core.errors import Dc43Error
    from dc43_core.expectations.model import CheckPlan, Expectation, Threshold
    from dc43_core.interventions.interface import DriftStrategy, InterventionStrategy
    from dc43_core.interventions.interface import (
        InterventionStrategy as StreamingInterventionStrategy,
    )
    from dc43_core.interventions.model import DecisionContext, Intervention
    from dc43_core.markers import hookimpl, hookspec
    from dc43_core.plugin_manager import Plugins, load_plugins
    from dc43_core.protocol.blocked import BlockedBatch, blocked_batches, release_batch
    from dc43_core.protocol.record import GovernanceRecord
    from dc43_core.quality_service import DataQualityService
    from dc43_core.registry import Extension
    from dc43_core.runtime import Runtime, default_runtime, reset_default_runtime
    from dc43_core.vocabulary import (
        Decision,
        Direction,
        Lane,
        Outcome,
        Release,
        RunType,
        Scope,
        Severity,
        Verdict,
        VersionStatus,
    )

__all__ = [
    "BlockedBatch",
    "CheckPlan",
    "ColumnDrift",
    "Config",
    "Contract",
    "DataProduct",
    "DataQualityService",
    "Dc43Error",
    "Decision",
    "DecisionContext",
    "Direction",
    "DriftStrategy",
    "Expectation",
    "Extension",
    "Finding",
    "GovernanceRecord",
    "Instance",
    "Intervention",
    "InterventionStrategy",
    "Lane",
    "Observations",
    "Outcome",
    "Plugins",
    "Port",
    "PortBinding",
    "Release",
    "RunType",
    "Runtime",
    "Scope",
    "Severity",
    "StreamingInterventionStrategy",
    "Threshold",
    "ValidationResult",
    "Verdict",
    "VersionStatus",
    "blocked_batches",
    "default_runtime",
    "hookimpl",
    "hookspec",
    "load_config",
    "load_plugins",
    "release_batch",
    "reset_default_runtime",
]

_HOMES = {
    "BlockedBatch": "protocol.blocked",
    "CheckPlan": "expectations.model",
    "ColumnDrift": "data_quality.model",
    "Config": "config",
    "Contract": "contracts.model",
    "DataProduct": "data_products.model",
    "DataQualityService": "quality_service",
    "Dc43Error": "errors",
    "Decision": "vocabulary",
    "DecisionContext": "interventions.model",
    "Direction": "vocabulary",
    "DriftStrategy": "interventions.interface",
    "Expectation": "expectations.model",
    "Extension": "registry",
    "Finding": "data_quality.model",
    "GovernanceRecord": "protocol.record",
    "Instance": "config",
    "Intervention": "interventions.model",
    "InterventionStrategy": "interventions.interface",
    "Lane": "vocabulary",
    "Observations": "data_quality.model",
    "Outcome": "vocabulary",
    "Plugins": "plugin_manager",
    "Port": "data_products.model",
    "PortBinding": "data_products.resolve",
    "Release": "vocabulary",
    "RunType": "vocabulary",
    "Runtime": "runtime",
    "Scope": "vocabulary",
    "Severity": "vocabulary",
    "StreamingInterventionStrategy": "interventions.interface:InterventionStrategy",
    "Threshold": "expectations.model",
    "ValidationResult": "data_quality.model",
    "Verdict": "vocabulary",
    "VersionStatus": "vocabulary",
    "blocked_batches": "protocol.blocked",
    "default_runtime": "runtime",
    "hookimpl": "markers",
    "hookspec": "markers",
    "load_config": "config",
    "load_plugins": "plugin_manager",
    "release_batch": "protocol.blocked",
    "reset_default_runtime": "runtime",
}
"""Public name to the module that defines it, and its name there where that differs."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, other = _HOMES[name].partition(":")
    value = getattr(import_module(f"{__name__}.{module}"), other or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
