"""What this distribution offers to dc43; importing it imports no web server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dc43_core import Extension, hookimpl


def _ui() -> Callable[..., None]:
    from dc43_demo_app.commands import ui

    return ui


def _demo() -> Callable[..., None]:
    from dc43_demo_app.commands import demo

    return demo


@hookimpl
def dc43_cli_commands() -> Sequence[Extension[Any]]:
    """The pages over any ledger, and over that of the scenarios."""
    return [
        Extension("ui", _ui, capabilities={"help": "Show the streams of a ledger as web pages."}),
        Extension(
            "demo", _demo, capabilities={"help": "Show governed streams of real flights run."}
        ),
    ]
