"""What this plugin offers to dc43."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dc43_core import Extension, InterventionStrategy, hookimpl
from dc43_drift.strategy import (
    SchemaDrift,
    SchemaDriftBlocking,
    SchemaDriftBlockingOptions,
    SchemaDriftOptions,
)


@hookimpl
def dc43_intervention_strategies() -> Sequence[Extension[InterventionStrategy]]:
    """What drift does to a batch: one knob, and the short form of one that blocks."""
    return [
        Extension("schema-drift", SchemaDrift, SchemaDriftOptions),
        Extension("schema-drift-blocking", SchemaDriftBlocking, SchemaDriftBlockingOptions),
    ]


@hookimpl
def dc43_cli_commands() -> Sequence[Extension[Callable[..., None]]]:
    """Drafting a contract's successor."""
    told = "Draft a contract's successor from the drift that a batch showed."
    return [Extension("draft", _draft, capabilities={"help": told})]


def _draft() -> Callable[..., None]:
    # It needs typer, which only the command line does.
    from dc43_drift.command import draft

    return draft
