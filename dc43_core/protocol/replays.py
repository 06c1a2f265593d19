"""Which rows left a reject sink, and by which replay: one small file each, created once.

A number may also be taken by a fence: who has judged rows before it begins again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from dc43_core.errors import CorruptFileError
from dc43_core.protocol.file_store import FileStore, canonical, join
from dc43_core.protocol.journal import Manifest
from dc43_core.protocol.record import FORMAT_VERSION, decode, encode, require_known_format
from dc43_core.protocol.rejects import RowNumbers
from dc43_core.protocol.sink_log import OURS

FENCE_FORMAT_VERSION = 2
"""Fences came after replays."""


@frozen(kw_only=True)
class Replay:
    """A replay whose fate is decided.

    Attributes:
        number: The rejects' own sequence, from 1.
        write: Name of its folder below main.
        manifest: What is published, and the record as it will be.
        rows: Ids of the rows that leave the rejects.
    """

    number: int
    write: str
    manifest: Manifest
    rows: RowNumbers

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "format_version": FORMAT_VERSION,
            "number": self.number,
            "write": self.write,
            "manifest": self.manifest.payload(),
            "rows": {batch: sorted(numbers) for batch, numbers in self.rows.items()},
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> Replay:
        """Read a replay back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not a replay.
        """
        require_known_format(payload, source, unmarked=None)
        try:
            return cls(
                number=payload["number"],
                write=payload["write"],
                manifest=Manifest.from_payload(payload["manifest"], source),
                rows={batch: frozenset(found) for batch, found in payload["rows"].items()},
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise CorruptFileError(source, f"not a replay: {error!r}") from error


class Replays:
    """The replays of one reject sink: which rows left it, and by which replay."""

    def __init__(self, store: FileStore, rejects: str) -> None:
        self.store = store
        self.folder = join(rejects, OURS, "replayed")

    def newest(self) -> int:
        """Return the number of the newest; 0 if there is none."""
        names = (file.name for file in self.store.list(self.folder))
        return max((int(name) for name in names if name.isdigit()), default=0)

    def read(self, number: int) -> Replay | None:
        """Return one; None where its number was taken by a fence.

        Raises:
            CorruptFileError: if it is missing or not whole.
        """
        path = join(self.folder, str(number))
        try:
            payload = decode(self.store.read(path), path)
        except FileNotFoundError as error:
            raise CorruptFileError(path, "this replay is missing") from error
        if "fence" not in payload:
            return Replay.from_payload(payload, path)
        require_known_format(payload, path, FENCE_FORMAT_VERSION)
        return None

    def all(self) -> Iterator[Replay]:
        """Yield each, oldest first."""
        for number in range(1, self.newest() + 1):
            if (replay := self.read(number)) is not None:
                yield replay

    def take(self, replay: Replay) -> bool:
        """Decide a replay's fate; False if another has its number."""
        path = join(self.folder, str(replay.number))
        return self.store.create_if_absent(path, encode(replay.payload()))

    def settle(self, replay: Replay) -> bool:
        """Decide a replay's fate, unless somebody has; False if its number is another's."""
        if self.take(replay):
            return True
        found = self.read(replay.number)
        return found is not None and found.write == replay.write

    def fence(self, why: str) -> None:
        """Let whoever has read the rejects up to now and not taken a number yet begin again."""
        facts = {"format_version": FENCE_FORMAT_VERSION, "fence": why}
        number = self.newest() + 1
        path = join(self.folder, str(number))
        while not self.store.create_if_absent(path, encode({**facts, "number": number})):
            number += 1
            path = join(self.folder, str(number))

    def left(self) -> dict[str, frozenset[int]]:
        """Return the ids of all rows that left."""
        found: dict[str, frozenset[int]] = {}
        for replay in self.all():
            for batch, numbers in replay.rows.items():
                found[batch] = found.get(batch, frozenset()) | numbers
        return found


def settle_replay(store: FileStore, payload: Mapping[str, Any]) -> bool:
    """Say whether a replay counts; one that nobody has decided is taken now.

    Its files were safe before its keys were told, so whoever meets them may decide it.
    """
    replay = Replay.from_payload(payload, "a step of the keys")
    rejects = replay.manifest.record.rejects
    assert rejects is not None
    replays = Replays(store, rejects)
    return replays.settle(replay)


def replay_stream(rejects: str) -> str:
    """Return the stream id under which the replays of a reject sink are recorded."""
    return hashlib.sha256(canonical(rejects).encode()).hexdigest()[:32]
