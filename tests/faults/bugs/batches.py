"""Bugs of the steps of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from unittest import mock

from attrs import evolve

from dc43_core.protocol import batch_record
from dc43_core.protocol.batch_record import BatchRecords
from dc43_core.protocol.engine import Staged
from dc43_core.protocol.file_store import join
from dc43_core.protocol.held import Held
from dc43_core.protocol.journal import Journal, LaneManifest, Manifest
from dc43_core.protocol.publish import Publication
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.release import Resolution, released_record
from dc43_core.protocol.steps import BatchProtocol
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane, Outcome, Release
from tests.faults.bugs.bug import Bug
from tests.faults.bugs.files import sync_nothing

JOURNAL_PREPARE = Journal.prepare
PREPARE = BatchProtocol._prepare
PUBLISH = BatchProtocol._publish
BLOCK = BatchProtocol._block
RECORD = BatchRecords.judged
RELEASED = released_record


def move_before_prepare(self: BatchProtocol[Any], *facts: Any) -> Manifest:
    """Files get their final names before the batch's fate is decided."""

    def moving(journal: Journal, manifest: Manifest) -> bool:
        for lane, lane_manifest in manifest.lanes.items():
            for old, new in lane_manifest.moves:
                self.sinks[lane]._moved(old, new)  # type: ignore[attr-defined]
        return JOURNAL_PREPARE(journal, manifest)

    with mock.patch.object(Journal, "prepare", moving):
        return PREPARE(self, *facts)


def sync_after_prepare(
    self: BatchProtocol[Any],
    record: Any,
    files: Mapping[Lane, Sequence[str]],
    staging: str,
    *keys: Any,
) -> Manifest:
    """The manifest is durable before the files that it names."""
    with mock.patch.object(MemoryStore, "sync", sync_nothing):
        manifest = PREPARE(self, record, files, staging, *keys)
    for paths in files.values():
        self.store.sync(paths)
    return manifest


def commit_before_publish(self: BatchProtocol[Any], manifest: Manifest) -> GovernanceRecord:
    """The batch is called committed before it is visible."""
    version = str(self.sinks[Lane.MAIN].newest() + 1)
    self.journal.keep("committed", evolve(manifest.record, dataset_version=version))
    return PUBLISH(self, manifest)


def sweep_before_publish(self: BatchProtocol[Any], manifest: Manifest) -> GovernanceRecord:
    """Staging is deleted when main is there, and the rejects are not."""
    if Lane.MAIN in manifest.lanes:
        self.sinks[Lane.MAIN].publish(manifest.lanes[Lane.MAIN])
    self._publication.sweep(manifest.record.batch_id)
    return PUBLISH(self, manifest)


def main_before_rejects(self: BatchProtocol[Any], manifest: Manifest) -> GovernanceRecord:
    """A reader of main sees a batch whose rejects are nowhere yet."""
    if Lane.MAIN in manifest.lanes:
        self.sinks[Lane.MAIN].publish(manifest.lanes[Lane.MAIN])
    return PUBLISH(self, manifest)


def forget_rejects_after_a_crash(self: BatchProtocol[Any], manifest: Manifest) -> GovernanceRecord:
    """What another start prepared is rolled forward in main alone."""
    lanes = manifest.lanes
    if manifest.record.epoch != self.epoch:
        lanes = {lane: m for lane, m in lanes.items() if lane is Lane.MAIN}
    return PUBLISH(self, evolve(manifest, lanes=lanes))


def sweep_everything(self: Publication, batch_id: int) -> None:
    """Staging is deleted with that of every other stream."""
    self.store.delete(self.sinks[Lane.MAIN].staging())


def stage_in_one_folder(self: BatchProtocol[Any], name: str) -> str:
    """Every attempt stages in the same place."""
    return join(self.sinks[Lane.MAIN].staging(), self.identity.stream_id, name.partition("-")[0])


def count_what_was_judged(self: BatchRecords, *facts: Any) -> GovernanceRecord:
    """The record counts rows handed over, not rows that landed."""
    record = RECORD(self, *facts)
    blocked = record.outcome is Outcome.BLOCKED
    return record if blocked else evolve(record, main_count=record.row_count)


def publish_before_the_verdict(
    self: BatchProtocol[Any], record: Any, staged: Staged, facts: Any
) -> None:
    """What is blocked was already published."""
    files = self.stager.finish(staged, Lane.REJECTS, facts)[Lane.MAIN]
    token = f"batch-{self.identity.stream_id}-{record.batch_id:010d}-"
    sink = self.sinks[Lane.MAIN]
    moves = tuple((f, sink.final_name(token, i, f)) for i, f in enumerate(files))
    sink.publish(LaneManifest(token=token, after=sink.newest(), moves=moves))
    BLOCK(self, record, staged, facts)


def block_without_sync(self: BatchProtocol[Any], record: Any, staged: Staged, facts: Any) -> None:
    """The block is durable before the rows that it keeps."""
    with mock.patch.object(MemoryStore, "sync", sync_nothing):
        BLOCK(self, record, staged, facts)


def block_and_sweep(self: BatchProtocol[Any], record: Any, staged: Staged, facts: Any) -> None:
    """A blocked batch keeps no rows."""
    try:
        BLOCK(self, record, staged, facts)
    finally:
        self.store.delete(staged.folder)


def release_counts_nothing(held: Held, resolution: Resolution, **facts: Any) -> GovernanceRecord:
    """A released batch keeps the counts of its block."""
    return evolve(RELEASED(held, resolution, **facts), main_count=0, reject_count=0)


def skip_publishes(held: Held, resolution: Resolution, **facts: Any) -> GovernanceRecord:
    """A skipped batch is published like any other."""
    object.__setattr__(resolution, "release", Release.REJECTS)
    return RELEASED(held, resolution, **facts)


BUGS = (
    Bug.of(move_before_prepare, BatchProtocol, "_prepare", "rewritten source", "rows", "partial"),
    Bug.of(sync_after_prepare, BatchProtocol, "_prepare", "crashes", "stuck"),
    Bug.of(commit_before_publish, BatchProtocol, "_publish", "crashes", "rows", "stuck"),
    Bug.of(sweep_before_publish, BatchProtocol, "_publish", "crashes", "partial", "stuck"),
    Bug.of(main_before_rejects, BatchProtocol, "_publish", "crashes", "partial"),
    Bug.of(forget_rejects_after_a_crash, BatchProtocol, "_publish", "crashes", "partial"),
    Bug.of(sweep_everything, Publication, "sweep", "two streams", "stuck"),
    Bug.of(stage_in_one_folder, BatchProtocol, "_attempt", "two drivers, two sources", "partial"),
    Bug.of(count_what_was_judged, BatchRecords, "judged", "crashes", "record"),
    Bug.of(publish_before_the_verdict, BatchProtocol, "_block", "blocked", "partial", "LeakError"),
    Bug.of(block_without_sync, BatchProtocol, "_block", "released as main", "stuck"),
    Bug.of(block_and_sweep, BatchProtocol, "_block", "released as main", "stuck"),
    Bug.of(release_counts_nothing, batch_record, "released_record", "released as main", "record"),
    Bug.of(skip_publishes, batch_record, "released_record", "released as skip", "rows", "partial"),
)
