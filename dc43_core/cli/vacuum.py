"""`dc43 vacuum`: remove what attempts that died left behind."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from attrs import asdict

from dc43_core.cli.options import Json, Pipeline
from dc43_core.cli.state import state_of
from dc43_core.cli.stop import user
from dc43_core.cli.text import clean, console, count, number, place, print_table, write_json
from dc43_core.pipeline_file import load_pipeline
from dc43_core.upkeep.doctor import places_of
from dc43_core.upkeep.lost import Lost, drop, lost_files
from dc43_core.upkeep.sweep import SAFE_HOURS, Dead, dead_files, remove


def vacuum(
    context: typer.Context,
    pipeline: Pipeline,
    yes: Annotated[bool, typer.Option("--yes", help="Remove; without it, only show.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show (default).")] = False,
    hours: Annotated[
        float,
        typer.Option(
            "--older-than",
            metavar="HOURS",
            min=0,
            help="Age from which an attempt that no manifest names is taken for dead.",
        ),
    ] = SAFE_HOURS,
    retention: Annotated[
        float | None,
        typer.Option(
            metavar="DAYS",
            min=0,
            help="Also remove kept rows of blocked batches, and raw text of rows that landed, "
            "from this age on.",
        ),
    ] = None,
    drop_lost: Annotated[
        bool,
        typer.Option(
            "--drop-lost-files",
            help="Also drop files from the sinks' logs that these list and that are gone. Their "
            "rows are lost then: restore the files instead if there is a copy.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove what attempts that died left behind.

    Nothing that a log entry, a manifest or a blocked batch names is touched, so it may run beside
    the stream.
    """
    runtime = state_of(context).runtime
    tended, facts = places_of(runtime, load_pipeline(pipeline))
    store, sinks = tended.store(), tended.sinks()
    dead: list[Dead] = []
    if facts is not None:
        dead = dead_files(store, sinks, facts, hours=hours, retention_days=retention)
    lost = lost_files(store, sinks, facts) if drop_lost else []
    removed = yes and not dry_run
    if removed:
        remove(store, dead)
        drop(store, sinks, lost, by=user())
    if as_json:
        write_json(
            {
                "removed": removed,
                "bytes": sum(one.size for one in dead),
                "found": [{"path": one.path, "why": one.why, "bytes": one.size} for one in dead],
                "lost": [asdict(one) for one in lost],
            }
        )
        return
    if dead:
        rows = [(number(one.size), one.why, place(one.path)) for one in dead]
        print_table(console(), [("bytes", "right"), ("why", "left"), ("path", "left")], rows)
    if drop_lost:
        _tell_lost(lost, dropped=removed)
    told = f"{count(len(dead), 'leftover')}, {number(sum(one.size for one in dead))} bytes"
    tail = "" if not dead else ": removed" if removed else "; --yes removes them"
    sys.stdout.write(clean(f"{told}{tail}") + ".\n")


def _tell_lost(lost: Sequence[Lost], *, dropped: bool) -> None:
    """Say which files are lost, and of which batches they held rows."""
    if lost:
        cells = [
            (
                one.lane.value,
                "" if one.batch_id is None else str(one.batch_id),
                "not known" if one.rows is None else f"up to {number(one.rows)}",
                place(one.path),
            )
            for one in lost
        ]
        head = (("lane", "left"), ("batch", "right"), ("rows lost", "left"), ("file", "left"))
        print_table(console(), head, cells)
    tail = "" if not lost else ": dropped from the log" if dropped else "; --yes drops them"
    sys.stdout.write(f"{count(len(lost), 'listed file')} lost{tail}.\n")
