"""The command `dc43`: which commands there are, and what becomes of errors."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from dc43_core.cli.logs import shown_logs
from dc43_core.cli.state import OWNER, State, StoppedError, state_of
from dc43_core.cli.text import clean
from dc43_core.errors import Dc43Error

if TYPE_CHECKING:
    from dc43_core.registry import Offer, Registry
    from dc43_core.runtime import Runtime

FAULT = 3
EXIT_CODES = (
    "Exit codes: 0 ok or warn; 1 data was blocked; 2 wrong use or configuration; "
    "3 a fault, or a verdict that could not be reached; 130 stopped by Ctrl-C."
)

BUILT_IN = {
    "run": "Run a pipeline file to the end of its trigger.",
    "stop": "Ask a running stream to end between two batches.",
    "plan": "Show what a contract asks, and what of it is enforced.",
    "history": "Show the micro-batches that governance knows of a dataset.",
    "status": "Show how the streams of the ledger stand, the worst first.",
    "watch": "Show the micro-batches of a dataset as they land.",
    "datasets": "Show the datasets that governance knows, written and read.",
    "versions": "Show the versions of a dataset, and approve or reject one.",
    "plugins": "Show the plugins that are loaded, and what they offer.",
    "doctor": "Look for what is wrong, and say what to do about it.",
    "vacuum": "Remove what attempts that died left behind.",
    "erase": "Erase rows by key from all that a stream keeps.",
    "ledger": "Make the ledger anew from the files beside a checkpoint.",
    "blocked": "Show the batches that are blocked, and release them.",
    "rejects": "Show rejected rows, and replay those that pass by now.",
}
"""Each is the function or typer application of its name in the module of its name."""


class Commands(TyperGroup):
    """Built-in commands and those of plugins; each is imported when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names, built-in ones first."""
        return [*BUILT_IN, *(o.extension.name for o in _offered(ctx))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command; those of plugins are looked for where no built-in has the name."""
        if cmd_name in BUILT_IN:
            module = importlib.import_module(f"dc43_core.cli.{cmd_name}")
            return _command(cmd_name, getattr(module, cmd_name))
        if cmd_name.startswith("-"):
            return None
        offered = _offered(ctx)
        if cmd_name in offered:
            return _command(cmd_name, _built(offered.get(cmd_name)))
        return ctx.fail(
            f"no command named {cmd_name!r}; commands: {', '.join(self.list_commands(ctx))}"
        )

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands without importing any."""
        rows = list(BUILT_IN.items())
        problem = None
        try:
            for offer in _offered(ctx):
                told = offer.extension.capabilities.get("help", f"of plugin {offer.owner}")
                rows.append((offer.extension.name, clean(told)))
        # Help is most needed when something is wrong; a command will fail on it.
        except Dc43Error as error:
            problem = clean(error)
        with formatter.section("Commands"):
            formatter.write_dl(rows)
        if problem:
            formatter.write_paragraph()
            formatter.write_text(f"Commands of plugins are not listed: {problem}")

    def invoke(self, ctx: Any) -> Any:
        """Run the command; typer would end on Ctrl-C without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise StoppedError from None


def _offered(ctx: Any) -> Registry[Any]:
    return state_of(ctx).runtime.plugins.registry("command")


def _built(offer: Offer[Any]) -> Any:
    try:
        return offer.extension.build()
    except Exception as error:
        error.add_note(f"raised by command {offer.extension.name!r} of plugin {offer.owner!r}")
        raise


def _command(name: str, what: Any) -> Any:
    """Return what typer runs, from a function or a typer application."""
    if isinstance(what, typer.Typer):
        return typer.main.get_command(what)
    made = typer.Typer(add_completion=False, rich_markup_mode=None)
    made.command(name, epilog=EXIT_CODES)(what)
    return typer.main.get_command(made)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"dc43 {version(OWNER)}")
        raise typer.Exit


def _options(
    context: typer.Context,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Show errors with their traceback.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", callback=_show_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Data contracts enforced inside every read and write."""
    state = state_of(context)
    state.traceback = state.logs.traceback = state.traceback or show_traceback


def execute(arguments: Sequence[str], make_runtime: Callable[[], Runtime] | None = None) -> int:
    """Run one command; return its exit code."""
    made = typer.Typer(
        cls=Commands,
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        epilog=EXIT_CODES,
    )
    made.callback()(_options)
    command = typer.main.get_command(made)
    with shown_logs() as logs:
        wanted = os.environ.get("DC43_TRACEBACK", "") not in ("", "0")
        state = State(traceback=wanted, logs=logs, built_in=BUILT_IN)
        if make_runtime is not None:
            state.make_runtime = make_runtime
        try:
            return _guarded(
                lambda: command.main(list(arguments), prog_name="dc43", obj=state), state
            )
        finally:
            state.close()


def _guarded(call: Callable[[], Any], state: State) -> int:
    """Turn the end of a command, whatever it is, into an exit code and at most one line."""
    try:
        call()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except Dc43Error as error:
        return _explain(error, f"{clean(error)}{_notes(error)}", error.exit_code, state)
    # The edge of the program: what nobody foresaw still ends in one line and a code of its own.
    except Exception as error:  # noqa: BLE001
        hint = "" if state.traceback else " (dc43 --traceback ... shows where)"
        line = f"{type(error).__name__}: {clean(error)}{_notes(error)}{hint}"
        return _explain(error, line, FAULT, state)
    return 0


def _notes(error: Exception) -> str:
    return "".join(f"; {clean(note)}" for note in getattr(error, "__notes__", ()))


def _explain(error: Exception, line: str, code: int, state: State) -> int:
    if state.traceback:
        traceback.print_exception(error)
    sys.stderr.write(f"dc43: {line}\n")
    return code
