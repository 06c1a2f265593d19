"""Drivers that are killed by SIGKILL, and drivers that race for one batch."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path

from attrs import define

from dc43_core.protocol.steps import FAILPOINTS
from tests.faults.crash_child import Child
from tests.faults.crash_judge import violations
from tests.faults.crash_world import World

Say = Callable[[str], None]
ON_THEIR_OWN = ("blocked",)
"""Failpoints that a batch which lands does not pass."""
EVERY = tuple(name for name in FAILPOINTS if name not in ON_THEIR_OWN)
LONGEST_DELAY = 1.5


@define(kw_only=True)
class Counted:
    """What was tried, and what was wrong."""

    tried: int = 0
    wrong: list[str]


def kill(
    world: World, folder: Path, points: Sequence[str], timers: int, alone: int, say: Say
) -> Counted:
    """Kill one driver after the other on one stream; the next takes up what it left.

    Args:
        world: The stream.
        folder: Where the drivers live.
        points: Points at which a driver kills its group.
        timers: How many more are killed from outside, whenever that is.
        alone: How many more lose their Python, and their JVM has to notice.
        say: Shows progress.
    """
    counted = Counted(wrong=[])
    choice = random.Random(43)
    orders = [("kill", point) for point in points]
    orders += [("tell", "handed-over")] * timers
    orders += [("alone", point) for point in itertools.islice(itertools.cycle(points), alone)]
    children = _children(folder, len(orders))
    for batch, (do, point) in enumerate(orders):
        world.put("mixed")
        child = next(children)
        try:
            child.order(world, do, [(batch, point)])
            found = child.answer()
            if do == "tell":
                time.sleep(choice.uniform(0, LONGEST_DELAY))
                child.kill()
                killed = found is not None and "at" in found
            else:
                killed = found is None
            counted.tried += killed
            if not killed:
                counted.wrong.append(f"not killed at {point}: {found}")
        finally:
            child.close()
        say(f"{world.sink.name}: {counted.tried} drivers killed")
    children.close()
    world.settle()
    counted.wrong += violations(world)
    return counted


def _children(folder: Path, count: int) -> Generator[Child]:
    """Yield drivers that are ready; the next one starts while one works."""
    coming: list[Child] = []
    try:
        for number in range(count):
            while len(coming) < min(2, count - number):
                coming.append(Child.spawn(folder / f"driver {number + len(coming)}"))
            child = coming.pop(0)
            child.answer()
            yield child
    finally:
        for child in coming:
            child.close()


def race(world: World, folder: Path, points: Sequence[str], say: Say) -> Iterator[Counted]:
    """Let an old driver wait at a point while a new one takes its batch; then let it go on.

    The old one is a process in another folder with an empty home. Yields twice: a batch for
    each point, then batches that were done and are handed over again.
    """
    child = Child.spawn(folder / "old driver")
    try:
        counted = Counted(wrong=[])
        if child.answer() is None:
            counted.wrong.append("the other driver did not start")
        for point in points:
            world.put("mixed")
            batch = len(world.given) - 1
            _one_after_the_other(world, child, (batch, point), counted)
            say(f"{world.sink.name}: {counted.tried} races")
        counted.wrong += violations(world)
        yield counted
        counted = Counted(wrong=[])
        batch = len(world.given) - 1
        forget(world, batch)
        _one_after_the_other(world, child, (batch, "handed-over"), counted)
        forget(world, batch)
        world.put("mixed", "bad")
        _at_once(world, child, counted)
        counted.wrong += violations(world)
        yield counted
    finally:
        child.close()


def _one_after_the_other(world: World, child: Child, at: tuple[int, str], counted: Counted) -> None:
    child.order(world, "wait", [at])
    found = child.answer()
    waits = found is not None and "at" in found
    world.settle()
    before = len(counted.wrong)
    if waits:
        child.go()
        found = child.answer()
    counted.tried += waits
    if found is None or found.get("wrong"):
        counted.wrong.append(f"{at}: the old driver says {found}")
    if not waits and len(counted.wrong) == before:
        counted.wrong.append(f"{at}: the old driver never came there: {found}")


def _at_once(world: World, child: Child, counted: Counted) -> None:
    """Let both run to a batch that is replayed, and to those after it."""
    child.order(world)
    # One of the two may be refused by Spark, which sees the other's files in the checkpoint.
    world.drive()
    found = child.answer()
    world.settle()
    counted.tried += 1
    if found is None or found.get("wrong"):
        counted.wrong.append(f"at once: the other driver says {found}")


def forget(world: World, batch: int) -> None:
    """Delete Spark's word that a batch is done: it hands the batch over again."""
    for name in (str(batch), f".{batch}.crc"):
        (world.checkpoint / "commits" / name).unlink()
