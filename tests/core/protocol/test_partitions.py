"""Files below the folders of a sink's partitions, as paths say it and the sink's log lists it."""

from __future__ import annotations

import pytest

from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.partitions import NULL, PARTITIONED, inside, layout, values
from dc43_core.protocol.sink_log import FileSink
from dc43_core.testing.memory_store import MemoryStore

SINK = "memory:/sink"
TOKEN = f"batch-{'a' * 32}-{0:010d}-"
STAGED = f"{SINK}/_dc43/staging/s/0-run/out/{PARTITIONED}/day=2024-02-29/town=a%252Fb/x.parquet"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def sink(store: MemoryStore) -> FileSink:
    return FileSink(store, SINK, ".parquet")


def manifest(sink: FileSink, store: MemoryStore) -> LaneManifest:
    store.write(STAGED, b"rows")
    moves = ((STAGED, sink.final_name(TOKEN, 0, STAGED)),)
    return LaneManifest(token=TOKEN, after=sink.newest(), moves=moves)


def test_a_staged_file_keeps_the_folders_of_its_partition(sink: FileSink):
    assert inside(STAGED) == "day=2024-02-29/town=a%252Fb/"
    assert inside(f"{SINK}/_dc43/staging/s/0-run/x.parquet") == ""
    assert sink.final_name(TOKEN, 7, STAGED).endswith(
        f"/sink/day=2024-02-29/town=a%252Fb/{TOKEN}00007.parquet"
    )


def test_values_are_read_from_the_path_below_the_sink_alone():
    path = f"{SINK}/day=2024-02-29/town=a%252Fb%2525/k%3D={NULL}/x.parquet"
    assert values(path, SINK) == {"day": "2024-02-29", "town": "a/b%", "k": f"={NULL}"}
    assert values(f"memory:/year=1/sink/town={NULL}/x", "memory:/year=1/sink") == {"town": None}


def test_the_layout_is_that_of_the_files_there(sink: FileSink, store: MemoryStore):
    assert layout(sink.files(), sink.uri) is None
    sink.publish(manifest(sink, store))
    assert layout(sink.files(), sink.uri) == ("day", "town")
    assert layout([f"{SINK}/x.parquet"], SINK) == ()


def test_a_file_that_was_moved_and_not_listed_yet_is_no_stranger(
    sink: FileSink, store: MemoryStore
):
    prepared = manifest(sink, store)
    store.rename_no_replace(*prepared.moves[0])
    assert list(sink.defects()) == []
    assert sink.publish(prepared) == 0
    assert list(sink.defects(deep=True)) == []


def test_a_file_of_others_below_a_partition_is_a_stranger(sink: FileSink, store: MemoryStore):
    sink.publish(manifest(sink, store))
    store.write(f"{SINK}/day=2024-03-01/theirs.parquet", b"")
    assert [defect.kind for defect in sink.defects()] == ["unlisted-file"]
