"""Each file of a checkpoint that a start needs is named when it cannot be read."""

from __future__ import annotations

import json

import pytest

from dc43_core.errors import FormatVersionError
from dc43_core.protocol.checkpoint_check import checkpoint_defects
from dc43_core.protocol.identity import identify
from dc43_core.protocol.journal import Journal, Manifest
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.testing.records import make_record

HERE = "memory:/here"
OFFSETS = 'v1\n{"batchWatermarkMs":0,"batchTimestampMs":1,"conf":{}}\n{"logOffset":0}\n-'
SOURCE = 'v1\n{"path":"file:///in/0.csv","timestamp":1,"batchId":0}'


@pytest.fixture
def store() -> MemoryStore:
    """A checkpoint of a stream with two committed batches and one that is prepared."""
    store = MemoryStore()
    put(store, "metadata", '{"id":"5c6e"}')
    for number in range(3):
        put(store, f"offsets/{number}", OFFSETS)
        put(store, f"sources/0/{number}", SOURCE)
    for number in range(2):
        put(store, f"commits/{number}", 'v1\n{"nextBatchWatermarkMs":0}')
    stream = identify(
        store,
        store,
        namespace="default",
        checkpoint=HERE,
        sink="memory:/sink",
        contract_id="orders",
        query_name=None,
        new_id=lambda: "a" * 32,
    )
    journal = Journal(store, HERE, stream.stream_id)
    for number in range(3):
        record = make_record(batch_id=number)
        journal.prepare(Manifest(record=record, lanes={}, staging="memory:/sink/_dc43/staging"))
        if number < 2:
            journal.keep("committed", record)
    return store


def put(store: MemoryStore, path: str, text: str | bytes) -> None:
    store.delete(f"{HERE}/{path}")
    store.create_if_absent(f"{HERE}/{path}", text if isinstance(text, bytes) else text.encode())


def test_a_whole_checkpoint_has_no_defects(store: MemoryStore):
    assert checkpoint_defects(store, HERE) == []
    assert checkpoint_defects(MemoryStore(), HERE) == []


NEEDED = [
    "metadata",
    "offsets/2",
    "offsets/1",
    "commits/1",
    "sources/0/0",
    "sources/0/2",
    "dc43/stream.json",
    f"dc43/{'a' * 32}/prepared/2",
    f"dc43/{'a' * 32}/prepared/1",
    f"dc43/{'a' * 32}/committed/1",
]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"v1\n{", b"garbage"])
@pytest.mark.parametrize("path", NEEDED)
def test_a_file_that_cannot_be_read_is_named_with_its_way_out(
    store: MemoryStore, path: str, content: bytes
):
    put(store, path, content)
    (found,) = checkpoint_defects(store, HERE)
    assert (found.kind, found.where) == ("corrupt-file", f"{HERE}/{path}")
    assert "restore it" in found.way_out
    assert store.read(f"{HERE}/{path}") == content, "nothing is deleted or mended"


@pytest.mark.parametrize("path", ["offsets/0", "commits/0"])
def test_files_that_no_start_reads_are_not_read_here(store: MemoryStore, path: str):
    put(store, path, b"")
    assert checkpoint_defects(store, HERE) == []


def test_sources_are_read_from_their_newest_compaction_on(store: MemoryStore):
    put(store, "sources/0/3.compact", SOURCE)
    put(store, "sources/0/4", SOURCE)
    put(store, "sources/0/1", b"")
    assert checkpoint_defects(store, HERE) == []
    put(store, "sources/0/3.compact", b"v1\n{")
    (found,) = checkpoint_defects(store, HERE)
    assert found.where.endswith("sources/0/3.compact")


@pytest.mark.parametrize(
    "content",
    [b'\0v1\n{"topic":{"0":7}}', b"v1\n1700000000", b"v1\n", b"v2\nanything"],
    ids=["kafka", "rate", "empty", "other"],
)
def test_what_other_sources_write_is_their_own_affair(store: MemoryStore, content: bytes):
    put(store, "sources/1/0", content)
    assert checkpoint_defects(store, HERE) == []


def test_a_blocked_batch_and_its_release_are_looked_at(store: MemoryStore):
    folder = f"dc43/{'a' * 32}"
    put(store, f"{folder}/blocked/3", b"{}")
    put(store, f"{folder}/resolutions/3", b"[]")
    with pytest.raises(FormatVersionError):
        checkpoint_defects(store, HERE)
    put(store, f"{folder}/blocked/3", b'{"format_version": 1}')
    found = [defect.where.rsplit("/", 2)[-2] for defect in checkpoint_defects(store, HERE)]
    assert found == ["blocked", "resolutions"]


def test_an_identity_that_lacks_a_part_is_corrupt(store: MemoryStore):
    put(store, "dc43/stream.json", json.dumps({"format_version": 1, "stream_id": "x"}))
    (found,) = checkpoint_defects(store, HERE)
    assert "no namespace, checkpoint, sink, contract_id" in found.what
    assert "_dc43/streams" in found.way_out
