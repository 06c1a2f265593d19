"""The durable facts of a stream: each is created once, and never changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dc43_core.errors import CorruptFileError, FormatVersionError
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.journal import Journal, LaneManifest, Manifest, journals
from dc43_core.protocol.record import encode
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Lane, Outcome


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def journal(store: MemoryStore) -> Journal:
    return Journal(store, "memory:/checkpoint", "stream")


def manifest(batch_id: int = 0, run_id: str = "run") -> Manifest:
    return Manifest(
        record=make_record(batch_id=batch_id, run_id=run_id),
        lanes={Lane.MAIN: LaneManifest(token="t-", after=3, moves=(("a", "b"), ("c", "d")))},
        staging="memory:/staging",
    )


def test_an_empty_journal_knows_nothing(journal: Journal):
    assert journal.prepared(0) is None
    assert journal.committed(0) is None
    assert journal.blocked(0) is None
    assert list(journal.records()) == []


def test_a_manifest_is_read_back_as_it_was(journal: Journal):
    journal.prepare(manifest())
    found = journal.prepared(0)
    assert found is not None
    assert found.payload() == manifest().payload()


def test_the_first_manifest_of_a_batch_counts(journal: Journal):
    assert journal.prepare(manifest(run_id="first"))
    assert not journal.prepare(manifest(run_id="second"))
    found = journal.prepared(0)
    assert found is not None
    assert found.record.run_id == "first"


def test_the_first_record_of_a_batch_counts(journal: Journal):
    first, second = make_record(run_id="first"), make_record(run_id="second")
    assert journal.keep("committed", first).run_id == "first"
    assert journal.keep("committed", second).run_id == "first"


def test_records_come_oldest_first_and_by_number(journal: Journal):
    for batch_id in (10, 9, 2):
        journal.keep("committed", make_record(batch_id=batch_id))
    assert [r.batch_id for r in journal.records()] == [2, 9, 10]


def test_a_batch_that_was_blocked_and_then_published_has_both_records(journal: Journal):
    journal.keep("committed", make_record(batch_id=1))
    journal.keep("blocked", make_record(batch_id=1, outcome=Outcome.BLOCKED))
    assert [r.outcome for r in journal.records()] == [Outcome.BLOCKED, Outcome.COMMITTED]


def test_only_the_newest_records_are_read_if_so_asked(journal: Journal):
    for batch_id in range(5):
        journal.keep("committed", make_record(batch_id=batch_id))
    assert [r.batch_id for r in journal.records(2)] == [3, 4]


def test_what_is_no_record_is_passed_over(journal: Journal, store: MemoryStore):
    store.create_if_absent(f"{journal.folder}/committed/.7.tmp", b"half")
    assert list(journal.records()) == []


def test_starts_are_counted_from_one(journal: Journal):
    assert [journal.open_epoch() for _ in range(3)] == [1, 2, 3]


def test_a_later_start_is_seen(journal: Journal):
    mine = journal.open_epoch()
    assert journal.newest_epoch(mine) == mine
    journal.open_epoch()
    journal.open_epoch()
    assert journal.newest_epoch(mine) == mine + 2


def test_starts_at_once_get_numbers_of_their_own(tmp_path: Path):
    journal = Journal(LocalFileStore(), str(tmp_path), "stream")
    with ThreadPoolExecutor(8) as pool:
        epochs = list(pool.map(lambda _: journal.open_epoch(), range(16)))
    assert sorted(epochs) == list(range(1, 17))


def test_a_newer_manifest_is_refused_by_name(journal: Journal, store: MemoryStore):
    payload = {**manifest().payload(), "format_version": 2}
    store.create_if_absent(f"{journal.folder}/prepared/0", encode(payload))
    with pytest.raises(FormatVersionError, match="prepared/0 has format version 2"):
        journal.prepared(0)


@pytest.mark.parametrize("missing", ["record", "lanes", "staging"])
def test_a_manifest_that_is_not_whole_is_named(journal: Journal, store: MemoryStore, missing: str):
    payload = manifest().payload()
    del payload[missing]
    store.create_if_absent(f"{journal.folder}/prepared/0", encode(payload))
    with pytest.raises(CorruptFileError, match=f"prepared/0: not a manifest.*{missing}"):
        journal.prepared(0)


@pytest.mark.parametrize("kind", ["prepared", "committed", "blocked"])
def test_a_torn_file_is_named(journal: Journal, store: MemoryStore, kind: str):
    store.create_if_absent(f"{journal.folder}/{kind}/0", b'{"format_version"')
    with pytest.raises(CorruptFileError, match=f"{kind}/0: not JSON"):
        getattr(journal, kind)(0)


def test_readers_find_every_stream_of_a_checkpoint(store: MemoryStore):
    for stream in ("a", "b"):
        Journal(store, "memory:/checkpoint", stream).open_epoch()
    store.create_if_absent("memory:/checkpoint/dc43/stream.json", b"{}")
    found = journals(store, "memory:/checkpoint")
    assert [j.folder.rsplit("/")[-1] for j in found] == ["a", "b"]
