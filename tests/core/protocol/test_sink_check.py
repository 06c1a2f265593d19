"""What is found in a file sink before it is written to, and what is not held against it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from dc43_core.protocol.defect import Defect
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.sink_log import FileSink
from dc43_core.testing.memory_store import MemoryStore

SINK = "memory:/sink"
LOG = f"{SINK}/_spark_metadata"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def sink(store: MemoryStore) -> FileSink:
    return FileSink(store, SINK, ".parquet")


def publish(sink: FileSink, batches: int, stream: str = "a") -> list[LaneManifest]:
    """Publish so many batches of one file each; return their manifests."""
    manifests = []
    for batch in range(batches):
        token = f"batch-{stream * 32}-{batch:010d}-"
        staged = f"{sink.staging()}/{token}"
        sink.store.create_if_absent(staged, b"rows")
        moves = ((staged, sink.final_name(token, 0, staged)),)
        manifests.append(LaneManifest(token=token, after=sink.newest(), moves=moves))
        sink.publish(manifests[-1])
    return manifests


def native_entry(store: MemoryStore, number: int, *names: str) -> None:
    """What a native Spark stream writes: its files, and an entry that lists them."""
    lines = []
    for name in names:
        store.create_if_absent(f"{SINK}/{name}", b"rows")
        lines.append(json.dumps({"path": f"{SINK}/{name}", "size": 4, "action": "add"}))
    store.create_if_absent(f"{LOG}/{number}", "\n".join(["v1", *lines]).encode())


def kinds(defects: Sequence[Defect]) -> list[str]:
    return [defect.kind for defect in defects]


def fresh(store: MemoryStore) -> FileSink:
    """The sink as the next start sees it."""
    return FileSink(store, SINK, ".parquet")


# Nothing is wrong


@pytest.mark.parametrize("batches", [0, 1, 9, 10, 11, 19, 20, 21, 35])
@pytest.mark.parametrize("deep", [False, True])
def test_what_was_published_is_as_it_should_be(sink: FileSink, batches: int, deep: bool):
    manifests = publish(sink, batches)
    assert sink.defects(reversed(manifests), deep=deep) == []


@pytest.mark.parametrize(
    "name",
    [
        "_SUCCESS",
        ".hidden",
        "_dc43/streams/a.json",
        f"batch-{'a' * 32}-{7:010d}-00000.json",
        "_spark_metadata/.7.tmp",
        "_spark_metadata/7.crc",
    ],
)
@pytest.mark.parametrize("batches", [0, 3])
def test_hidden_files_and_our_own_unlisted_ones_are_no_strangers(
    sink: FileSink, store: MemoryStore, name: str, batches: int
):
    publish(sink, batches)
    store.create_if_absent(f"{SINK}/{name}", b"")
    assert sink.defects() == []


def test_an_empty_and_an_absent_folder_are_accepted(tmp_path: Path):
    assert FileSink(LocalFileStore(), str(tmp_path), ".parquet").defects() == []
    assert FileSink(LocalFileStore(), str(tmp_path / "absent"), ".parquet").defects() == []


def test_a_folder_that_a_native_stream_wrote_before_is_taken_over(
    sink: FileSink, store: MemoryStore
):
    for number in range(3):
        native_entry(store, number, f"day=1/part-{number}.parquet")
    assert sink.defects() == []
    manifests = publish(sink, 12)
    assert sink.defects(reversed(manifests)) == []


def test_what_another_stream_published_meanwhile_is_seen(sink: FileSink, store: MemoryStore):
    """The old driver commits its last batch while the new one looks."""
    manifests = publish(sink, 1)
    looking = fresh(store)
    entries = looking.log.entries

    def old_driver_first() -> object:
        found = entries()
        manifests.extend(publish(sink, 1, "b"))
        return found

    looking.log.entries = old_driver_first  # type: ignore[assignment, method-assign]

    def newest_first() -> object:
        yield from reversed(manifests)

    assert looking.defects(newest_first()) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "file",
    [
        "rejects/_spark_metadata/0",
        "lanes/rejects/_dc43/streams/a.json",
        "checkpoint/offsets/0",
        "checkpoint/dc43/stream.json",
        "empty/_hidden",
    ],
)
@pytest.mark.parametrize("batches", [0, 3])
def test_a_place_of_its_own_inside_the_sink_is_no_stranger(
    sink: FileSink, store: MemoryStore, file: str, batches: int
):
    publish(sink, batches)
    store.create_if_absent(f"{SINK}/{file}", b"")
    assert sink.defects() == []


# Files that no entry lists


@pytest.mark.parametrize("name", ["part-00000.parquet", "day=1/part.parquet", "batch-0.parquet"])
def test_a_folder_with_files_and_no_log_is_refused(sink: FileSink, store: MemoryStore, name: str):
    store.create_if_absent(f"{SINK}/{name}", b"")
    (found,) = sink.defects()
    assert (found.kind, found.adopt) == ("unlisted-file", None)
    assert name.partition("/")[0] in found.what
    assert "empty folder" in found.way_out


def test_a_delta_table_is_refused(sink: FileSink, store: MemoryStore):
    store.create_if_absent(f"{SINK}/_delta_log/{0:020d}.json", b"{}")
    store.create_if_absent(f"{SINK}/batch-{'a' * 32}-{0:010d}-00000.snappy.parquet", b"")
    (defect,) = sink.defects()
    assert (defect.kind, defect.adopt) == ("other-sink", None)


@pytest.mark.parametrize("batches", [1, 10, 12])
@pytest.mark.parametrize("name", ["part-00000.parquet", "day=1/part.parquet"])
def test_files_appended_by_a_native_batch_are_named(
    sink: FileSink, store: MemoryStore, batches: int, name: str
):
    publish(sink, batches)
    store.create_if_absent(f"{SINK}/{name}", b"")
    (found,) = fresh(store).defects()
    assert (found.kind, found.adopt) == ("unlisted-file", "continue")
    assert found.names == (name.partition("/")[0],)


def test_a_message_names_the_first_files_and_counts_the_others(sink: FileSink, store: MemoryStore):
    publish(sink, 1)
    for number in range(1_203):
        store.create_if_absent(f"{SINK}/part-{number:05d}.parquet", b"")
    (found,) = sink.defects()
    assert "1,203 files" in found.what
    assert "part-00004.parquet and 1,198 more" in found.what
    assert "part-00005" not in found.what


def test_a_file_beside_those_of_a_partitioned_native_stream_is_found(
    sink: FileSink, store: MemoryStore
):
    native_entry(store, 0, "day=1/part-0.parquet", "day=2/hour=3/part-0.parquet")
    store.create_if_absent(f"{SINK}/day=2/hour=3/part-9.parquet", b"")
    (found,) = sink.defects()
    assert found.names == ("part-9.parquet",)


def test_what_a_start_went_on_with_is_not_named_again(sink: FileSink, store: MemoryStore):
    publish(sink, 1)
    store.create_if_absent(f"{SINK}/part-0.parquet", b"")
    sink.accept(sink.defects())
    assert fresh(store).defects() == []
    store.create_if_absent(f"{SINK}/part-1.parquet", b"")
    (found,) = fresh(store).defects()
    assert found.names == ("part-1.parquet",)
    sink.accept([found])
    assert fresh(store).defects() == []


# Entries of a native stream


@pytest.mark.parametrize("own", [1, 8, 9, 10, 11])
def test_an_entry_of_a_native_stream_after_ours_is_found(
    sink: FileSink, store: MemoryStore, own: int
):
    publish(sink, own)
    if own != 9:
        native_entry(store, own, "part-0.parquet")
    else:
        # Spark compacts too.
        lines = [json.dumps(line) for n in range(9) for line in sink.log.read(n)]
        native_entry(store, 99, "part-0.parquet")
        new = store.read(f"{LOG}/99").decode().split("\n")[1]
        store.delete(f"{LOG}/99")
        store.create_if_absent(f"{LOG}/9.compact", "\n".join(["v1", *lines, new]).encode())
    (found,) = fresh(store).defects()
    assert (found.kind, found.adopt) == ("foreign-entry", "continue")
    assert "part-0.parquet" in found.what
    assert "skips without a word" in found.what


def test_an_accepted_entry_stays_accepted_behind_the_next_compaction(
    sink: FileSink, store: MemoryStore
):
    publish(sink, 4)
    native_entry(store, 4, "part-0.parquet")
    later = fresh(store)
    later.accept(later.defects())
    publish(later, 9, "b")
    assert fresh(store).defects() == []
    native_entry(store, 14, "part-1.parquet")
    (found,) = fresh(store).defects()
    assert found.names == ("part-1.parquet",)


# Entries that are not there or not whole


@pytest.mark.parametrize(
    ("batches", "gone"), [(3, "0"), (3, "1"), (12, "9.compact"), (12, "10"), (20, "9.compact")]
)
def test_a_missing_entry_is_named_where_readers_need_it(
    sink: FileSink, store: MemoryStore, batches: int, gone: str
):
    publish(sink, batches)
    store.delete(f"{LOG}/{gone}")
    found = fresh(store).defects()
    needed = not (batches == 20 and gone == "9.compact")
    assert kinds(found)[:1] == (["missing-entry"] if needed else [])
    if needed:
        assert found[0].where == f"{LOG}/{gone}"
        assert found[0].adopt is None
    assert kinds(fresh(store).defects(deep=True))[:1] == ["missing-entry"]


@pytest.mark.parametrize("data", [b"", b"v1\n{", b"v2", b'v1\n{"size":1}', b"v1\n\xff"])
@pytest.mark.parametrize(("batches", "name"), [(4, "2"), (10, "9.compact"), (15, "12")])
def test_a_corrupt_entry_is_named(
    sink: FileSink, store: MemoryStore, batches: int, name: str, data: bytes
):
    publish(sink, batches)
    store.delete(f"{LOG}/{name}")
    store.create_if_absent(f"{LOG}/{name}", data)
    found = fresh(store).defects()
    assert found[0].kind == "corrupt-entry"
    assert found[0].where == f"{LOG}/{name}"
    assert found[0].adopt is None


def test_an_old_entry_that_no_reader_reads_is_looked_at_by_a_deep_look_alone(
    sink: FileSink, store: MemoryStore
):
    publish(sink, 25)
    store.delete(f"{LOG}/3")
    store.create_if_absent(f"{LOG}/3", b"")
    assert fresh(store).defects() == []
    assert kinds(fresh(store).defects(deep=True)) == ["corrupt-entry"]


def test_a_log_with_another_rhythm_of_compaction_is_refused(sink: FileSink, store: MemoryStore):
    for number in range(4):
        native_entry(store, number, f"part-{number}.parquet")
    store.create_if_absent(f"{LOG}/4.compact", b"v1")
    (found,) = [d for d in sink.defects() if d.kind == "other-compaction"]
    assert found.where.endswith("4.compact")
    assert "another folder" in found.way_out


def test_a_look_costs_the_same_however_long_the_log_is(sink: FileSink, store: MemoryStore):
    """Two listings, and the entries from the newest compaction on."""

    class Counting(MemoryStore):
        operations = 0

        def list(self, folder: str) -> Sequence[object]:  # type: ignore[override]
            self.operations += 1
            return super().list(folder)

        def read(self, path: str, limit: int | None = None) -> bytes:
            self.operations += 1
            return super().read(path, limit)

        def status(self, path: str) -> object:  # type: ignore[override]
            self.operations += 1
            return super().status(path)

    costs = []
    for batches in (15, 95):
        counting = Counting()
        manifests = publish(fresh(counting), batches)
        counting.operations = 0
        assert fresh(counting).defects(reversed(manifests)) == []
        costs.append(counting.operations)
    assert costs[0] == costs[1] < 12


# Listed files


@pytest.mark.parametrize("batches", [2, 10, 13])
def test_a_listed_file_that_is_gone_is_named(sink: FileSink, store: MemoryStore, batches: int):
    manifests = publish(sink, batches)
    gone = manifests[1].moves[0][1]
    store.delete(gone)
    (found,) = fresh(store).defects(reversed(manifests))
    assert (found.kind, found.adopt) == ("missing-file", None)
    assert gone.rsplit("/", 1)[-1] in found.what


def test_a_folder_that_was_moved_is_told_from_one_that_lost_its_files(
    sink: FileSink, store: MemoryStore
):
    for manifest in publish(sink, 12):
        name = manifest.moves[0][1].rsplit("/", 1)[-1]
        store.create_if_absent(f"memory:/moved/{name}", b"rows")
    for entry in store.list(LOG):
        store.create_if_absent(
            f"memory:/moved/_spark_metadata/{entry.name}", store.read(entry.path)
        )
    store.delete(SINK)
    moved = FileSink(store, "memory:/moved", ".parquet")
    (found,) = moved.defects()
    assert (found.kind, found.adopt) == ("moved-folder", None)
    assert "12 files below memory:/sink" in found.what


def test_a_listed_file_of_another_size_is_seen_by_a_deep_look(sink: FileSink, store: MemoryStore):
    (manifest,) = publish(sink, 1)
    final = manifest.moves[0][1]
    store.delete(final)
    store.create_if_absent(final, b"cut")
    assert sink.defects() == []
    assert kinds(sink.defects(deep=True)) == ["changed-file"]


# What was published is gone


@pytest.mark.parametrize("batches", [1, 3, 12])
def test_an_overwritten_folder_is_known_from_what_was_published(
    sink: FileSink, store: MemoryStore, batches: int
):
    manifests = publish(sink, batches)
    store.delete(SINK)
    store.create_if_absent(f"{SINK}/part-0.parquet", b"")
    lost, strangers = fresh(store).defects(reversed(manifests))
    assert (lost.kind, lost.adopt) == ("lost-entries", "fork")
    assert f"batches {batches - 1}" in lost.what
    assert "there is no log" in lost.what
    assert (strangers.kind, strangers.names) == ("unlisted-file", ("part-0.parquet",))


@pytest.mark.parametrize("others", [1, 5, 30])
def test_an_overwritten_folder_is_known_also_when_others_have_written_since(
    sink: FileSink, store: MemoryStore, others: int
):
    manifests = publish(sink, 5)
    store.delete(SINK)
    publish(fresh(store), others, "b")
    (lost,) = fresh(store).defects(reversed(manifests))
    assert lost.kind == "lost-entries"
    assert f"its newest entry is {others - 1}" in lost.what


def test_a_log_that_was_deleted_under_its_files_is_found_by_any_stream(
    sink: FileSink, store: MemoryStore
):
    publish(sink, 3)
    store.delete(LOG)
    (found,) = fresh(store).defects()
    assert (found.kind, found.adopt) == ("lost-entries", None)
    assert "it was deleted" in found.what


def test_how_many_batches_are_gone_is_told(sink: FileSink, store: MemoryStore):
    manifests = publish(sink, 8)
    store.delete(SINK)
    (lost,) = fresh(store).defects(reversed(manifests))
    assert "batches 7, 6, 5, 4, 3 and 3 more" in lost.what
