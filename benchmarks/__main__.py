"""python3 dev.py bench [--rows N] [--rounds N] [--rules N] [--known N] [--only TABLE]: as ratios.

Four jobs over the same files take turns, so that a machine that slows down slows all of them:

    plain     Spark's own file sink, no contract
    limit     the rules evaluated in generated code and thrown away, then written
    clean     dc43, no row broken: verdict before commit, metrics, one record a batch
    rejects   dc43, 1 % of the rows broken: these to the reject lane with reasons

`x plain` is what a team pays over no contract at all; `x limit` is what is ours to save.
A last table is of keys across batches; see `benchmarks/keys.py`.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define
from pyspark.sql import DataFrame, SparkSession

from benchmarks.data import CONTRACT, with_rules, write_orders
from benchmarks.keys import COMPARED, Keys
from benchmarks.turns import Figures, at_once, table, take_turns
from dc43_core import Config, Runtime
from dc43_core.governance.memory import MemoryGovernance
from dc43_integrations.spark.classify import Classifier
from dc43_integrations.spark.io import read_stream_with_contract, write_stream_with_contract
from dc43_integrations.spark.session import make_session


@define(kw_only=True)
class Bench:
    """One size of batch: its files, and the four jobs over them."""

    spark: SparkSession
    folder: Path
    files_per_batch: int
    runtime: Runtime
    more_rules: int = 0

    def source(self, kind: str) -> DataFrame:
        """Return the stream over one set of files."""
        schema = self.spark.read.parquet(str(self.folder / kind)).schema
        reader = self.spark.readStream.schema(schema)
        return reader.option("maxFilesPerTrigger", self.files_per_batch).parquet(
            str(self.folder / kind)
        )

    def plain(self, out: Path) -> Any:
        """Start Spark's own sink."""
        return (
            self.source("clean")
            .writeStream.format("parquet")
            .option("path", str(out / "main"))
            .option("checkpointLocation", str(out / "checkpoint"))
            .trigger(availableNow=True)
            .start()
        )

    def limit(self, out: Path) -> Any:
        """Start a sink that evaluates every rule and uses none of the answers."""
        frame = self.source("clean")
        plan = self.runtime.plan(self.contract())
        evaluators = self.runtime.evaluators("spark", plan.expectations)
        rules, _ = Classifier.build(plan.expectations, evaluators, frame, ())

        def write(batch: DataFrame, batch_id: int) -> None:
            judged = batch.select("*", *rules.mask_columns)
            # Never true, and no optimiser can know it: the masks must be computed.
            kept = judged.where(" AND ".join(f"`{c}` > -1" for c in judged.columns[13:]))
            kept.select(*batch.columns).write.mode("append").parquet(str(out / "main"))

        return (
            frame.writeStream.foreachBatch(write)
            .option("checkpointLocation", str(out / "checkpoint"))
            .trigger(availableNow=True)
            .start()
        )

    def ours(self, kind: str) -> Callable[[Path], Any]:
        """Return a start of dc43 over one set of files."""

        def begin(out: Path) -> Any:
            frame, read = read_stream_with_contract(
                self.spark,
                contract=self.contract(),
                format="parquet",
                path=str(self.folder / kind),
                options={"maxFilesPerTrigger": self.files_per_batch},
                runtime=self.runtime,
            )
            result = write_stream_with_contract(
                df=frame,
                contract=self.contract(),
                path=str(out / "main"),
                rejects=str(out / "rejects"),
                reads=[read],
                enforce=True,
                checkpoint_location=str(out / "checkpoint"),
                trigger="available-now",
                runtime=self.runtime,
            )
            return result.streaming_queries[0]

        return begin

    def contract(self) -> Any:
        """Return the parsed contract."""
        text = CONTRACT + with_rules(self.more_rules)
        return self.runtime.contracts().parse("orders.odcs.yaml", text.encode())

    def take_turns(self, rounds: int) -> dict[str, Figures]:
        """Run all jobs in turn, once to warm up and then `rounds` times."""
        jobs: dict[str, Callable[[Path], Any]] = {
            "plain": self.plain,
            "limit": self.limit,
            "clean": self.ours("clean"),
            "rejects": self.ours("broken"),
        }
        ready = {name: at_once(begin) for name, begin in jobs.items()}
        return take_turns(self.spark, self.folder, ready, rounds)


def main() -> int:
    """Make the data, take turns, print."""
    parser = argparse.ArgumentParser(prog="python3 dev.py bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_500_000, help="rows of a large batch")
    parser.add_argument("--rounds", type=int, default=4, help="counted runs of each job")
    parser.add_argument("--rules", type=int, default=0, help="tiny batches with so many more rules")
    parser.add_argument("--known", type=int, default=2_000_000, help="keys of earlier batches")
    parser.add_argument("--only", choices=("large", "tiny", "keys"), help="one of the tables")
    options = parser.parse_args()
    spark = make_session("dc43 bench", {"spark.driver.memory": "4g"})
    runtime = Runtime(config=Config(), governance=MemoryGovernance())
    folder = Path(tempfile.mkdtemp(prefix="dc43-bench-"))
    sys.stdout.write(
        f"pyspark {spark.version}, {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}; 13 columns, 20 rules, medians\n"
    )
    try:
        for title, files, rows, per_batch in (
            (f"large: 2 batches of {options.rows:,} rows", 4, options.rows // 2, 2),
            ("tiny: 12 batches of 1,500 rows", 12, 1_500, 1),
        ):
            name = title.split(":")[0]
            if options.only not in (None, name):
                continue
            for kind, every in (("clean", 0), ("broken", 100)):
                place = folder / name / kind
                write_orders(spark, place, files=files, rows=rows, broken_every=every)
            bench = Bench(
                spark=spark, folder=folder / name, files_per_batch=per_batch, runtime=runtime
            )
            table(title, bench.take_turns(options.rounds))
            if options.rules and name == "tiny":
                bench.more_rules = options.rules
                table(f"tiny, with {options.rules:,} more rules", bench.take_turns(options.rounds))
        if options.only in (None, "keys"):
            keys = Keys(spark=spark, folder=folder / "keys", runtime=runtime, known=options.known)
            table(keys.title, take_turns(spark, folder, keys.jobs(), options.rounds), *COMPARED)
    finally:
        spark.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
