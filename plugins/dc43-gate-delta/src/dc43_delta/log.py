"""The table's log as files: which commit brought a batch, and when its bytes are safe."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from dc43_core.errors import UnsoundPlaceError
from dc43_core.protocol.defect import Defect
from dc43_core.protocol.file_store import FileStore, join

LOG = "_delta_log"
_ENTRY = re.compile(r"(?P<number>\d{20})\.(?:json|checkpoint\..*parquet)")


@frozen(kw_only=True)
class Search:
    """Where a transaction was found, and how well was looked.

    Attributes:
        version: The commit that holds it; None if none was found.
        oldest: The oldest commit that could be read; None if there was none to read.
        complete: Whether no commit in between has been cleaned up.
    """

    version: int | None
    oldest: int | None
    complete: bool


class DeltaLog:
    """Entries `<version>.json` of one table, through the file store."""

    def __init__(self, store: FileStore, table: str) -> None:
        self.store, self.table = store, table
        self.folder = join(table, LOG)
        self._known: int | None = None

    def newest(self) -> int:
        """Return the newest version; -1 where there is no table.

        The folder is listed once; later calls probe upwards.
        """
        if self._known is None or self._known < 0:
            names = (_ENTRY.fullmatch(file.name) for file in self.store.list(self.folder))
            self._known = max((int(name["number"]) for name in names if name), default=-1)
        while self.store.status(self.path(self._known + 1)) is not None:
            self._known += 1
        return self._known

    def find(self, application: str, batch: int, after: int) -> Search:
        """Look for an application transaction in the commits after a version."""
        oldest, complete = None, True
        for version in range(after + 1, self.newest() + 1):
            try:
                actions = list(self.actions(version))
            except FileNotFoundError:
                complete = False
                continue
            oldest = version if oldest is None else oldest
            wanted = {"appId": application, "version": batch}
            for action in actions:
                if wanted.items() <= action.get("txn", {}).items():
                    return Search(version=version, oldest=oldest, complete=complete)
        return Search(version=None, oldest=oldest, complete=complete)

    def actions(self, version: int) -> Iterator[dict[str, Any]]:
        """Yield what a commit says.

        Raises:
            FileNotFoundError: if the entry is not there (any more).
            UnsoundPlaceError: if it is not whole.
        """
        path = self.path(version)
        lines = self.store.read(path).decode(errors="replace").splitlines()
        try:
            found = [json.loads(line) for line in lines if line.strip()]
        except ValueError:
            found = []
        if not found:
            torn = Defect(
                kind="corrupt-entry",
                what="this commit of the table's log is not whole",
                where=path,
                way_out="if it is the newest, delete it and start again: the batch behind it is "
                "prepared and will be published; else restore it from a copy",
            )
            raise UnsoundPlaceError(self.table, [torn])
        yield from found

    def settle(self, version: int) -> None:
        """Make a commit survive a crash of the machine: delta-rs leaves that to chance."""
        self.store.sync([self.path(version)])

    def path(self, version: int) -> str:
        """Return where a commit lies."""
        return join(self.folder, f"{version:020d}.json")
