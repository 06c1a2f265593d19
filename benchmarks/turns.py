"""Jobs that take turns, so that a machine that slows down slows all of them; and their table."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, field
from pyspark.sql import SparkSession

Job = Callable[[Path], Callable[[], Any]]
"""Makes all ready in an empty folder, and returns what starts the query that is measured."""


@define
class Figures:
    """What one job took, over all rounds.

    Attributes:
        seconds: Wall time of each micro-batch.
        cpu: CPU milliseconds a batch, JVM and Python together, one value a round.
        jobs: Spark jobs of each micro-batch.
    """

    seconds: list[float] = field(factory=list)
    cpu: list[float] = field(factory=list)
    jobs: list[float] = field(factory=list)


def at_once(begin: Callable[[Path], Any]) -> Job:
    """Return a job for which nothing has to be made ready."""
    return lambda out: partial(begin, out)


def take_turns(
    spark: SparkSession, folder: Path, jobs: Mapping[str, Job], rounds: int
) -> dict[str, Figures]:
    """Run all jobs in turn, once to warm up and then `rounds` times."""
    figures = {name: Figures() for name in jobs}
    for turn in range(rounds + 1):
        names = list(jobs) if turn % 2 else list(reversed(jobs))
        for name in names:
            seconds, cpu, spark_jobs = _measure(spark, folder, jobs[name])
            if turn:
                figures[name].seconds += seconds
                figures[name].cpu.append(cpu)
                figures[name].jobs += spark_jobs
            sys.stderr.write(f"\r  round {turn} of {rounds}: {name:<12}")
            sys.stderr.flush()
    sys.stderr.write("\r" + " " * 40 + "\r")
    return figures


def _measure(spark: SparkSession, folder: Path, job: Job) -> tuple[list[float], float, list[float]]:
    out = Path(tempfile.mkdtemp(dir=folder))
    begin = job(out)
    before = _cpu_ms(spark)
    query = begin()
    query.awaitTermination()
    spent = _cpu_ms(spark) - before
    progress = [p for p in query.recentProgress if p.numInputRows]
    seconds = [p.durationMs["triggerExecution"] / 1000 for p in progress]
    tracker = spark.sparkContext.statusTracker()
    jobs = len(tracker.getJobIdsForGroup(str(query.runId)))
    shutil.rmtree(out)
    return seconds, spent / len(progress), [jobs / len(progress)]


def _cpu_ms(spark: SparkSession) -> float:
    jvm: Any = spark._jvm
    spent = jvm.java.lang.ProcessHandle.current().info().totalCpuDuration().get()
    return float(spent.toMillis()) + time.process_time() * 1000


def table(title: str, figures: Mapping[str, Figures], *compared: str) -> None:
    """Print medians, and ratios to two of the jobs; by default `plain` and `limit`."""
    one, other = compared or ("plain", "limit")
    median = {name: statistics.median(f.seconds) for name, f in figures.items()}
    cpu = {name: statistics.median(f.cpu) for name, f in figures.items()}
    sys.stdout.write(f"\n{title}\n")
    head = ("job", "s/batch", "min", "max", f"x {one}", f"x {other}", "CPU ms", f"x {one}")
    sys.stdout.write("".join(f"{word:>12}" for word in (*head, "jobs/batch")) + "\n")
    for name, f in figures.items():
        cells = (
            f"{median[name]:.3f}",
            f"{min(f.seconds):.3f}",
            f"{max(f.seconds):.3f}",
            f"{median[name] / median[one]:.2f}",
            f"{median[name] / median[other]:.2f}",
            f"{cpu[name]:.0f}",
            f"{cpu[name] / cpu[one]:.2f}",
            f"{statistics.median(f.jobs):.1f}",
        )
        sys.stdout.write(f"{name:>12}" + "".join(f"{cell:>12}" for cell in cells) + "\n")
    sys.stdout.flush()
