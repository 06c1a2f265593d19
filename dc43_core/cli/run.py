"""`dc43 run`: a pipeline file, from its start to a report and an exit code."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from enum import StrEnum
from typing import Annotated, Any

import typer

from dc43_core.cli.options import Pipeline
from dc43_core.cli.progress import Progress
from dc43_core.cli.start import Start
from dc43_core.cli.state import state_of
from dc43_core.vocabulary import RunType


class Adopt(StrEnum):
    """What to do when checkpoint and sink do not fit."""

    CONTINUE = "continue"
    FORK = "fork"


def run(
    context: typer.Context,
    pipeline: Pipeline,
    namespace: Annotated[
        str | None, typer.Option(help="First part of every key; wins over file and configuration.")
    ] = None,
    enforce: Annotated[
        bool | None,
        typer.Option(
            "--enforce/--observe", help="Run type; wins over the file.", show_default=False
        ),
    ] = None,
    adopt: Annotated[
        Adopt | None,
        typer.Option(help="What to do when checkpoint and sink do not belong together."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on stdout instead of tables.")
    ] = False,
) -> None:
    """Run a pipeline file to the end of its trigger.

    Progress goes to stderr; the report, or with --json one JSON object, to stdout.
    """
    wishes: dict[str, Any] = {}
    if enforce is not None:
        wishes["type"] = RunType.ENFORCE if enforce else RunType.OBSERVE
    if adopt is not None:
        wishes["adopt"] = adopt.value
    start = Start(state=state_of(context), as_json=as_json)
    try:
        # Whatever an engine prints must not end up inside the report.
        with _sigterm_as_interrupt(), redirect_stdout(sys.stderr), Progress() as progress:
            start.go(pipeline, namespace, wishes, progress)
    except (Exception, KeyboardInterrupt) as error:
        start.end(error)
        raise
    start.end(None)


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does: with its row closed and its report written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
