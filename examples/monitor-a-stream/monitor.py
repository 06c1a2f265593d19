"""Watches a stream from another process: a verdict for each micro-batch, snapshots on demand.

    cd examples/flights-stream
    python ../monitor-a-stream/monitor.py flights              in one terminal
    python ../../dev.py run --fresh                            in another

It reads the ledger alone and writes one line for each batch. With `--measure` it also has each
version that is not `ok` measured as a whole: keys that are unique in every batch may repeat across
batches. That takes Spark and reads the data; the stream does not notice either.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable
from typing import Any

from dc43_core import DataQualityService, GovernanceRecord, Outcome, Runtime, Verdict
from dc43_core.governance.follow import follow
from dc43_core.governance.measurements import Measurement

Inspect = Callable[[GovernanceRecord], Measurement]


def watch(
    runtime: Runtime,
    service: DataQualityService,
    dataset: str,
    *,
    batches: int | None = None,
    every: float = 1.0,
    inspect: Inspect | None = None,
) -> int:
    """Print a line for each batch of a dataset; return how many were blocked.

    Args:
        runtime: Says where the ledger is.
        service: Who is asked.
        dataset: The dataset's id.
        batches: After how many batches to end; None for never.
        every: Seconds between two looks.
        inspect: Has a version measured; None not to.
    """

    def pause() -> bool:
        time.sleep(every)
        rows = [service.measurement(one) for one in measured]
        for row in rows:
            tell(row)
        measured[:] = [row.measurement_id for row in rows if not row.ended]
        return True

    blocked = 0
    measured: list[str] = []
    client, namespace = runtime.governance, runtime.config.namespace
    records = follow(client, namespace, dataset, newest=sys.maxsize, pause=pause)
    for record in itertools.islice(records, batches):
        # The verdict of its version: a steward or a measurement may have spoken since.
        said = service.verdict(dataset, record.dataset_version)
        assert said is not None
        version = f"version {record.dataset_version}" if record.dataset_version else "no version"
        why = f": {said.reason}" if said.reason else ""
        say(f"batch {record.batch_id}, {version}, {record.row_count:,} rows: {said.verdict}{why}")
        blocked += record.outcome is Outcome.BLOCKED
        # What has been measured since is not measured again.
        fresh = record.dataset_version is not None and said.source == "batch"
        if inspect is not None and fresh and said.verdict is not Verdict.OK:
            measured.append(inspect(record).measurement_id)
    for one in measured:
        tell(service.wait(one))
    return blocked


def inspector(runtime: Runtime, service: DataQualityService, spark: Any) -> Inspect:
    """Return what hands a version's snapshot to the service."""
    from dc43_integrations.spark.io import read_with_contract
    from dc43_integrations.spark.snapshot import SparkSnapshot

    def inspect(record: GovernanceRecord) -> Measurement:
        contract = runtime.contracts().get(record.contract_id, record.contract_version)
        # All that is visible now, which may be more than the version that made us look.
        frame, read = read_with_contract(
            spark, contract=contract, format="parquet", path=record.sink, runtime=runtime
        )
        return service.measure(
            SparkSnapshot(frame=frame, reads=[read], runtime=runtime),
            contract,
            dataset_id=record.dataset_id,
            dataset_version=read.dataset_version,
        )

    return inspect


def tell(one: Measurement) -> None:
    """Print how far a measurement has come."""
    found = "" if one.row_count is None else f", {one.row_count:,} rows, {one.verdict}"
    broken = ", ".join(f"{name} {rows:,}" for name, rows in one.violations_by_check.items())
    say(f"  snapshot of version {one.dataset_version}: {one.state}{found} {broken}".rstrip())


def say(line: str) -> None:
    """Print a line at once, for whoever reads along."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Watch until Ctrl-C; return 1 if a batch was blocked."""
    arguments = argparse.ArgumentParser(description="Watch a stream from another process.")
    arguments.add_argument("dataset")
    arguments.add_argument("--batches", type=int, help="end after so many batches")
    arguments.add_argument("--every", type=float, default=1.0, help="seconds between two looks")
    arguments.add_argument("--measure", action="store_true", help="measure what is not ok")
    given = arguments.parse_args()
    runtime = Runtime()
    with DataQualityService(runtime) as service:
        inspect = None
        if given.measure:
            from pyspark.sql import SparkSession

            spark = SparkSession.builder.appName("monitor").getOrCreate()
            inspect = inspector(runtime, service, spark)
        try:
            blocked = watch(
                runtime,
                service,
                given.dataset,
                batches=given.batches,
                every=given.every,
                inspect=inspect,
            )
        except KeyboardInterrupt:
            return 130
    return 1 if blocked else 0


if __name__ == "__main__":
    sys.exit(main())
