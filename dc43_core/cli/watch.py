"""`dc43 watch`: the micro-batches of a dataset as they land, from any process."""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated

import typer

from dc43_core.cli.history import require_ledger
from dc43_core.cli.options import Namespace
from dc43_core.cli.state import state_of
from dc43_core.cli.text import clean, moment, number, place, share
from dc43_core.governance.follow import follow
from dc43_core.protocol.record import GovernanceRecord


def watch(
    context: typer.Context,
    dataset: Annotated[
        str | None, typer.Argument(metavar="[DATASET]", help="The dataset's id; default: all.")
    ] = None,
    namespace: Namespace = None,
    newest: Annotated[int, typer.Option(min=0, help="Begin with the last so many.")] = 10,
    every: Annotated[float, typer.Option(min=0.1, help="Look again after so many seconds.")] = 2.0,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End after so long; default: at Ctrl-C.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one record a line.")] = False,
) -> None:
    """Show the micro-batches of a dataset as they land.

    It reads the ledger only, so any number of people can watch, from anywhere that reaches it.
    """
    state = state_of(context)
    if state.configured:
        require_ledger(state.runtime)
    client = state.runtime.governance
    namespace = namespace or state.runtime.config.namespace
    sys.stderr.write(f"ledger {place(client.location())}, Ctrl-C ends\n")
    until = None if seconds is None else time.monotonic() + seconds

    def pause() -> bool:
        left = every if until is None else min(every, until - time.monotonic())
        if left <= 0:
            return False
        time.sleep(left)
        return True

    for record in follow(client, namespace, dataset, newest=newest, pause=pause):
        line = json.dumps(record.payload()) if as_json else _line(record)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _line(record: GovernanceRecord) -> str:
    rejected = f"{number(record.reject_count)} rejected"
    if record.row_count:
        rejected += f" ({share(record.reject_count, record.row_count)})"
    said = f": {clean(record.intervention)}" if record.intervention else ""
    return (
        f"{moment(record.ended_at)} UTC  {clean(record.dataset_id)} batch {record.batch_id}: "
        f"{number(record.row_count)} rows, {rejected}, {record.verdict.value}, "
        f"{record.outcome.value}{said}"
    )
