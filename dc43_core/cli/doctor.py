"""`dc43 doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dc43_core.cli.options import Json
from dc43_core.cli.state import state_of
from dc43_core.cli.text import clean, console, count, print_table, write_json
from dc43_core.errors import BatchBlockedError
from dc43_core.upkeep.diagnosis import Diagnosis, Level
from dc43_core.upkeep.doctor import examine


def doctor(
    context: typer.Context,
    pipeline: Annotated[
        Path | None, typer.Argument(metavar="[PIPELINE.toml]", help="The pipeline file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look at this installation and, given a pipeline, at all that its stream keeps.

    Changes nothing. Ends with 1 if something would stop a stream, or shows readers wrong data.
    """
    state = state_of(context)
    found = list(examine(lambda: state.runtime, pipeline, given=not state.configured))
    errors = [one for one in found if one.level is Level.ERROR]
    if as_json:
        write_json(
            {
                "ok": not errors,
                "findings": [
                    {
                        "area": one.area,
                        "level": one.level.value,
                        "what": one.what,
                        "way_out": one.way_out or None,
                    }
                    for one in found
                ],
            }
        )
    else:
        _print(found)
    if errors:
        raise typer.Exit(BatchBlockedError.exit_code)


def _print(found: list[Diagnosis]) -> None:
    out = console()
    print_table(
        out,
        [("", "left"), ("area", "left"), ("found", "left")],
        [(one.level.value, one.area, one.what) for one in found],
    )
    todo = [one for one in found if one.way_out]
    if todo:
        out.print()
        out.print("What to do:")
    for one in sorted(todo, key=lambda one: -one.level.rank):
        out.print(f"{one.level}, {one.area}: {clean(one.way_out)}", soft_wrap=True)
    out.print()
    numbers = {level: sum(one.level is level for one in found) for level in Level}
    out.print(
        f"{count(len(found), 'thing')} looked at: {count(numbers[Level.ERROR], 'error')}, "
        f"{count(numbers[Level.WARNING], 'warning')}, {count(numbers[Level.NOTE], 'note')}."
    )
