"""Looking at a checkpoint before a query starts on it: Spark's files and ours.

Spark tells of a file that it cannot read in the middle of a stack trace, and by then the query
has begun. Here each is named with its way out. Looked at is what a start will read: the newest of
each kind, and what is in flight; never all of it. Nothing is ever deleted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from dc43_core.errors import CorruptFileError
from dc43_core.protocol.defect import Defect
from dc43_core.protocol.file_store import FileStatus, FileStore, join
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import Journal

_VERSION = re.compile(r"v\d+")
_SPARKS = (
    "restore it from a copy of the checkpoint; without one, start on a new checkpoint with "
    "adopt='fork', which reads the source again, and rows may land twice"
)
_OURS = "restore it from a copy of the checkpoint; do not delete it, its batch could land twice"
_RECORD = (
    "restore it from a copy of the checkpoint; its record may also stand in the ledger "
    "(`dc43 history --json`)"
)


def checkpoint_defects(store: FileStore, checkpoint: str) -> Sequence[Defect]:
    """Return the files of a checkpoint that the next start needs and cannot read.

    Raises:
        FormatVersionError: if a newer dc43 wrote one of them.
    """
    return [*spark_defects(store, checkpoint), *_of_ours(store, checkpoint)]


def spark_defects(store: FileStore, checkpoint: str) -> Iterator[Defect]:
    """Yield what is wrong with Spark's own files; nothing where another engine keeps its own."""
    metadata = join(checkpoint, "metadata")
    if store.status(metadata) is not None:
        try:
            if not isinstance(json.loads(store.read(metadata)).get("id"), str):
                raise ValueError("it names no query id")
        except CorruptFileError as error:
            yield _corrupt(error.path, error.problem, _SPARKS)
        except (ValueError, AttributeError) as error:
            yield _corrupt(metadata, f"not the metadata of a query: {error}", _SPARKS)
    # Of offsets the newest two: what a batch reads lies between them.
    for kind, newest in (("offsets", 2), ("commits", 1)):
        for file in _numbered(store, join(checkpoint, kind))[-newest:]:
            yield from _log_file(store, file)
    for source in store.list(join(checkpoint, "sources")):
        entries = _numbered(store, source.path)
        compacted = [i for i, file in enumerate(entries) if file.name.endswith(".compact")]
        for file in entries[max(compacted, default=0) :]:
            yield from _log_file(store, file)


def _numbered(store: FileStore, folder: str) -> list[FileStatus]:
    found = {}
    for file in store.list(folder):
        number = file.name.removesuffix(".compact")
        if number.isdigit() and not file.is_folder:
            found[int(number)] = file
    return [found[number] for number in sorted(found)]


def _log_file(store: FileStore, file: FileStatus) -> Iterator[Defect]:
    try:
        # Kafka's first offsets begin with a zero byte.
        data = store.read(file.path).removeprefix(b"\0")
        version, *lines = data.decode().split("\n")
        if not _VERSION.fullmatch(version):
            raise ValueError("it does not begin with a version" if data else "it is empty")
        for line in lines:
            # What a source writes is its own affair, unless it is JSON.
            if line.startswith("{"):
                json.loads(line)
    except CorruptFileError as error:
        yield _corrupt(error.path, error.problem, _SPARKS)
    except ValueError as error:
        yield _corrupt(file.path, f"not a whole file of Spark's checkpoint: {error}", _SPARKS)


def _of_ours(store: FileStore, checkpoint: str) -> Iterator[Defect]:
    try:
        known = stream_of(store, checkpoint)
    except CorruptFileError as error:
        way_out = "restore it; the sink holds a copy, in _dc43/streams/"
        yield _corrupt(error.path, error.problem, way_out)
        return
    if known is None:
        return
    journal = Journal(store, checkpoint, str(known["stream_id"]))
    committed, prepared = journal.numbers("committed"), journal.numbers("prepared")
    newest = max(committed, default=-1)
    in_flight = sorted(n for n in prepared if n > newest)
    for number in in_flight:
        yield from _read(partial(journal.prepared, number), _OURS)
    if newest in prepared:
        yield from _read(partial(journal.prepared, newest), _OURS)
    if committed:
        yield from _read(partial(journal.committed, newest), _RECORD)
    for number in journal.waiting():
        yield from _read(partial(journal.held, number), _OURS)
        yield from _read(partial(journal.resolution, number), _OURS)


def _read(read: Callable[[], object], way_out: str) -> Iterator[Defect]:
    try:
        read()
    except CorruptFileError as error:
        yield _corrupt(error.path, error.problem, way_out)


def _corrupt(where: str, what: str, way_out: str) -> Defect:
    return Defect(kind="corrupt-file", what=what, where=where, way_out=way_out)
