"""Finding plugins, loading them in a fixed order, and asking them what they offer."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any

import importlib_metadata
import pluggy
from attrs import frozen

from dc43_core import hooks, hookspecs
from dc43_core.errors import Dc43Error, PluginLoadError
from dc43_core.markers import PROJECT
from dc43_core.registry import API, Extension, Offer, Registry

GROUP = "dc43"
BUILT_IN = "dc43-gate"
_FOREIGN = ("dc43", "dc43-core", "dc43-integrations")

KINDS = {
    "contract loader": "dc43_contract_loaders",
    "expectation kind": "dc43_expectation_kinds",
    "expectation evaluator": "dc43_expectation_evaluators",
    "data-quality client": "dc43_data_quality_clients",
    "strategy": "dc43_intervention_strategies",
    "governance client": "dc43_governance_clients",
    "record exporter": "dc43_record_exporters",
    "pipeline runner": "dc43_pipeline_runners",
    "command": "dc43_cli_commands",
}
"""What people call an extension, and the hook that offers it."""


@frozen(kw_only=True)
class LoadedPlugin:
    """A plugin as `dc43 plugins` shows it."""

    name: str
    distribution: str
    version: str
    module: str
    hooks: tuple[str, ...]


class Plugins:
    """The plugins of one runtime, and the registries made from what they offer."""

    def __init__(self, manager: pluggy.PluginManager, loaded: Sequence[LoadedPlugin]) -> None:
        self.manager = manager
        self.loaded = tuple(loaded)
        self._registries: dict[str, Registry[Any]] = {}

    def registry(self, kind: str, hook: str | None = None) -> Registry[Any]:
        """Return the extensions of one kind.

        Args:
            kind: A key of `KINDS`; else what people call it.
            hook: The hook that offers it, where `KINDS` does not have it: one that a plugin
                declares. By default the kind is the hook's own name.

        Raises:
            DuplicateNameError: if two plugins offer one name.
            PluginLoadError: if a plugin was written for another interface.
        """
        if kind not in self._registries:
            self._registries[kind] = Registry(kind, self._offers(hook or KINDS.get(kind, kind)))
        return self._registries[kind]

    def _offers(self, hook_name: str) -> list[Offer[Any]]:
        hook = getattr(self.manager.hook, hook_name, None)
        offers: list[Offer[Any]] = []
        # In order of registration: calling the hook would ask the last registered first.
        for implementation in hook.get_hookimpls() if hook else []:
            owner = implementation.plugin_name
            try:
                extensions: Sequence[Extension[Any]] = list(implementation.function())
            except Exception as error:
                error.add_note(f"raised by {hook_name} of plugin {owner!r}")
                raise
            for extension in extensions:
                if extension.api != API:
                    raise self._wrong_api(owner, extension)
                offers.append(Offer(extension, owner))
        return offers

    def _wrong_api(self, owner: str, extension: Extension[Any]) -> PluginLoadError:
        about = next((p for p in self.loaded if p.name == owner), None)
        return PluginLoadError(
            owner,
            about.distribution if about else "unknown",
            about.version if about else "?",
            f"{extension.name!r} was written for interface {extension.api}, this dc43 speaks {API}",
        )


def load_plugins(
    *, blocked: Collection[str] = (), allowed: Collection[str] | None = None
) -> Plugins:
    """Load the built-ins, then every installed plugin by name, and return what holds them.

    Args:
        blocked: Entry-point names that are not imported; `DC43_BLOCK_PLUGINS` adds to them.
        allowed: Distributions whose plugins may be imported; None means all,
            `DC43_ALLOW_PLUGINS` sets it.

    Raises:
        PluginLoadError: naming entry point, distribution, version and remedy.
    """
    _refuse_foreign_distributions()
    blocked = {*blocked, *_listed("DC43_BLOCK_PLUGINS")}
    if os.environ.get("DC43_ALLOW_PLUGINS") is not None:
        allowed = _listed("DC43_ALLOW_PLUGINS")
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(hooks, name=BUILT_IN)
    loaded = [_describe(manager, BUILT_IN, BUILT_IN, importlib_metadata.version(BUILT_IN), hooks)]
    entry_points = sorted(importlib_metadata.entry_points(group=GROUP), key=lambda e: e.name)
    for entry in entry_points:
        distribution, version = _owner(entry)
        if entry.name in blocked or (allowed is not None and distribution not in allowed):
            continue
        try:
            module = entry.load()
            manager.register(module, name=entry.name)
            for spec in getattr(module, "dc43_addhooks", lambda: ())():
                manager.add_hookspecs(spec)
        except Dc43Error:
            raise
        # Foreign code runs here; whatever it raises means that enforcement would be missing.
        except Exception as error:
            problem = f"{type(error).__name__}: {error}"
            raise PluginLoadError(entry.name, distribution, version, problem) from error
        loaded.append(_describe(manager, entry.name, distribution, version, module))
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        name = str(manager.get_name(error.plugin))
        about = next(p for p in loaded if p.name == name)
        raise PluginLoadError(name, about.distribution, about.version, str(error)) from error
    return Plugins(manager, loaded)


def _listed(variable: str) -> set[str]:
    return {part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()}


def _owner(entry: importlib_metadata.EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "?")


def _describe(
    manager: pluggy.PluginManager, name: str, distribution: str, version: str, module: Any
) -> LoadedPlugin:
    callers = manager.get_hookcallers(manager.get_plugin(name)) or []
    return LoadedPlugin(
        name=name,
        distribution=distribution,
        version=version,
        module=getattr(module, "__name__", type(module).__name__),
        hooks=tuple(sorted(caller.name for caller in callers)),
    )


def _refuse_foreign_distributions() -> None:
    """Stop beside distributions of another project that own the same import names."""
    for name in _FOREIGN:
        try:
            version = importlib_metadata.version(name)
        except importlib_metadata.PackageNotFoundError:
            continue
        raise PluginLoadError(
            name,
            name,
            version,
            "this distribution of another project has the same import names as dc43-gate, "
            f"and either may be what is imported; run: pip uninstall {name}",
        )
