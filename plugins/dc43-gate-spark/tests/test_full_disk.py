"""A real disk that fills up, or turns read-only, in the middle of a stream on Spark.

A small file system of its own, which only root may mount; where that is not possible the tests
are skipped and say so. The same refusals at every single operation, without Spark, are in
`tests/core/protocol/test_refused_operations.py`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from attrs import define, field

from dc43_core.errors import FileAccessError
from dc43_core.interventions.model import DecisionContext

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string"}


@define(eq=False)
class Disk:
    """A file system of two megabytes."""

    folder: Path
    ballast: int = field(default=0, init=False)

    def mount(self) -> None:
        self.folder.mkdir(parents=True)
        self._run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(self.folder))

    def unmount(self) -> None:
        self._run("umount", "--lazy", str(self.folder))

    def read_only(self, wanted: bool) -> None:
        self._run("mount", "-o", f"remount,{'ro' if wanted else 'rw'}", str(self.folder))

    def fill(self) -> None:
        """Leave not a byte."""
        for size in (1 << 16, 1 << 12, 1):
            try:
                while True:
                    (self.folder / f"ballast {self.ballast}").write_bytes(b"x" * size)
                    self.ballast += 1
            except OSError:
                self.ballast += 1

    def free(self) -> None:
        for file in self.folder.glob("ballast *"):
            file.unlink()

    def _run(self, *command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, text=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip("needs root, to mount a small file system")
    made = Disk(tmp_path / "small disk")
    try:
        made.mount()
    except (OSError, subprocess.CalledProcessError) as error:
        told = getattr(error, "stderr", None) or error
        pytest.skip(f"no file system can be mounted here: {told}")
    yield made
    made.unmount()


class InTheSecondBatch:
    """Does something to the disk once the second batch is staged and judged."""

    def __init__(self, act: Callable[[], None]) -> None:
        self.act = act

    def decide(self, context: DecisionContext) -> None:
        if context.batch_id == 1:
            self.act()


def prepared(flow, disk: Disk, *, checkpoint: bool):
    """A stream of three batches whose sinks lie on the disk, and its checkpoint if wanted."""
    rows = flow([ID, NOTE])
    for number in range(3):
        rows.put("id,note", f"{number},a", f",{number}")
    root = rows.at(disk.folder)
    places = {"path": f"{root}/main", "rejects": f"{root}/rejects", "per_batch": 1}
    if checkpoint:
        places["checkpoint_location"] = f"{root}/checkpoint"
    return rows, places


def landed(rows, places) -> tuple[list[int], list[str]]:
    read = rows.spark.read.parquet
    main = sorted(row.id for row in read(places["path"]).collect())
    return main, sorted(row.note for row in read(places["rejects"]).collect())


ALL = ([0, 1, 2], ["0", "1", "2"])


@pytest.mark.parametrize("checkpoint", [False, True], ids=["log-entry", "manifest"])
@pytest.mark.parametrize("fault", ["full", "read-only"])
def test_what_cannot_be_written_once_staged_is_said_and_completed_later(
    flow, disk, fault, checkpoint
):
    rows, places = prepared(flow, disk, checkpoint=checkpoint)
    act = disk.fill if fault == "full" else lambda: disk.read_only(True)
    stopped = rows.run(interventions=[InTheSecondBatch(act)], **places)
    disk.read_only(False)
    disk.free()
    assert stopped.error is not None
    told = "free space there" if fault == "full" else "make it writable"
    assert told in stopped.error
    assert (stopped.result.ok, stopped.result.details["outcome"]) == (False, "failed")
    # The second batch is visible as a whole, if what its moves freed was enough, or not at all.
    main, rejects = landed(rows, places)
    assert main in ([0], [0, 1])
    assert set(map(str, main)) <= set(rejects), "rejects are visible first"

    again = rows.run(**places)
    assert again.error is None
    assert landed(rows, places) == ALL
    assert sorted({r.batch_id for r in rows.records()}) == [0, 1, 2]


def test_a_disk_that_is_full_while_staging_is_said_and_completed_later(flow, disk):
    rows, places = prepared(flow, disk, checkpoint=False)
    stopped = rows.run(on_streaming_batch=lambda batch: disk.fill(), **places)
    disk.free()
    assert stopped.error is not None
    assert "cannot stage in" in stopped.error
    assert "No space left on device" in stopped.error
    assert landed(rows, places)[0] == [0]
    assert rows.run(**places).error is None
    assert landed(rows, places) == ALL


def test_main_and_rejects_may_be_mounts_of_their_own(flow, disk):
    rows, places = prepared(flow, disk, checkpoint=False)
    places["rejects"] = rows.at(rows.rejects)
    assert rows.run(**places).error is None
    assert landed(rows, places) == ALL


def test_a_checkpoint_that_is_read_only_is_said_before_the_query_starts(spark, flow, disk):
    rows, places = prepared(flow, disk, checkpoint=True)
    rows.run(**places)
    disk.read_only(True)
    with pytest.raises(FileAccessError, match=r"checkpoint/dc43/.*make it writable"):
        rows.start(**places)
    assert spark.streams.active == []
    disk.read_only(False)
    assert rows.run(**places).error is None
    assert landed(rows, places) == ALL
