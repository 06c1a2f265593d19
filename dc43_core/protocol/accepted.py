"""Files of others in a sink that a start has said to go on with: `<sink>/_dc43/accepted/<n>`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dc43_core.errors import CorruptFileError
from dc43_core.protocol.defect import Defect
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.record import FORMAT_VERSION, decode, encode, require_known_format


def accepted_names(store: FileStore, ours: str) -> set[str]:
    """Return the files of others that a start has said to go on with."""
    return {name for _, names in _accepted(store, ours) for name in names}


def accept(store: FileStore, ours: str, defects: Iterable[Defect]) -> None:
    """Keep for good that a start went on with these files of others as they are."""
    names = sorted({name for defect in defects for name in defect.names})
    number = max((n for n, _ in _accepted(store, ours)), default=0) + 1
    data = encode({"format_version": FORMAT_VERSION, "names": names})
    while names and not store.create_if_absent(join(ours, "accepted", str(number)), data):
        number += 1


def _accepted(store: FileStore, ours: str) -> Iterator[tuple[int, list[str]]]:
    for file in store.list(join(ours, "accepted")):
        if file.name.isdigit():
            found = decode(store.read(file.path), file.path)
            require_known_format(found, file.path, unmarked=None)
            names = found.get("names")
            if not isinstance(names, list):
                raise CorruptFileError(file.path, "names no files")
            yield int(file.name), names
