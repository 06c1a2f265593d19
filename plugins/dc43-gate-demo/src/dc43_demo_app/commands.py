"""`dc43 ui` and `dc43 demo`: the pages over the configured ledger, and over the scenarios'."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dc43_core.cli.history import require_ledger
from dc43_core.cli.state import state_of
from dc43_core.cli.stop import user
from dc43_core.runtime import Runtime
from dc43_demo_app.launch import Launcher
from dc43_demo_app.pipelines import PipelineLauncher
from dc43_demo_app.reading.ledger import Ledger
from dc43_demo_app.reading.promises import Promises
from dc43_demo_app.web.serve import LOOPBACK, host_names, is_loopback, serve
from dc43_demo_app.web.site import Site

Host = Annotated[str, typer.Option(help="Address to listen at; only this machine by default.")]
Port = Annotated[
    int, typer.Option(min=0, max=65_535, help="Port to listen at; 0 takes a free one.")
]
Names = Annotated[
    list[str] | None,
    typer.Option("--name", help="Another host name that requests may be for; may be repeated."),
]
Rows = Annotated[
    bool,
    typer.Option(
        "--show-rows",
        help="Show values of rejected rows although other machines can reach the pages.",
    ),
]


def ui(
    context: typer.Context,
    pipeline: Annotated[
        list[Path] | None,
        typer.Option(help="A pipeline file whose stream the pages may start; may be repeated."),
    ] = None,
    namespace: Annotated[
        str | None, typer.Option(help="Only this namespace; default: the configuration's.")
    ] = None,
    host: Host = LOOPBACK,
    port: Port = 8043,
    name: Names = None,
    show_rows: Rows = False,
) -> None:
    """Show the streams of the configured ledger as web pages.

    The pages read the ledger; what they write there is a request to stop. Nothing is started but
    the pipelines that are named, each in a process of its own.
    """
    state = state_of(context)
    if state.configured:
        require_ledger(state.runtime)
    launcher = PipelineLauncher.of(pipeline or [], state.runtime)
    folders = launcher.contract_folders
    site = make_site(
        state.runtime,
        launcher,
        host,
        names=name or (),
        namespace=namespace,
        rows=show_rows,
        folders=folders,
    )
    serve(site, host, port, "dc43 ui")


def make_site(
    runtime: Runtime,
    launcher: Launcher | None,
    host: str,
    *,
    names: Sequence[str] = (),
    namespace: str | None = None,
    rows: bool = False,
    folders: Sequence[Path] = (),
) -> Site:
    """Return the site over a runtime's ledger."""
    return Site(
        runtime=runtime,
        ledger=Ledger(client=runtime.governance, namespace=namespace or runtime.config.namespace),
        promises=Promises(runtime=runtime, folders=folders),
        launcher=launcher,
        hosts=host_names(host, names),
        shows_rows=rows or is_loopback(host),
        user=user(),
    )


def demo(
    home: Annotated[
        Path | None,
        typer.Option(help="Folder for ledger, feeds and sinks; default: the user's data folder."),
    ] = None,
    host: Host = LOOPBACK,
    port: Port = 8043,
    name: Names = None,
    show_rows: Rows = False,
) -> None:
    """Show governed streams of real flights run, as web pages.

    Three scenarios can be started from the first page, each in a process of its own: they go on
    when the page is closed or the server is stopped. `dc43 demo` again shows their history.
    """
    from dc43_demo_app.scenarios.home import Home
    from dc43_demo_app.scenarios.launcher import ScenarioLauncher

    place = Home.at(home)
    runtime = place.runtime()
    try:
        launcher = ScenarioLauncher.of(place, runtime)
        site = make_site(runtime, launcher, host, names=name or (), rows=show_rows)
        serve(site, host, port, "dc43 demo")
    finally:
        runtime.close()
