"""The place of a stream that is only observed: rows are counted, and land nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dc43_core.protocol.defect import Defect
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.sink_log import OURS


class NoSink:
    """A sink that publishes nothing; its folder holds who the stream is, and what is at hand."""

    guarantee = "none: rows are counted, and land nowhere"

    def __init__(self, store: FileStore, folder: str) -> None:
        self.uri = store.uri(folder)

    def newest(self) -> int:
        """Return that there is no entry."""
        return -1

    def files(self) -> Sequence[str]:
        """Return that readers see nothing."""
        return ()

    def defects(
        self, published: Iterable[LaneManifest] = (), *, deep: bool = False
    ) -> Sequence[Defect]:
        """Return that nothing is in the way of nothing."""
        return ()

    def accept(self, defects: Iterable[Defect]) -> None:
        """There are none."""

    def staging(self) -> str:
        """Return where rows lie while they are compared with each other."""
        return join(self.uri, OURS, "staging")

    def final_name(self, token: str, index: int, staged: str) -> str:
        """No file becomes visible here.

        Raises:
            AssertionError: always; a stager that observes hands over no files.
        """
        raise AssertionError(f"{staged} was to be published where nothing lands")

    def publish(self, manifest: LaneManifest) -> int:
        """As `final_name`."""
        raise AssertionError(f"{manifest.token}* was to be published where nothing lands")
