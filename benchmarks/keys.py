"""What it costs to keep keys: 24 batches of 1,500 rows, on top of what one earlier batch landed.

    no key      the contract without a key rule
    in batch    ids are unique within a batch
    kept        ids are unique across batches; few are known at first
    kept, many  the same, and as many are known as was asked for
    late        the same, and 1 % of the rows have one of those ids: they go to the rejects

All five run on dc43. `CPU ms` is a mean over the batches, so the merges of keys are in it; `max`
is mostly the batch that merges.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define
from pyspark.sql import SparkSession

from benchmarks.data import CONTRACT, KEYED, write_orders
from benchmarks.turns import Job
from dc43_core import Runtime
from dc43_integrations.spark.io import read_stream_with_contract, write_stream_with_contract

BATCHES, ROWS = 24, 1_500
COMPARED = ("no key", "in batch")


@define(kw_only=True)
class Keys:
    """The files, and the jobs over them.

    Attributes:
        spark: The session.
        folder: Where the files are made.
        runtime: Of all starts.
        known: How many keys are known where many are.
    """

    spark: SparkSession
    folder: Path
    runtime: Runtime
    known: int

    def __attrs_post_init__(self) -> None:
        for kind, rows in (("few", ROWS), ("many", self.known)):
            write_orders(self.spark, self.folder / kind, files=1, rows=rows)
        for kind, every in (("new", 0), ("late", 100)):
            write_orders(
                self.spark,
                self.folder / kind,
                files=BATCHES,
                rows=ROWS,
                start=self.known,
                late_every=every,
            )

    @property
    def title(self) -> str:
        """What the table is of."""
        return f"keys: {BATCHES} batches of {ROWS:,} rows; many: {self.known:,} keys known before"

    def jobs(self) -> dict[str, Job]:
        """Return all of them by name."""
        return {
            "no key": self._job("few", "new", CONTRACT),
            "in batch": self._job("few", "new", KEYED),
            "kept": self._job("few", "new", KEYED, "forever"),
            "kept, many": self._job("many", "new", KEYED, "forever"),
            "late": self._job("many", "late", KEYED, "forever"),
        }

    def _job(self, first: str, then: str, contract: str, retain: str = "batch") -> Job:
        def ready(out: Path) -> Callable[[], Any]:
            self._put(first, out)
            self._start(out, contract, retain).awaitTermination()
            self._put(then, out)
            return lambda: self._start(out, contract, retain)

        return ready

    def _put(self, kind: str, out: Path) -> None:
        (out / "in").mkdir(exist_ok=True)
        for file in (self.folder / kind).glob("*.parquet"):
            os.link(file, out / "in" / f"{kind}-{file.name}")

    def _start(self, out: Path, text: str, retain: str) -> Any:
        contract = self.runtime.contracts().parse("orders.odcs.yaml", text.encode())
        frame, read = read_stream_with_contract(
            self.spark,
            contract=contract,
            format="parquet",
            path=str(out / "in"),
            options={"maxFilesPerTrigger": 1},
            runtime=self.runtime,
        )
        result = write_stream_with_contract(
            df=frame,
            contract=contract,
            path=str(out / "main"),
            rejects=str(out / "rejects"),
            reads=[read],
            enforce=True,
            retain_keys=retain,
            checkpoint_location=str(out / "checkpoint"),
            trigger="available-now",
            runtime=self.runtime,
        )
        return result.streaming_queries[0]
