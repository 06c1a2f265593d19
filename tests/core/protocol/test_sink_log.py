"""The commit log of Spark's file sink, as we write and read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dc43_core.errors import CorruptFileError, StaleStagingError, UnsoundPlaceError
from dc43_core.protocol.file_store import FileStatus, LocalFileStore
from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.sink_log import FileSink, SinkLog
from dc43_core.testing.memory_store import MemoryStore

SINK = "memory:/sink"
LOG = f"{SINK}/_spark_metadata"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def sink(store: MemoryStore) -> FileSink:
    return FileSink(store, SINK, ".parquet")


def file(name: str) -> FileStatus:
    return FileStatus(path=f"{SINK}/{name}", name=name, size=5, modified=1_700_000_000_123)


def fill(log: SinkLog, entries: int) -> None:
    for number in range(log.newest() + 1, log.newest() + 1 + entries):
        assert log.append(number, [file(f"f{number}")])


def staged(sink: FileSink, store: MemoryStore, stream: str, files: int = 1) -> LaneManifest:
    """A manifest of files that lie in the sink's staging folder."""
    token = f"batch-{stream * 32}-{0:010d}-"
    paths = [f"{sink.staging()}/{stream}/{i}.parquet" for i in range(files)]
    for path in paths:
        store.create_if_absent(path, stream.encode())
    moves = tuple((path, sink.final_name(token, i, path)) for i, path in enumerate(paths))
    return LaneManifest(token=token, after=sink.newest(), moves=moves)


def test_an_entry_has_the_lines_that_spark_writes(sink: FileSink, store: MemoryStore):
    sink.log.append(0, [file("a.parquet"), file("b.parquet")])
    version, *lines = store.read(f"{LOG}/0").decode().split("\n")
    assert version == "v1"
    # As SinkFileStatus is serialised: keys and their order, no spaces, milliseconds.
    assert lines == [
        f'{{"path":"{SINK}/{name}","size":5,"isDir":false,"modificationTime":1700000000123,'
        '"blockReplication":1,"blockSize":33554432,"action":"add"}'
        for name in ("a.parquet", "b.parquet")
    ]


def test_an_entry_without_files_is_the_version_alone(sink: FileSink, store: MemoryStore):
    sink.log.append(0, [])
    assert store.read(f"{LOG}/0") == b"v1"


def test_every_tenth_entry_is_a_compaction(sink: FileSink, store: MemoryStore):
    fill(sink.log, 21)
    names = {entry.name for entry in store.list(LOG)}
    assert names == {
        *(str(number) for number in range(21) if number not in (9, 19)),
        "9.compact",
        "19.compact",
    }


@pytest.mark.parametrize("number", [9, 19])
def test_a_compaction_holds_every_file_so_far(sink: FileSink, store: MemoryStore, number: int):
    fill(sink.log, 21)
    lines = store.read(f"{LOG}/{number}.compact").decode().split("\n")[1:]
    assert [json.loads(line)["path"] for line in lines] == [
        f"{SINK}/f{i}" for i in range(number + 1)
    ]


@pytest.mark.parametrize("entries", [0, 1, 9, 10, 11, 20, 35])
def test_every_file_is_visible_in_order_of_publication(sink: FileSink, entries: int):
    fill(sink.log, entries)
    assert sink.log.files() == [f"{SINK}/f{i}" for i in range(entries)]


@pytest.mark.parametrize("entries", [0, 1, 10, 35])
def test_a_fresh_reader_finds_the_newest_number(sink: FileSink, store: MemoryStore, entries: int):
    fill(sink.log, entries)
    assert SinkLog(store, SINK).newest() == entries - 1


def test_entries_of_another_writer_are_seen(sink: FileSink, store: MemoryStore):
    fill(sink.log, 8)
    fill(SinkLog(store, SINK), 4)
    assert sink.log.newest() == 11


def test_what_is_no_entry_has_no_number(sink: FileSink, store: MemoryStore):
    fill(sink.log, 1)
    for name in (".7.tmp", "7.crc", "7.tmp"):
        store.create_if_absent(f"{LOG}/{name}", b"")
    assert SinkLog(store, SINK).newest() == 0


def test_a_number_is_taken_once(sink: FileSink, store: MemoryStore):
    assert sink.log.append(0, [file("mine")])
    assert not SinkLog(store, SINK).append(0, [file("theirs")])
    assert sink.log.files() == [f"{SINK}/mine"]


@pytest.mark.parametrize(
    "data", [b"", b"v2\n", b"v1\n{", b"v1\n[]", b'v1\n{"size":1}', b"v1\n\xff"]
)
@pytest.mark.parametrize("newest", [3, 9])
def test_a_corrupt_entry_is_named(store: MemoryStore, sink: FileSink, data: bytes, newest: int):
    fill(sink.log, newest + 1)
    name = f"{newest}.compact" if newest == 9 else str(newest)
    store.delete(f"{LOG}/{name}")
    store.create_if_absent(f"{LOG}/{name}", data)
    with pytest.raises(CorruptFileError, match=f"_spark_metadata/{name}: not a sink log"):
        sink.log.files()


def test_a_lost_entry_is_named(store: MemoryStore, sink: FileSink):
    fill(sink.log, 3)
    store.delete(f"{LOG}/1")
    with pytest.raises(CorruptFileError, match=r"_spark_metadata/1: this entry .* is missing"):
        SinkLog(store, SINK).files()


def test_publishing_moves_the_files_and_lists_them(sink: FileSink, store: MemoryStore):
    manifest = staged(sink, store, "a", files=2)
    assert sink.publish(manifest) == 0
    assert sink.log.files() == [final for _, final in manifest.moves]
    assert [store.read(final) for final in sink.log.files()] == [b"a", b"a"]
    assert store.status(manifest.moves[0][0]) is None


def test_publishing_again_changes_nothing(sink: FileSink, store: MemoryStore):
    manifest = staged(sink, store, "a")
    assert [sink.publish(manifest), sink.publish(manifest)] == [0, 0]
    assert len(sink.log.files()) == 1


def test_numbers_are_the_sink_s_own_whoever_publishes(sink: FileSink, store: MemoryStore):
    # Each of them is batch 0 of its stream.
    other = FileSink(store, SINK, ".parquet")
    assert [sink.publish(staged(sink, store, "a")), other.publish(staged(other, store, "b"))] == [
        0,
        1,
    ]
    assert len(sink.log.files()) == 2


def test_a_rival_that_takes_the_number_only_delays(sink: FileSink, store: MemoryStore):
    other = FileSink(store, SINK, ".parquet")
    mine, theirs = staged(sink, store, "a"), staged(other, store, "b")

    def rival_first(operation: str, path: str) -> None:
        if path == f"{LOG}/0":
            store.before = lambda operation, path: None
            other.publish(theirs)

    store.before = rival_first
    assert sink.publish(mine) == 1
    assert len(SinkLog(store, SINK).files()) == 2


def test_two_drivers_with_one_batch_publish_it_once(sink: FileSink, store: MemoryStore):
    other = FileSink(store, SINK, ".parquet")
    manifest = staged(sink, store, "a", files=3)

    def rival_first(operation: str, path: str) -> None:
        if path == f"{LOG}/0":
            store.before = lambda operation, path: None
            other.publish(manifest)

    store.before = rival_first
    assert sink.publish(manifest) == 0
    assert SinkLog(store, SINK).files() == [final for _, final in manifest.moves]


def test_a_lost_staged_file_is_named_and_nothing_is_published(sink: FileSink, store: MemoryStore):
    manifest = staged(sink, store, "a", files=2)
    store.delete(manifest.moves[1][0])
    with pytest.raises(StaleStagingError, match=r"1\.parquet is gone"):
        sink.publish(manifest)
    assert sink.newest() == -1


def test_the_entry_s_sizes_and_times_are_the_files_own(tmp_path: Path):
    local = LocalFileStore()
    sink = FileSink(local, str(tmp_path / "a sink"), ".parquet")
    path = f"{sink.staging()}/x.parquet"
    local.create_if_absent(path, b"12345")
    token = f"batch-{'a' * 32}-{0:010d}-"
    final = sink.final_name(token, 0, path)
    sink.publish(LaneManifest(token=token, after=-1, moves=((path, final),)))
    line = json.loads((tmp_path / "a sink/_spark_metadata/0").read_text().split("\n")[1])
    (published,) = (tmp_path / "a sink").glob("batch-*.parquet")
    assert line["path"] == published.as_uri()
    assert line["size"] == 5
    assert line["modificationTime"] == published.stat().st_mtime_ns // 1_000_000


def test_a_log_that_was_cut_back_takes_no_prepared_batch(sink: FileSink, store: MemoryStore):
    fill(sink.log, 3)
    manifest = staged(sink, store, "a")
    store.delete(LOG)
    later = FileSink(store, SINK, ".parquet")
    with pytest.raises(UnsoundPlaceError, match=r"when the log had entry 2, and its newest is -1"):
        later.publish(manifest)
    assert later.newest() == -1


@pytest.mark.parametrize("before", [0, 1, 9, 10, 13])
def test_an_overwrite_takes_the_place_of_all_before_it_at_once(
    sink: FileSink, store: MemoryStore, before: int
):
    for number in range(before):
        sink.publish(staged(sink, store, f"{number:x}"))
    old, newest = sink.files(), staged(sink, store, "e")
    number = sink.replacing().publish(newest)
    assert number == sink.newest()
    assert (number + 1) % 10 == 0, "a compaction, since entries only add"
    assert list(sink.files()) == [final for _, final in newest.moves]
    assert all(store.status(path) is None for path in old)
    # Whoever completes it finds it, and what comes after is added.
    assert FileSink(store, SINK, ".parquet").publish(newest) == number
    assert sink.publish(staged(sink, store, "f")) == number + 1
    assert len(sink.files()) == 2
