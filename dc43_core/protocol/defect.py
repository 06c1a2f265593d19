"""What is wrong with a place, before anything is written to it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

NAMED = 5
"""How many files a message names; it counts the others."""


@frozen(kw_only=True)
class Defect:
    """One thing that is wrong, found by looking; nothing was changed.

    Attributes:
        kind: A word for programs, such as `missing-file`.
        what: What is wrong, in words.
        where: URI of the file or folder.
        way_out: What to do about it.
        adopt: The `adopt=` that lets a start go on all the same; None where none does.
        names: Files it is about: the first ones, or all that `adopt="continue"` would accept.
    """

    kind: str
    what: str
    where: str
    way_out: str
    adopt: str | None = None
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.way_out}"


def listed(names: Sequence[str]) -> str:
    """Return names for a message: the first ones, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
