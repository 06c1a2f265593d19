"""What this plugin offers to dc43."""

from __future__ import annotations

from collections.abc import Sequence

from dc43_core import Extension, InterventionStrategy, hookimpl
from dc43_drift.strategy import SchemaDriftBlocking, SchemaDriftOptions


@hookimpl
def dc43_intervention_strategies() -> Sequence[Extension[InterventionStrategy]]:
    """Blocking where the schema is not the contract's."""
    return [Extension("schema-drift-blocking", SchemaDriftBlocking, SchemaDriftOptions)]
