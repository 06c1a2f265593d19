"""Real streams on Spark, crashed, killed, stopped and raced; judged row by row.

Every row has an id and stands in the source once. What landed is read by Spark and by a reader
that shares nothing with the sink, and compared as multisets of whole rows.
"""

from __future__ import annotations

import itertools
import logging
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from attrs import define, field
from pyspark.sql import SparkSession

from dc43_core.protocol.steps import FAILPOINTS
from dc43_integrations.testing import small_session
from tests.faults.crash_judge import violations
from tests.faults.crash_kills import EVERY, Counted, kill, race
from tests.faults.crash_points import AT_START, Points, die
from tests.faults.crash_scenarios import (
    UnspeakableError,
    inputs,
    interruptions,
    ledger_deleted,
    replays,
    stops,
)
from tests.faults.crash_sinks import SINKS, SinkUnderTest
from tests.faults.crash_world import World
from tests.faults.figures import Figure

Say = Callable[[str], None]
A_WORLD = 12
"""Crashes of one stream, one a batch: more than it takes for the sink's log to be compacted."""

_QUICK = (
    "before create streams",
    "after create epochs",
    "after sync",
    "before create prepared",
    "after create prepared",
    "before rename",
    "before create committed",
    "after create committed",
    "before delete",
)
_PAIRS = 10
"""Of two points of one kind of batch, in the long form."""
_FEW = ("staged", "prepared", "main-published")
_KILLED = ("prepared",)
_RACED = ("decided", "prepared")


def measure(*, full: bool, say: Say) -> Iterator[Figure]:
    """Measure each sink."""
    # Each crash is one error with its traceback, here and in py4j.
    for name in ("dc43", "py4j"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    spark = small_session()
    try:
        with tempfile.TemporaryDirectory() as folder:
            for sink in SINKS:
                home = Path(folder) / sink.name
                yield from Crashes(spark=spark, sink=sink, home=home, full=full, say=say).figures()
    finally:
        spark.stop()


@define(kw_only=True, eq=False)
class Crashes:
    """All that is done to one sink."""

    spark: SparkSession
    sink: SinkUnderTest
    home: Path
    full: bool
    say: Say
    worlds: Iterator[int] = field(factory=itertools.count, init=False)

    def figures(self) -> Iterator[Figure]:
        """Yield every figure of this sink."""
        yield from self.points()
        yield from self.scenarios()
        yield from self.kills()
        yield from self.races()

    def world(self) -> World:
        """Return a new stream on an empty sink."""
        return World(self.spark, self.sink, self.home / f"world {next(self.worlds)}")

    def figure(self, name: str, value: object, wrong: Sequence[str], detail: str = "") -> Figure:
        """Return a figure of this sink."""
        return Figure(
            section="crashes",
            name=f"{self.sink.name}: {name}",
            value=str(value),
            ok=not wrong,
            detail="; ".join(wrong[:3]) or detail,
        )

    # -- points --------------------------------------------------------------------------------

    def points(self) -> Iterator[Figure]:
        """Crash at single points and at pairs of points."""
        tried, wrong, names = 0, list[str](), set[str]()
        for plan in self.every_point() if self.full else self.quick_points():
            world, died = crash_all(self.world, plan)
            tried += len(died)
            names.update(died)
            wrong += [f"{plan}: {w}" for w in violations(world)]
            self.say(f"{self.sink.name}: {tried} crash points, {len(wrong)} violations")
        yield self.figure("crash points in the process", tried, self._too_few(tried))
        missing = [name for name in FAILPOINTS if name not in names]
        yield self.figure(
            "failpoints among them", f"{len(FAILPOINTS) - len(missing)}/{len(FAILPOINTS)}", missing
        )
        yield self.figure("violations", len(wrong), wrong)

    def _too_few(self, tried: int) -> list[str]:
        wanted = 200 if self.full else len(FAILPOINTS) + len(_QUICK) + len(self.sink.commits)
        return [] if tried >= wanted else [f"{wanted} were meant to be tried"]

    # -- the rest ------------------------------------------------------------------------------

    def scenarios(self) -> Iterator[Figure]:
        """Replays, stops, interruptions, input that changes, a lost ledger."""
        few = () if self.full else (_FEW,)
        yield self.counted("committed batches replayed", replays(self.world))
        yield self.counted("stops, each at another step", stops(self.world, *few))
        if self.full or self.sink is SINKS[0]:
            # No sink has a part in these.
            yield self.counted("interruptions inside the callback", self._interrupted())
            yield self.counted("ledgers deleted between starts", ledger_deleted(self.world))
        for name, counted in inputs(self.world):
            yield self.counted(name, counted)

    def _interrupted(self) -> Counted:
        if self.full:
            return interruptions(self.world)
        return interruptions(self.world, (KeyboardInterrupt, StopIteration, UnspeakableError))

    def kills(self) -> Iterator[Figure]:
        """Kill drivers with their JVM."""
        points: Sequence[str] = _KILLED
        if self.full:
            # The sinks take turns: what a kill leaves to the next driver is files, of either.
            every = (*EVERY, "before rename", "after create prepared", *self.sink.commits)
            points = every[SINKS.index(self.sink) :: len(SINKS)]
        timers, alone = (3, 1) if self.full else (1, 0)
        counted = kill(
            self.world(),
            self.home / "killed",
            points,
            timers=timers,
            alone=alone,
            say=self.say,
        )
        wanted = len(points) + timers + alone
        if counted.tried < wanted:
            counted.wrong.append(f"{wanted} were meant to be killed")
        yield self.counted("drivers killed with SIGKILL", counted)

    def races(self) -> Iterator[Figure]:
        """Race two drivers."""
        names = ("new batches taken from an old driver", "replayed batches raced for")
        found = race(self.world(), self.home / "raced", EVERY if self.full else _RACED, self.say)
        for name, counted in zip(names, found, strict=True):
            yield self.counted(name, counted)

    def counted(self, name: str, counted: Counted) -> Figure:
        """Return what was counted as a figure."""
        self.say(f"{self.sink.name}: {name}: {counted.tried}, {len(counted.wrong)} wrong")
        return self.figure(name, counted.tried, counted.wrong)

    def quick_points(self) -> Iterator[Plan]:
        """Each failpoint once, and the changes to files that matter most."""
        yield [("mixed", (name,)) for name in FAILPOINTS if name != "blocked"]
        yield [("mixed", (name,)) for name in (*_QUICK, *self.sink.commits)]
        yield [("blocked", ("blocked",)), ("blocked", ("decided", "prepared"))]

    def every_point(self) -> Iterator[Plan]:
        """Every single point of every kind of batch, then pairs of them."""
        choice = random.Random(43)
        for kind in ("mixed", "good", "bad", "empty", "blocked"):
            numbers = range(self._passed(kind))
            pairs = choice.sample(list(itertools.permutations(numbers, 2)), _PAIRS)
            yield from _in_worlds([(kind, (n,)) for n in numbers])
            yield from _in_worlds([(kind, pair) for pair in pairs])

    def _passed(self, kind: str) -> int:
        """Return how many points a batch of this kind passes."""
        world = self.world()
        world.put("mixed", kind)
        points = Points(act=die)
        world.drive(points)
        return len(points.passed[1])


Crash = tuple[str, Sequence[int | str]]
"""The kind of a batch, and where its attempts die, one after the other."""
Plan = Sequence[Crash]


def _in_worlds(crashes: Sequence[Crash]) -> Iterator[Plan]:
    for start in range(0, len(crashes), A_WORLD):
        yield crashes[start : start + A_WORLD]


def crash_all(new: Callable[[], World], plan: Iterable[Crash]) -> tuple[World, list[str]]:
    """Put one batch after the other and crash it; return the names of the points died at."""
    world, died = new(), list[str]()
    for batch, (kind, attempts) in enumerate(plan):
        world.put(kind)
        for at in attempts:
            early = isinstance(at, str) and ("streams" in at or "epochs" in at)
            point = world.crash((AT_START if early else batch, at))
            died += [point] if point is not None else []
        if kind == "blocked":
            world.settle()
    world.settle()
    return world, died
