"""What can be wrong with what was configured or installed."""

from __future__ import annotations

from collections.abc import Iterable

from dc43_core.errors.base import Dc43Error, meant


class ConfigurationError(Dc43Error, ValueError):
    """A configuration or pipeline file says something that cannot be used."""

    def __init__(self, source: str, problems: Iterable[str]) -> None:
        self.source, self.problems = source, list(problems)
        super().__init__(f"{source}: " + "; ".join(self.problems))


class StatusError(ConfigurationError, ValueError):
    """A contract or data product has a status that the configuration does not accept."""

    def __init__(
        self, thing: str, status: str, accepted: Iterable[str], *, source: str, key: str
    ) -> None:
        self.thing, self.status, self.accepted, self.key = thing, status, tuple(accepted), key
        super().__init__(
            source,
            [
                f"{thing} has status {status!r}; accepted: {', '.join(self.accepted)}; activate "
                f"it, or accept the status with {key}"
            ],
        )


class UnknownNameError(Dc43Error, LookupError):
    """A configuration names an extension that no installed plugin provides.

    Attributes:
        kind: What was looked for.
        name: As it was written.
        known: What installed plugins provide.
        configured: Names that the configuration gives to some of these.
        distribution: What brings it, where that is known.
        user: The place in the configuration that names it, where that is not the caller.
    """

    def __init__(
        self,
        kind: str,
        name: str,
        known: Iterable[str],
        *,
        configured: Iterable[str] = (),
        distribution: str | None = None,
        user: str | None = None,
    ) -> None:
        self.kind, self.name, self.distribution, self.user = kind, name, distribution, user
        self.known, self.configured = sorted(known), sorted(configured)
        told = f"no {kind} named {name!r}; installed: {', '.join(self.known) or 'none'}"
        if self.configured:
            told += f"; configured: {', '.join(self.configured)}"
        if user:
            told += f"; {user} uses it"
        if distribution:
            told += f"; it comes with {distribution}"
        else:
            told += meant(name, [*self.known, *self.configured])
        super().__init__(told)


class DuplicateNameError(Dc43Error, ValueError):
    """Two plugins offer an extension of the same kind under one name."""

    def __init__(self, kind: str, name: str, owners: Iterable[str]) -> None:
        self.kind, self.name, self.owners = kind, name, list(owners)
        super().__init__(
            f"{kind} {name!r} is offered by {' and by '.join(self.owners)}; "
            "uninstall one, or block it with DC43_BLOCK_PLUGINS"
        )


class PluginLoadError(Dc43Error, ImportError):
    """An installed plugin cannot be used; nothing is enforced until that is settled."""

    def __init__(self, plugin: str, distribution: str, version: str, problem: str) -> None:
        self.plugin, self.distribution, self.version = plugin, distribution, version
        self.problem = problem
        super().__init__(
            f"plugin {plugin!r} of {distribution} {version} did not load: {problem}; "
            f"fix or uninstall {distribution}, or block it with DC43_BLOCK_PLUGINS={plugin}"
        )


class StrategyError(Dc43Error, TypeError):
    """What was given as an intervention strategy cannot decide.

    Attributes:
        strategy: What was given.
        owner: The module of its class, or the plugin that built it.
        problem: Why it cannot, as a clause.
    """

    def __init__(
        self,
        strategy: object,
        problem: str = "has no method decide(context)",
        owner: str | None = None,
    ) -> None:
        kind = strategy if isinstance(strategy, type) else type(strategy)
        self.strategy, self.problem = strategy, problem
        self.owner = owner or kind.__module__
        super().__init__(
            f"{strategy!r}, a {kind.__qualname__} of {self.owner}, is no intervention strategy: it "
            f"{problem}; give an object with a method decide(context), or name an installed "
            "strategy"
        )
