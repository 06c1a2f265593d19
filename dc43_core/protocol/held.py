"""What is kept of a blocked batch so that it can be released without a second look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import asdict, evolve, frozen

from dc43_core.data_quality.model import ColumnDrift
from dc43_core.errors import CorruptFileError
from dc43_core.protocol.engine import BatchFacts, Staged
from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.record import GovernanceRecord

if TYPE_CHECKING:
    from dc43_core.protocol.journal import Journal


@frozen(kw_only=True)
class Held:
    """A blocked batch: its record, and its rows as they were staged.

    Attributes:
        record: The record of the block.
        staged: Files and counts; the files are kept until the batch has a way out.
        facts: What was known of the batch.
        schema: Column name to type of the staged files.
        kept: Whether the rows are kept; False where they were more than the limit allows.
        incident: Number of the block, from 1. A batch that is tried again and found the same
            makes no second one; another contract or other rows do.
        closed_by: 0, or the start that published the batch and wrote this incident once more
            under the next number, so that no earlier start can add one. To a reader who does not
            know of it, that is the same record again.
    """

    record: GovernanceRecord
    staged: Staged
    facts: BatchFacts
    schema: Mapping[str, str]
    kept: bool = True
    incident: int = 1
    closed_by: int = 0

    @property
    def files(self) -> list[str]:
        """URIs of every staged file."""
        return [path for files in self.staged.files.values() for path in files]

    def is_like(self, other: Held) -> bool:
        """Say whether another attempt at the batch found the same under the same contract."""
        return self._found() == other._found()

    def _found(self) -> tuple[object, ...]:
        staged, facts = self.staged, self.facts
        counts = (staged.row_count, staged.violating, staged.uncast, dict(staged.broken))
        return (facts.contract_digest, facts.drift, *counts)

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types: the record, and beside it what is held."""
        held = {
            # Keys are written anew where a batch is released; what follows from spans is recorded.
            "staged": asdict(self.staged, filter=lambda a, _: a.name not in ("keys", "spans")),
            # An older dc43 does not know of types, which the record's own drift has.
            "facts": asdict(self.facts, filter=lambda attribute, _: attribute.name != "found"),
            "schema": dict(self.schema),
            "kept": self.kept,
            "incident": self.incident,
            "closed_by": self.closed_by,
        }
        return {**self.record.payload(), "held": held}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> Held:
        """Read a blocked batch back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not a blocked batch.
        """
        record = GovernanceRecord.from_payload(payload, source)
        if "held" not in payload:
            return _record_alone(record)
        try:
            held = payload["held"]
            facts = {**held["facts"], "drift": _drift(held["facts"]["drift"])}
            return cls(
                record=record,
                staged=Staged(**held["staged"]),
                facts=BatchFacts(**facts),
                schema=held["schema"],
                kept=held.get("kept", True),
                incident=held.get("incident", 1),
                closed_by=held.get("closed_by", 0),
            )
        except (KeyError, TypeError) as error:
            raise CorruptFileError(source, f"not a blocked batch: {error!r}") from error


def _record_alone(record: GovernanceRecord) -> Held:
    """Return what is known of a block that was written before rows were held."""
    return Held(
        record=record,
        staged=Staged(row_count=record.row_count, folder=str(record.details.get("staging", ""))),
        facts=BatchFacts(
            stream_id=record.stream_id,
            batch_id=record.batch_id,
            started_at=record.started_at,
            contract_id=record.contract_id,
            contract_version=record.contract_version,
            contract_digest=record.contract_digest,
        ),
        schema={},
        kept=False,
    )


def _drift(found: list[dict[str, Any]]) -> tuple[ColumnDrift, ...]:
    return tuple(ColumnDrift(**one) for one in found)


def keep(held: Held, journal: Journal, store: FileStore, *, limit: int | None) -> Held:
    """Make a block durable with its rows, and return the incident that counts.

    A batch that comes back and is found the same makes no second incident, as long as the rows
    of the first are there. Another contract, other rows or lost ones do: what is released is
    what was last found. Where a later start has closed the batch, what it wrote is returned.

    Args:
        held: The block, its rows staged.
        journal: Of the stream.
        store: Where the rows are staged.
        limit: Bytes of staged rows that are kept of one batch, all incidents together; None where
            whoever writes has the rows, and none are kept.
    """
    if limit is None:
        return journal.block(_without_rows(held))
    while True:
        written = journal.blocks(held.record.batch_id)
        if written and written[-1].closed_by > held.record.epoch:
            return written[-1]
        earlier = [one for one in written if not one.closed_by]
        size = sum(_size(one, store) for one in (*earlier, held))
        fits = size <= limit
        # Where files of the source are gone, the first has rows that this attempt could not read.
        like = bool(earlier) and (earlier[-1].is_like(held) or bool(held.staged.gone))
        if like and (_is_whole(earlier[-1], store) or not fits):
            return earlier[-1]
        if fits:
            # They outlive this process, and perhaps their source.
            store.sync(held.files)
        kept = journal.block(_incident(held, len(written) + 1, None if fits else size))
        # A start may have closed the batch since it was looked at, and died over it.
        if not kept.closed_by:
            return kept


def _size(held: Held, store: FileStore) -> int:
    found = (store.status(path) for path in held.files)
    return sum(file.size for file in found if file is not None)


def _is_whole(held: Held, store: FileStore) -> bool:
    return held.kept and all(store.status(path) is not None for path in held.files)


def _without_rows(held: Held) -> Held:
    record = held.record
    return evolve(
        held,
        record=evolve(record, details={**record.details, "staging": None}),
        staged=evolve(held.staged, files={}),
        kept=False,
    )


def _incident(held: Held, number: int, too_large: int | None) -> Held:
    record, staged = held.record, held.staged
    details = {**record.details, "staging": staged.folder}
    warnings = tuple(record.warnings)
    if too_large is not None:
        details["staging"] = None
        staged = evolve(staged, files={})
        told = f"its rows ({too_large:,} bytes staged) are more than limits.held_bytes"
        warnings = (*warnings, f"{told}: they are not kept, and only the source has them")
    # As `RecordName` spells it.
    record_id = record.record_id if number == 1 else f"{record.record_id}-{number}"
    return evolve(
        held,
        record=evolve(record, record_id=record_id, details=details, warnings=warnings),
        staged=staged,
        kept=too_large is None,
        incident=number,
    )
