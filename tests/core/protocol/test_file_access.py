"""A file system that refuses is named: what was tried, where, why, and what to do about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from dc43_core.errors import FileAccessError, UnsupportedStoreError
from dc43_core.protocol.file_store import LocalFileStore

WAYS_OUT = {
    errno.ENOSPC: "free space there and start again",
    errno.EDQUOT: "free space there",
    errno.EFBIG: "raise the limit of file sizes",
    errno.EROFS: "make it writable",
    errno.EACCES: "let this user write there",
    errno.EIO: "remove the cause",
}


def refuse(number: int) -> Any:
    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("number", WAYS_OUT)
@pytest.mark.parametrize("step", ["fsync", "link"])
def test_a_file_that_cannot_be_created_is_absent_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, step: str
):
    monkeypatch.setattr(os, step, refuse(number))
    path = tmp_path / "two words" / "entry"
    with pytest.raises(FileAccessError) as caught:
        LocalFileStore().create_if_absent(str(path), b"x")
    error = caught.value
    assert (error.operation, error.path, error.errno) == ("create", str(path), number)
    assert str(error).startswith(f"cannot create {path}: {os.strerror(number)}; ")
    assert WAYS_OUT[number] in str(error)
    assert error.exit_code == 3
    assert list(path.parent.iterdir()) == [], "neither the file nor its temporary"


@pytest.mark.parametrize(
    ("step", "operation", "call"),
    [
        ("scandir", "list", lambda s, p: s.list(p)),
        ("fsync", "sync", lambda s, p: s.sync([f"{p}/file"])),
        ("link", "move", lambda s, p: s.rename_no_replace(f"{p}/file", f"{p}/other")),
        ("unlink", "delete", lambda s, p: s.delete(f"{p}/file")),
    ],
)
def test_every_operation_says_what_it_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, operation: str, call: Any
):
    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setattr(os, step, refuse(errno.EROFS))
    monkeypatch.setattr(Path, step, refuse(errno.EROFS), raising=False)
    with pytest.raises(FileAccessError, match=rf"cannot {operation} .*Read-only file system"):
        call(LocalFileStore(), str(tmp_path))


def test_what_a_jvm_says_in_words_has_the_same_way_out():
    error = FileAccessError("stage", "viewfs://m/x", "java.io.IOException: No space left on device")
    assert error.remedy == "free space there"


@pytest.mark.parametrize("taken", [False, True])
def test_a_file_moves_to_another_file_system_whole_and_replaces_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: bool
):
    source, target = tmp_path / "here" / "staged", tmp_path / "mounted" / "final"
    for file in (source, target) if taken else (source,):
        file.parent.mkdir()
        file.write_bytes(file.name.encode())
    link = os.link

    def within_one_system(old: Path, new: Path) -> None:
        if old.parent != new.parent:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        link(old, new)

    monkeypatch.setattr(os, "link", within_one_system)
    assert LocalFileStore().rename_no_replace(str(source), str(target)) is not taken
    assert target.read_bytes() == (b"final" if taken else b"staged")
    assert source.exists() is taken
    assert [file.name for file in target.parent.iterdir()] == ["final"], "no temporary is left"


@pytest.mark.parametrize("uri", ["viewfs://mount/x", "hdfs://host/x", "s3a://bucket/x"])
def test_the_local_store_takes_no_other_file_system_for_a_folder_of_its_own(uri: str):
    store = LocalFileStore()
    for call in (store.uri, store.list, store.status, store.read, store.delete):
        with pytest.raises(UnsupportedStoreError):
            call(uri)
