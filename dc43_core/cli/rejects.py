"""`dc43 rejects`: what was rejected, why, and a replay of what passes by now."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer
from attrs import asdict

from dc43_core.cli.options import Json, Newest, Pipeline
from dc43_core.cli.start import pipeline_runner
from dc43_core.cli.state import State, state_of
from dc43_core.cli.text import clean, console, count, moment, number, print_table, write_json
from dc43_core.errors import ConfigurationError
from dc43_core.pipeline_file import load_pipeline
from dc43_core.protocol.rejects import RejectBatch, Rejects

rejects = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)

Batch = Annotated[
    list[int] | None, typer.Option(help="Only rejects of this batch; may be repeated.")
]
Check = Annotated[
    list[str] | None,
    typer.Option(help="Only rejects that broke this rule, by its id; may be repeated."),
]

_BATCHES = (
    ("batch", "right"),
    ("rejected (UTC)", "left"),
    ("contract", "left"),
    ("rows", "right"),
    ("replayed", "right"),
    ("stay", "right"),
)
_CHECKS = (("violated check", "left"), ("rows", "right"), ("stay", "right"))
_ENVELOPE = "_dc43_"


@rejects.callback()
def _group() -> None:
    """Show rejected rows, and replay those that pass by now."""


def _open(pipeline: Path, state: State) -> Rejects:
    """Return the rejects of a pipeline through its engine.

    Raises:
        ConfigurationError: if the engine cannot read its rejects.
    """
    file = load_pipeline(pipeline)
    runner = pipeline_runner(state.runtime, file)
    offered = getattr(runner, "rejects", None)
    if offered is None:
        problem = f"engine {file.engine!r} cannot read its rejects"
        raise ConfigurationError(str(file.file), [f"{problem}; its plugin lacks rejects()"])
    sys.stderr.write(f"starting {clean(file.engine.capitalize())} ...\n")
    with redirect_stdout(sys.stderr):
        found: Rejects = offered(file, state.runtime)
    return found


@rejects.command("list")
def list_(context: typer.Context, pipeline: Pipeline, as_json: Json = False) -> None:
    """List batches with rejects, and how many rows broke each rule."""
    found = _open(pipeline, state_of(context))
    with redirect_stdout(sys.stderr):
        batches = found.batches()
    if as_json:
        write_json({"batches": [asdict(batch) for batch in batches]})
        return
    if not batches:
        sys.stdout.write("No row was rejected.\n")
        return
    out = console()
    print_table(out, _BATCHES, [_batch_row(batch) for batch in batches], gap=1)
    out.print()
    all_, staying = _by_check(batches, "by_check"), _by_check(batches, "staying_by_check")
    ranked = sorted(all_, key=lambda check: (-all_[check], check))
    cells = [(check, number(all_[check]), number(staying[check])) for check in ranked]
    print_table(out, _CHECKS, cells)
    out.print()
    rows, stay = sum(b.rows for b in batches), sum(b.staying for b in batches)
    out.print(
        f"{count(rows, 'row')} rejected, {number(rows - stay)} replayed, {number(stay)} stay."
    )


def _batch_row(batch: RejectBatch) -> Sequence[str]:
    return (
        str(batch.batch_id),
        moment(batch.rejected_at),
        batch.contract_version,
        number(batch.rows),
        number(batch.rows - batch.staying),
        number(batch.staying),
    )


def _by_check(batches: Sequence[RejectBatch], name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for batch in batches:
        found.update(getattr(batch, name))
    return found


@rejects.command()
def show(
    context: typer.Context,
    pipeline: Pipeline,
    newest: Newest = 20,
    batch: Batch = None,
    check: Check = None,
    as_json: Json = False,
) -> None:
    """Show rejected rows that were not replayed, newest first, each with its reasons."""
    found = _open(pipeline, state_of(context))
    with redirect_stdout(sys.stderr):
        rows = found.rows(newest=newest, batches=batch or (), checks=check or ())
    if as_json:
        write_json({"rows": [json.loads(json.dumps(row, default=str)) for row in rows]})
        return
    out = console()
    for row in rows:
        at = moment(str(row["_dc43_rejected_at"]))
        out.print(f"{row['_dc43_row_id']}, rejected {at} UTC", soft_wrap=True)
        out.print(f"  {_values(row)}", soft_wrap=True)
        for id_, reason in zip(row["_dc43_checks"], row["_dc43_reasons"], strict=True):
            out.print(f"  {clean(id_)}: {clean(reason)}", soft_wrap=True)
        for name, text in (row.get("_dc43_raw") or {}).items():
            out.print(f"  {clean(name)} was {clean(repr(text))}", soft_wrap=True)
        for name, value in json.loads(row.get("_dc43_extra") or "{}").items():
            out.print(f"  {clean(name)}={clean(value)} (not declared then)", soft_wrap=True)
        if row.get("_dc43_line") is not None:
            out.print(f"  line {clean(repr(row['_dc43_line']))}", soft_wrap=True)
        if row.get("_dc43_file") is not None:
            out.print(f"  file {clean(row['_dc43_file'])}", soft_wrap=True)
    more = "; --newest N shows more" if len(rows) == newest else ""
    out.print(f"{count(len(rows), 'row')}{more}.")


def _values(row: Mapping[str, Any]) -> str:
    own = {name: value for name, value in row.items() if not name.startswith(_ENVELOPE)}
    return ", ".join(f"{clean(name)}={clean(value)}" for name, value in own.items())


@rejects.command()
def replay(
    context: typer.Context,
    pipeline: Pipeline,
    batch: Batch = None,
    check: Check = None,
    as_json: Json = False,
) -> None:
    """Judge rejects again under the contract of today, and publish those that pass.

    Each row leaves the rejects once, also if this is interrupted or runs twice at once. Reject
    files stay as they are.
    """
    found = _open(pipeline, state_of(context))
    with redirect_stdout(sys.stderr):
        done = found.replay(batches=batch or (), checks=check or ())
    restaged, record = done.restaged, done.record
    if as_json:
        write_json(
            {
                "judged": restaged.judged,
                "published": restaged.count,
                "broken": dict(restaged.broken),
                "record": record.payload() if record else None,
            }
        )
        return
    out = console()
    if restaged.broken:
        ranked = sorted(restaged.broken.items(), key=lambda item: (-item[1], item[0]))
        cells = [(check_id, number(rows)) for check_id, rows in ranked]
        print_table(out, (("still violated", "left"), ("rows", "right")), cells)
        out.print()
    landed = f"{number(restaged.count)} landed in main"
    if record is not None:
        landed += f" as version {record.dataset_version}"
    stay = number(restaged.judged - restaged.count)
    out.print(f"{count(restaged.judged, 'row')} judged: {landed}, {stay} stay.", soft_wrap=True)
