"""A file store in memory that forgets, at a crash, what was never synced.

It keeps apart what a file system keeps apart: a file's content, which a sync makes durable, and
its name, which only a sync of its folder does. A name that was removed is back after a power cut
unless its folder was synced since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from attrs import define, field

from dc43_core.protocol.file_store import FileStatus

CRASHES = ("killed", "power-cut", "torn")
"""How a crash leaves the files: as they were, as they were synced, or names without content."""


@define(eq=False)
class _File:
    data: bytes
    synced: bool


@define(eq=False)
class MemoryStore:
    """Files by URI; `crash()` drops what would not survive one.

    `before` is called ahead of every step that changes something, with the operation's name and
    path: raise there to crash at that very point. `after` is called when an operation is done:
    raise there to lose its reply.
    """

    before: Callable[[str, str], None] = lambda operation, path: None
    after: Callable[[str, str], None] = lambda operation, path: None
    changes: int = 0
    _files: dict[str, _File] = field(factory=dict, repr=False)
    _unsynced: set[str] = field(factory=set, repr=False)
    _removed: dict[str, _File] = field(factory=dict, repr=False)

    @classmethod
    def holding(cls, files: Mapping[str, bytes]) -> MemoryStore:
        """Return a store with these files, all of them durable."""
        return cls(files={path: _File(data, True) for path, data in files.items()})

    def silent(self) -> MemoryStore:
        """Return the same files, now and later, without anyone who hears of operations."""
        return MemoryStore(files=self._files)

    def survivors(self, crash: str = "power-cut") -> dict[str, bytes]:
        """Return the files that a crash of this kind would leave.

        Args:
            crash: One of `CRASHES`. `killed`: the process dies, the machine goes on. `power-cut`:
                names and content that were not synced are gone, removed names are back. `torn`:
                names survive, and content that was not synced is cut in half.
        """
        if crash == "killed":
            return {path: file.data for path, file in self._files.items()}
        if crash == "torn":
            return {
                path: file.data if file.synced else file.data[: len(file.data) // 2]
                for path, file in self._files.items()
            }
        left = {**self._removed, **self._files}
        return {
            path: file.data if file.synced else b""
            for path, file in left.items()
            if path not in self._unsynced
        }

    def crash(self, how: str = "power-cut") -> None:
        """Keep what survives."""
        self._files = {path: _File(data, True) for path, data in self.survivors(how).items()}
        self._unsynced, self._removed = set(), {}
        self.changes += 1

    def write(self, path: str, data: bytes) -> None:
        """Write a file as an engine does: without a sync."""
        self.before("write", path)
        where = self.uri(path)
        if where not in self._files:
            self._unsynced.add(where)
        self._files[where] = _File(data, False)
        self.changes += 1
        self.after("write", path)

    def uri(self, path: str) -> str:
        """Return the absolute URI."""
        return path if path.startswith("memory:") else "memory:/" + path.lstrip("/")

    def list(self, folder: str) -> Sequence[FileStatus]:
        """Return what lies directly in a folder, sorted by name."""
        prefix = self.uri(folder).rstrip("/") + "/"
        start = len(prefix)
        found: dict[str, FileStatus] = {}
        for path in list(self._files):
            if path.startswith(prefix):
                name, _, deeper = path[start:].partition("/")
                file = self._files.get(path)
                if file is None or (deeper and name in found):
                    continue
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
        file = self._files.get(where)
        if file is None:
            return None
        name = where.rsplit("/", 1)[-1]
        return FileStatus(path=where, name=name, size=len(file.data), modified=0)

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Return a file's bytes, or its first `limit` ones."""
        return self._found(path).data[:limit]

    def read_end(self, path: str, length: int) -> bytes:
        """Return a file's last `length` bytes; all of them if it has fewer."""
        return self.read(path)[-length:]

    def create_if_absent(self, path: str, data: bytes) -> bool:
        """Create a file whole and durable; False if there is one already.

        As on a real file system the content goes to a hidden file first, which gets its name
        by a link: a crash in between leaves that file.
        """
        self.before("create", path)
        where = self.uri(path)
        if where in self._files:
            return False
        folder, _, name = where.rpartition("/")
        hidden = f"{folder}/.{name}.{self.changes}.tmp"
        new = _File(data, True)
        self._files[hidden] = new
        self._unsynced.add(hidden)
        self.changes += 1
        try:
            self.before("link", path)
            created = self._files.setdefault(where, new) is new
            if created:
                self._sync_folder(folder)
                self.changes += 1
                self.before("unlink", hidden)
        finally:
            self._remove(hidden)
        if created:
            self.after("create", path)
        return created

    def rename_no_replace(self, source: str, target: str) -> bool:
        """Move a file; False if the target exists."""
        self.before("rename", target)
        old, new = self.uri(source), self.uri(target)
        file = self._found(source)
        if self._files.setdefault(new, file) is not file:
            return False
        self._unsynced.add(new)
        self.changes += 1
        self.before("unlink", source)
        self._remove(old)
        self._sync_folder(new.rpartition("/")[0])
        self.after("rename", target)
        return True

    def sync(self, paths: Iterable[str]) -> None:
        """Make the content of these files survive a crash."""
        for path in paths:
            self.before("sync", path)
            self._found(path).synced = True
            self._sync_folder(self.uri(path).rpartition("/")[0])
            self.changes += 1
            self.after("sync", path)

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it, one file after the other."""
        where = self.uri(path)
        inside = [p for p in list(self._files) if p == where or p.startswith(where + "/")]
        for known in inside or [where]:
            self.before("delete", known)
            self._remove(known)
            self.after("delete", known)

    def _found(self, path: str) -> _File:
        try:
            return self._files[self.uri(path)]
        except KeyError:
            raise FileNotFoundError(path) from None

    def _remove(self, where: str) -> None:
        file = self._files.pop(where, None)
        if file is None:
            return
        self.changes += 1
        if where in self._unsynced:
            self._unsynced.discard(where)
        else:
            self._removed[where] = file

    def _sync_folder(self, folder: str) -> None:
        prefix = folder + "/"
        self._unsynced = {p for p in self._unsynced if not _lies_in(p, prefix)}
        self._removed = {p: f for p, f in self._removed.items() if not _lies_in(p, prefix)}


def _lies_in(path: str, prefix: str) -> bool:
    return path.startswith(prefix) and "/" not in path[len(prefix) :]
