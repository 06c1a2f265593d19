"""Which files a micro-batch reads, from the checkpoint; `inputFiles()` is empty in a batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from dc43_core.errors import CorruptFileError
from dc43_core.protocol.clock import written
from dc43_core.protocol.file_store import FileStore, join

SHOWN = 1_000
"""File names kept in a record; the count is always complete."""


@frozen(kw_only=True)
class BatchFiles:
    """The checkpoint of one query, as a source of facts about its batches.

    A batch's offsets say up to which entry of each file source's own log it reads; that log
    names the files. Every tenth entry is compact and holds earlier ones too.
    """

    store: FileStore
    checkpoint: str

    def files(self, batch_id: int) -> list[str]:
        """Return the URIs of the files that a batch reads, all file sources together."""
        now, before = self._offsets(batch_id), self._offsets(batch_id - 1)
        found: list[str] = []
        for source, offset in enumerate(now):
            if not isinstance(offset, dict) or "logOffset" not in offset:
                continue
            earlier = before[source] if source < len(before) else None
            start = int(earlier["logOffset"]) if isinstance(earlier, dict) else -1
            for number in range(start + 1, int(offset["logOffset"]) + 1):
                found += self._entry(source, number)
        return found

    def gone(self, batch_id: int, store_of: Callable[[str], FileStore]) -> list[str]:
        """Return the files of a batch that are not there; Spark reads them as no rows, silently.

        Args:
            batch_id: The batch.
            store_of: Where a file lies, by its URI; a source may lie elsewhere than the checkpoint.
        """
        return [file for file in self.files(batch_id) if store_of(file).status(file) is None]

    def describe(self, batch_id: int) -> dict[str, Any]:
        """Return what a record says of its input: files and offsets."""
        files = self.files(batch_id)
        return {
            "planned_at": self.planned_at(batch_id),
            "files": files[:SHOWN],
            "file_count": len(files),
            "offsets_before": [o if o is not None else "-" for o in self._offsets(batch_id - 1)],
            "offsets": [o if o is not None else "-" for o in self._offsets(batch_id)],
        }

    def planned_at(self, batch_id: int) -> str | None:
        """Return when Spark planned a batch: the same at each attempt; None if it does not say."""
        path, lines = self._plan(batch_id)
        planned = _parsed(lines[1], path).get("batchTimestampMs") if len(lines) > 1 else None
        return None if planned is None else written(datetime.fromtimestamp(planned / 1_000, UTC))

    def time(self, batch_id: int) -> int:
        """Return a batch's own time in milliseconds since 1970: its watermark, if there is one.

        Raises:
            CorruptFileError: if Spark has not written it.
        """
        path, lines = self._plan(batch_id)
        try:
            facts = _parsed(lines[1], path)
            return int(facts["batchWatermarkMs"] or facts["batchTimestampMs"])
        except (IndexError, KeyError, TypeError) as error:
            raise CorruptFileError(path, f"does not say when its batch is: {error!r}") from error

    def _offsets(self, batch_id: int) -> list[Any]:
        path, lines = self._plan(batch_id)
        return [None if line == "-" else _parsed(line, path) for line in lines[2:] if line]

    def _plan(self, batch_id: int) -> tuple[str, list[str]]:
        """Return a file and its lines: format version, the batch's metadata, an offset a source."""
        path = join(self.checkpoint, "offsets", str(batch_id))
        try:
            return path, self.store.read(path).decode().split("\n")
        except FileNotFoundError:
            return path, []

    def _entry(self, source: int, number: int) -> Iterator[str]:
        folder = join(self.checkpoint, "sources", str(source))
        for name in (str(number), f"{number}.compact"):
            path = join(folder, name)
            try:
                lines = self.store.read(path).decode().split("\n")
            except FileNotFoundError:
                continue
            for line in lines[1:]:
                entry: Mapping[str, Any] = _parsed(line, path) if line else {}
                if entry.get("batchId") == number:
                    yield str(entry["path"])
            return


def _parsed(line: str, path: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise CorruptFileError(path, f"not a file of Spark's checkpoint: {error}") from error
