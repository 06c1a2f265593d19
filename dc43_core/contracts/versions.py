"""Choosing among the versions of a contract."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from attrs import frozen

from dc43_core.errors import ConfigurationError

LATEST = "latest"

# `1.2.0`, `2024-01-15`, `1.2.0-rc1`, `1.2.0rc1`, `1.2.0+build`: numbers, then perhaps a word.
_VERSION = re.compile(r"[vV]?(?P<release>[0-9]+(?:[.-][0-9]+)*)(?:[-._]?(?P<pre>[a-zA-Z].*))?")
_CLAUSE = re.compile(r"(?P<operator>==|!=|>=|<=|>|<)?\s*(?P<version>[^\s<>=!,~^*]+)")
_WAY_OUT = "write a version (1.2.0), a range (>=1.0,<2) or latest"

_Compare = Callable[[Any, Any], bool]
_COMPARE: Mapping[str, _Compare] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}


@frozen(order=True)
class _Rank:
    """What versions are ordered by.

    Attributes:
        release: The numbers, without zeros at the end: 1.0 and 1.0.0 are the same release.
        is_final: A pre-release comes before its release.
        pre: The words and numbers of a pre-release: rc2 comes before rc10.
    """

    release: tuple[int, ...]
    is_final: bool = True
    pre: tuple[tuple[bool, int, str], ...] = ()


# What is no version at all, such as `draft`, comes before every version.
_NO_VERSION = _Rank((-1,), False)


def rank(version: str) -> _Rank:
    """Return what a version is ordered by; works for any text."""
    number, _, _ = version.partition("+")
    # int() refuses numbers of thousands of digits; nobody means them.
    found = _VERSION.fullmatch(number) if len(number) <= 200 else None
    if not found:
        return _NO_VERSION
    release = [int(part) for part in re.split(r"[.-]", found["release"])]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    if found["pre"] is None:
        return _Rank(tuple(release))
    parts = re.findall(r"[0-9]+|[^0-9.]+", found["pre"])
    pre = tuple(
        (False, int(part), "") if part.isdecimal() else (True, 0, part.lower()) for part in parts
    )
    return _Rank(tuple(release), False, pre)


@frozen
class VersionSelector:
    """Which versions of a contract will do: `1.2.0`, `==1.2.0`, `>=1.0,<2` or `latest`.

    A bare version, `==` and `!=` compare the text itself: `1.0` is not `1.0.0`. The others
    compare number by number, so that 1.10 is above 1.9. `<2` does not admit 2's pre-releases.
    """

    text: str
    clauses: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a selector.

        Raises:
            ConfigurationError: if it is none.
        """
        if not isinstance(text, str):
            # Read as a number, 1.10 would be 1.1.
            raise ConfigurationError(
                "version selector", [f"{text!r} is no text; {_WAY_OUT}, in quotes"]
            )
        text = text.strip()
        if text == LATEST:
            return cls(text, ())
        clauses = []
        for part in text.split(","):
            found = _CLAUSE.fullmatch(part.strip())
            if not found or found["version"] == LATEST:
                raise ConfigurationError(
                    "version selector", [f"{text!r} is no version selector; {_WAY_OUT}"]
                )
            compare = found["operator"] or "=="
            if compare in _COMPARE and rank(found["version"]) == _NO_VERSION:
                raise ConfigurationError(
                    "version selector",
                    [f"{found['version']!r} has no order; {_WAY_OUT}"],
                )
            clauses.append((compare, found["version"]))
        return cls(text, tuple(clauses))

    @property
    def exact(self) -> str | None:
        """The version's text, where the selector admits that one only."""
        (compare, version), *more = self.clauses or (("", ""),)
        return version if compare == "==" and not more else None

    def matches(self, version: str) -> bool:
        """Say whether a version will do."""
        return all(_holds(version, compare, wanted) for compare, wanted in self.clauses)

    def select(self, versions: Iterable[str]) -> str | None:
        """Return the highest version that will do; a pre-release if there is nothing else."""
        matching = [version for version in versions if self.matches(version)]
        finals = [version for version in matching if rank(version).is_final]
        # The text decides between 1.0 and 1.0.0, so that the order of files does not.
        return max(finals or matching, key=lambda version: (rank(version), version), default=None)


def _holds(version: str, compare: str, wanted: str) -> bool:
    if compare == "==":
        return version == wanted
    if compare == "!=":
        return version != wanted
    mine, theirs = rank(version), rank(wanted)
    if mine == _NO_VERSION:
        return False
    if compare == "<" and theirs.is_final and mine.release == theirs.release:
        return False
    return _COMPARE[compare](mine, theirs)
