"""Operations that fail, operations whose reply is lost, and governance that is away.

The process lives on: what was raised goes its way through the product's own handlers, and the
batch is tried again, by the same start or by the next.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from dc43_core.errors import GovernanceDownError
from dc43_core.testing.simulator.crashes import Tally, Watch, explore, finish
from dc43_core.testing.simulator.feed import Feed, Scene, commit, drive, live, open_feed
from dc43_core.testing.simulator.state import State, World

REFUSED, LOST, OUTAGE = "refused", "reply lost", "outage"
KINDS = (REFUSED, LOST, OUTAGE)


@define(kw_only=True)
class Fault:
    """Raises at one operation; an outage goes on raising, for governance, until it is mended.

    Attributes:
        kind: One of `KINDS`.
        at: Number of the operation, from 0.
        then: Called when it raises for the first time.
    """

    kind: str
    at: int
    then: Callable[[str], None] = lambda name: None
    seen: int = 0
    happened: bool = field(default=False, init=False)
    _mended: bool = False

    def before(self, name: str) -> None:
        """Be told of an operation that is about to be done."""
        if self.kind == OUTAGE:
            if "governance" in name:
                self._count(name, still=True)
        elif self.kind == REFUSED:
            self._count(name)

    def after(self, name: str) -> None:
        """Be told of an operation that is done."""
        if self.kind == LOST:
            self._count(name)

    def mend(self) -> None:
        """Let whatever comes now succeed."""
        self._mended = True

    def _count(self, name: str, *, still: bool = False) -> None:
        if self._mended:
            return
        number = self.seen
        self.seen += 1
        if number == self.at or (still and number > self.at):
            if not self.happened:
                self.happened = True
                self.then(f"{self.kind} {name}")
            raise TimeoutError(f"{self.kind}: {name}")


def fail(
    scene: Scene, state: State, tally: Tally, *, kind: str, every: int = 1, crashes: int = 0
) -> None:
    """Let each operation of a run fail once, and go on in two ways.

    Args:
        scene: The streams; the first one runs.
        state: Where it begins.
        tally: Where to count.
        kind: How it fails.
        every: Only every so many-th operation.
        crashes: How many crashes may follow, at each point after the failure.
    """
    ways = [_start_again] if scene.feed.blocks else [_start_again, _insist]
    for way in ways:
        at = 0
        while _fail_once(scene, state, tally, Fault(kind=kind, at=at), way, crashes):
            at += every


def _fail_once(
    scene: Scene,
    state: State,
    tally: Tally,
    fault: Fault,
    way: Callable[[World, Feed, Fault], None],
    crashes: int,
) -> bool:
    world = World.of(state)
    watch = Watch(world=world, scene=scene, tally=tally)

    def happened(name: str) -> None:
        world.history = (*world.history, name)
        if crashes:
            world.at_point = watch_too

    def count(name: str) -> None:
        fault.before(name)

    def watch_too(name: str) -> None:
        watch(name)
        fault.before(name)

    fault.then = happened
    world.at_point = count
    world.done = fault.after
    finish(scene, world, tally, state, lambda world: way(world, scene.feed, fault))
    if not fault.happened:
        return False
    tally.failures += 1
    for child, covers in watch.states:
        tally.crashes += covers * (1 + explore(scene, child, tally, crashes=crashes - 1))
    return True


def _start_again(world: World, feed: Feed, fault: Fault) -> None:
    for _ in range(3):
        try:
            live(world, feed)
            break
        except TimeoutError:
            continue
        except GovernanceDownError:
            fault.mend()
    # What an outage left behind is found by the next start.
    fault.mend()
    live(world, feed)


def _insist(world: World, feed: Feed, fault: Fault) -> None:
    """Hand a batch that failed to the same start again, as read anew."""
    try:
        stream = open_feed(world, feed)
        start = world.starts
        while (batch := world.progress.get(feed.name, 0)) < feed.batches:
            try:
                stream.process(feed.rows(batch, start), batch)
            except TimeoutError:
                stream.process(feed.rows(batch, start + 1), batch)
            commit(world, feed, batch)
        stream.end()
    except (TimeoutError, GovernanceDownError):
        # The next start goes on.
        pass
    fault.mend()
    drive(world, feed)
