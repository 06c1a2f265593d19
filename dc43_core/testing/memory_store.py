"""A file store in memory that forgets, at a crash, what was never synced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import define, field

from dc43_core.protocol.file_store import FileStatus


@define
class _File:
    data: bytes
    durable: bool


@define(eq=False)
class MemoryStore:
    """Files by URI; `crash()` drops what would not survive one.

    `before` is called ahead of every operation that changes something, with the operation's
    name and path: raise there to crash at that very point.
    """

    before: Callable[[str, str], None] = lambda operation, path: None
    _files: dict[str, _File] = field(factory=dict, repr=False)

    def crash(self) -> None:
        """Lose every file whose content was not synced."""
        self._files = {path: file for path, file in self._files.items() if file.durable}

    def write(self, path: str, data: bytes) -> None:
        """Write a file as an engine does: without a sync."""
        self.before("write", path)
        self._files[self.uri(path)] = _File(data, durable=False)

    def uri(self, path: str) -> str:
        """Return the absolute URI."""
        return path if path.startswith("memory:") else "memory:/" + path.lstrip("/")

    def list(self, folder: str) -> Sequence[FileStatus]:
        """Return what lies directly in a folder, sorted by name."""
        prefix = self.uri(folder).rstrip("/") + "/"
        found: dict[str, FileStatus] = {}
        for path, file in self._files.items():
            if path.startswith(prefix):
                name, _, deeper = path[len(prefix) :].partition("/")
                found[name] = FileStatus(
                    path=prefix + name,
                    name=name,
                    size=0 if deeper else len(file.data),
                    modified=0,
                    is_folder=bool(deeper),
                )
        return [found[name] for name in sorted(found)]

    def status(self, path: str) -> FileStatus | None:
        """Return one file's status, or None if there is none."""
        where = self.uri(path)
        if where not in self._files:
            return None
        size = len(self._files[where].data)
        return FileStatus(path=where, name=where.rsplit("/", 1)[-1], size=size, modified=0)

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Return a file's bytes, or its first `limit` ones."""
        try:
            return self._files[self.uri(path)].data[:limit]
        except KeyError:
            raise FileNotFoundError(path) from None

    def read_end(self, path: str, length: int) -> bytes:
        """Return a file's last `length` bytes; all of them if it has fewer."""
        return self.read(path)[-length:]

    def create_if_absent(self, path: str, data: bytes) -> bool:
        """Create a file whole and durable; False if there is one already."""
        self.before("create", path)
        if self.uri(path) in self._files:
            return False
        self._files[self.uri(path)] = _File(data, durable=True)
        return True

    def rename_no_replace(self, source: str, target: str) -> bool:
        """Move a file; False if the target exists."""
        self.before("rename", target)
        old, new = self.uri(source), self.uri(target)
        if old not in self._files:
            raise FileNotFoundError(source)
        if new in self._files:
            return False
        self._files[new] = self._files.pop(old)
        return True

    def sync(self, paths: Iterable[str]) -> None:
        """Make the content of these files survive a crash."""
        for path in paths:
            self.before("sync", path)
            self._files[self.uri(path)].durable = True

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it."""
        self.before("delete", path)
        where = self.uri(path)
        for known in [p for p in self._files if p == where or p.startswith(where + "/")]:
            del self._files[known]
