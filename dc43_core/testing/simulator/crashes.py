"""A crash at every point, and again at every point of what follows.

A run is a function of the state it starts from, so the states that crashes leave are collected
on the way of one run, and each is run on from once, however many crashes lead to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from attrs import define, field

from dc43_core.errors import Dc43Error
from dc43_core.testing.simulator import judge
from dc43_core.testing.simulator.feed import EndlessError, LeakError, Scene, live
from dc43_core.testing.simulator.state import CRASHES, State, World

_KEPT = 20


class FoundError(Exception):
    """Something is wrong, and that is all that was asked."""


@define(kw_only=True)
class Tally:
    """What was tried, and what was wrong.

    Attributes:
        crashes: Crashes tried: ways to come to a crash, counted by point and by what survives.
        runs: Runs that were made for it, since different crashes may leave the same state.
        turns: Ways tried in which two drivers take turns.
        failures: Operations tried that fail or whose reply is lost.
        violations: What was wrong, at most the first so many.
        stop: Whether the first violation is enough.
        sample: Of the states that a run's crashes leave, every so many-th is followed.
    """

    crashes: int = 0
    runs: int = 0
    turns: int = 0
    failures: int = 0
    violation_count: int = 0
    violations: list[str] = field(factory=list)
    stop: bool = False
    done: dict[tuple[int, int], int] = field(factory=dict, repr=False)

    def wrong(self, found: Sequence[str], state: State) -> None:
        """Note violations.

        Raises:
            FoundError: if the first is enough.
        """
        if not found:
            return
        self.violation_count += len(found)
        told = [f"{text} ({', then '.join(state.history) or 'nothing crashed'})" for text in found]
        self.violations += told[: max(_KEPT - len(self.violations), 0)]
        if self.stop:
            raise FoundError(told[0])


@define(kw_only=True)
class Watch:
    """Collects the states that a crash would leave at each point of a run."""

    world: World
    scene: Scene
    tally: Tally
    kinds: Sequence[str] = CRASHES
    states: list[tuple[State, int]] = field(factory=list)
    _at: tuple[object, ...] = ()
    _newest: list[int] = field(factory=list)

    def __call__(self, name: str) -> None:
        """Look at a point."""
        world = self.world
        at = (world.store.changes, world.ledger.version, tuple(world.progress.values()))
        if at == self._at:
            # Nothing has changed since the last point: these crashes leave what those left.
            for index in self._newest:
                state, count = self.states[index]
                self.states[index] = (state, count + 1)
            return
        self._at, self._newest = at, []
        distinct: dict[int, State] = {}
        for kind in self.kinds:
            state = world.left_by(kind, name)
            distinct.setdefault(state.key, state)
        for state in distinct.values():
            self._newest.append(len(self.states))
            self.states.append((state, 1))
        self.tally.wrong(judge.seen(_quiet(world), self.scene), world.left_by("a look", name))


def explore(
    scene: Scene,
    state: State,
    tally: Tally,
    *,
    crashes: int,
    kinds: Sequence[str] = CRASHES,
    every: int = 1,
    run: Callable[[World], None] | None = None,
) -> int:
    """Run on from a state to the end, and from each crash on the way as well.

    Args:
        scene: The streams.
        state: Where it begins.
        tally: Where to count.
        crashes: How many crashes may follow one another.
        kinds: Kinds of crash.
        every: Of the crashes that leave different states, only every so many-th is followed.
        run: What runs, first; by default the scene's first stream until it is done.

    Returns:
        How many crashes this covers.
    """
    key = (state.key, crashes)
    if run is None and key in tally.done:
        return tally.done[key]
    world = World.of(state)
    watch = Watch(world=world, scene=scene, tally=tally, kinds=kinds)
    if crashes:
        world.at_point = watch
    finish(scene, world, tally, state, run)
    covered = 0
    for child, count in watch.states[::every]:
        covered += count * (1 + explore(scene, child, tally, crashes=crashes - 1, kinds=kinds))
    if run is None:
        tally.done[key] = covered
    return covered


def finish(
    scene: Scene,
    world: World,
    tally: Tally,
    state: State,
    run: Callable[[World], None] | None = None,
) -> None:
    """Let a world come to its end, and judge it."""
    tally.runs += 1
    try:
        if run is None:
            for feed in scene.feeds:
                live(world, feed)
        else:
            run(world)
    except (EndlessError, LeakError) as error:
        tally.wrong([f"{type(error).__name__}: {error}"], state)
        return
    # A stream that cannot go on is as broken as one that lost rows.
    except (Dc43Error, OSError) as error:
        tally.wrong([f"stuck: {type(error).__name__}: {error}"], state)
        return
    tally.wrong(judge.ended(_quiet(world), scene), world.left_by("nothing", "the end"))


def _quiet(world: World) -> World:
    """Return the world as someone sees it who is nobody's point."""
    looked = World(
        store=world.store.silent(), progress=world.progress, starts=world.starts, history=()
    )
    looked.ledger = world.ledger
    return looked


def states_of(scene: Scene, state: State, tally: Tally, kind: str = "killed") -> Iterator[State]:
    """Yield each different state that a crash of a kind leaves in the scene's first stream."""
    world = World.of(state)
    watch = Watch(world=world, scene=scene, tally=tally, kinds=[kind])
    world.at_point = watch
    live(world, scene.feed)
    told = set()
    for child, _ in watch.states:
        if child.key not in told:
            told.add(child.key)
            yield child
