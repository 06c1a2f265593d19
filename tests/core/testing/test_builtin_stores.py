"""The core's file stores and its file sink, and stores that lose data."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest

from dc43_core.protocol.file_store import FileStore, LocalFileStore, join, local_path
from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_log import FileSink
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.testing.sinks import SinkConformance, Stage, Visible
from dc43_core.testing.stores import FileStoreConformance


class TestMemoryStore(FileStoreConformance):
    @pytest.fixture
    def store(self) -> FileStore:
        return MemoryStore()

    @pytest.fixture
    def folder(self) -> str:
        return "memory:/folder"


class TestLocalFileStore(FileStoreConformance):
    @pytest.fixture
    def store(self) -> FileStore:
        return LocalFileStore()

    @pytest.fixture
    def folder(self, tmp_path: Path) -> str:
        return str(tmp_path / "two words é")


class TestLocalFileStoreByUri(TestLocalFileStore):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> str:
        return (tmp_path / "100% #1?").as_uri()


class TestFileSinkInMemory(SinkConformance):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()

    @pytest.fixture
    def sink(self, store: MemoryStore) -> Sink:
        return FileSink(store, "memory:/main", ".jsonl")

    @pytest.fixture
    def rival(self, store: MemoryStore) -> Sink:
        return FileSink(store, "memory:/main", ".jsonl")

    @pytest.fixture
    def stage(self, store: MemoryStore, sink: Sink) -> Stage:
        numbers = count()

        def stage() -> str:
            path = store.uri(join(sink.staging(), f"{next(numbers):05d}"))
            store.write(path, b'{"id": 1}\n')
            return path

        return stage

    @pytest.fixture
    def visible(self, store: MemoryStore) -> Visible:
        return lambda: FileSink(store, "memory:/main", ".jsonl").log.files()


class TestFileSinkOnDisk(SinkConformance):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> str:
        return str(tmp_path / "two words é")

    @pytest.fixture
    def store(self) -> FileStore:
        return LocalFileStore()

    @pytest.fixture
    def sink(self, store: FileStore, folder: str) -> Sink:
        return FileSink(store, folder, ".jsonl")

    @pytest.fixture
    def rival(self, folder: str) -> Sink:
        return FileSink(LocalFileStore(), folder, ".jsonl")

    @pytest.fixture
    def stage(self, sink: Sink) -> Stage:
        numbers = count()

        def stage() -> str:
            path = local_path(sink.staging()) / f"{next(numbers):05d}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b'{"id": 1}\n')
            return path.as_uri()

        return stage

    @pytest.fixture
    def visible(self, store: FileStore, folder: str) -> Visible:
        return lambda: FileSink(store, folder, ".jsonl").log.files()


class ChecksThenWrites(LocalFileStore):
    """As Hadoop's local file system does."""

    def create_if_absent(self, path: str, data: bytes) -> bool:
        target = local_path(path)
        if target.exists():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        return True


class Replaces(LocalFileStore):
    """As `os.replace` does."""

    def rename_no_replace(self, source: str, target: str) -> bool:
        local_path(source).replace(local_path(target))
        return True


def _race_often(store: FileStore, folder: Path) -> None:
    for number in range(50):
        part = str(folder / str(number))
        FileStoreConformance().test_of_writers_at_once_exactly_one_creates(store, part)


def test_the_kit_finds_a_creation_that_two_writers_win(tmp_path):
    with pytest.raises(AssertionError, match=r"of two writers, 2 won|not the winner's"):
        _race_often(ChecksThenWrites(), tmp_path)


def test_the_kit_finds_a_rename_that_replaces(tmp_path):
    with pytest.raises(AssertionError, match="a taken target must give False"):
        FileStoreConformance().test_a_rename_replaces_nothing(Replaces(), str(tmp_path))


class AppendsBlindly(FileSink):
    """Does not look whether its batch is published already."""

    def publish(self, manifest: LaneManifest) -> int:
        files = [self._moved(staged, final) for staged, final in manifest.moves]
        number = self.newest() + 1
        self.log.append(number, files)
        return number


def test_the_kit_finds_a_sink_that_lands_a_batch_twice():
    store = MemoryStore()
    sink = AppendsBlindly(store, "memory:/main", ".jsonl")
    numbers = count()

    def stage() -> str:
        path = f"{sink.staging()}/{next(numbers)}"
        store.write(path, b"")
        return path

    with pytest.raises(AssertionError, match="published again it is entry 2, not 0"):
        SinkConformance().test_to_publish_again_changes_nothing(
            sink, sink, stage, lambda: sink.log.files()
        )
