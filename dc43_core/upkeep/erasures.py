"""The durable facts of an erasure, beside the sink: what is replaced by what, and that it is done.

They hold a column's name and counts, never the value that was looked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import asdict, frozen

from dc43_core.errors import CorruptFileError
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.record import FORMAT_VERSION, decode, encode, require_known_format
from dc43_core.protocol.sink_log import OURS


@frozen(kw_only=True)
class Replacement:
    """One file that makes room for another.

    Attributes:
        where: `main`, `rejects`, `held` or `uncast`.
        old: URI of the file with the rows.
        staged: URI of the file without them, as it was written.
        new: URI under which it is published; None where it stays where it is.
        rows: How many rows it has less.
        batch_id: Of a blocked batch, which.
        group: Of a blocked batch, the engine's group of the file.
        incident: Of a blocked batch, the incident whose file it is.
    """

    where: str
    old: str
    staged: str
    new: str | None = None
    rows: int
    batch_id: int | None = None
    group: str | None = None
    incident: int | None = None


@frozen(kw_only=True)
class Erasure:
    """One erasure: once its file is there, whoever comes along completes it.

    Attributes:
        number: From 1, in the order of the sink.
        column: The key's column.
        by: Who.
        at: When; UTC, RFC 3339.
        replaced: Which files.
    """

    number: int
    column: str
    by: str
    at: str
    replaced: Sequence[Replacement]

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "format_version": FORMAT_VERSION}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> Erasure:
        """Read an erasure back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not an erasure.
        """
        require_known_format(payload, source, unmarked=None)
        try:
            return cls(
                number=payload["number"],
                column=payload["column"],
                by=payload["by"],
                at=payload["at"],
                replaced=[Replacement(**one) for one in payload["replaced"]],
            )
        except (KeyError, TypeError) as error:
            raise CorruptFileError(source, f"not an erasure: {error!r}") from error


def folder_of(sink: str) -> str:
    """Return where the erasures of a sink are kept."""
    return join(sink, OURS, "erasures")


def begin(store: FileStore, sink: str, erasure: Erasure) -> bool:
    """Make an erasure durable; False if its number is taken."""
    place = join(folder_of(sink), str(erasure.number))
    return store.create_if_absent(place, encode(erasure.payload()))


def finish(store: FileStore, sink: str, number: int, facts: Mapping[str, Any]) -> None:
    """Keep that an erasure is at its end."""
    place = join(folder_of(sink), f"{number}.done")
    store.create_if_absent(place, encode({**facts, "format_version": FORMAT_VERSION}))


def read(store: FileStore, sink: str, number: int) -> Erasure:
    """Return an erasure.

    Raises:
        FormatVersionError: if a newer dc43 wrote it.
        CorruptFileError: if it is not whole.
    """
    place = join(folder_of(sink), str(number))
    return Erasure.from_payload(decode(store.read(place), place), place)


def next_number(store: FileStore, sink: str) -> int:
    """Return the number of the next erasure."""
    return max(_numbers(store, sink), default=0) + 1


def unfinished(store: FileStore, sink: str) -> list[int]:
    """Return the numbers of erasures that were begun and are not at their end."""
    names = {file.name for file in store.list(folder_of(sink))}
    return sorted(int(n) for n in names if n.isdigit() and f"{n}.done" not in names)


def _numbers(store: FileStore, sink: str) -> list[int]:
    return [int(file.name) for file in store.list(folder_of(sink)) if file.name.isdigit()]
