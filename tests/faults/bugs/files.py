"""Bugs of the file system, and of the sink on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import mock

from attrs import evolve

from dc43_core.protocol import steps
from dc43_core.protocol.file_store import FileStatus
from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.sink_log import FileSink, SinkLog
from dc43_core.testing.memory_store import MemoryStore
from tests.faults.bugs.bug import Bug

SINK_PUBLISH = FileSink.publish
APPEND = SinkLog.append


def overwrite(self: MemoryStore, path: str, data: bytes) -> bool:
    """Creation replaces what is there, as Hadoop's local file system does."""
    self.before("create", path)
    self.delete(path)
    self.write(path, data)
    self.sync([path])
    return True


def create_without_sync(self: MemoryStore, path: str, data: bytes) -> bool:
    """A created file is there at once, and not yet safe."""
    self.before("create", path)
    if self.status(path) is not None:
        return False
    self.write(path, data)
    return True


def sync_nothing(self: MemoryStore, paths: Sequence[str]) -> None:
    """Staged files are prepared before their content is safe."""


def rename_over(self: MemoryStore, source: str, target: str) -> bool:
    """Rename replaces what is there, and takes any file that is left for the one it was."""
    self.before("rename", target)
    data = self.read(source)
    self.delete(target)
    self.write(target, data)
    self.delete(source)
    return True


def publish_without_looking(self: FileSink, manifest: LaneManifest) -> int:
    """Publication does not ask whether it was done before."""
    while True:
        number = self.log.newest() + 1
        if self.log.append(number, [self._moved(old, new) for old, new in manifest.moves]):
            return number


def publish_by_batch_id(self: FileSink, manifest: LaneManifest) -> int:
    """Spark's own way: the batch id is the entry's number, one that is there is done."""
    number = int(manifest.token.split("-")[2])
    self.log.append(number, [self._moved(old, new) for old, new in manifest.moves])
    return number


def list_before_moving(self: FileSink, manifest: LaneManifest) -> int:
    """The entry is written before its files are in their places."""
    while True:
        newest = self.log.newest()
        found = self.log.find(manifest.token, manifest.after)
        if found is None:
            files = [self.store.status(o) or self.store.status(n) for o, n in manifest.moves]
            listed = [
                evolve(f, path=n) for f, (_, n) in zip(files, manifest.moves, strict=True) if f
            ]
            if not self.log.append(newest + 1, listed):
                continue
            found = newest + 1
        for old, new in manifest.moves:
            self._moved(old, new)
        return found


def publish_what_is_there(self: FileSink, manifest: LaneManifest) -> int:
    """A file that is gone is left out, and the batch is taken for whole."""
    there = [m for m in manifest.moves if any(self.store.status(path) for path in m)]
    return SINK_PUBLISH(self, evolve(manifest, moves=tuple(there[:1])))


def forget_older_entries(self: SinkLog, number: int, files: Sequence[FileStatus]) -> bool:
    """The tenth entry holds its own files, and no others."""
    with mock.patch.object(SinkLog, "_all", return_value=[]):
        return APPEND(self, number, files)


def look_at_the_newest_only(self: SinkLog, token: str, after: int) -> int | None:
    """A batch that was published is looked for in the newest entry alone."""
    newest = self.newest()
    return newest if newest >= 0 and token in self.store.read(self.path(newest)).decode() else None


def token_of_nobody(token: str, **rest: Any) -> LaneManifest:
    """Files are recognised by a name that every stream uses."""
    return LaneManifest(token="batch-", **rest)


BUGS = (
    Bug.of(overwrite, MemoryStore, "create_if_absent", "two streams", "rows", "partial", "stuck"),
    Bug.of(create_without_sync, MemoryStore, "create_if_absent", "crashes", "rows", "stuck"),
    Bug.of(sync_nothing, MemoryStore, "sync", "crashes", "unreadable", "stuck", "partial", "rows"),
    Bug.of(rename_over, MemoryStore, "rename_no_replace", "crashes", "rows", "partial"),
    Bug.of(publish_without_looking, FileSink, "publish", "crashes", "rows", "partial"),
    Bug.of(publish_by_batch_id, FileSink, "publish", "two streams", "rows", "stuck"),
    Bug.of(list_before_moving, FileSink, "publish", "crashes", "unreadable"),
    Bug.of(publish_what_is_there, FileSink, "publish", "crashes", "partial"),
    Bug.of(forget_older_entries, SinkLog, "append", "compaction", "rows", "partial"),
    Bug.of(look_at_the_newest_only, SinkLog, "find", "two streams", "rows", "partial"),
    Bug.of(token_of_nobody, steps, "LaneManifest", "two streams", "rows", "stuck", "record"),
)
