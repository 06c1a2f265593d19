"""Hadoop's file systems as stores: local files by `file:`, and behind viewfs."""

from __future__ import annotations

import pytest
from mounts import mount

from dc43_core.errors import ConfigurationError, CorruptFileError, UnsupportedStoreError
from dc43_core.protocol.file_store import FileStore, LocalFileStore
from dc43_core.testing.stores import FileStoreConformance
from dc43_integrations.spark.file_store import HadoopFileStore, store_for
from dc43_integrations.spark.io import read_stream_with_contract, write_stream_with_contract

pytestmark = pytest.mark.spark


@pytest.fixture
def viewfs(spark, tmp_path) -> str:
    """URI of a folder behind a mount table of its own; `os.path` sees nothing there."""
    return mount(spark, tmp_path / "mounted")


class TestHadoopFileStoreOnFiles(FileStoreConformance):
    @pytest.fixture
    def store(self, spark) -> FileStore:
        return HadoopFileStore(spark)

    @pytest.fixture
    def folder(self, tmp_path) -> str:
        return (tmp_path / "100% two words é").as_uri()


class TestHadoopFileStoreBehindAMount(FileStoreConformance):
    @pytest.fixture
    def store(self, spark) -> FileStore:
        return HadoopFileStore(spark)

    @pytest.fixture
    def folder(self, viewfs: str) -> str:
        return f"{viewfs}/100%2541%20two%20words"


def test_a_file_that_does_not_fit_its_checksum_is_corrupt(spark, viewfs, tmp_path):
    # As Spark's own files of a checkpoint are written.
    system = HadoopFileStore(spark)._system(f"{viewfs}/file")
    stream = system.create(spark._jvm.org.apache.hadoop.fs.Path(f"{viewfs}/file"))
    stream.write(b"whole")
    stream.close()
    (tmp_path / "mounted" / "file").write_bytes(b"wholx")
    with pytest.raises(CorruptFileError, match="/data/file: its content does not fit"):
        HadoopFileStore(spark).read(f"{viewfs}/file")


def test_each_path_gets_the_store_that_can_publish_there(spark, viewfs, tmp_path):
    for path in ("relative", str(tmp_path), tmp_path.as_uri(), "file:/x"):
        assert isinstance(store_for(spark, path), LocalFileStore)
    assert isinstance(store_for(spark, viewfs), HadoopFileStore)
    assert isinstance(store_for(spark, f"{viewfs}/not/there/yet"), HadoopFileStore)


@pytest.mark.parametrize("uri", ["s3a://bucket/x", "gs://bucket/x", "nowhere://x/y", "ftp://h/x"])
def test_a_store_that_cannot_publish_exactly_once_is_refused(spark, uri):
    with pytest.raises(UnsupportedStoreError, match=uri):
        store_for(spark, uri)


def test_places_that_no_one_store_reaches_are_refused(flow, viewfs, tmp_path):
    rows = flow([{"name": "id", "logicalType": "integer"}])
    rows.put("id", "1")
    with pytest.raises(ConfigurationError, match=r"path on viewfs://.*checkpoint on file://"):
        rows.start(
            path=f"{viewfs}/main",
            rejects=f"{viewfs}/rejects",
            checkpoint_location=str(tmp_path / "checkpoint"),
        )


def test_a_stream_runs_on_a_file_system_that_python_does_not_see(spark, flow, viewfs, tmp_path):
    rows = flow(
        [
            {"name": "id", "logicalType": "integer", "primaryKey": True},
            {"name": "note", "logicalType": "string"},
        ]
    )
    behind = tmp_path / "mounted"
    rows.source.rename(behind / "in 100%")
    rows.home = behind
    source, main = f"{viewfs}/in 100%", f"{viewfs}/main of all"

    def put(name: str, *lines: str) -> None:
        (behind / "in 100%" / name).write_text("\n".join(["id,note", *lines]))

    def run():
        frame, read = read_stream_with_contract(
            spark,
            contract=rows.contract,
            format="csv",
            path=source,
            options={"header": True},
            runtime=rows.runtime,
        )
        result = write_stream_with_contract(
            df=frame,
            contract=rows.contract,
            path=main,
            rejects=f"{viewfs}/rejects",
            checkpoint_location=f"{viewfs}/check point",
            reads=[read],
            trigger="available-now",
            runtime=rows.runtime,
        )
        result.streaming_queries[0].awaitTermination()
        return result

    put("1.csv", "1,a", "1,z", "x,b", ",c")
    first = run()
    put("2.csv", "2,d")
    second = run()
    assert [b["row_count"] for b in (*first.streaming_batches, *second.streaming_batches)] == [4, 1]
    assert first.details["stream_id"] == second.details["stream_id"]
    assert first.details["sink"] == f"{viewfs}/main%20of%20all"
    found = [tuple(row) for row in spark.read.parquet(main).collect()]
    assert sorted(found) == [(1, "a"), (2, "d")]
    rejects = spark.read.parquet(f"{viewfs}/rejects").collect()
    assert {row.note: row["_dc43_checks"] for row in rejects} == {
        "z": ["primaryKey"],
        "b": ["id.type"],
        "c": ["id.required"],
    }
    (file,) = {row["_dc43_file"] for row in rejects if row.note == "b"}
    assert file.startswith(viewfs)
    files = second.streaming_batches[0]["input"]["files"]
    assert [name.rsplit("/", 1)[-1] for name in files] == ["2.csv"]
