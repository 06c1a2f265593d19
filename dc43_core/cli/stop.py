"""`dc43 stop`: ask a running stream to end between two batches."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from dc43_core.cli.history import require_ledger
from dc43_core.cli.options import Json, Namespace
from dc43_core.cli.state import State, state_of
from dc43_core.cli.stream import find_stream
from dc43_core.cli.text import clean, place, write_json
from dc43_core.errors import Dc43Error
from dc43_core.governance.interface import RunKeeper, run_keeper
from dc43_core.governance.model import Run, StopRequest
from dc43_core.pipeline_file import load_pipeline
from dc43_core.protocol import clock


class NoRunError(Dc43Error, LookupError):
    """There is no run that could be asked to stop."""

    def __init__(self, wanted: str, ledger: str, problem: str) -> None:
        self.wanted, self.ledger, self.problem = wanted, ledger, problem
        super().__init__(
            f"{wanted}: {problem} in ledger {ledger}; see that it is the ledger of the process "
            "that runs the stream, or end that process"
        )


def stop(
    context: typer.Context,
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="The pipeline file, or the id of the run.")
    ],
    reason: Annotated[str, typer.Option(help="Why; it stands in the run's row.")] = "",
    namespace: Namespace = None,
    as_json: Json = False,
) -> None:
    """Ask a running stream to end between two batches.

    The batch at hand is brought to its end; the next one is not begun.
    """
    state = state_of(context)
    if state.configured:
        require_ledger(state.runtime)
    client = state.runtime.governance
    location = client.location()
    ledger = place(location)
    if not run_keeper(client):
        raise NoRunError(run, ledger, "runs are not kept")
    found = _running(state, client, run, namespace)
    if not found:
        raise NoRunError(run, ledger, "no run without an end")
    request = StopRequest(by=user(), at=clock.now(), reason=reason)
    for one in found:
        client.request_stop(one.run_id, request)
    now = clock.now()
    if as_json:
        ids = [{"run_id": r.run_id, "state": r.state(now)} for r in found]
        write_json({"ledger": location, "asked": ids})
        return
    for one in found:
        silent = one.state(now) == "silent"
        seen = f"its heartbeat is from {one.heartbeat_at}: its process is gone, or cannot reach"
        tail = f"; {seen} the ledger" if silent else ", after the batch at hand"
        sys.stdout.write(f"run {one.run_id} of {clean(one.dataset_id)} is asked to stop{tail}\n")


def _running(state: State, client: RunKeeper, wanted: str, namespace: str | None) -> list[Run]:
    default = state.runtime.config.namespace
    if not wanted.endswith(".toml"):
        found = client.runs(namespace=namespace or default, run_id=wanted)
        return [run for run in found if run.outcome is None]
    file = load_pipeline(Path(wanted))
    stream = find_stream(file, {}, None)
    if stream.stream_id is None:
        return []
    found = client.runs(
        namespace=namespace or file.namespace or default, stream_id=stream.stream_id
    )
    # Earlier starts without an end were killed.
    return [run for run in found if run.outcome is None][-1:]


def user() -> str:
    """Return who runs this command, as the machine calls them."""
    try:
        return getpass.getuser()
    # Containers run processes whose user has no name.
    except (KeyError, OSError):
        return "unknown"
