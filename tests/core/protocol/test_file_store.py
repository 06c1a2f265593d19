"""Local files: an entry is whole or absent, and the first one counts."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.protocol import file_store
from dc43_core.protocol.file_store import LocalFileStore, join, local_path

NAMES = ["plain", "with space", "übér-日本", "100%", "a%20b", "a#b?c", "k=v", "a+b&c;d", "'\"`"]
STORE = LocalFileStore()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("by_uri", [False, True], ids=["path", "uri"])
def test_a_file_of_any_name_is_one_file_by_path_and_by_uri(tmp_path: Path, name: str, by_uri: bool):
    path = str(tmp_path / name / name)
    written, read = (STORE.uri(path), path) if by_uri else (path, STORE.uri(path))
    assert STORE.create_if_absent(written, b"data")
    assert not STORE.create_if_absent(read, b"other")
    assert STORE.read(read) == b"data"
    assert Path(path).read_bytes() == b"data"
    assert [f.name for f in STORE.list(str(tmp_path / name))] == [name]


@given(st.text(st.characters(exclude_characters="\0/", exclude_categories=["Cs"]), min_size=1))
def test_a_uri_leads_back_to_its_path(name: str):
    path = Path("/folder") / name
    assert local_path(STORE.uri(str(path))) == path


@pytest.mark.parametrize("uri", ["file:/tmp/a%20b", "file:///tmp/a%20b"])
def test_both_spellings_of_a_file_uri_are_understood(uri: str):
    assert local_path(uri) == Path("/tmp/a b")


def test_what_is_listed_can_be_read(tmp_path: Path):
    for name in NAMES:
        STORE.create_if_absent(str(tmp_path / name), name.encode())
    assert {f.name: STORE.read(f.path).decode() for f in STORE.list(str(tmp_path))} == {
        name: name for name in NAMES
    }


def test_a_created_file_leaves_nothing_beside_it(tmp_path: Path):
    STORE.create_if_absent(str(tmp_path / "a"), b"1")
    STORE.create_if_absent(str(tmp_path / "a"), b"2")
    assert names(tmp_path) == ["a"]


def test_an_entry_that_could_not_be_written_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def disk_full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        STORE.create_if_absent(str(tmp_path / "a"), b"1")
    assert names(tmp_path) == []


def test_the_name_appears_after_the_content_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    steps: list[str] = []

    def spy(name: str) -> None:
        original = getattr(os, name)

        def noted(*arguments: object) -> None:
            steps.append(name)
            original(*arguments)

        monkeypatch.setattr(os, name, noted)

    spy("fsync")
    spy("link")
    STORE.create_if_absent(str(tmp_path / "a"), b"1")
    assert steps == ["fsync", "link", "fsync"]


def test_a_folder_that_is_made_has_a_name_that_survives_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    synced: list[Path] = []
    monkeypatch.setattr(file_store, "_sync_folder", synced.append)
    store, below = LocalFileStore(), tmp_path / "a" / "b"
    store.create_if_absent(str(below / "x"), b"1")
    assert synced == [tmp_path, tmp_path / "a", below]
    synced.clear()
    store.rename_no_replace(str(below / "x"), str(tmp_path / "c" / "y"))
    assert synced == [tmp_path, tmp_path / "c"]
    synced.clear()
    # As an engine makes them.
    (tmp_path / "d" / "e").mkdir(parents=True)
    (tmp_path / "d" / "e" / "z").touch()
    store.sync([str(tmp_path / "d" / "e" / "z")])
    assert {tmp_path, tmp_path / "d", tmp_path / "d" / "e"} <= set(synced)
    synced.clear()
    store.sync([str(tmp_path / "d" / "e" / "z")])
    assert synced == [tmp_path / "d" / "e"]


def test_of_writers_at_once_exactly_one_wins_and_its_content_is_whole(tmp_path: Path):
    contents = [bytes([n]) * 100_000 for n in range(8)]
    ready = threading.Barrier(len(contents))

    def write(data: bytes) -> bool:
        ready.wait()
        return STORE.create_if_absent(str(tmp_path / "a"), data)

    with ThreadPoolExecutor(len(contents)) as pool:
        won = list(pool.map(write, contents))
    assert won.count(True) == 1
    assert STORE.read(str(tmp_path / "a")) == contents[won.index(True)]
    assert names(tmp_path) == ["a"]


def test_of_movers_at_once_exactly_one_wins(tmp_path: Path):
    for n in range(8):
        (tmp_path / str(n)).write_bytes(bytes([n]))
    ready = threading.Barrier(8)

    def move(n: int) -> bool:
        ready.wait()
        return STORE.rename_no_replace(str(tmp_path / str(n)), str(tmp_path / "to" / "a"))

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(move, range(8)))
    assert won.count(True) == 1
    assert (tmp_path / "to/a").read_bytes() == bytes([won.index(True)])


def test_a_moved_file_is_gone_from_its_place(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"1")
    assert STORE.rename_no_replace(str(tmp_path / "a"), str(tmp_path / "b"))
    assert names(tmp_path) == ["b"]


def test_a_target_is_never_replaced_and_the_source_stays(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    assert not STORE.rename_no_replace(str(tmp_path / "a"), str(tmp_path / "b"))
    assert [(tmp_path / name).read_bytes() for name in "ab"] == [b"1", b"2"]


def test_a_source_that_is_gone_is_an_error_whether_or_not_the_target_is_there(tmp_path: Path):
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            STORE.rename_no_replace(str(tmp_path / "a"), str(tmp_path / "b"))
        (tmp_path / "b").write_bytes(b"")


def test_hadoop_s_checksum_does_not_outlive_its_file(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / ".a.crc").write_bytes(b"crc")
    STORE.rename_no_replace(str(tmp_path / "a"), str(tmp_path / "b"))
    assert names(tmp_path) == ["b"]


def test_a_status_tells_size_time_and_kind(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"12345")
    os.utime(tmp_path / "a", ns=(0, 1_700_000_000_123_999_999))
    found, folder = STORE.status(str(tmp_path / "a")), STORE.status(str(tmp_path))
    assert found is not None
    assert (found.size, found.modified, found.is_folder) == (5, 1_700_000_000_123, False)
    assert folder is not None
    assert folder.is_folder


def test_of_what_is_absent_there_is_no_status_and_no_list(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    assert STORE.status(str(tmp_path / "absent")) is None
    assert STORE.status(str(tmp_path / "file" / "below")) is None
    assert list(STORE.list(str(tmp_path / "absent"))) == []


def test_a_file_may_be_read_in_part(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"12345")
    assert STORE.read(str(tmp_path / "a"), 2) == b"12"


def test_a_list_survives_temporaries_that_come_and_go(tmp_path: Path):
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            STORE.create_if_absent(str(tmp_path / str(number % 50)), b"")
            STORE.delete(str(tmp_path / str(number % 50)))
            number += 1

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write) for _ in range(2)]
        try:
            for _ in range(500):
                STORE.list(str(tmp_path))
        finally:
            stop.set()
        for one in writing:
            one.result()


def test_a_folder_is_deleted_by_two_at_once(tmp_path: Path):
    for attempt in range(10):
        folder = tmp_path / str(attempt)
        for n in range(10):
            STORE.create_if_absent(str(folder / str(n) / "file"), b"")
        with ThreadPoolExecutor(2) as pool:
            for one in [pool.submit(STORE.delete, str(folder)) for _ in range(2)]:
                one.result()
        assert not folder.exists()


def test_a_link_is_deleted_and_not_what_it_leads_to(tmp_path: Path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/link").symlink_to(tmp_path / "kept")
    STORE.delete(str(tmp_path / "folder"))
    assert names(tmp_path / "kept") == ["file"]


def test_paths_are_joined_by_one_slash():
    assert join("file:/a/", "b", "c") == "file:/a/b/c"
