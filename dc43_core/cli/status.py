"""`dc43 status`: how the streams of a ledger stand, worst first."""

from __future__ import annotations

import sys
from typing import Any

import typer

from dc43_core.cli.history import require_ledger
from dc43_core.cli.options import Json, OnlyNamespace
from dc43_core.cli.state import state_of
from dc43_core.cli.text import (
    clean,
    console,
    count,
    duration,
    moment,
    number,
    place,
    print_table,
    share,
    write_json,
)
from dc43_core.governance.status import LOOKED_AT, StreamStatus, streams
from dc43_core.protocol import clock

_COLUMNS = (
    ("state", "left"),
    ("dataset", "left"),
    ("stream", "left"),
    ("batch", "right"),
    ("ended (UTC)", "left"),
    ("verdict", "left"),
    ("rows", "right"),
    ("rejected", "right"),
)


def status(
    context: typer.Context,
    namespace: OnlyNamespace = None,
    as_json: Json = False,
) -> None:
    """Show how the streams of the ledger stand, the worst first.

    Rows and rejected rows are those of each stream's newest 100 batches that landed.
    """
    state = state_of(context)
    if state.configured:
        require_ledger(state.runtime)
    client = state.runtime.governance
    namespace = namespace or state.runtime.config.namespace
    found = streams(client, namespace, clock.now())
    if as_json:
        write_json(
            {
                "namespace": namespace,
                "ledger": client.location(),
                "batches_looked_at": LOOKED_AT,
                "streams": [one.payload() for one in found],
            }
        )
        return
    sys.stderr.write(f"ledger {place(client.location())}\n")
    out = console()
    if not found:
        out.print(
            "This ledger has no streams. One appears as soon as a stream starts or writes its "
            "first batch."
        )
        return
    print_table(out, _COLUMNS, [_row(one) for one in found], gap=1)
    told = [line for one in found if (line := _explained(one))]
    for line in ["", *told] if told else []:
        out.print(line, soft_wrap=True)
    out.print()
    out.print(f"{count(len(found), 'stream')}.")


def _row(one: StreamStatus) -> tuple[Any, ...]:
    newest = one.newest
    return (
        one.state,
        one.dataset_id,
        one.query_name or one.stream_id[:12],
        "-" if newest is None else newest.batch_id,
        "-" if newest is None else moment(newest.ended_at),
        "-" if newest is None else newest.verdict.value,
        number(one.row_count),
        share(one.reject_count, one.row_count) if one.row_count else "-",
    )


def _explained(one: StreamStatus) -> str | None:
    """Say of a stream in trouble why, and what now."""
    name = f"{clean(one.dataset_id)} ({clean(one.query_name or one.stream_id[:12])})"
    why = f": {clean(one.reason)}" if one.reason else ""
    if one.state == "blocked" and one.newest is not None:
        waits = f"; {count(one.at_risk, 'source file')} must stay until then" if one.at_risk else ""
        checkpoint = place(one.run.checkpoint) if one.run else "CHECKPOINT"
        way_out = f"dc43 blocked show {checkpoint} {one.newest.batch_id}"
        return (
            f"{name}: batch {one.newest.batch_id} has been blocked for "
            f"{duration(one.blocked_seconds or 0)}{why}{waits}; `{way_out}` shows the ways out"
        )
    if one.state == "failed":
        return f"{name}: the newest run failed{why}; start it again to go on, nothing is lost"
    if one.state == "silent" and one.run is not None:
        return (
            f"{name}: no sign of life since {moment(one.run.heartbeat_at)} UTC from "
            f"{clean(one.run.driver)}; start it again to go on, what is published is complete"
        )
    return None
