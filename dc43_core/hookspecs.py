"""The hooks of dc43, in the order in which data flows: what a plugin can add.

Each hook returns a sequence of `Extension` values. It is called once by whoever holds the
plugins, when extensions of its kind are first looked up. Names are unique across plugins; a
clash raises `DuplicateNameError` naming both owners.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dc43_core.markers import hookspec

if TYPE_CHECKING:
    from dc43_core.contracts.interface import ContractLoader
    from dc43_core.data_quality.interface import DataQualityClient
    from dc43_core.expectations.interface import ExpectationEvaluator, ExpectationKind
    from dc43_core.governance.interface import GovernanceClient, RecordExporter
    from dc43_core.interventions.interface import InterventionStrategy
    from dc43_core.pipeline import PipelineRunner
    from dc43_core.registry import Extension


@hookspec
def dc43_contract_loaders() -> Sequence[Extension[ContractLoader]]:  # type: ignore[empty-body]
    """Offer formats that contracts can be read from.

    A file goes to the loader that accepts it; two that accept one file are an error.
    """


@hookspec
def dc43_expectation_kinds() -> Sequence[Extension[ExpectationKind]]:  # type: ignore[empty-body]
    """Offer kinds of rule: what a rule means, apart from any engine.

    A contract reaches a kind by name: `type: custom, engine: dc43, implementation: {kind: ...}`.
    """


@hookspec
def dc43_expectation_evaluators() -> Sequence[Extension[ExpectationEvaluator]]:  # type: ignore[empty-body]
    """Offer expressions of one engine for kinds of rule.

    `capabilities` states `engine` (a name) and `kinds` (names), so that nothing of another
    engine is imported. Two evaluators for one kind on one engine are an error.
    """


@hookspec
def dc43_data_quality_clients() -> Sequence[Extension[DataQualityClient]]:  # type: ignore[empty-body]
    """Offer clients that judge what was measured on a micro-batch."""


@hookspec
def dc43_intervention_strategies() -> Sequence[Extension[InterventionStrategy]]:  # type: ignore[empty-body]
    """Offer strategies that decide what happens to a validated micro-batch.

    `capabilities` may state `routes: True`: the strategy decides where violating rows go.
    """


@hookspec
def dc43_governance_clients() -> Sequence[Extension[GovernanceClient]]:  # type: ignore[empty-body]
    """Offer places where governance records are kept and asked for.

    `capabilities` states `roles`: any of `ledger`, `catalogue`, `relay`.
    """


@hookspec
def dc43_record_exporters() -> Sequence[Extension[RecordExporter]]:  # type: ignore[empty-body]
    """Offer listeners that hear of each durable record: pagers, lineage, metrics."""


@hookspec
def dc43_pipeline_runners() -> Sequence[Extension[PipelineRunner]]:  # type: ignore[empty-body]
    """Offer engines that run a pipeline file; the extension's name is the file's `engine`."""


@hookspec
def dc43_cli_commands() -> Sequence[Extension[Any]]:  # type: ignore[empty-body]
    """Offer commands of `dc43`; `build` returns the function, imported when it is called."""


@hookspec
def dc43_addhooks() -> Sequence[Any]:  # type: ignore[empty-body]
    """Offer modules with further hook specifications, for what one engine alone needs.

    Called right after the plugin is registered.
    """
