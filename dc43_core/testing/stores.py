"""What every file store holds to: the operations that publishing exactly once rests on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import pytest

from dc43_core.protocol.file_store import FileStore, join

T = TypeVar("T")

_NAMES = (
    "plain.json",
    ".hidden",
    "two words",
    "k=v",
    "a+b",
    "é",
    "日本語",
    "\U0001f600",
    "0",
    "10",
)
_ROUNDS = 10
_BYTES = {"nothing": b"", "every byte": bytes(range(256)), "a megabyte": b"\x00\r\n\xff" * 262_144}


def at_once(actions: Sequence[Callable[[], T]]) -> list[T]:
    """Run actions in a thread each, from one moment on, and return their results in order."""
    barrier = threading.Barrier(len(actions))
    results: dict[int, T] = {}
    raised: list[BaseException] = []

    def run(number: int, action: Callable[[], T]) -> None:
        barrier.wait()
        try:
            results[number] = action()
        except Exception as error:  # noqa: BLE001 - raised again by the test's own thread
            raised.append(error)

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
    return [results[number] for number in range(len(actions))]


class FileStoreConformance:
    """Claims about a `FileStore`; subclass it and give the fixtures."""

    @pytest.fixture
    def store(self) -> FileStore:
        """The store under test."""
        raise NotImplementedError("give the fixture `store`")

    @pytest.fixture
    def folder(self) -> str:
        """Path or URI of a folder of its own for each test; it need not exist."""
        raise NotImplementedError("give the fixture `folder`")

    def test_a_uri_is_absolute(self, store: FileStore, folder: str) -> None:
        """Records keep URIs; they must mean the same from any working directory."""
        for path in (folder, join(folder, "two words", "é")):
            uri = store.uri(path)
            assert urlsplit(uri).scheme, f"uri({path!r}) has no scheme: {uri}"
            assert urlsplit(uri).path.startswith("/"), f"uri({path!r}) is not absolute: {uri}"
            assert store.uri(uri) == uri, f"uri() of a URI must leave it: {uri}, {store.uri(uri)}"

    def test_a_path_and_its_uri_are_one_file(self, store: FileStore, folder: str) -> None:
        """What is written by the one is read by the other."""
        path = join(folder, "two words")
        store.create_if_absent(path, b"x")
        assert store.read(store.uri(path)) == b"x", "the file cannot be read by its URI"

    @pytest.mark.parametrize("what", _BYTES)
    def test_a_created_file_is_whole(self, store: FileStore, folder: str, what: str) -> None:
        """The bytes come back, parent folders are made, and nothing else is left behind."""
        path = join(folder, "deep", "er", "entry")
        assert store.create_if_absent(path, _BYTES[what]) is True, "a new file must give True"
        assert store.read(path) == _BYTES[what], f"{what} came back changed"
        names = [file.name for file in store.list(join(folder, "deep", "er"))]
        assert names == ["entry"], f"creation must leave one file, left {names}"

    @pytest.mark.parametrize("length", [1, 8, 9, 10, 11, 1_000])
    def test_the_end_of_a_file_can_be_read(
        self, store: FileStore, folder: str, length: int
    ) -> None:
        """A parquet file says at its end what is in it; a short file is all end."""
        path = join(folder, "entry")
        store.create_if_absent(path, b"0123456789")
        assert store.read_end(path, length) == b"0123456789"[-length:], "not the last bytes"

    def test_a_file_is_created_once(self, store: FileStore, folder: str) -> None:
        """The second creation says False and leaves the first one's content."""
        path = join(folder, "entry")
        store.create_if_absent(path, b"first")
        assert store.create_if_absent(path, b"second") is False, "an existing file must give False"
        assert store.read(path) == b"first", "the existing file was replaced"

    def test_of_writers_at_once_exactly_one_creates(self, store: FileStore, folder: str) -> None:
        """Conditional creation is the only fence between two drivers."""
        for number in range(_ROUNDS):
            path = join(folder, f"entry-{number}")
            contents = [b"a" * 10_000, b"b" * 20_000]
            won = at_once([partial(store.create_if_absent, path, data) for data in contents])
            assert sorted(won) == [False, True], f"of two writers, {sum(won)} won"
            assert store.read(path) == contents[won.index(True)], "the file is not the winner's"

    def test_a_rename_moves_the_content(self, store: FileStore, folder: str) -> None:
        """The source is gone, the target is whole, its folder is made."""
        source, target = join(folder, "staged"), join(folder, "new", "final")
        store.create_if_absent(source, b"rows")
        assert store.rename_no_replace(source, target) is True, "a free target must give True"
        assert store.read(target) == b"rows", "the content did not arrive"
        assert store.status(source) is None, "the source is still there"

    def test_a_rename_replaces_nothing(self, store: FileStore, folder: str) -> None:
        """Published data is never overwritten."""
        source, target = join(folder, "staged"), join(folder, "final")
        store.create_if_absent(source, b"new")
        store.create_if_absent(target, b"old")
        assert store.rename_no_replace(source, target) is False, "a taken target must give False"
        assert store.read(target) == b"old", "the target was replaced"
        assert store.read(source) == b"new", "the source was lost"

    def test_a_rename_of_nothing_is_an_error(self, store: FileStore, folder: str) -> None:
        """A staged file that is gone must not look like one that was moved."""
        with pytest.raises(FileNotFoundError):
            store.rename_no_replace(join(folder, "absent"), join(folder, "final"))

    def test_of_renames_at_once_exactly_one_wins(self, store: FileStore, folder: str) -> None:
        """Two staged files cannot become one published file."""
        for number in range(_ROUNDS):
            sources = [join(folder, f"{name}-{number}") for name in "ab"]
            target = join(folder, f"final-{number}")
            for source in sources:
                store.create_if_absent(source, source.encode())
            moved = at_once([partial(store.rename_no_replace, s, target) for s in sources])
            assert sorted(moved) == [False, True], f"of two renames, {sum(moved)} won"
            winner = sources[moved.index(True)]
            assert store.read(target) == winner.encode(), "the target is not the winner's"

    def test_a_folder_is_listed_by_name(self, store: FileStore, folder: str) -> None:
        """Sorted, direct children only, with what is known of each; its path reads back."""
        for name in _NAMES:
            store.create_if_absent(join(folder, name), name.encode())
        store.create_if_absent(join(folder, "sub", "below"), b"")
        listed = store.list(folder)
        assert [file.name for file in listed] == sorted([*_NAMES, "sub"]), "not sorted by name"
        for file in listed:
            assert file.is_folder is (file.name == "sub"), f"{file.name}: is_folder is wrong"
            assert file.path == store.uri(join(folder, file.name)), f"{file.path} is not its URI"
            if not file.is_folder:
                assert store.read(file.path) == file.name.encode(), f"{file.path} reads otherwise"
                assert file.size == len(file.name.encode()), f"{file.name} has size {file.size}"

    def test_a_folder_that_is_absent_lists_nothing(self, store: FileStore, folder: str) -> None:
        """An empty log and no log are the same."""
        assert list(store.list(join(folder, "absent"))) == [], "an absent folder must be empty"

    @pytest.mark.parametrize("name", _NAMES)
    def test_a_status_tells_of_one_file(self, store: FileStore, folder: str, name: str) -> None:
        """Name, size and URI, as the sink's log will keep them."""
        path = join(folder, name)
        assert store.status(path) is None, "a file that is absent must have no status"
        store.create_if_absent(path, b"12345")
        status = store.status(path)
        assert status is not None, "a file that exists must have a status"
        facts = status.name, status.size, status.is_folder, status.path
        assert facts == (name, 5, False, store.uri(path)), f"the status of {name} is {status}"

    def test_a_file_that_is_absent_cannot_be_read(self, store: FileStore, folder: str) -> None:
        """The protocol tells absent from broken by this very exception."""
        with pytest.raises(FileNotFoundError):
            store.read(join(folder, "absent"))

    @pytest.mark.parametrize("limit", [0, 1, 4, 5, 6])
    def test_the_beginning_of_a_file_can_be_read(
        self, store: FileStore, folder: str, limit: int
    ) -> None:
        """A look at a large file costs no more than what is looked at."""
        path = join(folder, "entry")
        store.create_if_absent(path, b"12345")
        assert store.read(path, limit) == b"12345"[:limit], f"not its first {limit} bytes"

    def test_files_can_be_synced(self, store: FileStore, folder: str) -> None:
        """Content is as it was; no file at all is fine."""
        paths = [join(folder, "deep", name) for name in ("a", "two words")]
        for path in paths:
            store.create_if_absent(path, b"rows")
        store.sync(paths)
        store.sync([])
        assert [store.read(path) for path in paths] == [b"rows", b"rows"], "sync changed a file"

    def test_a_folder_is_deleted_with_all_that_is_in_it(
        self, store: FileStore, folder: str
    ) -> None:
        """What lies beside it stays, also where its name begins alike."""
        for name in ("gone/a", "gone/deep/b", "gone-not/c"):
            store.create_if_absent(join(folder, *name.split("/")), b"")
        store.delete(join(folder, "gone"))
        left = [file.name for file in store.list(folder)]
        assert left == ["gone-not"], f"after delete of `gone` there must be gone-not, not {left}"
        store.delete(join(folder, "gone-not", "c"))
        assert store.status(join(folder, "gone-not", "c")) is None, "the file is still there"
        assert store.create_if_absent(join(folder, "gone", "a"), b"again") is True

    def test_to_delete_what_is_absent_is_nothing(self, store: FileStore, folder: str) -> None:
        """Two drivers may sweep at once."""
        store.delete(join(folder, "absent"))
        store.delete(join(folder, "absent", "deeper"))
