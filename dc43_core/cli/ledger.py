"""`dc43 ledger`: the ledger is an index, made anew from the files beside a checkpoint."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dc43_core.cli.options import Json
from dc43_core.cli.state import state_of
from dc43_core.cli.text import clean, count, is_local, place, write_json
from dc43_core.errors import CorruptFileError, Dc43Error
from dc43_core.governance.approvals import Approvals
from dc43_core.governance.interface import catalogue_keeper
from dc43_core.pipeline_file import load_pipeline
from dc43_core.protocol.file_store import LocalFileStore, local_path
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import journals
from dc43_core.protocol.writes import Writes

ledger = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


class NoJournalError(Dc43Error, LookupError):
    """No stream keeps its records beside this checkpoint."""

    def __init__(self, checkpoint: str, problem: str, remedy: str) -> None:
        self.checkpoint, self.problem, self.remedy = checkpoint, problem, remedy
        super().__init__(f"{checkpoint}: {problem}; {remedy}")


@ledger.callback()
def _group() -> None:
    """Make the ledger anew from the files beside a checkpoint."""


@ledger.command()
def rebuild(
    context: typer.Context,
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT",
            help="The checkpoint's folder, or the pipeline file that names it.",
        ),
    ],
    as_json: Json = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="If the ledger is damaged, move it aside and make a new one."
        ),
    ] = False,
) -> None:
    """Put every record that lies beside a checkpoint into the ledger.

    Records that are there already are left untouched, so it can be run at any time. A ledger that
    is damaged is never deleted: --replace renames it.
    """
    folder = checkpoint_folder(checkpoint)
    found = {
        journal.folder.rsplit("/", 1)[-1]: list(journal.records())
        for journal in journals(LocalFileStore(), folder)
    }
    records = [record for stream in found.values() for record in stream]
    sink = _sink(folder)
    records += Writes(LocalFileStore(), sink).records() if sink else []
    approvals = Approvals(LocalFileStore(), sink).all() if sink else []
    if not records:
        raise NoJournalError(
            place(folder),
            "no records of micro-batches lie here, in dc43/",
            "give the folder that the pipeline has as run.checkpoint, or the pipeline file",
        )
    runtime = state_of(context).runtime
    try:
        new, aside = runtime.governance.record_many(records), None
    except CorruptFileError:
        set_aside = getattr(runtime.unopened_governance(), "set_aside", None)
        if not replace or set_aside is None:
            raise
        aside = set_aside()
        governance = runtime.unopened_governance()
        governance.open()
        new = governance.record_many(records)
    governance = runtime.governance
    keeper: object = governance
    if approvals and catalogue_keeper(keeper):
        keeper.add_approvals(approvals)
    streams = [stream_id for stream_id, kept in found.items() if kept]
    if as_json:
        write_json(
            {
                "checkpoint": LocalFileStore().uri(folder),
                "ledger": governance.location(),
                "set_aside": aside,
                "streams": streams,
                "found": len(records),
                "new": new,
                "approvals": len(approvals),
            }
        )
        return
    if aside is not None:
        sys.stdout.write(f"The damaged ledger is kept as {clean(place(aside))}.\n")
    sys.stdout.write(
        f"{count(len(records), 'record')} of {count(len(streams), 'stream')} beside "
        f"{place(folder)}: {new:,} new in ledger {clean(place(governance.location()))}, "
        f"{len(records) - new:,} known before"
        f"{', and ' + count(len(approvals), 'approval') if approvals else ''}.\n"
    )


def _sink(checkpoint: str) -> str | None:
    """Return the sink, which has the records of replays and the approvals, if it is here."""
    known = stream_of(LocalFileStore(), checkpoint)
    return str(known["sink"]) if known is not None and is_local(str(known["sink"])) else None


def checkpoint_folder(checkpoint: str) -> str:
    """Return a checkpoint's folder on this machine, given it or the pipeline file.

    Raises:
        NoJournalError: if it is elsewhere, or not there.
    """
    if checkpoint.endswith(".toml"):
        checkpoint = load_pipeline(Path(checkpoint)).checkpoint
    if not is_local(checkpoint):
        raise NoJournalError(
            checkpoint,
            "only checkpoints on this machine can be read without an engine",
            "start the pipeline: each start puts into the ledger what it lacks",
        )
    if not local_path(checkpoint).is_dir():
        raise NoJournalError(
            place(checkpoint), "no such folder", "give the checkpoint's folder or the pipeline file"
        )
    return checkpoint
