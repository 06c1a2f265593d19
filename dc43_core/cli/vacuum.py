"""`dc43 vacuum`: remove what attempts that died left behind."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dc43_core.cli.state import state_of
from dc43_core.cli.text import clean, console, count, number, place, print_table, write_json
from dc43_core.pipeline_file import load_pipeline
from dc43_core.upkeep.doctor import places_of
from dc43_core.upkeep.sweep import SAFE_HOURS, Dead, dead_files, remove


def vacuum(
    context: typer.Context,
    pipeline: Annotated[Path, typer.Argument(metavar="PIPELINE.toml", help="The pipeline file.")],
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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
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
    removed = yes and not dry_run
    if removed:
        remove(store, dead)
    if as_json:
        write_json(
            {
                "removed": removed,
                "bytes": sum(one.size for one in dead),
                "found": [{"path": one.path, "why": one.why, "bytes": one.size} for one in dead],
            }
        )
        return
    if dead:
        rows = [(number(one.size), one.why, place(one.path)) for one in dead]
        print_table(console(), [("bytes", "right"), ("why", "left"), ("path", "left")], rows)
    told = f"{count(len(dead), 'leftover')}, {number(sum(one.size for one in dead))} bytes"
    tail = "" if not dead else ": removed" if removed else "; --yes removes them"
    sys.stdout.write(clean(f"{told}{tail}") + ".\n")
