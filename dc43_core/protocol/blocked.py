"""The blocked batches of a stream: what waits, why, and how it gets out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from dc43_core.errors import NotBlockedError, ReleaseRefusedError
from dc43_core.protocol.file_store import FileStore, LocalFileStore
from dc43_core.protocol.held import Held
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.release import Resolution, refuse, release
from dc43_core.vocabulary import Release

_RISK = ("offsets_before", "offsets", "files", "file_count")


@frozen(kw_only=True)
class BlockedBatch:
    """One batch that has not been published since it was blocked.

    Attributes:
        held: Its newest incident, with what is kept.
        resolution: What was decided of it; None as long as nobody did.
    """

    held: Held
    resolution: Resolution | None

    @property
    def batch_id(self) -> int:
        """The micro-batch."""
        return self.held.record.batch_id

    @property
    def at_risk(self) -> Mapping[str, Any]:
        """What the source has to keep as long as the batch waits: files, or from where to where.

        The batch's own rows are kept; judged anew, they are read from there again. Whatever
        came after them is in the source alone.
        """
        found = self.held.record.input
        return {name: found[name] for name in _RISK if name in found}

    @property
    def ways_out(self) -> Mapping[Release, str | None]:
        """Each release, and why it would be refused; None where it would not be."""
        return {one: _refusal(self.held, one) for one in Release}

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        record = self.held.record
        return {
            "batch_id": self.batch_id,
            "stream_id": record.stream_id,
            "dataset_id": record.dataset_id,
            "record_id": record.record_id,
            "incident": self.held.incident,
            "blocked_at": record.ended_at,
            "reason": record.intervention,
            "errors": list(record.errors),
            "warnings": list(record.warnings),
            "row_count": record.row_count,
            "violating": self.held.staged.violating,
            "violations_by_check": dict(record.violations_by_check),
            "contract_id": record.contract_id,
            "contract_version": record.contract_version,
            "kept": self.held.kept,
            "staging": record.details.get("staging"),
            "at_risk": dict(self.at_risk),
            "ways_out": {one.value: why for one, why in self.ways_out.items()},
            "resolution": self.resolution.payload() if self.resolution else None,
        }


def blocked_batches(checkpoint: str, *, store: FileStore | None = None) -> list[BlockedBatch]:
    """Return the batches of a checkpoint's stream that wait, oldest first.

    Args:
        checkpoint: Folder or URI.
        store: Where it lies; None for this machine.

    Raises:
        CorruptFileError: if a file beside the checkpoint is not whole.
    """
    journal = _journal(checkpoint, store)
    if journal is None:
        return []
    found = []
    for batch_id in journal.waiting():
        held = journal.held(batch_id)
        if held is not None:
            found.append(BlockedBatch(held=held, resolution=journal.resolution(batch_id)))
    return found


def release_batch(
    checkpoint: str,
    batch_id: int,
    *,
    as_: Release | str,
    reason: str,
    by: str,
    store: FileStore | None = None,
) -> Resolution:
    """Decide where a blocked batch goes; the next start of its stream carries it out.

    Said twice in the same way, it is said once.

    Args:
        checkpoint: Folder or URI of the stream's checkpoint.
        batch_id: The batch.
        as_: `main`: every row, the broken ones too; `rejects`: rows that break a rule go to the
            rejects and the others to main, and if drift blocked the batch all go to the
            rejects; `skip`: no row lands anywhere.
        reason: Why; it stands in the record for good.
        by: Who.
        store: Where the checkpoint lies; None for this machine.

    Raises:
        NotBlockedError: if the batch is not blocked, or no longer.
        ReleaseRefusedError: if its rows cannot go there, or it was released in another way.
    """
    journal = _journal(checkpoint, store)
    if journal is None:
        raise NotBlockedError(batch_id, f"of {checkpoint} is not known", [])
    return release(journal, batch_id, as_=Release(as_), reason=reason, by=by)


def _journal(checkpoint: str, store: FileStore | None) -> Journal | None:
    store = store or LocalFileStore()
    found = stream_of(store, checkpoint)
    return None if found is None else Journal(store, checkpoint, str(found["stream_id"]))


def _refusal(held: Held, as_: Release) -> str | None:
    try:
        refuse(held, as_)
    except ReleaseRefusedError as error:
        return f"{error.why}; {error.remedy}"
    return None
