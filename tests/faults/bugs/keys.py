"""Bugs of the keys of earlier batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import mock

from attrs import evolve

from dc43_core.protocol.held import Held
from dc43_core.protocol.key_state import StreamKeys
from dc43_core.protocol.keys import KeyLog, KeyState, KeyStep
from dc43_core.protocol.steps import BatchProtocol
from dc43_core.testing.fake_engine import FakeStager
from dc43_core.testing.memory_store import MemoryStore
from tests.faults.bugs.bug import Bug
from tests.faults.bugs.files import sync_nothing

KEYS_BEFORE = StreamKeys.before
KEYS_ADD = StreamKeys.add
KEY_STATE = KeyLog.state
MERGE_KEYS = FakeStager.merge_keys


def count_keys_before_the_manifest(self: KeyLog, step: KeyStep, is_taken: Any) -> bool | None:
    """The keys of a batch count as soon as they are written, whatever becomes of the batch."""
    return True


def count_keys_of_any_attempt(self: KeyLog, step: KeyStep, is_taken: Any) -> bool | None:
    """Where a batch is prepared, the keys of each attempt at it count."""
    return step.batch_id is not None and self.journal.prepared(step.batch_id) is not None


def forget_keys_at_a_restart(self: KeyLog, is_taken: Any) -> KeyState:
    """A start knows the keys of its own batches alone."""
    found = KEY_STATE(self, is_taken)
    return evolve(found, parts=found.parts[1:])


def keys_without_sync(self: StreamKeys, batch_id: int, asked: Any, new: Any) -> Any:
    """The step of a batch is durable before the keys that it names."""
    with mock.patch.object(MemoryStore, "sync", sync_nothing):
        return KEYS_ADD(self, batch_id, asked, new)


def sweep_every_key(self: StreamKeys, batch_id: int) -> None:
    """Keys are deleted with the staging of their batch."""
    self.log.store.delete(self.log.place("").rstrip("/"))


def age_keys_by_the_clock(self: StreamKeys, batch_id: int, attempt: str, started_at: str) -> Any:
    """How old a key is, is told by the clock of each attempt."""
    return KEYS_BEFORE(evolve(self, time=None), batch_id, attempt, started_at)


def forget_keys_at_once(self: StreamKeys, batch_id: int, attempt: str, started_at: str) -> Any:
    """A key that counts for a time counts in its own batch alone."""
    seconds = None if self.retain.seconds is None else 1
    keys = evolve(self, retain=evolve(self.retain, seconds=seconds))
    return KEYS_BEFORE(keys, batch_id, attempt, started_at)


def merge_without_sync(self: StreamKeys, batch_id: int, attempt: str, started_at: str) -> Any:
    """The step of a batch is durable before the keys that were merged for it."""
    with mock.patch.object(MemoryStore, "sync", sync_nothing):
        return KEYS_BEFORE(self, batch_id, attempt, started_at)


def merge_and_delete(
    self: FakeStager, files: Sequence[str], count: int, folder: str
) -> Sequence[str]:
    """What was merged goes at once, not when the batch that says so is committed."""
    made = MERGE_KEYS(self, files, count, folder)
    for file in files:
        self.store.delete(file)
    return made


def merge_the_newer_half(
    self: FakeStager, files: Sequence[str], count: int, folder: str
) -> Sequence[str]:
    """The older half of what is merged is left out."""
    return MERGE_KEYS(self, files[len(files) // 2 :], count, folder)


def release_without_keys(self: BatchProtocol[Any], held: Held, started: str) -> None:
    """A batch that is released holds no key."""


BUGS = (
    Bug.of(
        count_keys_before_the_manifest, KeyLog, "_counts", "keys across batches", "rows", "partial"
    ),
    Bug.of(count_keys_of_any_attempt, KeyLog, "_counts", "keys, two drivers", "rows", "partial"),
    Bug.of(forget_keys_at_a_restart, KeyLog, "state", "keys across batches", "rows", "partial"),
    Bug.of(keys_without_sync, StreamKeys, "add", "keys across batches", "rows", "partial", "stuck"),
    Bug.of(sweep_every_key, StreamKeys, "sweep", "keys across batches", "stuck"),
    Bug.of(age_keys_by_the_clock, StreamKeys, "before", "keys for a time", "rows", "partial"),
    Bug.of(forget_keys_at_once, StreamKeys, "before", "keys for a time", "rows", "partial"),
    Bug.of(merge_without_sync, StreamKeys, "before", "keys that are merged", "stuck", "partial"),
    Bug.of(merge_and_delete, FakeStager, "merge_keys", "keys that are merged", "stuck"),
    Bug.of(
        merge_the_newer_half, FakeStager, "merge_keys", "keys that are merged", "rows", "partial"
    ),
    Bug.of(
        release_without_keys,
        BatchProtocol,
        "_released_keys",
        "keys of a release",
        "rows",
        "partial",
    ),
)
