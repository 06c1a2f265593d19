"""`dc43 datasets`: what governance knows that is written and read."""

from __future__ import annotations

import sys

import typer

from dc43_core.cli.history import require_ledger
from dc43_core.cli.options import Json, OnlyNamespace
from dc43_core.cli.state import state_of
from dc43_core.cli.text import console, count, moment, place, print_table, write_json
from dc43_core.governance.catalogue import Dataset, all_datasets

_COLUMNS = (
    ("dataset", "left"),
    ("role", "left"),
    ("version", "right"),
    ("verdict", "left"),
    ("status", "left"),
    ("as of (UTC)", "left"),
    ("contract", "left"),
)


def datasets(
    context: typer.Context,
    namespace: OnlyNamespace = None,
    as_json: Json = False,
) -> None:
    """Show the datasets that governance knows: those written, their rejects, those read."""
    state = state_of(context)
    if state.configured:
        require_ledger(state.runtime)
    client = state.runtime.governance
    namespace = namespace or state.runtime.config.namespace
    found = all_datasets(client, namespace)
    if as_json:
        write_json(
            {
                "namespace": namespace,
                "ledger": client.location(),
                "datasets": [one.payload() for one in found],
            }
        )
        return
    sys.stderr.write(f"ledger {place(client.location())}\n")
    out = console()
    if not found:
        out.print("This ledger has no datasets. One appears with the first read or write.")
        return
    print_table(out, _COLUMNS, [_row(one) for one in found], gap=1)
    out.print()
    out.print(f"{count(len(found), 'dataset')}.")


def _row(one: Dataset) -> tuple[str, ...]:
    newest, version = one.newest, one.version
    as_of = newest.ended_at if newest else one.seen_at
    return (
        one.dataset_id,
        one.role,
        version.version if version else one.entry or "-",
        newest.verdict.value if newest else "-",
        version.status.value if version and version.status else "-",
        moment(as_of) if as_of else "-",
        " ".join(filter(None, (one.contract_id, one.contract_version))) or "-",
    )
