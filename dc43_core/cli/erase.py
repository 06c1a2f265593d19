"""`dc43 erase`: rows of one key out of all that a stream keeps."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Annotated

import typer

from dc43_core.cli.options import Json, Pipeline
from dc43_core.cli.state import state_of
from dc43_core.cli.stop import user
from dc43_core.cli.text import clean, console, count, number, place, print_table, write_json
from dc43_core.errors import ConfigurationError
from dc43_core.pipeline_file import load_pipeline
from dc43_core.upkeep.doctor import places_of
from dc43_core.upkeep.erase import KEYS, Eraser
from dc43_core.upkeep.interface import Key
from dc43_core.upkeep.sweep import dead_files


def erase(
    context: typer.Context,
    pipeline: Pipeline,
    key: Annotated[
        str,
        typer.Option(
            metavar="COLUMN=VALUE",
            help="Which rows. COLUMN alone reads the value from standard input, which keeps it "
            "out of the shell's history.",
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", help="Erase; without it, only show.")] = False,
    as_json: Json = False,
) -> None:
    """Erase the rows of one key from main, rejects, blocked batches and kept raw text.

    The value is kept nowhere. What the source still holds is read from there again.
    """
    runtime = state_of(context).runtime
    wanted = _key(key)
    file = load_pipeline(pipeline)
    tended, facts = places_of(runtime, file)
    eraser = Eraser(
        store=tended.store(),
        sinks=tended.sinks(),
        facts=lambda: places_of(runtime, file)[1],
        rows=tended.eraser(),
    )
    resumed: list[int] = []
    if yes:
        resumed = eraser.resume()
        hits = eraser.find(wanted)
        erased = dict(eraser.erase(wanted, by=user()))
    else:
        hits = eraser.find(wanted)
        erased = {}
    leftovers = dead_files(tended.store(), tended.sinks(), facts, hours=0) if facts else []
    rows: Counter[str] = Counter()
    for hit in hits:
        rows[hit.where] += hit.rows
    if as_json:
        write_json(
            {
                "column": wanted.column,
                "erased": yes,
                "rows": erased if yes else dict(rows),
                "files": [{"where": h.where, "path": h.file, "rows": h.rows} for h in hits],
                "resumed": resumed,
                "leftovers": [one.path for one in leftovers],
            }
        )
        return
    if hits:
        cells = [(hit.where, number(hit.rows), place(hit.file)) for hit in hits]
        print_table(console(), [("where", "left"), ("rows", "right"), ("file", "left")], cells)
    if resumed:
        sys.stdout.write(f"{count(len(resumed), 'erasure')} begun earlier brought to the end.\n")
    told = f"{count(sum(rows.values()), 'row')} of this {clean(wanted.column)}"
    tail = " erased" if yes and hits else "; --yes erases them" if hits else ""
    sys.stdout.write(f"{told}{tail}.\n")
    if keys := erased.get(KEYS):
        sys.stdout.write(f"{count(keys, 'key')} forgotten that rows of it held.\n")
    if leftovers:
        sys.stdout.write(
            f"{count(len(leftovers), 'leftover')} of attempts may hold such rows too: stop the "
            "stream, and `dc43 vacuum --older-than 0 --yes` removes them.\n"
        )


def _key(text: str) -> Key:
    column, equals, value = text.partition("=")
    if not equals:
        value = sys.stdin.readline().rstrip("\n")
    if not column or not value:
        raise ConfigurationError("--key", ["needs COLUMN=VALUE, or COLUMN and the value on stdin"])
    return Key(column=column, value=value)
