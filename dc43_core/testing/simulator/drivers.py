"""Two drivers that take turns: one up to a point, the other up to a point, then both to the end.

Each is a thread, and one runs at a time. They are drivers of one stream, neither of which knows
that the other is there, or of two streams that share their sinks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from attrs import define, field

from dc43_core.errors import Dc43Error
from dc43_core.testing.simulator import judge
from dc43_core.testing.simulator.crashes import Tally, explore
from dc43_core.testing.simulator.feed import EndlessError, Feed, LeakError, Scene, live
from dc43_core.testing.simulator.state import CRASHES, State, World

_FAR = 10_000


@define(kw_only=True, eq=False)
class Driver:
    """One driver, which stops at a point of its own and waits to be let on.

    Attributes:
        run: What it does.
        pause_at: Number of the point, from 0.
        error: What it ended with.
    """

    run: Callable[[], None]
    pause_at: int
    error: BaseException | None = None
    ended: bool = False
    _passed: int = 0
    _let_on: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    _stands: threading.Semaphore = field(factory=lambda: threading.Semaphore(0))
    _thread: threading.Thread = field(init=False)

    def begin(self) -> None:
        """Run up to its point, or to its end."""
        self._thread = threading.Thread(target=self._all, daemon=True)
        self._thread.start()
        self._stands.acquire()

    def end(self) -> None:
        """Run to its end."""
        if not self.ended:
            self._let_on.release()
            self._stands.acquire()
        self._thread.join()

    def is_current(self) -> bool:
        """Whether the thread that asks is this driver's."""
        return threading.current_thread() is self._thread

    def pass_point(self) -> None:
        """Pass a point, or stand there."""
        number = self._passed
        self._passed += 1
        if number == self.pause_at:
            self._stands.release()
            self._let_on.acquire()

    def _all(self) -> None:
        try:
            self.run()
        # The driver that was overtaken may fail; what counts is what is there in the end.
        except (Dc43Error, OSError, EndlessError, LeakError) as error:
            self.error = error
        # Anything else is a fault of a kind that no product should show: told by the caller.
        except BaseException as error:  # noqa: BLE001
            self.error = error
        self.ended = True
        self._stands.release()


def interleave(
    scene: Scene, state: State, tally: Tally, *, every: int = 1, crashes: bool = False
) -> None:
    """Let two drivers take turns at every pair of points.

    Args:
        scene: One stream, which both drive; or two, one each.
        state: Where it begins.
        tally: Where to count.
        every: Of the pairs, only every so many-th; which ones shifts from point to point.
        crashes: Whether the machine also crashes while both stand.
    """
    first = 0
    while True:
        second = first % every
        while True:
            one, other = _once(scene, state, tally, first, second, crashes=crashes)
            if other < second:
                break
            second += every
        if one < first:
            return
        first += 1


def _once(
    scene: Scene, state: State, tally: Tally, first: int, second: int, *, crashes: bool
) -> tuple[int, int]:
    """Take turns once; return how many points each passed before it stood or ended."""
    world = World.of(state)
    feeds = (scene.feeds[0], scene.feeds[-1])
    drivers = [
        Driver(run=_living(world, feed), pause_at=at)
        for feed, at in zip(feeds, (first, second), strict=True)
    ]

    def at_point(name: str) -> None:
        for driver in drivers:
            if driver.is_current():
                driver.pass_point()
                return

    world.at_point = at_point
    for driver in drivers:
        driver.begin()
    reached = [_FAR if not driver.ended else -1 for driver in drivers]
    where = f"drivers stand at points {first} and {second}"
    history = (*state.history, where)
    if crashes:
        for kind in CRASHES:
            child = world.left_by(kind, where)
            tally.crashes += 1 + explore(scene, child, tally, crashes=0)
    for driver in drivers:
        driver.end()
    world.at_point = lambda name: None
    world.history = history
    tally.turns += 1
    tally.runs += 1
    tally.wrong(_faults(scene, drivers), world.left_by("nothing", "the end"))
    _settle(scene, world, tally)
    return reached[0], reached[1]


def _living(world: World, feed: Feed) -> Callable[[], None]:
    return lambda: live(world, feed)


def _faults(scene: Scene, drivers: list[Driver]) -> list[str]:
    found = [driver.error for driver in drivers if driver.error is not None]
    # One of two drivers of one stream may lose; neither of two streams may.
    harmless = (Dc43Error, OSError) if len(scene.feeds) == 1 else ()
    return [
        f"{'stuck' if isinstance(e, Dc43Error | OSError) else 'fault'}: {type(e).__name__}: {e}"
        for e in found
        if not isinstance(e, harmless)
    ]


def _settle(scene: Scene, world: World, tally: Tally) -> None:
    """Let whoever comes next complete what is left, and judge."""
    state = world.left_by("killed", "the last start")
    try:
        for feed in scene.feeds:
            live(world, feed)
    except (Dc43Error, OSError, EndlessError, LeakError) as error:
        tally.wrong([f"stuck: {type(error).__name__}: {error}"], state)
        return
    tally.wrong(judge.ended(world, scene), state)
