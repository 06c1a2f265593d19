"""The protocol's file store over Hadoop's file systems, through the JVM."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, unquote

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from dc43_core.errors import CorruptFileError, FileAccessError, UnsupportedStoreError
from dc43_core.protocol.file_store import FileStatus, FileStore, LocalFileStore

_REFUSING_RENAME = ("hdfs",)
_KNOWN = (*_REFUSING_RENAME, "viewfs")


def store_for(spark: SparkSession, uri: str) -> FileStore:
    """Return the store for a path or URI: local files directly, others through Hadoop.

    Raises:
        UnsupportedStoreError: if the file system cannot publish exactly once.
    """
    scheme = _default_scheme(spark) if ":" not in uri.split("/", 1)[0] else uri.split(":", 1)[0]
    if scheme == "file":
        return LocalFileStore()
    # Asked before Hadoop is: it would look for classes, and for hosts.
    if scheme not in _KNOWN:
        raise UnsupportedStoreError(uri)
    store = HadoopFileStore(spark)
    store.require_publishing(uri)
    return store


def store_to_read(spark: SparkSession, uri: str) -> FileStore:
    """Return the store of a file that is only read: any file system of Hadoop's will do."""
    return LocalFileStore() if uri.startswith("file:") else HadoopFileStore(spark)


def spark_path(uri: str) -> str:
    """Return a URI as Spark's readers and writers take it: they do not decode `%20`."""
    scheme, colon, rest = uri.partition(":")
    return f"{scheme}:{unquote(rest)}" if colon else uri


def _default_scheme(spark: SparkSession) -> str:
    configuration = spark._jsc.hadoopConfiguration()
    jvm: Any = spark._jvm
    return str(jvm.org.apache.hadoop.fs.FileSystem.getDefaultUri(configuration).getScheme())


class HadoopFileStore:
    """Files of any Hadoop file system that can create a file only if it is absent.

    Where a path resolves to a local file (as behind viewfs), publication is by hard link, since
    Hadoop's local file system has neither primitive; on HDFS by its rename, which refuses an
    existing target.
    """

    def __init__(self, spark: SparkSession) -> None:
        self._jvm: Any = spark._jvm
        self._configuration: Any = spark._jsc.hadoopConfiguration()
        self._local = LocalFileStore()

    def require_publishing(self, uri: str) -> None:
        """Refuse a file system without a primitive to publish by."""
        resolved = self._resolved(uri)
        if not resolved.startswith("file:") and resolved.split(":")[0] not in _REFUSING_RENAME:
            raise UnsupportedStoreError(uri)

    def _path(self, path: str) -> Any:
        # Hadoop takes text as it is and does not decode `%20`; only a URI object is decoded.
        return self._jvm.org.apache.hadoop.fs.Path(spark_path(path))

    def _system(self, path: str) -> Any:
        return self._path(path).getFileSystem(self._configuration)

    def _resolved(self, path: str) -> str:
        """Return where a path really is; its parent's place if it does not exist yet."""
        where = self._path(path)
        system = self._system(path)
        missing: list[str] = []
        while True:
            try:
                found = str(system.resolvePath(where).toUri().toString()).rstrip("/")
                return "/".join([found, *reversed(missing)])
            except Py4JJavaError as error:
                if not _is(error, "java.io.FileNotFoundException") or where.getParent() is None:
                    raise
                missing.append(quote(str(where.getName())))
                where = where.getParent()

    def uri(self, path: str) -> str:
        """Return the absolute URI."""
        return str(self._system(path).makeQualified(self._path(path)).toUri().toString())

    def list(self, folder: str) -> Sequence[FileStatus]:
        """Return what lies directly in a folder, sorted by name."""
        with _named("list", folder):
            try:
                found = self._system(folder).listStatus(self._path(folder))
            except Py4JJavaError as error:
                if _is(error, "java.io.FileNotFoundException"):
                    return []
                raise
        return sorted((self._status(item) for item in found), key=lambda item: item.name)

    def status(self, path: str) -> FileStatus | None:
        """Return one file's status, or None if there is none."""
        with _named("look at", path):
            try:
                return self._status(self._system(path).getFileStatus(self._path(path)))
            except Py4JJavaError as error:
                if _is(error, "java.io.FileNotFoundException"):
                    return None
                raise

    def _status(self, item: Any) -> FileStatus:
        return FileStatus(
            path=str(item.getPath().toUri().toString()),
            name=str(item.getPath().getName()),
            size=int(item.getLen()),
            modified=int(item.getModificationTime()),
            is_folder=bool(item.isDirectory()),
        )

    def read(self, path: str, limit: int | None = None) -> bytes:
        """Return a file's bytes, or its first ones."""
        with _named("read", path):
            stream = self._opened(path)
            try:
                return bytes(stream.readNBytes(2**31 - 1 if limit is None else limit))
            finally:
                stream.close()

    def read_end(self, path: str, length: int) -> bytes:
        """Return a file's last `length` bytes; all of them if it has fewer."""
        with _named("read", path):
            stream = self._opened(path)
            try:
                size = int(self._system(path).getFileStatus(self._path(path)).getLen())
                stream.seek(max(0, size - length))
                return bytes(stream.readNBytes(length))
            finally:
                stream.close()

    def _opened(self, path: str) -> Any:
        try:
            return self._system(path).open(self._path(path))
        except Py4JJavaError as error:
            if _is(error, "java.io.FileNotFoundException"):
                raise FileNotFoundError(path) from None
            raise

    def create_if_absent(self, path: str, data: bytes) -> bool:
        """Create a file whole and durable; False if there is one already."""
        resolved = self._resolved(path)
        if resolved.startswith("file:"):
            return self._local.create_if_absent(resolved, data)
        if self.status(path) is not None:
            return False
        with _named("create", path):
            return self._create_by_rename(path, data)

    def _create_by_rename(self, path: str, data: bytes) -> bool:
        system, target = self._system(path), self._path(path)
        temporary = self._path(f"{target.getParent()}/.{target.getName()}.{uuid.uuid4().hex}.tmp")
        stream = system.create(temporary, False)
        try:
            stream.write(data)
            stream.hsync()
        finally:
            stream.close()
        if system.rename(temporary, target):
            return True
        system.delete(temporary, False)
        if self.status(path) is None:
            # Refused, and not because somebody was here first.
            raise FileAccessError("create", path, "the rename to it was refused")
        return False

    def rename_no_replace(self, source: str, target: str) -> bool:
        """Move a file; False if the target exists."""
        old, new = self._resolved(source), self._resolved(target)
        if old.startswith("file:") and new.startswith("file:"):
            return self._local.rename_no_replace(old, new)
        if self.status(source) is None:
            raise FileNotFoundError(source)
        with _named(f"move {source} to", target):
            system = self._system(target)
            system.mkdirs(self._path(target).getParent())
            return bool(system.rename(self._path(source), self._path(target)))

    def sync(self, paths: Iterable[str]) -> None:
        """Make local content survive a crash; HDFS keeps what a writer has closed."""
        resolved = [self._resolved(path) for path in paths]
        self._local.sync(path for path in resolved if path.startswith("file:"))

    def delete(self, path: str) -> None:
        """Delete a file, or a folder with all that is in it."""
        with _named("delete", path):
            self._system(path).delete(self._path(path), True)


@contextmanager
def _named(operation: str, path: str) -> Iterator[None]:
    """Say what was tried where, and what Java said, without its stack."""
    try:
        yield
    except Py4JJavaError as error:
        if _is(error, "org.apache.hadoop.fs.ChecksumException"):
            raise CorruptFileError(path, "its content does not fit its checksum") from error
        raise FileAccessError(operation, path, root_cause(error)) from error


_REFUSALS = ("No space left on device", "Read-only file system", "Permission denied")


def refusal(error: Exception) -> str | None:
    """Return what a file system refused with, if that is what an error began with."""
    cause = root_cause(error)
    return cause if any(words in cause for words in _REFUSALS) else None


def root_cause(error: Exception) -> str:
    """Return in one line what an error that came through the JVM began with."""
    lines = str(error).splitlines()
    causes = [line.partition(": ")[2] for line in lines if line.startswith("Caused by: ")]
    # Py4J's first line says only which call failed; Java's message follows a colon.
    messages = [line[2:] for line in lines if line.startswith(": ")]
    return (causes or messages or lines or [type(error).__name__])[-1].strip()


def _is(error: Py4JJavaError, name: str) -> bool:
    return str(error.java_exception.getClass().getName()) == name
