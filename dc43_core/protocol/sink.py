"""What makes staged files visible, all at once and once only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from dc43_core.protocol.defect import Defect
from dc43_core.protocol.journal import LaneManifest


class Sink(Protocol):
    """One lane's destination; its publication is idempotent.

    It may also have `replacing()`, which returns it as a sink whose publications take the place
    of all before them: what a batch write with `mode="overwrite"` publishes to.
    """

    uri: str
    guarantee: str
    """What it promises of rows that land, as records and pages show it."""

    def newest(self) -> int:
        """Return the sequence number of its newest entry; -1 if there is none."""
        ...

    def files(self) -> Sequence[str]:
        """Return the URIs of the files that a reader sees now, oldest entry first."""
        ...

    def defects(
        self, published: Iterable[LaneManifest] = (), *, deep: bool = False
    ) -> Sequence[Defect]:
        """Return why the destination cannot be published to; changes nothing.

        Called at each start, so its cost must not grow with the number of entries. A start
        goes on if there is none, or its `adopt=` is the one that each of them names.

        Args:
            published: What this stream knows that it published here, newest first; read no
                further than needed.
            deep: Whether to look at everything, as `dc43 doctor` does, whatever it costs.
        """
        ...

    def accept(self, defects: Iterable[Defect]) -> None:
        """Go on with these, which named `adopt="continue"`, from now on without a word."""
        ...

    def staging(self) -> str:
        """Return the folder for staged files, invisible to readers, on the same file system."""
        ...

    def final_name(self, token: str, index: int, staged: str) -> str:
        """Return the URI under which a staged file will be visible."""
        ...

    def publish(self, manifest: LaneManifest) -> int:
        """Make a lane's files visible, unless they are; return the entry's sequence number.

        Safe to call again after a crash at any point, and by two drivers at once.
        """
        ...
