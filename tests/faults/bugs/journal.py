"""Bugs of the journal: the durable facts beside the checkpoint."""

from __future__ import annotations

import itertools
from typing import Any

from attrs import evolve

from dc43_core.protocol.held import Held
from dc43_core.protocol.journal import Journal, Manifest
from dc43_core.protocol.record import GovernanceRecord, decode, encode
from dc43_core.protocol.release import Resolution
from tests.faults.bugs.bug import Bug

KEEP = Journal.keep
JOURNAL_PREPARE = Journal.prepare
BLOCKED = Journal.block
KEPT = itertools.count()


def keep_again(self: Journal, kind: str, record: GovernanceRecord) -> GovernanceRecord:
    """A record is kept anew each time, under a key of its own."""
    again = evolve(record, record_id=f"{record.record_id}-{next(KEPT)}")
    self.store.delete(self.path(kind, record.batch_id))
    return KEEP(self, kind, again)


def prepare_over(self: Journal, manifest: Manifest) -> bool:
    """The driver that comes last decides."""
    self.store.delete(self.path("prepared", manifest.record.batch_id))
    return JOURNAL_PREPARE(self, manifest)


def prepare_whatever_is_there(self: Journal, manifest: Manifest) -> bool:
    """A driver whose manifest came second goes on with its own."""
    JOURNAL_PREPARE(self, manifest)
    return True


def block_anew(self: Journal, held: Held) -> Held:
    """A second incident replaces the first, which governance has heard of."""
    self.store.delete(self.path("blocked", held.record.batch_id))
    record = evolve(held.record, record_id=f"{self.stream_id}-{held.record.batch_id}-blocked")
    return BLOCKED(self, evolve(held, incident=1, record=record))


def close_nothing(self: Journal, batch_id: int, epoch: int) -> None:
    """A driver that was overtaken tells of an incident that a later start has settled."""


def ignore_resolutions(self: Journal, batch_id: int) -> Resolution | None:
    """What someone decided is not carried out."""
    return None


def keep_own_word(self: Journal, path: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Who comes second goes on with its own record, not with the one that is there."""
    self.store.create_if_absent(path, encode(payload))
    return decode(encode(payload), path)


BUGS = (
    Bug.of(keep_again, Journal, "keep", "two drivers", "governance"),
    Bug.of(prepare_over, Journal, "prepare", "two drivers, two sources", "rows", "partial"),
    Bug.of(
        prepare_whatever_is_there, Journal, "prepare", "two drivers, two sources", "rows", "partial"
    ),
    Bug.of(keep_own_word, Journal, "_keep", "replayed batch", "governance"),
    Bug.of(block_anew, Journal, "block", "released as rejects", "governance"),
    Bug.of(close_nothing, Journal, "close", "blocked by one of two", "governance"),
    Bug.of(ignore_resolutions, Journal, "resolution", "released as main", "EndlessError"),
)
