"""What a stream keeps beside its checkpoint: prepared, committed, blocked, released batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen

from dc43_core.errors import CorruptFileError
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.held import Held
from dc43_core.protocol.naming import published
from dc43_core.protocol.record import (
    FORMAT_VERSION,
    GovernanceRecord,
    decode,
    encode,
    require_known_format,
)
from dc43_core.protocol.release import Resolution
from dc43_core.vocabulary import Lane, Outcome


@frozen(kw_only=True)
class LaneManifest:
    """What one lane of a prepared batch will publish.

    Attributes:
        token: Prefix of the final file names, unique to stream and batch: how a published
            entry is recognised.
        after: Newest sequence number of the sink when the batch was prepared; its own is later.
        moves: Staged file and final file, URIs.
    """

    token: str
    after: int
    moves: tuple[tuple[str, str], ...]


@frozen(kw_only=True)
class Manifest:
    """A batch whose fate is decided: it will be published, whoever comes to do it.

    Attributes:
        record: The record as it will be, but for `dataset_version` and `ended_at`.
        lanes: What is to be made visible.
        staging: The folder to delete afterwards.
        version: What the caller calls the version, `{sequence}` open; None for that number.
        keys: The step of the keys that counts by this; None where no keys are kept.
    """

    record: GovernanceRecord
    lanes: Mapping[Lane, LaneManifest]
    staging: str
    version: str | None = None
    keys: int | None = None

    def landed(self, sequence: int | None, rejects: int | None = None) -> GovernanceRecord:
        """Return the record with the version that was published under this number of the sink.

        Args:
            sequence: Number of main's entry; None where there is none.
            rejects: Number of the reject sink's entry, likewise.

        A version with a name of its own leaves the number in `details["sequence"]`.
        """
        number = None if sequence is None else str(sequence)
        details = dict(self.record.details)
        if self.version is not None and number is not None:
            details["sequence"] = number
        version = published(self.version, number)
        return evolve(
            self.record,
            dataset_version=version,
            rejects_version=None if rejects is None else str(rejects),
            details=details,
        )

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "format_version": FORMAT_VERSION,
            "record": self.record.payload(),
            "staging": self.staging,
            "version": self.version,
            **({} if self.keys is None else {"keys": self.keys}),
            "lanes": {
                lane.value: {
                    "token": m.token,
                    "after": m.after,
                    "moves": [list(x) for x in m.moves],
                }
                for lane, m in self.lanes.items()
            },
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> Manifest:
        """Read a manifest back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not a manifest.
        """
        require_known_format(payload, source, unmarked=None)
        try:
            return cls(
                record=GovernanceRecord.from_payload(payload["record"], source),
                staging=payload["staging"],
                version=payload.get("version"),
                keys=payload.get("keys"),
                lanes={
                    Lane(name): LaneManifest(
                        token=m["token"],
                        after=m["after"],
                        moves=tuple((staged, final) for staged, final in m["moves"]),
                    )
                    for name, m in payload["lanes"].items()
                },
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise CorruptFileError(source, f"not a manifest: {error!r}") from error


@frozen(order=True)
class RecordName:
    """Where the record of a batch lies, in the order in which records came about.

    Attributes:
        batch_id: The batch.
        published: Whether it is the record of its commit, which comes after that of its block.
        incident: Number of the block, from 1.
    """

    batch_id: int
    published: bool
    incident: int = 1

    @property
    def kind(self) -> str:
        """The folder of the journal."""
        return "committed" if self.published else "blocked"

    @classmethod
    def of(cls, record: GovernanceRecord) -> RecordName:
        """Return the name of a record."""
        if record.outcome is not Outcome.BLOCKED:
            return cls(record.batch_id, published=True)
        number = record.record_id.rpartition("-blocked-")[2]
        incident = int(number) if number.isdigit() else 1
        return cls(record.batch_id, published=False, incident=incident)

    @property
    def suffix(self) -> str:
        """What stands behind the batch in the record's id."""
        if self.published:
            return ""
        return "-blocked" if self.incident == 1 else f"-blocked-{self.incident}"


class Journal:
    """The durable facts of one stream, one small file a fact, created once and never changed."""

    def __init__(self, store: FileStore, checkpoint: str, stream_id: str) -> None:
        self.store = store
        self.stream_id = stream_id
        self.folder = join(checkpoint, "dc43", stream_id)

    def prepared(self, batch_id: int) -> Manifest | None:
        """Return the manifest of a batch, if one was written."""
        path = self.path("prepared", batch_id)
        payload = self._read(path)
        return None if payload is None else Manifest.from_payload(payload, path)

    def prepare(self, manifest: Manifest) -> bool:
        """Decide a batch's fate; False if another driver has decided it already."""
        path = self.path("prepared", manifest.record.batch_id)
        return self.store.create_if_absent(path, encode(manifest.payload()))

    def committed(self, batch_id: int) -> GovernanceRecord | None:
        """Return the record of a committed batch."""
        return self._record("committed", batch_id)

    def blocked(self, batch_id: int) -> GovernanceRecord | None:
        """Return the newest record of a blocked batch."""
        held = self.held(batch_id)
        return None if held is None else held.record

    def keep(self, kind: str, record: GovernanceRecord) -> GovernanceRecord:
        """Keep a record for good; if one is there already, that one counts and is returned."""
        path = self.path(kind, record.batch_id)
        return GovernanceRecord.from_payload(self._keep(path, record.payload()), path)

    def block(self, held: Held) -> Held:
        """Keep a blocked batch for good; if its incident is there already, that one counts."""
        path = self._incident(held.record.batch_id, held.incident)
        return Held.from_payload(self._keep(path, held.payload()), path)

    def held(self, batch_id: int) -> Held | None:
        """Return the newest incident of a blocked batch, with what is kept of it."""
        found = self.incidents(batch_id)
        return found[-1] if found else None

    def incidents(self, batch_id: int) -> list[Held]:
        """Return every incident of a blocked batch, oldest first."""
        return [held for held in self.blocks(batch_id) if not held.closed_by]

    def close(self, batch_id: int, epoch: int) -> None:
        """Let no start before this one add an incident to a batch that is blocked."""
        while (found := self.blocks(batch_id)) and found[-1].closed_by < epoch:
            path = self._incident(batch_id, len(found) + 1)
            # Who comes first has the number: an incident that is there by then came before.
            self.store.create_if_absent(path, encode(evolve(found[-1], closed_by=epoch).payload()))

    def blocks(self, batch_id: int) -> list[Held]:
        """Return what was written of a blocked batch, oldest first: incidents, and who closed it.

        The number of the next incident is one more than these are.
        """
        found: list[Held] = []
        while True:
            path = self._incident(batch_id, len(found) + 1)
            payload = self._read(path)
            if payload is None:
                return found
            found.append(Held.from_payload(payload, path))

    def _incident(self, batch_id: int, number: int) -> str:
        path = self.path("blocked", batch_id)
        return path if number == 1 else f"{path}.{number}"

    def resolve(self, resolution: Resolution) -> Resolution:
        """Keep what was decided of a blocked batch; an earlier decision counts."""
        path = self.path("resolutions", resolution.batch_id)
        return Resolution.from_payload(self._keep(path, resolution.payload()), path)

    def resolution(self, batch_id: int) -> Resolution | None:
        """Return what was decided of a blocked batch."""
        path = self.path("resolutions", batch_id)
        payload = self._read(path)
        return None if payload is None else Resolution.from_payload(payload, path)

    def waiting(self) -> list[int]:
        """Return the ids of blocked batches that have not been published since."""
        return sorted(self._numbers("blocked") - self._numbers("prepared"))

    def records(self, newest: int | None = None) -> Iterator[GovernanceRecord]:
        """Yield the record of each batch, oldest first.

        A batch that was blocked and then published yields both, the blocked one first; one that
        was blocked twice, for different things, yields both of these.

        Args:
            newest: Only the last so many batches.
        """
        found = self.names()
        for name in found if newest is None else found[-newest:]:
            record = self.named(name)
            if record is not None:
                yield record

    def names(self) -> list[RecordName]:
        """Return the name of each record, oldest first, without reading it."""
        found = [RecordName(number, published=True) for number in self._numbers("committed")]
        for file in self.store.list(join(self.folder, "blocked")):
            number, _, incident = file.name.partition(".")
            if number.isdigit() and (incident.isdigit() or not incident):
                name = RecordName(int(number), published=False, incident=int(incident or 1))
                found.append(name)
        return sorted(found)

    def named(self, name: RecordName) -> GovernanceRecord | None:
        """Return the record of this name, if it is there."""
        if name.published:
            return self._record(name.kind, name.batch_id)
        path = self._incident(name.batch_id, name.incident)
        payload = self._read(path)
        held = None if payload is None else Held.from_payload(payload, path)
        return None if held is None or held.closed_by else held.record

    def record_id(self, name: RecordName) -> str:
        """Return the id of the record of this name."""
        return f"{self.stream_id}-{name.batch_id}{name.suffix}"

    def published(self, lane: Lane, sink: str, *, newest: int = 100) -> Iterator[LaneManifest]:
        """Yield what committed batches published to a sink, newest first.

        Args:
            lane: Of the batch.
            sink: Its URI; batches that went elsewhere are left out.
            newest: Only among the last so many batches.
        """
        for batch_id in sorted(self._numbers("committed"), reverse=True)[:newest]:
            manifest = self.prepared(batch_id)
            if manifest is None or lane not in manifest.lanes:
                continue
            record = manifest.record
            if sink == (record.sink if lane is Lane.MAIN else record.rejects):
                yield manifest.lanes[lane]

    def open_epoch(self) -> int:
        """Count this start of the stream, and return its number (from 1).

        Raises:
            FormatVersionError: if the newest start was one of a newer dc43.
        """
        number = max(self._numbers("epochs"), default=0) + 1
        newest = self.path("epochs", number - 1)
        require_known_format(self._read(newest) or {}, newest)
        mark = encode({"format_version": FORMAT_VERSION})
        while not self.store.create_if_absent(self.path("epochs", number), mark):
            number += 1
        return number

    def newest_epoch(self, mine: int) -> int:
        """Return the newest start; costs one look-up while there is none after `mine`."""
        newest = mine
        while self.store.status(self.path("epochs", newest + 1)) is not None:
            newest += 1
        return newest

    def _keep(self, path: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Create a file, and return what it holds now."""
        if self.store.create_if_absent(path, encode(payload)):
            return payload
        return decode(self.store.read(path), path)

    def _numbers(self, kind: str) -> set[int]:
        files = self.store.list(join(self.folder, kind))
        return {int(file.name) for file in files if file.name.isdigit()}

    def _record(self, kind: str, batch_id: int) -> GovernanceRecord | None:
        path = self.path(kind, batch_id)
        payload = self._read(path)
        return None if payload is None else GovernanceRecord.from_payload(payload, path)

    def numbers(self, kind: str) -> set[int]:
        """Return which facts of a kind there are: batch ids, or starts for `epochs`."""
        return self._numbers(kind)

    def _read(self, path: str) -> dict[str, Any] | None:
        try:
            return decode(self.store.read(path), path)
        except FileNotFoundError:
            return None

    def path(self, kind: str, number: int) -> str:
        """Return where a fact lies."""
        return join(self.folder, kind, str(number))


def journals(store: FileStore, checkpoint: str) -> Sequence[Journal]:
    """Return the journals found beside a checkpoint, for readers without a stream."""
    return [
        Journal(store, checkpoint, folder.name)
        for folder in store.list(join(checkpoint, "dc43"))
        if folder.is_folder
    ]
