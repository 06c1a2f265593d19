"""`dc43 draft`: a contract's successor, drafted from the drift that a batch showed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dc43_core import GovernanceRecord
from dc43_core.cli.history import require_ledger
from dc43_core.cli.options import DatasetId, Json, Namespace
from dc43_core.cli.state import state_of
from dc43_core.cli.text import clean, console, place, write_json
from dc43_core.errors import UnknownDatasetError
from dc43_core.governance.catalogue import known_ids
from dc43_core.runtime import Runtime
from dc43_drift.errors import DraftError
from dc43_drift.from_record import draft_from_record, keep

_NEWEST = 1_000


def draft(
    context: typer.Context,
    dataset: DatasetId,
    record: Annotated[
        str | None, typer.Option(help="Id of the record; default: the newest one with drift.")
    ] = None,
    contract: Annotated[
        Path | None,
        typer.Option(help="The contract's file; default: found by id in the configured folder."),
    ] = None,
    object_name: Annotated[
        str | None, typer.Option("--object", help="Which schema object, if there are several.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="The successor's version; default: the next one.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(help="Folder; default: drafts beside the configuration.")
    ] = None,
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Draft a contract's successor from the drift that a batch showed, and publish nothing.

    The draft is a file of status draft, outside of the folder of contracts. It becomes the
    contract when someone has read it, sets its status and moves it there.
    """
    state = state_of(context)
    runtime = state.runtime
    if state.configured:
        require_ledger(runtime)
    found = _find(runtime, dataset, namespace or runtime.config.namespace, record)
    made = draft_from_record(
        runtime, found, contract_file=contract, object_name=object_name, version=version
    )
    published = runtime.contracts().folder
    path = keep(made, to or runtime.config.folder / "drafts", published)
    if as_json:
        write_json(
            {
                "contract_id": made.contract_id,
                "follows": made.follows,
                "version": made.version,
                "record_id": found.record_id,
                "file": str(path),
                "changes": [
                    {"column": c.column, "what": c.what, "breaking": c.breaking}
                    for c in made.changes
                ],
                "left": list(made.left),
            }
        )
        return
    out = console()

    def say(text: str = "") -> None:
        out.print(text, soft_wrap=True)

    say(f"{clean(made.contract_id)} {clean(made.version)}, after {clean(made.follows)}: a draft")
    say()
    for change in made.changes:
        breaks = " (breaking)" if change.breaking else ""
        say(f"  column {clean(change.column)} {clean(change.what)}{breaks}")
    for text in made.left:
        say(f"  not drafted: {clean(text)}")
    say()
    say(
        f"Read {place(str(path))}, set its status, move it to {place(str(published))}, start again."
    )


def _find(
    runtime: Runtime, dataset: str, namespace: str, record_id: str | None
) -> GovernanceRecord:
    """Return the record that is drafted from."""
    governance = runtime.governance
    records = governance.records(namespace=namespace, dataset_id=dataset, newest=_NEWEST)
    if not records:
        ledger = place(governance.location())
        raise UnknownDatasetError(dataset, namespace, ledger, known_ids(governance, namespace))
    if record_id is not None:
        records = [one for one in records if one.record_id == record_id]
    drifted = [one for one in records if one.drift]
    if not drifted:
        among = (
            f"the {len(records):,} newest records of {dataset}"
            if record_id is None
            else f"record {record_id} of {dataset}"
        )
        raise DraftError(dataset, f"there is no drift in {among}", "name a record that has some")
    return drifted[-1]
