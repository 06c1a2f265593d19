"""The few file operations that publishing exactly once rests on."""

from __future__ import annotations

import errno
import os
import re
import shutil
import uuid
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Protocol
from urllib.parse import quote_from_bytes, unquote, urlsplit

from attrs import frozen

from dc43_core.errors import FileAccessError, UnsupportedStoreError

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]+://")


@frozen(kw_only=True)
class FileStatus:
    """One file or folder.

    Attributes:
        path: Its absolute URI.
        name: The last segment.
        size: Bytes.
        modified: Milliseconds since 1970, UTC.
        is_folder: Whether it is a folder.
    """

    path: str
    name: str
    size: int
    modified: int
    is_folder: bool = False


class FileStore(Protocol):
    """Files of one file system; an entry is whole or absent, also after a crash.

    What a file system refuses for a reason of its own (it is full, read-only, away) is raised as
    FileAccessError by every method.
    """

    def uri(self, path: str) -> str:
        """Return the absolute URI of a path."""
        ...

    def list(self, folder: str) -> Sequence[FileStatus]:
        """Return what lies directly in a folder, sorted by name; nothing if it is absent."""
        ...

    def status(self, path: str) -> FileStatus | None:
        """Return one file's status, or None if there is none."""
        ...

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Return a file's bytes, or its first `limit` ones.

        Raises:
            FileNotFoundError: if there is none.
            CorruptFileError: if the store knows that they are not what was written.
        """
        ...

    def read_end(self, path: str, length: int) -> bytes:
        """Return a file's last `length` bytes; all of them if it has fewer.

        Raises:
            FileNotFoundError: if there is none.
        """
        ...

    def create_if_absent(self, path: str, data: bytes) -> bool:
        """Create a file whole and durable; False if there is one already, left untouched."""
        ...

    def rename_no_replace(self, source: str, target: str) -> bool:
        """Move a file; False if the target exists.

        Raises:
            FileNotFoundError: if the source does not exist.
        """
        ...

    def sync(self, paths: Iterable[str]) -> None:
        """Make the content of these files survive a crash."""
        ...

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it; nothing if it is absent."""
        ...


def join(folder: str, *parts: str) -> str:
    """Append path segments to a path or URI."""
    return "/".join([folder.rstrip("/"), *parts])


def canonical(uri: str) -> str:
    """Return one spelling for a file.

    Java writes `file:/x`, Python `file:///x`, and they encode different characters.
    """
    scheme, colon, rest = uri.partition(":")
    return f"{scheme}:/{unquote(rest).lstrip('/')}" if colon else uri


class LocalFileStore:
    """Files on this machine, by path or `file:` URI.

    Publication is by hard link: it is atomic, refuses an existing target, and the content was
    synced before the name appears. A rename would replace the target without a word.
    """

    @cached_property
    def _durable(self) -> deque[tuple[Path, int]]:
        """Folders whose names were synced, with their inodes; a stream makes some each batch."""
        return deque(maxlen=100)

    def uri(self, path: str) -> str:
        """Return the absolute `file:` URI."""
        return local_path(path).absolute().as_uri()

    def list(self, folder: str) -> Sequence[FileStatus]:
        """Return what lies directly in a folder, sorted by name."""
        with _named("list", folder):
            return self._list(folder)

    def _list(self, folder: str) -> Sequence[FileStatus]:
        try:
            entries = sorted(os.scandir(local_path(folder)), key=lambda entry: entry.name)
        except FileNotFoundError:
            return []
        found = []
        # Spelt once a folder: a sink may hold a hundred thousand files.
        base = self.uri(folder).rstrip("/")
        for entry in entries:
            uri = f"{base}/{quote_from_bytes(os.fsencode(entry.name))}"
            # Another driver's temporary may be gone by now.
            with suppress(FileNotFoundError):
                found.append(_file_status(uri, entry.name, entry.stat()))
        return found

    def status(self, path: str) -> FileStatus | None:
        """Return one file's status, or None if there is none."""
        where = local_path(path)
        with _named("look at", path):
            try:
                return _file_status(self.uri(path), where.name, where.stat())
            except (FileNotFoundError, NotADirectoryError):
                return None

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Return a file's bytes, or its first `limit` ones."""
        with _named("read", path), local_path(path).open("rb") as file:
            return file.read(-1 if limit is None else limit)

    def read_end(self, path: str, length: int) -> bytes:
        """Return a file's last `length` bytes; all of them if it has fewer."""
        with _named("read", path), local_path(path).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - length))
            return file.read(length)

    def create_if_absent(self, path: str, data: bytes) -> bool:
        """Create a file whole and durable; False if there is one already."""
        with _named("create", path):
            return self._create_if_absent(local_path(path), data)

    def _create_if_absent(self, target: Path, data: bytes) -> bool:
        if target.exists():
            return False
        _make_folder(target.parent)
        # Hidden from Spark's listings, and unique: two drivers may be here at once.
        temporary = target.parent / f".{target.name}.{uuid.uuid4().hex}.tmp"
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, target)
            except FileExistsError:
                return False
            _sync_folder(target.parent)
            return True
        finally:
            temporary.unlink(missing_ok=True)

    def rename_no_replace(self, source: str, target: str) -> bool:
        """Move a file; False if the target exists."""
        with _named(f"move {source} to", target):
            return self._rename_no_replace(local_path(source), local_path(target))

    def _rename_no_replace(self, old: Path, new: Path) -> bool:
        _make_folder(new.parent)
        try:
            os.link(old, new)
        except FileExistsError:
            return False
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # Main and rejects may be mounts of their own; staging lies with main.
            if not _copied(old, new):
                return False
        old.unlink()
        # Hadoop keeps a checksum beside each file; a stale one makes a later reader fail.
        (old.parent / f".{old.name}.crc").unlink(missing_ok=True)
        _sync_folder(new.parent)
        return True

    def sync(self, paths: Iterable[str]) -> None:
        """Make the content of these files survive a crash."""
        folders = set()
        for path in paths:
            where = local_path(path)
            with _named("sync", path), where.open("rb") as file:
                os.fsync(file.fileno())
            folders.add(where.parent)
        # An engine may have made the folders above them as well.
        for folder in folders | {above for below in folders for above in self._new_above(below)}:
            with _named("sync", folder.as_uri()):
                _sync_folder(folder)

    def _new_above(self, folder: Path) -> Iterator[Path]:
        """Yield the folders whose entry of the one below may not survive a crash yet."""
        for above in folder.parents:
            known = (folder, folder.stat().st_ino)
            # Where this account may not write, nothing is new.
            if known in self._durable or not os.access(above, os.R_OK | os.W_OK):
                return
            yield above
            self._durable.append(known)
            folder = above

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it."""
        with _named("delete", path):
            self._delete(local_path(path))

    def _delete(self, where: Path) -> None:
        if where.is_dir() and not where.is_symlink():
            # Two drivers may sweep one folder at once.
            with suppress(FileNotFoundError):
                for child in list(where.iterdir()):
                    self._delete(child)
                where.rmdir()
        else:
            where.unlink(missing_ok=True)


def local_path(path: str) -> Path:
    """Return the local path behind a path or `file:` URI.

    Raises:
        UnsupportedStoreError: for a URI of another file system.
    """
    if path.startswith("file:"):
        return Path(unquote(urlsplit(path).path))
    if _SCHEME.match(path):
        raise UnsupportedStoreError(path)
    return Path(path)


def _copied(old: Path, new: Path) -> bool:
    """Copy to another file system, whole and durable; False if the target exists."""
    temporary = new.parent / f".{new.name}.{uuid.uuid4().hex}.tmp"
    try:
        shutil.copyfile(old, temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.link(temporary, new)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _file_status(uri: str, name: str, stat: os.stat_result) -> FileStatus:
    return FileStatus(
        path=uri,
        name=name,
        size=stat.st_size,
        modified=stat.st_mtime_ns // 1_000_000,
        is_folder=(stat.st_mode & 0o170000) == 0o040000,
    )


@contextmanager
def _named(operation: str, path: str) -> Iterator[None]:
    """Say what was tried where; absent and existing files are answers, and stay what they are."""
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError as error:
        problem = error.strerror or str(error)
        raise FileAccessError(operation, path, problem, error.errno) from error


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each with a name that survives a crash."""
    made: list[Path] = []
    above = folder
    while not above.exists():
        made.append(above)
        above = above.parent
    folder.mkdir(parents=True, exist_ok=True)
    for one in reversed(made):
        _sync_folder(one.parent)


def _sync_folder(folder: Path) -> None:
    # A new name survives a crash only once its folder is synced.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
