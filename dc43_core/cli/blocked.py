"""`dc43 blocked`: batches that wait, why, and their way out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from attrs import frozen

from dc43_core.cli.ledger import NoJournalError, checkpoint_folder
from dc43_core.cli.options import Json
from dc43_core.cli.state import State, state_of
from dc43_core.cli.text import (
    clean,
    console,
    count,
    duration,
    is_local,
    moment,
    number,
    place,
    print_table,
    write_json,
)
from dc43_core.errors import ConfigurationError, NotBlockedError
from dc43_core.protocol import clock
from dc43_core.protocol.blocked import BlockedBatch, blocked_batches, release_batch
from dc43_core.protocol.clock import seconds_between
from dc43_core.protocol.file_store import FileStore, LocalFileStore
from dc43_core.vocabulary import Release

blocked = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)

Place = Annotated[
    str,
    typer.Argument(
        metavar="CHECKPOINT", help="The pipeline file, or the folder of its checkpoint."
    ),
]
Batch = Annotated[int, typer.Argument(metavar="BATCH", help="Number of the batch.")]

_COLUMNS = (
    ("batch", "right"),
    ("blocked (UTC)", "left"),
    ("waits", "right"),
    ("rows", "right"),
    ("breaking", "right"),
    ("rows kept", "left"),
    ("released as", "left"),
)
_FILES = 5
_MEANING = {
    Release.MAIN: "every row, those that break a rule too",
    Release.REJECTS: "rows that break a rule to the rejects, the others to main",
    Release.SKIP: "no row lands anywhere",
}


@blocked.callback()
def _group() -> None:
    """Show the batches that are blocked, and release them."""


@frozen(kw_only=True)
class Checkpoint:
    """Where a stream keeps its facts, as the caller named it."""

    given: str
    uri: str
    store: FileStore

    def batches(self) -> list[BlockedBatch]:
        """Return what waits there."""
        return blocked_batches(self.uri, store=self.store)

    def batch(self, batch_id: int) -> BlockedBatch:
        """Return one batch.

        Raises:
            NotBlockedError: if it does not wait.
        """
        found = {one.batch_id: one for one in self.batches()}
        if batch_id not in found:
            raise NotBlockedError(batch_id, "is not blocked", sorted(found))
        return found[batch_id]

    @property
    def again(self) -> str:
        """How to start the stream."""
        if self.given.endswith(".toml"):
            return f"`dc43 run {self.given}`"
        return "the next start of its stream"


def _find(given: str, state: State) -> Checkpoint:
    if given.endswith(".toml"):
        from pathlib import Path

        from dc43_core.pipeline_file import load_pipeline
        from dc43_core.upkeep.doctor import upkeep_of

        pipeline = load_pipeline(Path(given))
        if not is_local(pipeline.checkpoint):
            store = upkeep_of(state.runtime, pipeline).store()
            return Checkpoint(given=given, uri=pipeline.checkpoint, store=store)
    elif not is_local(given):
        raise NoJournalError(
            given,
            "only checkpoints on this machine can be read without an engine",
            "give the pipeline file: its engine reads it",
        )
    return Checkpoint(given=given, uri=checkpoint_folder(given), store=LocalFileStore())


@blocked.command("list")
def list_(context: typer.Context, checkpoint: Place, as_json: Json = False) -> None:
    """List the batches that wait."""
    where = _find(checkpoint, state_of(context))
    batches = where.batches()
    if as_json:
        found = [one.payload() for one in batches]
        write_json({"checkpoint": where.store.uri(where.uri), "blocked": found})
        return
    if not batches:
        sys.stdout.write(f"No batch is blocked beside {place(where.uri)}.\n")
        return
    out, now = console(), clock.now()
    print_table(out, _COLUMNS, [_row(one, now) for one in batches], gap=1)
    out.print()
    for one in batches:
        out.print(f"batch {one.batch_id}: {clean(one.held.record.intervention)}", soft_wrap=True)
    out.print()
    out.print(f"`dc43 blocked show {checkpoint} {batches[0].batch_id}` says more.", soft_wrap=True)


def _row(one: BlockedBatch, now: str) -> Sequence[str]:
    record = one.held.record
    return (
        str(one.batch_id),
        moment(record.ended_at),
        _age(max(0.0, seconds_between(record.ended_at, now))),
        number(record.row_count),
        number(one.held.staged.violating),
        "yes" if one.held.kept else "no",
        one.resolution.release.value if one.resolution else "-",
    )


def _age(seconds: float) -> str:
    days, rest = divmod(seconds, 86_400)
    if days:
        return count(int(days), "day")
    return count(int(rest // 3_600), "hour") if rest >= 3_600 else duration(rest)


@blocked.command()
def show(context: typer.Context, checkpoint: Place, batch: Batch, as_json: Json = False) -> None:
    """Show one batch: the reason, its rows, what the source must keep, the ways out."""
    where = _find(checkpoint, state_of(context))
    found = where.batch(batch)
    if as_json:
        write_json(found.payload())
        return
    out, record = console(), found.held.record

    def say(text: str = "") -> None:
        out.print(text, soft_wrap=True)

    again = f", incident {found.held.incident}" if found.held.incident > 1 else ""
    say(
        f"batch {batch} of {clean(record.dataset_id)}, blocked {moment(record.ended_at)} UTC "
        f"under contract {clean(record.contract_id)} {clean(record.contract_version)}{again}"
    )
    say(f"reason   {clean(record.intervention)}")
    say(f"record   {record.record_id}")
    rows = f"{count(record.row_count, 'row')}, {number(found.held.staged.violating)} breaking"
    say(f"rows     {rows}")
    kept = place(record.details["staging"]) if found.held.kept else "no, see the warnings"
    say(f"kept     {kept}")
    for check, rows_broken in record.violations_by_check.items():
        say(f"         {clean(check)}: {number(rows_broken)}")
    for warning in record.warnings:
        say(f"warning  {clean(warning)}")
    say(f"source   {_risk(found.at_risk)}")
    say()
    if found.resolution is not None:
        say(f"{_said(found.resolution.payload())} {where.again} carries it out.")
        return
    say(f"Mend the data or the contract and start again: {where.again}. Or release it:")
    for one, why in found.ways_out.items():
        command = f'dc43 blocked release {checkpoint} {batch} --as {one.value} --reason "..."'
        say(f"  {command}" if why is None else f"  as {one.value}: no, {clean(why)}")
        if why is None:
            say(f"    {_MEANING[one]}")


def _risk(found: Mapping[str, Any]) -> str:
    files = found.get("files", ())
    if files:
        more = found.get("file_count", len(files)) - _FILES
        names = ", ".join(place(file) for file in files[:_FILES])
        return f"must keep {names}" + (f" and {more} more" if more > 0 else "")
    if "offsets" in found:
        offsets = f"{found.get('offsets_before', 'its beginning')} to {found['offsets']}"
        return f"must keep from {clean(offsets)} on"
    return "did not say what it must keep"


def _said(resolution: Mapping[str, Any]) -> str:
    return (
        f"Batch {resolution['batch_id']} is released as {resolution['as']} by "
        f"{clean(resolution['by'])}: {clean(resolution['reason'])}."
    )


@blocked.command()
def release(
    context: typer.Context,
    checkpoint: Place,
    batch: Batch,
    as_: Annotated[Release, typer.Option("--as", help="Where its rows go.")],
    reason: Annotated[str, typer.Option(help="Why; it stands in the record for good.")],
    by: Annotated[
        str | None, typer.Option(help="Who decided; default: who is logged in here.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Decide where a blocked batch goes; the next start of its stream carries it out.

    main: every row, those that break a rule too. rejects: rows that break a rule go to the
    rejects and the others to main; if drift blocked the batch, all go to the rejects. skip: no
    row lands anywhere. What was decided cannot be changed.
    """
    where = _find(checkpoint, state_of(context))
    made = release_batch(
        where.uri, batch, as_=as_, reason=reason, by=by or decider(), store=where.store
    ).payload()
    if as_json:
        write_json(made)
        return
    sys.stdout.write(f"{_said(made)} {where.again[0].upper() + where.again[1:]} carries it out.\n")


def decider() -> str:
    """Return who is logged in here, for a decision that is kept for good.

    Raises:
        ConfigurationError: if nobody is.
    """
    import getpass

    try:
        return getpass.getuser()
    # Which one depends on the version of Python: nobody knows this user's name.
    except (ImportError, KeyError, OSError) as error:
        raise ConfigurationError("--by", ["nobody is logged in here; say who decides"]) from error
