"""A bug, and how it is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from attrs import frozen

from dc43_core.testing.simulator.crashes import FoundError, Tally
from dc43_core.testing.simulator.scenarios import SCENARIOS, Effort


@frozen(kw_only=True)
class Bug:
    """One bug.

    Attributes:
        wrong: What replaces a function of the product.
        owner: Where that function is.
        name: What it is called there.
        scenario: Where it must be found.
        breaks: First words of what it may be found by.
    """

    wrong: Callable[..., Any]
    owner: Any
    name: str
    scenario: str
    breaks: tuple[str, ...]

    @classmethod
    def of(
        cls, wrong: Callable[..., Any], owner: Any, name: str, scenario: str, *breaks: str
    ) -> Bug:
        """Return a bug; see the attributes."""
        return cls(wrong=wrong, owner=owner, name=name, scenario=scenario, breaks=breaks)

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Run with the bug."""
        with mock.patch.object(self.owner, self.name, self.wrong):
            yield

    def found(self) -> str | None:
        """Return what the bug was found by; None if by nothing.

        Raises:
            Exception: if the bug broke the simulation instead.
        """
        [scenario] = [each for each in SCENARIOS if each.name == self.scenario]
        with self.planted():
            for effort in (Effort.QUICK, Effort.SHORT):
                try:
                    scenario.run(Tally(stop=True), effort)
                except FoundError as found:
                    return str(found)
        return None

    def is_caught_by(self, found: str | None) -> bool:
        """Whether it was found by what it breaks."""
        return found is not None and found.partition(":")[0] in self.breaks
