"""One commit a batch, once, whoever else writes to the table."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delta_tables import STREAM, Tables
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from dc43_core.errors import StaleStagingError, UnsoundPlaceError
from dc43_core.protocol.file_store import LocalFileStore, canonical, local_path
from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.partitions import NULL, PARTITIONED
from dc43_core.vocabulary import Lane
from dc43_delta import sink as module
from dc43_delta.errors import DeltaCommitError, DeltaTableError, OlderBatchError

MAIN = f"dc43-batch-{STREAM}-main"
OTHER = "b" * 32
TOKEN = f"batch-{STREAM}-{0:010d}-"


def kinds(tables: Tables, *published, deep: bool = False) -> list[str]:
    return [defect.kind for defect in tables.sink().defects(published, deep=deep)]


def commit(tables: Tables, version: int) -> list[dict]:
    entry = tables.folder / "_delta_log" / f"{version:020d}.json"
    return [json.loads(line) for line in entry.read_text().splitlines()]


def before_the_commit(monkeypatch: pytest.MonkeyPatch, *actions) -> list:
    """Let these happen, one at each attempt, after the table was read and before the commit."""
    waiting = list(actions)
    committed = module.DeltaSink._commit

    def meddled(self, *arguments):
        if waiting:
            waiting.pop(0)()
        committed(self, *arguments)

    monkeypatch.setattr(module.DeltaSink, "_commit", meddled)
    return waiting


# -- what a commit is --------------------------------------------------------------------------


def test_a_batch_is_one_commit_with_its_transaction(tables: Tables):
    tables.publish(0, 1)
    manifest = tables.manifest(1, tables.stage(2), tables.stage(3))
    assert tables.sink().publish(manifest) == 1
    actions = commit(tables, 1)
    assert [a["add"]["path"] for a in actions if "add" in a] == [
        final.rsplit("/", 1)[-1] for _, final in manifest.moves
    ]
    (transaction,) = [a["txn"] for a in actions if "txn" in a]
    assert (transaction["appId"], transaction["version"]) == (MAIN, 1)
    assert tables.ids() == [1, 2, 3]


def test_the_data_is_not_written_twice(tables: Tables):
    staged = local_path(tables.stage(1))
    node = staged.stat().st_ino
    tables.sink().publish(tables.manifest(0, staged.as_uri()))
    (landed,) = tables.folder.glob("*.parquet")
    assert landed.stat().st_ino == node
    assert not staged.exists()


def test_the_lanes_of_a_stream_are_applications_of_their_own(tables: Tables):
    tables.publish(0, 1)
    rejects = tables.sink(lane=Lane.REJECTS)
    rejects.publish(tables.manifest(0, tables.stage(2)))
    assert tables.table().transaction_version(MAIN) == 0
    assert tables.table().transaction_version(f"dc43-batch-{STREAM}-rejects") == 0


def test_a_file_without_rows_is_not_listed_and_the_batch_still_counts(tables: Tables):
    assert tables.publish(0) == 0
    assert tables.publish(1, 7) == 1
    assert tables.publish(2) == 2
    assert tables.ids() == [7]
    assert tables.table().transaction_version(MAIN) == 2
    assert len(tables.table().file_uris()) == 1


def test_a_commit_is_synced_before_it_is_reported(tables: Tables):
    synced: list[str] = []

    class Watched(LocalFileStore):
        def sync(self, paths):
            synced.extend(paths := list(paths))
            super().sync(paths)

    tables.store = Watched()
    sink = tables.sink()
    version = sink.publish(tables.manifest(0, tables.stage(1)))
    assert synced == [sink.log.path(version)]
    # An attempt that died between commit and sync left that to this one.
    sink.publish(tables.manifest(0, after=-1))
    assert synced == [sink.log.path(version)] * 2


# -- others who write --------------------------------------------------------------------------


def test_an_append_in_between_only_delays(tables: Tables, monkeypatch: pytest.MonkeyPatch):
    tables.publish(0, 1)
    before_the_commit(monkeypatch, lambda: tables.append(100))
    assert tables.publish(1, 2) == 2
    assert tables.ids() == [1, 2, 100]


def test_another_stream_that_creates_the_table_only_delays(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
):
    before_the_commit(monkeypatch, lambda: tables.publish(0, 100, stream=OTHER))
    assert tables.publish(0, 1) == 1
    assert tables.ids() == [1, 100]


def test_the_same_batch_by_another_driver_is_found(tables: Tables, monkeypatch: pytest.MonkeyPatch):
    tables.publish(0, 1)
    manifest = tables.manifest(1, tables.stage(2))

    def rival() -> None:
        tables.sink().publish(manifest)
        # Not even the commit right before it, so that more than the newest is compared.
        tables.append(100)

    before_the_commit(monkeypatch, rival)
    assert tables.sink().publish(manifest) == 1
    assert tables.ids() == [1, 2, 100]
    assert tables.table().version() == 2


def test_a_table_that_is_changed_while_the_stream_runs_is_refused(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
):
    tables.publish(0, 1)

    def widen() -> None:
        from deltalake.schema import Field, PrimitiveType

        tables.table().alter.add_columns([Field("more", PrimitiveType("string"))])

    before_the_commit(monkeypatch, widen)
    with pytest.raises(UnsoundPlaceError, match="has more string besides"):
        tables.publish(1, 2)
    assert tables.ids() == [1]


def test_a_fault_of_delta_rs_is_named_and_the_next_attempt_publishes(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
):
    tables.publish(0, 1)
    manifest = tables.manifest(1, tables.stage(2))

    def fail() -> None:
        raise DeltaError("no space left")

    waiting = before_the_commit(monkeypatch, fail, fail)
    with pytest.raises(DeltaCommitError, match=r"no space left.*the next start publishes it"):
        tables.sink().publish(manifest)
    assert waiting == []
    assert tables.ids() == [1]
    assert tables.sink().publish(manifest) == 1
    assert tables.ids() == [1, 2]


def test_what_fails_after_the_commit_does_not_repeat_it(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
):
    committed = module.DeltaSink._commit

    def commit_and_fail(self, *arguments):
        committed(self, *arguments)
        raise DeltaError("the checkpoint could not be written")

    monkeypatch.setattr(module.DeltaSink, "_commit", commit_and_fail)
    assert tables.publish(0, 1) == 0
    assert tables.ids() == [1]
    assert tables.table().version() == 0


# -- replays, and checkpoints that are not what they were ----------------------------------------


def test_a_batch_from_long_ago_is_found_behind_checkpoints(tables: Tables):
    manifest = tables.manifest(0, tables.stage(0))
    tables.sink().publish(manifest)
    for n in range(1, 8):
        tables.publish(n, n)
    tables.table().create_checkpoint()
    assert tables.sink().publish(manifest) == 0
    assert tables.ids() == list(range(8))


def test_a_batch_whose_commit_was_cleaned_up_is_not_published_again(tables: Tables):
    manifest = tables.manifest(0, tables.stage(0))
    tables.sink().publish(manifest)
    for n in range(3):
        tables.publish(n, 10 + n, stream=OTHER)
    tables.table().create_checkpoint()
    for version in range(3):
        (tables.folder / "_delta_log" / f"{version:020d}.json").unlink()
    # Its own version is not known any more; the oldest that is left holds it for certain.
    assert tables.sink().publish(manifest) == 3
    assert tables.ids() == [0, 10, 11, 12]


@pytest.mark.parametrize("batch", [0, 2])
def test_a_batch_that_the_table_held_before_it_was_prepared_is_refused(tables: Tables, batch):
    for n in range(3):
        tables.publish(n, n)
    with pytest.raises(OlderBatchError, match=r"start with a new checkpoint and adopt='fork'") as e:
        tables.publish(batch, 9)
    assert (e.value.application, e.value.batch, e.value.held) == (MAIN, batch, 2)
    assert tables.ids() == [0, 1, 2]


def test_another_stream_may_write_the_same_batch_ids(tables: Tables):
    tables.publish(3, 1)
    assert tables.publish(0, 2, stream=OTHER) == 1
    assert tables.ids() == [1, 2]


def test_a_lost_file_is_named(tables: Tables):
    manifest = tables.manifest(0, tables.stage(1))
    local_path(manifest.moves[0][0]).unlink()
    with pytest.raises(StaleStagingError):
        tables.sink().publish(manifest)
    assert not DeltaTable.is_deltatable(str(tables.folder))


def test_a_table_that_was_replaced_since_the_batch_was_prepared_is_refused(tables: Tables):
    for n in range(3):
        tables.publish(n, n)
    manifest = tables.manifest(3, tables.stage(3))
    for path in tables.folder.glob("*"):
        if path.name != "_dc43":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(UnsoundPlaceError, match=r"there is no table.*adopt='fork'"):
        tables.sink().publish(manifest)
    tables.create()
    with pytest.raises(UnsoundPlaceError, match="its version is 0"):
        tables.sink().publish(manifest)


def test_a_commit_that_is_not_whole_is_named(tables: Tables):
    for n in range(2):
        tables.publish(n, n)
    manifest = tables.manifest(2, tables.stage(2), after=0)
    (tables.folder / "_delta_log" / f"{1:020d}.json").write_bytes(b"")
    with pytest.raises(UnsoundPlaceError, match=r"not whole|cannot read"):
        tables.sink().publish(manifest)


# -- before the start --------------------------------------------------------------------------


def test_an_absent_folder_and_one_with_staging_are_sound(tables: Tables):
    assert kinds(tables) == []
    tables.stage(1)
    assert kinds(tables) == []


def test_a_place_can_be_looked_at_by_someone_who_does_not_know_the_columns(tables: Tables):
    tables.publish(0, 1)
    looking = tables.sink(schema=lambda: "{}")
    assert looking.defects(deep=True) == []
    assert len(looking.files()) == 1


def test_a_file_s_name_ends_as_its_codec_does(tables: Tables):
    sink, token = tables.sink(), f"batch-{STREAM}-0000000000-"
    name = "part-0-1b2c.c000"
    for end in (".snappy.parquet", ".zstd.parquet", ".parquet"):
        assert sink.final_name(token, 3, name + end) == f"{sink.uri}/{token}00003{end}"


def test_a_folder_with_files_of_others_is_refused(tables: Tables):
    tables.folder.mkdir(parents=True)
    (tables.folder / "part-0.parquet").touch()
    (defect,) = tables.sink().defects()
    assert (defect.kind, defect.names) == ("unlisted-file", ("part-0.parquet",))


def test_a_folder_of_the_file_sink_is_refused(tables: Tables):
    (tables.folder / "_spark_metadata").mkdir(parents=True)
    assert kinds(tables) == ["other-sink"]


def test_a_batch_that_is_gone_is_missed(tables: Tables):
    manifests = [tables.manifest(n, tables.stage(n)) for n in range(3)]
    tables.sink().publish(manifests[0])
    (defect,) = tables.sink().defects(reversed(manifests))
    assert (defect.kind, defect.adopt) == ("lost-entries", "fork")
    assert "batches 2, 1 were published" in defect.what
    shutil.rmtree(tables.folder)
    assert kinds(tables, *reversed(manifests)) == ["lost-entries"]


def test_a_listed_file_that_is_gone_is_missed(tables: Tables):
    tables.publish(0, 1)
    tables.publish(1, 2)
    assert kinds(tables, deep=True) == []
    first, second = sorted(tables.folder.glob("*.parquet"))
    first.write_bytes(first.read_bytes() + b"x")
    second.unlink()
    assert kinds(tables) == ["missing-file"]
    assert kinds(tables, deep=True) == ["missing-file", "changed-file"]


def test_a_table_that_cannot_be_read_is_refused(tables: Tables):
    tables.publish(0, 1)
    (tables.folder / "_delta_log" / f"{0:020d}.json").write_text("{")
    assert kinds(tables) == ["corrupt-table"]


@pytest.mark.parametrize("path", ["viewfs://cluster/t", "hdfs://host/t", "s3a://bucket/t"])
def test_a_place_that_delta_rs_would_find_elsewhere_is_refused(tables: Tables, path: str):
    class Named(LocalFileStore):
        def uri(self, path: str) -> str:
            return path

    with pytest.raises(DeltaTableError, match=f"{path.split(':')[0]}: is not among"):
        tables.sink(store=Named(), folder=path)


def test_vacuum_leaves_staged_files_alone(tables: Tables):
    tables.publish(0, 1)
    staged = local_path(tables.stage(2))
    tables.table().vacuum(
        retention_hours=0, enforce_retention_duration=False, dry_run=False, full=True
    )
    assert staged.exists()
    assert tables.ids() == [1]


def test_files_are_told_oldest_first_also_behind_a_checkpoint(tables: Tables):
    streams = [STREAM, OTHER] * 3
    expected = []
    for n, stream in enumerate(streams):
        manifest = tables.manifest(n, tables.stage(n), stream=stream)
        tables.sink().publish(manifest)
        expected += [final for _, final in manifest.moves]
    assert list(tables.sink().files()) == expected
    tables.table().create_checkpoint()
    (tables.folder / "_delta_log" / f"{0:020d}.json").unlink()
    assert list(tables.sink().files()) == expected


def test_files_that_still_hold_deleted_rows_are_not_told(
    tables: Tables, monkeypatch: pytest.MonkeyPatch
):
    tables.publish(0, 1)
    # delta-rs reads deletion vectors and writes none.
    vectors = pa.record_batch({"filepath": ["x"], "selection_vector": [[False]]})
    monkeypatch.setattr(DeltaTable, "deletion_vectors", lambda self: iter([vectors]))
    with pytest.raises(UnsoundPlaceError, match=r"APPLY \(PURGE\)"):
        tables.sink().files()


def test_the_table_is_one_folder(tables: Tables):
    tables.publish(0, 1)
    assert {p.name for p in Path(tables.folder).iterdir() if p.name[0] == "_"} == {
        "_dc43",
        "_delta_log",
    }


def test_an_overwrite_is_one_commit_that_removes_all_before_it(tables: Tables):
    tables.publish(0, 1)
    tables.publish(1, 2)
    manifest = tables.manifest(2, tables.stage(3))
    assert tables.sink().replacing().publish(manifest) == 2
    assert tables.ids() == [3]
    assert sum("remove" in action for action in commit(tables, 2)) == 2
    # Whoever completes it finds it, and what comes after is added.
    assert tables.sink().publish(manifest) == 2
    tables.publish(3, 4)
    assert tables.ids() == [3, 4]


# -- partitions --------------------------------------------------------------------------------


def staged_below(tables: Tables, partition: str, *ids: int) -> str:
    """Move a staged file below the folder of its partition, as an engine writes it there."""
    plain = local_path(tables.stage(*ids))
    path = plain.parent / PARTITIONED / partition / plain.name
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pq.read_table(plain).drop_columns(["note"]), path)
    plain.unlink()
    return path.as_uri()


def test_values_of_a_partition_stand_in_the_path_and_in_the_log(tables: Tables):
    sink = tables.sink(partition_by=("note",))
    # Spelt as Spark names folders.
    spelt = {"note=a b": "a b", "note=a%2Fb%25": "a/b%", "note=ü": "ü", f"note={NULL}": None}
    files = [staged_below(tables, folder, n) for n, folder in enumerate(spelt)]
    moves = tuple((path, sink.final_name(TOKEN, i, path)) for i, path in enumerate(files))
    assert sink.publish(LaneManifest(token=TOKEN, after=-1, moves=moves)) == 0
    table = tables.table()
    assert table.metadata().partition_columns == ["note"]
    rows = {row["id"]: row["note"] for row in table.to_pyarrow_table().to_pylist()}
    assert rows == dict(enumerate(spelt.values()))
    assert not sink.defects(deep=True)
    assert sorted(map(canonical, sink.files())) == sorted(canonical(final) for _, final in moves)
    (other,) = tables.sink().defects()
    assert "is partitioned by note, and will be written by nothing" in other.what


def test_a_file_of_a_partition_that_is_gone_is_missed(tables: Tables):
    sink = tables.sink(partition_by=("note",))
    path = staged_below(tables, "note=a%2Fb", 1)
    final = sink.final_name(TOKEN, 0, path)
    sink.publish(LaneManifest(token=TOKEN, after=-1, moves=((path, final),)))
    local_path(final).unlink()
    assert [defect.kind for defect in sink.defects(deep=True)] == ["missing-file"]
