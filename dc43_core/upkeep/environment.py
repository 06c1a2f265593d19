"""This machine and this installation: Python, configuration, plugins, engines."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator

from dc43_core.errors import Dc43Error, PluginLoadError
from dc43_core.plugin_manager import KINDS
from dc43_core.runtime import Runtime
from dc43_core.upkeep.diagnosis import Diagnosis, Level, fine, wrong


def check_environment(make_runtime: Callable[[], Runtime]) -> Iterator[Diagnosis]:
    """Look at everything that does not concern one pipeline."""
    yield fine("python", f"Python {platform.python_version()} on {platform.system()}")
    try:
        runtime = make_runtime()
    except Dc43Error as error:
        yield wrong("configuration", error)
        return
    source = runtime.config.source
    yield fine("configuration", str(source) if source else "no file found: defaults")
    yield from _plugins(runtime)


def _plugins(runtime: Runtime) -> Iterator[Diagnosis]:
    try:
        loaded = runtime.plugins.loaded
    except PluginLoadError as error:
        yield wrong("plugins", error)
        return
    names = ", ".join(f"{about.name} {about.version}" for about in loaded)
    yield fine("plugins", f"{len(loaded)} loaded: {names}")
    runners = []
    for kind in KINDS:
        try:
            registry = runtime.plugins.registry(kind)
        # A boundary to foreign code: what a plugin raises when it is asked is the finding.
        except Exception as error:  # noqa: BLE001
            notes = "; ".join(getattr(error, "__notes__", ()))
            yield Diagnosis(
                area="plugins",
                level=Level.ERROR,
                what=f"{kind}: {type(error).__name__}: {error}" + (f"; {notes}" if notes else ""),
                way_out="mend or uninstall the plugin, or leave it out with DC43_BLOCK_PLUGINS",
            )
            continue
        if kind == "pipeline runner":
            runners = list(registry)
    for offer in runners:
        yield from _engine(offer.extension.name, offer.extension.build)


def _engine(name: str, build: Callable[[], object]) -> Iterator[Diagnosis]:
    try:
        runner = build()
    except ModuleNotFoundError as error:
        yield Diagnosis(
            area=name,
            level=Level.ERROR,
            what=f"engine {name!r} needs the module {error.name!r}, which is not installed",
            way_out=f"install {error.name}",
        )
        return
    look = getattr(runner, "environment", None)
    if look is not None:
        yield from look()
