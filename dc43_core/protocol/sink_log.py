"""The commit log of Spark's file sink: `_spark_metadata/N`.

Spark's readers (`spark.read`, `readStream`, catalog tables) honour it: a file that is in no
entry does not exist for them. Its numbers are the sink's own sequence, the last plus one and
created only if absent, never Spark's batch id: several streams may share a sink, and a batch id
starts over when a checkpoint is wiped. Every tenth entry is a compaction that holds all files.

The format is internal to Spark (SinkFileStatus, version line `v1`) and stands under a contract
test for each Spark version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any

from dc43_core.errors import CorruptFileError, StaleStagingError, UnsoundPlaceError
from dc43_core.protocol.accepted import accept
from dc43_core.protocol.defect import Defect
from dc43_core.protocol.file_store import FileStatus, FileStore, canonical, join
from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.partitions import inside
from dc43_core.protocol.sink_check import SinkCheck

LOG = "_spark_metadata"
OURS = "_dc43"
COMPACT_EVERY = 10
_VERSION = "v1"
_BLOCK_SIZE = 33_554_432


class SinkLog:
    """The log of one sink folder."""

    def __init__(self, store: FileStore, folder: str) -> None:
        self.store = store
        self.folder = join(folder, LOG)
        self._known: int | None = None

    def newest(self) -> int:
        """Return the newest entry's number; -1 for an empty log.

        The folder is listed once; later calls probe upwards, so that a batch costs the same
        however long the log is.
        """
        if self._known is None:
            self._known = max(self.entries(), default=-1)
        while self.store.status(self.path(self._known + 1)) is not None:
            self._known += 1
        return self._known

    def entries(self) -> dict[int, FileStatus]:
        """Return the entries by number, as one listing of the folder finds them."""
        files = self.store.list(self.folder)
        by_name = {file.name.removesuffix(".compact"): file for file in files}
        return {int(name): file for name, file in by_name.items() if name.isdigit()}

    def find(self, token: str, after: int) -> int | None:
        """Return the number of the entry that first lists a file whose name has this prefix.

        Args:
            token: A prefix of file names.
            after: Entries up to this one are known not to hold it.
        """
        for number in range(after + 1, self.newest() + 1):
            if any(_name(line["path"]).startswith(token) for line in self.read(number)):
                return number
        return None

    def files(self) -> list[str]:
        """Return every visible file's URI, in order of publication."""
        return [str(line["path"]) for line in self._all(self.newest())]

    def append(self, number: int, files: Sequence[FileStatus]) -> bool:
        """Publish files as entry `number`; False if another writer took the number."""
        lines = [_status(file) for file in files]
        if _is_compact(number):
            lines = self._all(number - 1) + lines
        return self.store.create_if_absent(self.path(number), _encode(lines))

    def replace(self, files: Mapping[str, FileStatus | None]) -> int | None:
        """Let files take the place of others, for readers all at once.

        Entries only add, so this is the next compaction, with empty entries up to it. Readers of
        a stream over this sink see the replacements as new files.

        Args:
            files: By the URI that the log lists, what takes its place; None for nothing. One
                that is not listed any more is left out.

        Returns:
            Number of the entry; None if there was nothing to replace.
        """
        new = {canonical(old): file for old, file in files.items()}
        while True:
            newest = self.newest()
            lines = self._all(newest)
            if not any(canonical(str(line["path"])) in new for line in lines):
                return None
            number = newest + 1
            if not _is_compact(number):
                self.append(number, [])
                continue
            kept: list[dict[str, Any]] = []
            for line in lines:
                path = canonical(str(line["path"]))
                if path not in new:
                    kept.append(line)
                elif (file := new[path]) is not None:
                    kept.append(_status(file))
            if self.store.create_if_absent(self.path(number), _encode(kept)):
                return number

    def overwrite(self, files: Sequence[FileStatus]) -> int:
        """Let files take the place of all that readers see, at once; return the entry's number.

        What others append in the meantime was there before, and is replaced as well.
        """
        while True:
            number = self.newest() + 1
            if not _is_compact(number):
                self.append(number, [])
            elif self.store.create_if_absent(self.path(number), _encode(map(_status, files))):
                return number

    def _all(self, newest: int) -> list[dict[str, Any]]:
        start = newest
        while start > 0 and not _is_compact(start):
            start -= 1
        return [line for number in range(max(start, 0), newest + 1) for line in self.read(number)]

    def read(self, number: int) -> list[dict[str, Any]]:
        """Return the lines of one entry.

        Raises:
            CorruptFileError: if it is missing or not whole.
        """
        path = self.path(number)
        try:
            version, *lines = self.store.read(path).decode().split("\n")
            files = [json.loads(line) for line in lines if line]
        except FileNotFoundError as error:
            raise CorruptFileError(path, "this entry of the sink's log is missing") from error
        except CorruptFileError:
            # The store itself knows it.
            raise
        except ValueError as error:
            raise CorruptFileError(path, f"not a sink log: {error}") from error
        if version != _VERSION:
            raise CorruptFileError(path, f"not a sink log of version {_VERSION}")
        if not all(isinstance(file, dict) and "path" in file for file in files):
            raise CorruptFileError(path, "not a sink log: a line names no file")
        return files

    def path(self, number: int) -> str:
        """Return where an entry lies."""
        return join(self.folder, f"{number}.compact" if _is_compact(number) else str(number))


class FileSink:
    """Files in a folder, visible through the commit log."""

    guarantee = "exactly once"

    def __init__(self, store: FileStore, folder: str, suffix: str) -> None:
        self.store = store
        self.uri = store.uri(folder)
        self.log = SinkLog(store, self.uri)
        self._suffix = suffix
        self._replaces = False

    def replacing(self) -> FileSink:
        """Return this sink as one whose publications take the place of all before them.

        The files that they replace are deleted; a reader that had planned to read them fails, as
        with Spark's own overwrite.
        """
        other = copy(self)
        other._replaces = True
        return other

    def newest(self) -> int:
        """Return the sequence number of its newest entry; -1 if there is none."""
        return self.log.newest()

    def files(self) -> Sequence[str]:
        """Return the URIs of the files that the log lists."""
        return self.log.files()

    def staging(self) -> str:
        """Return the folder for staged files."""
        return join(self.uri, OURS, "staging")

    def defects(
        self, published: Iterable[LaneManifest] = (), *, deep: bool = False
    ) -> Sequence[Defect]:
        """Return what is wrong with the log, the files it lists, and files of others.

        Args:
            published: What a stream knows that it published here, newest first.
            deep: Whether to read every entry and compare every size, not only what readers use.
        """
        ours = join(self.uri, OURS)
        check = SinkCheck(
            store=self.store,
            uri=self.uri,
            log=self.log,
            ours=ours,
            published=published,
            deep=deep,
        )
        return check.defects()

    def accept(self, defects: Iterable[Defect]) -> None:
        """Go on with files of others as they are, from now on without a word."""
        accept(self.store, join(self.uri, OURS), defects)

    def final_name(self, token: str, index: int, staged: str) -> str:
        """Return a name that is the same at every attempt to publish this batch."""
        return join(self.uri, f"{inside(staged)}{token}{index:05d}{self._suffix}")

    def publish(self, manifest: LaneManifest) -> int:
        """Move the files to their places, then list them in one log entry."""
        while True:
            newest = self.log.newest()
            if newest < manifest.after:
                raise UnsoundPlaceError(self.uri, [_cut_back(self.log, newest, manifest)])
            found = self.log.find(manifest.token, manifest.after)
            if found is not None:
                return found
            published = [self._moved(staged, final) for staged, final in manifest.moves]
            if self._replaces:
                return self._overwritten(published)
            if self.log.append(newest + 1, published):
                return newest + 1
            # Another writer took the number: another stream on this sink, or another driver
            # with this very batch. Look again.

    def _overwritten(self, published: Sequence[FileStatus]) -> int:
        replaced = self.log.files()
        number = self.log.overwrite(published)
        for path in replaced:
            self.store.delete(path)
        return number

    def _moved(self, staged: str, final: str) -> FileStatus:
        try:
            self.store.rename_no_replace(staged, final)
        except FileNotFoundError:
            # Moved by an attempt before this one, or lost; the target tells.
            pass
        status = self.store.status(final)
        if status is None:
            raise StaleStagingError(staged, final)
        return status


def _cut_back(log: SinkLog, newest: int, manifest: LaneManifest) -> Defect:
    # To publish would be to guess whether the entries that are gone held this batch.
    return Defect(
        kind="lost-entries",
        what=f"{manifest.token}* was prepared when the log had entry {manifest.after}, and its "
        f"newest is {newest} now: the folder was overwritten or its log deleted",
        where=log.folder,
        way_out="restore the folder from a copy, or say adopt='fork' at the next start",
        adopt="fork",
    )


def _encode(lines: Iterable[Mapping[str, Any]]) -> bytes:
    texts = (json.dumps(line, separators=(",", ":")) for line in lines)
    return "\n".join([_VERSION, *texts]).encode()


def _is_compact(number: int) -> bool:
    return (number + 1) % COMPACT_EVERY == 0


def _name(path: object) -> str:
    return str(path).rsplit("/", 1)[-1]


def _status(file: FileStatus) -> dict[str, Any]:
    return {
        "path": file.path,
        "size": file.size,
        "isDir": False,
        "modificationTime": file.modified,
        "blockReplication": 1,
        "blockSize": _BLOCK_SIZE,
        "action": "add",
    }
