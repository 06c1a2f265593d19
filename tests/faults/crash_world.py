"""A stream over a few tiny files, started again and again, and judged by its rows."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attrs import define, field, frozen
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from dc43_core.config import Config
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.pipeline import OnBatch
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.release import release
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Outcome, Release, RunType
from dc43_integrations.spark import write
from dc43_integrations.spark.arguments import bindings
from dc43_integrations.spark.io import read_stream_with_contract
from dc43_integrations.spark.write import StartedStream, StreamTarget
from tests.faults.crash_points import CountedStore, Points, die
from tests.faults.crash_sinks import SinkUnderTest

CONTRACT: Mapping[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "orders",
    "version": "1.0.0",
    "status": "active",
    "schema": [
        {
            "name": "orders",
            "properties": [
                {"name": "id", "logicalType": "integer", "required": True},
                {"name": "amount", "logicalType": "integer", "required": True},
                {"name": "note", "logicalType": "string"},
            ],
            "quality": [
                {
                    "id": "not-too-many",
                    "type": "library",
                    "metric": "rowCount",
                    "mustBeLessThan": 12,
                }
            ],
        }
    ],
}
"""Rows without an amount are rejects; a batch of twelve rows or more is blocked."""

COLUMNS = ("id", "amount", "note")
TIMEOUT = 120
Row = tuple[str, str, str]


def rows(batch: int, kind: str) -> list[Row]:
    """Return the rows of one file, as text: row id, amount, note.

    Ids never repeat over batches, but for one row that stands twice in its file: a sink that
    removed it would lose a row.
    """
    first = batch * 100
    good = [(str(first + n), str(n), f"note {n}") for n in range(4)]
    bad = [(str(first + 10), "", "no amount"), (str(first + 11), "xx", "no number")]
    many = [(str(first + 20 + n), str(n), "too many") for n in range(8)]
    return {
        "mixed": [*good, good[0], *bad],
        "good": [*good, good[0]],
        "bad": bad,
        "empty": [],
        "blocked": [*good, good[0], *bad, *many],
    }[kind]


def is_good(row: Row) -> bool:
    """Whether a row belongs in main."""
    return row[1].isdigit()


@frozen(kw_only=True)
class Ended:
    """How one start of the stream ended.

    Attributes:
        started: The stream; None if it did not come to that.
        error: Text of what ended it; None if its source was used up.
    """

    started: StartedStream | None
    error: str | None


@define(eq=False)
class World:
    """A source folder, a checkpoint and a sink; what survives every driver."""

    spark: SparkSession
    sink: SinkUnderTest
    home: Path
    plugins: Any = None
    given: list[list[Row]] = field(factory=list)
    governance: MemoryGovernance = field(factory=MemoryGovernance)
    wrong: list[str] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.source.mkdir(parents=True, exist_ok=True)
        if not self.contract_file.exists():
            self.contract_file.write_text(json.dumps(CONTRACT))

    @property
    def source(self) -> Path:
        return self.home / "in"

    @property
    def contract_file(self) -> Path:
        return self.home / "orders.odcs.yaml"

    @property
    def main(self) -> Path:
        return self.home / "main"

    @property
    def rejects(self) -> Path:
        return self.home / "rejects"

    @property
    def checkpoint(self) -> Path:
        return self.home / "checkpoint"

    # -- source --------------------------------------------------------------------------------

    def put(self, *kinds: str) -> None:
        """Write the next files, one a batch."""
        for kind in kinds:
            self.write(len(self.given), rows(len(self.given), kind))

    def write(self, batch: int, lines: Sequence[Row]) -> Path:
        """Write the file of a batch, or write it anew."""
        text = "".join(",".join(line) + "\n" for line in (COLUMNS, *lines))
        file, hidden = self.file(batch), self.source / f".{batch:03d}"
        hidden.write_text(text)
        # Spark takes files by age: here one second apart.
        os.utime(hidden, (1_700_000_000 + batch, 1_700_000_000 + batch))
        hidden.replace(file)
        self.given[batch : batch + 1] = [list(lines)]
        return file

    def file(self, batch: int) -> Path:
        return self.source / f"{batch:03d}.csv"

    # -- drivers -------------------------------------------------------------------------------

    def start(
        self,
        points: Points | None = None,
        *,
        on_batch: OnBatch | None = None,
        strategies: Sequence[NamedStrategy] = (),
        trigger: Mapping[str, Any] | None = None,
        **services: Any,
    ) -> StartedStream:
        """Start the stream as a new driver would: nothing of an earlier one is at hand.

        Args:
            points: Where it is to die.
            on_batch: A listener.
            strategies: Who decides.
            trigger: By default until the source is used up.
            services: Of the runtime.
        """
        # The ledger of the driver before is lost each time.
        self.governance = services.pop("governance", None) or MemoryGovernance()
        config = services.pop("config", None) or Config()
        runtime = Runtime(
            config=config, plugins=self.plugins, governance=self.governance, **services
        )
        self.plugins = runtime.plugins
        contract = runtime.contracts().read(self.contract_file)
        frame, read = read_stream_with_contract(
            self.spark,
            contract=contract,
            format="csv",
            path=str(self.source),
            options={"header": True, "maxFilesPerTrigger": 1},
            runtime=runtime,
        )
        with _counted(points, self.sink):
            return write.start(
                frame=frame,
                runtime=runtime,
                plan=runtime.plan(contract),
                target=StreamTarget(
                    path=str(self.main),
                    format=self.sink.name,
                    rejects=str(self.rejects),
                    checkpoint=str(self.checkpoint),
                    options={},
                    trigger=dict(trigger or {"availableNow": True}),
                ),
                policy=Policy(run_type=RunType.ENFORCE),
                strategies=strategies,
                reads=bindings([read]),
                on_batch=on_batch,
                failpoint=None if points is None else points.failpoint,
            )

    def drive(self, points: Points | None = None, **options: Any) -> Ended:
        """Start the stream, wait until it ends, and see that nothing was promised too early."""
        try:
            started = self.start(points, **options)
        # The boundary of what is tried: the driver dies while it starts.
        except BaseException as died:
            if isinstance(died, KeyboardInterrupt) or points is None:
                raise
            return Ended(started=None, error=f"{type(died).__name__}: {died}")
        error = _awaited(started)
        _let_go(started)
        self._see(started, error)
        return Ended(started=started, error=error)

    def crash(self, *at: tuple[int, int | str], **options: Any) -> str | None:
        """Drive until the first of these points is reached; return its name, if one was."""
        points = Points(act=die, at=frozenset(at))
        ended = self.drive(points, **options)
        if points.reached and ended.error is None:
            self.wrong.append(f"died at {points.reached[0]}, and the query ended well")
        return points.reached[0][1] if points.reached else None

    def _see(self, started: StartedStream, error: str | None) -> None:
        spark, ours = self.committed_by_spark(), set(self.committed())
        if not spark <= ours:
            self.wrong.append(f"Spark counts batches {sorted(spark - ours)} as done, and we do not")
        result = started.result
        if error is not None and (result.ok or result.reason is None):
            self.wrong.append(f"the query failed, and its result says ok: {error[:200]}")
        if (error is None) != (started.query.exception() is None):
            self.wrong.append("the query's own exception says something else")

    def settle(self, *, releases: Release = Release.REJECTS) -> None:
        """Start again, without faults, until everything given has its place."""
        for _ in range(3):
            ended = self.drive()
            waiting = self.journal().waiting()
            if ended.error is None and not waiting:
                return
            for batch_id in waiting:
                if f"{self.journal().held(batch_id).record.record_id}" not in (ended.error or ""):  # type: ignore[union-attr]
                    self.wrong.append(f"the block's record id is not in: {ended.error}")
                release(self.journal(), batch_id, as_=releases, reason="it is fine", by="steward")
            if not waiting:
                self.wrong.append(f"it does not settle: {(ended.error or '')[:300]}")
                return
        self.wrong.append("it does not settle")

    # -- what there is -------------------------------------------------------------------------

    def journal(self) -> Journal:
        """Return the journal of the only stream."""
        folder = self.checkpoint / "dc43"
        found = [f.name for f in folder.iterdir() if f.is_dir()] if folder.exists() else []
        if len(found) > 1:
            self.wrong.append(f"{len(found)} streams in one checkpoint")
        checkpoint = self.checkpoint.absolute().as_uri()
        return Journal(LocalFileStore(), checkpoint, found[0] if found else "none")

    def committed(self) -> list[int]:
        """Return the batches that we count as done."""
        return [r.batch_id for r in self.journal().records() if r.outcome is not Outcome.BLOCKED]

    def committed_by_spark(self) -> set[int]:
        """Return the batches that Spark counts as done."""
        folder = self.checkpoint / "commits"
        return {int(f.name) for f in folder.glob("[0-9]*")} if folder.exists() else set()


def _awaited(started: StartedStream) -> str | None:
    """Wait for the end of a query; return the text of what ended it."""
    try:
        if started.query.awaitTermination(TIMEOUT):
            return None
        started.query.stop()
        return f"still running after {TIMEOUT} seconds"
    except StreamingQueryException as stopped:
        return str(stopped)


def _let_go(started: StartedStream) -> None:
    """Drop what a failpoint that raises leaves in Spark's memory, by the hundred.

    PySpark keeps the error of a callback, and a closure on its way keeps the query.
    """
    started.stream.run_log.join()
    failure = started.stream.failure
    while failure is not None:
        failure.__traceback__ = None
        failure = failure.__context__


@contextmanager
def _counted(points: Points | None, sink: SinkUnderTest) -> Iterator[None]:
    """Let the write about to be started change files through the points."""
    if points is None:
        yield
        return
    store: Callable[..., Any] = lambda spark, uri: CountedStore(points)  # noqa: E731
    with patch.object(write, "store_for", store), sink.counted(points):
        yield
