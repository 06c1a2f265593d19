"""Looking at the place of a Delta table before it is written to; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote, urlsplit

from deltalake import DeltaTable, Schema

from dc43_core.protocol.defect import Defect, listed
from dc43_core.protocol.file_store import FileStatus, FileStore, join
from dc43_core.protocol.sink_check import OWN_FILE
from dc43_core.protocol.sink_log import LOG as FILE_SINK_LOG
from dc43_delta.schema import misfit


def place_defects(store: FileStore, uri: str) -> Iterator[Defect]:
    """Yield why no table can be created in a folder that holds none."""
    entries = store.list(uri)
    if any(entry.name == FILE_SINK_LOG for entry in entries):
        yield Defect(
            kind="other-sink",
            what="the folder is no Delta table, it has the commit log of a file sink",
            where=uri,
            way_out="write to another folder, or with format='parquet'",
        )
        return
    strangers = [e.name for e in entries if e.name[0] not in "._" and not OWN_FILE.match(e.name)]
    if strangers:
        yield Defect(
            kind="unlisted-file",
            what=f"the folder is no Delta table and holds other files ({listed(strangers)})",
            where=uri,
            way_out="write to an empty folder, or move these files away",
            names=tuple(strangers),
        )


def table_defects(
    store: FileStore,
    uri: str,
    table: DeltaTable,
    lane: Schema | None,
    partition_by: Sequence[str] = (),
    *,
    deep: bool,
) -> Iterator[Defect]:
    """Yield why a lane cannot be added to a table, and which of its files are not there."""
    found = misfit(table, lane, partition_by)
    if found is not None:
        what, way_out = found
        yield Defect(kind="unfit-table", what=f"the table {what}", where=uri, way_out=way_out)
    there = {file.name: file for file in store.list(uri)}
    gone, changed = [], []
    for name, size in _files(table):
        file = _found(store, uri, there, name, deep=deep)
        if file is None:
            gone.append(name)
        elif file is not _NOT_LOOKED and deep and file.size != size:
            changed.append(name)
    for kind, names, what in (
        ("missing-file", gone, "that are not there"),
        ("changed-file", changed, "that have another size"),
    ):
        if names:
            yield Defect(
                kind=kind,
                what=f"the table lists {len(names):,} files {what} ({listed(sorted(names))})",
                where=uri,
                way_out="restore them from a copy; until then readers fail",
                names=tuple(sorted(names)),
            )


def lost_batches(uri: str, batches: Sequence[int], version: int) -> Defect:
    """Return that a table lacks batches which were published to it."""
    now = f"its version is {version}" if version >= 0 else "there is no table"
    return Defect(
        kind="lost-entries",
        what=f"batches {listed(list(map(str, batches)))} were published here and are not in the "
        f"table ({now}): it was deleted, replaced or restored from an older copy",
        where=uri,
        way_out="restore the table from a copy; or say adopt='fork' to go on from the next batch, "
        "without what is gone",
        adopt="fork",
    )


def deleted_rows(uri: str) -> Defect:
    """Return that files of a table hold rows which a reader of the table does not see."""
    return Defect(
        kind="deleted-rows",
        what="rows of the table are deleted by deletion vectors, and still stand in its files",
        where=uri,
        way_out="take them out of the files with REORG TABLE ... APPLY (PURGE)",
    )


_NOT_LOOKED = FileStatus(path="", name="", size=-1, modified=0)


def _files(table: DeltaTable) -> Iterable[tuple[str, int]]:
    adds = table.get_add_actions()
    paths, sizes = (adds.column(name).to_pylist() for name in ("path", "size_bytes"))
    return zip(map(str, paths), sizes, strict=True)


def _found(
    store: FileStore, uri: str, there: dict[str, FileStatus], name: str, *, deep: bool
) -> FileStatus | None:
    """Look a file up in the folder's listing; elsewhere only if asked to look at everything."""
    if "/" not in name:
        return there.get(unquote(name))
    scheme = urlsplit(name).scheme
    if not deep or scheme not in ("", "file"):
        return _NOT_LOOKED
    # Of a partition; a shallow clone lists files of another table.
    return store.status(name if scheme else join(uri, name))
