"""Others on our sinks and checkpoints, on real Spark: it works or is refused, and nothing is lost.

Each claim about Spark itself (what it skips, what its readers do not see) is asserted too.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from mounts import in_faults
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from dc43_core.errors import StreamIdentityError, UnsoundPlaceError
from dc43_core.protocol.sink_log import FileSink
from dc43_integrations.spark.file_store import store_for

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string"}
SCHEMA = "id BIGINT, note STRING"


def refused(flow, **options) -> UnsoundPlaceError:
    """Start, and return why it was refused; no query has begun."""
    with pytest.raises(UnsoundPlaceError) as caught:
        flow.start(**options)
    assert flow.spark.streams.active == []
    return caught.value


def kinds(error: UnsoundPlaceError) -> list[str]:
    return [defect.kind for defect in error.defects]


def fill(flow, first: int, files: int) -> None:
    """Put so many files of one good and one bad row."""
    for number in range(first, first + files):
        flow.put("id,note", f"{number},a", f",{number}")


def ids(flow) -> list[int]:
    return sorted(row.id for row in flow.rows())


# Several streams, one sink


@in_faults
def test_two_streams_that_run_at_once_share_a_sink_over_its_compactions(flow):
    one, other = flow([ID, NOTE]), flow([ID, NOTE])
    shared = {"path": one.at(one.main), "rejects": one.at(one.rejects), "per_batch": 1}
    fill(one, 0, 6)
    fill(other, 100, 6)
    running = [
        one.start(query_name="one", **shared),
        other.start(query_name="other", **shared),
    ]
    for result in running:
        assert result.streaming_queries[0].awaitTermination(120)
    assert ids(one) == [*range(6), *range(100, 106)]
    assert sorted(int(row.note) for row in one.reject_rows()) == [*range(6), *range(100, 106)]
    # The numbers are the sink's: each once, none left out.
    versions = [int(b["dataset_version"]) for r in running for b in r.streaming_batches]
    assert sorted(versions) == list(range(12))
    names = {f.name for f in (one.main / "_spark_metadata").iterdir() if f.name[0] != "."}
    assert names == {*(str(n) for n in range(12) if n != 9), "9.compact"}
    # And each goes on from there.
    fill(one, 6, 1)
    assert one.run(query_name="one", **shared).batch["dataset_version"] == "12"


# Checkpoints that are lost, moved, copied


@in_faults
def test_a_second_checkpoint_for_the_same_stream_is_refused(flow):
    rows = flow([ID, NOTE])
    fill(rows, 0, 1)
    rows.run()
    second = rows.at(rows.home / "second")
    with pytest.raises(StreamIdentityError, match="already writes to"):
        rows.start(checkpoint_location=second)
    # With a name of its own it is a stream of its own, and reads the source for itself.
    landed = rows.run(checkpoint_location=second, query_name="second")
    assert landed.error is None
    assert ids(rows) == [0, 0]


@in_faults
def test_a_moved_checkpoint_goes_on_where_it_was_if_told_so(flow):
    rows = flow([ID, NOTE])
    fill(rows, 0, 2)
    first = rows.run(per_batch=1)
    moved = rows.home / "moved here"
    rows.checkpoint.rename(moved)
    fill(rows, 2, 1)
    with pytest.raises(StreamIdentityError, match="adopt='continue'"):
        rows.start(checkpoint_location=rows.at(moved))
    landed = rows.run(checkpoint_location=rows.at(moved), adopt="continue")
    assert [b["batch_id"] for b in landed.batches] == [2]
    assert landed.result.details["stream_id"] == first.result.details["stream_id"]
    assert ids(rows) == [0, 1, 2]


@in_faults
def test_a_copied_checkpoint_is_a_stream_of_its_own_if_told_so(flow):
    rows = flow([ID, NOTE])
    fill(rows, 0, 2)
    first = rows.run(per_batch=1)
    copy = rows.home / "copy"
    shutil.copytree(rows.checkpoint, copy)
    fill(rows, 2, 1)
    with pytest.raises(StreamIdentityError, match="adopt='fork'"):
        rows.start(checkpoint_location=rows.at(copy))
    forked = rows.run(checkpoint_location=rows.at(copy), adopt="fork", query_name="copy")
    # Spark's batch 2 again, of another stream: not taken for done.
    original = rows.run()
    assert [b["batch_id"] for b in (*forked.batches, *original.batches)] == [2, 2]
    assert forked.result.details["stream_id"] != first.result.details["stream_id"]
    assert ids(rows) == [0, 1, 2, 2], "both read the third file, as they were told"


# Native Spark on our folder


def append(flow, *numbers: int, mode: str = "append") -> None:
    frame = flow.spark.createDataFrame([(n, "native") for n in numbers], SCHEMA)
    frame.coalesce(1).write.mode(mode).parquet(flow.at(flow.main))


def test_a_native_append_is_found_named_and_refused(flow):
    rows = flow([ID, NOTE])
    fill(rows, 0, 1)
    rows.run()
    append(rows, 77)
    assert ids(rows) == [0], "Spark's readers do not see what no entry lists"
    fill(rows, 1, 1)
    error = refused(rows)
    assert kinds(error) == ["unlisted-file"]
    (stranger,) = (f for f in rows.main.glob("part-*.parquet"))
    assert stranger.name in str(error)
    assert stranger.exists(), "nothing is deleted"

    # The one way out: it is moved away, and read through the stream.
    stranger.rename(rows.home / stranger.name)
    assert rows.run().error is None
    assert ids(rows) == [0, 1]

    # The other: left where it is, unseen, once and for all.
    append(rows, 78)
    fill(rows, 2, 1)
    assert rows.run(adopt="continue").error is None
    fill(rows, 3, 1)
    assert rows.run().error is None
    assert ids(rows) == [0, 1, 2, 3]


def test_a_native_overwrite_is_known_from_the_checkpoint_and_refused(flow):
    rows = flow([ID, NOTE])
    fill(rows, 0, 3)
    first = rows.run(per_batch=1)
    append(rows, 77, mode="overwrite")
    assert not (rows.main / "_spark_metadata").exists(), "Spark deletes the log with the files"
    fill(rows, 3, 1)
    error = refused(rows)
    assert kinds(error) == ["lost-entries", "unlisted-file"]
    assert "batches 2, 1, 0 were published here" in str(error)
    # It cannot be waved through while readers would lose what lies there now.
    assert kinds(refused(rows, adopt="fork")) == ["unlisted-file"]

    for file in rows.main.glob("part-*"):
        file.rename(rows.home / file.name)
    assert kinds(refused(rows)) == ["lost-entries"]
    landed = rows.run(adopt="fork")
    assert landed.error is None
    assert landed.result.details["stream_id"] != first.result.details["stream_id"]
    assert [b["batch_id"] for b in landed.batches] == [3], "on from the next batch"
    assert ids(rows) == [3]
    fill(rows, 4, 1)
    assert rows.run().error is None
    assert ids(rows) == [3, 4]


def native_stream(flow, files: int, name: str = "native") -> None:
    """A native stream over files of its own, one a batch, that writes into our sink."""
    source = flow.home / name
    source.mkdir(exist_ok=True)
    for number in range(files):
        file = source / f"{number}.csv"
        file.write_text(f"{1000 + number},native\n")
        # Spark takes files by age.
        os.utime(file, (1_700_000_000 + number, 1_700_000_000 + number))
    query = (
        flow.spark.readStream.schema(SCHEMA)
        .option("maxFilesPerTrigger", 1)
        .csv(flow.at(source))
        .writeStream.option("path", flow.at(flow.main))
        .option("checkpointLocation", flow.at(flow.home / f"{name} checkpoint"))
        .trigger(availableNow=True)
        .start()
    )
    assert query.awaitTermination(120)
    query.stop()


def test_a_native_stream_on_our_sink_is_found_and_what_it_lost_is_told(flow):
    rows = flow([ID, NOTE])
    fill(rows, 0, 2)
    rows.run(per_batch=1)
    native_stream(rows, 4)
    # Spark skipped its batches 0 and 1, whose numbers our entries have, without a word.
    assert [n for n in ids(rows) if n >= 1000] == [1002, 1003]
    fill(rows, 2, 1)
    error = refused(rows)
    assert kinds(error) == ["foreign-entry"]
    assert "the log lists 2 files that dc43 did not write" in str(error)
    assert "skips without a word" in str(error)

    assert rows.run(adopt="continue").error is None
    assert ids(rows) == [0, 1, 2, 1002, 1003]
    fill(rows, 3, 7)
    assert rows.run(per_batch=1).error is None, "said once, over the next compaction too"
    assert ids(rows) == [*range(10), 1002, 1003]


@in_faults
def test_a_native_stream_that_writes_while_ours_does_loses_nothing_of_ours(flow):
    rows = flow([ID, NOTE])
    native_stream(rows, 1)
    fill(rows, 0, 2)
    assert rows.run(per_batch=1).error is None, "a native stream's sink is taken over"
    assert ids(rows) == [0, 1, 1000]
    # Its next batch has number 1, which is ours now: gone without a word. Its third is not.
    native_stream(rows, 4)
    assert ids(rows) == [0, 1, 1000, 1003]
    assert kinds(refused(rows)) == ["foreign-entry"]


# Files and entries that are gone or broken


def test_a_listed_file_that_is_gone_is_named_before_a_reader_fails_on_it(flow):
    rows = flow([ID, NOTE])
    fill(rows, 0, 2)
    rows.run(per_batch=1)
    gone = rows.local(rows.logged()[0])
    kept = gone.rename(rows.home / "kept")
    with pytest.raises((PySparkException, Py4JJavaError)):
        rows.rows()
    error = refused(rows)
    assert kinds(error) == ["missing-file"]
    assert gone.name in str(error)
    assert kinds(refused(rows, adopt="continue")) == ["missing-file"], "not to be waved through"
    kept.rename(gone)
    assert rows.run().error is None


def cut(file: Path) -> None:
    # Hadoop's checksum would speak first, where there is one.
    file.with_name(f".{file.name}.crc").unlink(missing_ok=True)
    file.write_bytes(file.read_bytes()[:1])


def test_a_broken_entry_or_a_gap_is_named(flow):
    rows = flow([ID, NOTE])
    fill(rows, 0, 3)
    rows.run(per_batch=1)
    log = rows.main / "_spark_metadata"
    whole = (log / "1").read_bytes()
    cut(log / "1")
    with pytest.raises((PySparkException, Py4JJavaError)):
        rows.rows()
    error = refused(rows)
    assert kinds(error) == ["corrupt-entry"]
    assert error.defects[0].where.endswith("_spark_metadata/1")
    (log / "1").unlink()
    assert kinds(refused(rows)) == ["missing-entry"]
    (log / "1").write_bytes(whole)
    assert ids(rows) == [0, 1, 2]
    assert rows.run().error is None


def test_a_file_of_the_checkpoint_that_cannot_be_read_is_named(flow):
    rows = flow([ID, NOTE])
    fill(rows, 0, 2)
    first = rows.run(per_batch=1)
    fill(rows, 2, 1)
    ours = f"dc43/{first.result.details['stream_id']}"
    names = [
        "metadata",
        "offsets/1",
        "commits/1",
        "sources/0/1",
        "dc43/stream.json",
        f"{ours}/prepared/1",
        f"{ours}/committed/1",
    ]
    for name in names:
        file = rows.checkpoint / name
        whole = file.read_bytes()
        for content in (b"", whole[: len(whole) // 2]):
            file.write_bytes(content)
            error = refused(rows)
            assert [d.where.endswith(name) for d in error.defects] == [True], name
            assert file.read_bytes() == content, "nothing is deleted or mended"
        file.write_bytes(whole)
    assert rows.run().error is None
    assert ids(rows) == [0, 1, 2]


@in_faults
def test_a_deep_look_finds_nothing_wrong_with_a_sink_in_use(spark, flow):
    rows = flow([ID, NOTE])
    fill(rows, 0, 11)
    rows.run(per_batch=1)
    uri = rows.at(rows.main)
    assert FileSink(store_for(spark, uri), uri, ".snappy.parquet").defects(deep=True) == []
