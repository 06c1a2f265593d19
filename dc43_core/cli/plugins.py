"""`dc43 plugins`: what is loaded, from where, and what it offers."""

from __future__ import annotations

import textwrap
from typing import Any

import typer

from dc43_core.cli.options import Json
from dc43_core.cli.state import state_of
from dc43_core.cli.text import clean, console, write_json
from dc43_core.plugin_manager import KINDS, Plugins


def plugins(
    context: typer.Context,
    as_json: Json = False,
) -> None:
    """Show the plugins that are loaded, and what each of them offers."""
    facts = _facts(state_of(context).runtime.plugins)
    if as_json:
        write_json({"plugins": facts})
        return
    out = console()
    for about in facts:
        out.print(clean(f"{about['name']}: {about['distribution']} {about['version']}"))
        out.print(clean(f"module {about['module']}"), soft_wrap=True)
        out.print(_indented("hooks", about["hooks"]))
        for kind, names in about["offers"].items():
            out.print(_indented(kind, names))
        out.print()
    out.print("A plugin is left out with DC43_BLOCK_PLUGINS=<name>.")


def _facts(loaded: Plugins) -> list[dict[str, Any]]:
    offers: dict[str, dict[str, list[str]]] = {about.name: {} for about in loaded.loaded}
    for kind in KINDS:
        for offer in loaded.registry(kind):
            offers.setdefault(offer.owner, {}).setdefault(kind, []).append(offer.extension.name)
    return [
        {
            "name": about.name,
            "distribution": about.distribution,
            "version": about.version,
            "module": about.module,
            "hooks": list(about.hooks),
            "offers": {kind: sorted(names) for kind, names in offers[about.name].items()},
        }
        for about in loaded.loaded
    ]


def _indented(name: str, values: list[str]) -> str:
    line = clean(f"{name}: {', '.join(values) or 'none'}")
    return textwrap.fill(
        line, 78, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
    )
