"""What the commands of one call share."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from attrs import define, field

from dc43_core.errors import Dc43Error, DuplicateNameError

if TYPE_CHECKING:
    from dc43_core.cli.logs import LogLines
    from dc43_core.runtime import Runtime


OWNER = "dc43-gate"
"""Who owns the built-in commands."""


class StoppedError(Dc43Error, RuntimeError):
    """Someone pressed Ctrl-C, or sent SIGTERM."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("stopped; start again to go on")


def _configured() -> Runtime:
    from dc43_core.runtime import Runtime

    return Runtime()


@define(kw_only=True)
class State:
    """One call of `dc43`.

    Attributes:
        make_runtime: Makes the runtime.
        traceback: Whether faults are shown with their traceback.
        logs: The handler of log lines.
        built_in: Names that no plugin's command may have.
    """

    make_runtime: Callable[[], Runtime] = _configured
    traceback: bool = False
    logs: LogLines
    built_in: Collection[str] = ()
    _runtime: Runtime | None = field(default=None, init=False)

    @property
    def runtime(self) -> Runtime:
        """The runtime, made when first asked for.

        Raises:
            ConfigurationError: if the configuration cannot be used.
            PluginLoadError: if a plugin cannot be used.
            DuplicateNameError: if a plugin's command has the name of a built-in one.
        """
        if self._runtime is None:
            runtime = self.make_runtime()
            commands = runtime.plugins.registry("command")
            for name in self.built_in:
                if name in commands:
                    owners = [OWNER, commands.get(name).owner]
                    raise DuplicateNameError("command", name, owners)
            self._runtime = runtime
        return self._runtime

    @property
    def configured(self) -> bool:
        """Whether the runtime is all that the configuration makes it, and no one's own."""
        return self.make_runtime is _configured

    def close(self) -> None:
        """Close what the runtime opened."""
        if self._runtime is not None:
            self._runtime.close()


def state_of(context: Any) -> State:
    """Return the state that a command's context carries."""
    state = context.find_object(State)
    assert isinstance(state, State)
    return state
