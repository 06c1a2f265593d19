"""What the protocol is driven through: the list of them all, and how far each goes."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from functools import partial

from attrs import evolve, frozen

from dc43_core.protocol.key_state import MANY
from dc43_core.testing.simulator.crashes import Tally, explore, states_of
from dc43_core.testing.simulator.drivers import interleave
from dc43_core.testing.simulator.failures import KINDS, fail
from dc43_core.testing.simulator.feed import Feed, Scene, live
from dc43_core.testing.simulator.state import CRASHES, FORGETS, NOTHING, State, World
from dc43_core.vocabulary import Release


class Effort(IntEnum):
    """How far a scenario goes."""

    QUICK = 1
    SHORT = 2
    FULL = 3


@frozen(kw_only=True)
class Scenario:
    """One way to drive the protocol.

    Attributes:
        name: For tables.
        about: What happens in it.
        run: Does it.
    """

    name: str
    about: str
    run: Callable[[Tally, Effort], None]


def _crashes(scene: Scene, tally: Tally, effort: Effort, *, forgets: bool = False) -> None:
    kinds = (*CRASHES, FORGETS) if forgets else CRASHES
    if effort is Effort.QUICK:
        tally.crashes += explore(scene, NOTHING, tally, crashes=1, kinds=kinds)
        return
    # The plain stream's are followed all; of what another scene's leave, a sample.
    every = 7 if scene.feed.keys else 3
    if effort is Effort.FULL or (scene.feed == Feed() and not forgets):
        every = 1
    if effort is Effort.FULL:
        # One more batch, whose crashes come in pairs with those of the batches before it.
        scene = Scene(feeds=[evolve(scene.feed, batches=scene.feed.batches + 1)])
    tally.crashes += explore(scene, NOTHING, tally, crashes=2, kinds=kinds, every=every)


def _triple(scene: Scene, tally: Tally, effort: Effort) -> None:
    """One batch, and as many crashes as the effort allows."""
    depth = {Effort.QUICK: 2, Effort.SHORT: 2, Effort.FULL: 3}[effort]
    tally.crashes += explore(scene, NOTHING, tally, crashes=depth)


def _compaction(tally: Tally, effort: Effort) -> None:
    """The log's tenth entry holds all before it."""
    state = after(Feed(batches=8))
    scene = Scene(feeds=[Feed(batches=11)])
    depth = 1 if effort < Effort.FULL else 2
    tally.crashes += explore(scene, state, tally, crashes=depth)


def _merging(tally: Tally, effort: Effort) -> None:
    """The keys of many batches are merged, and those of the first are asked for afterwards."""
    feed = Feed(batches=MANY, source="rewritten", keys=True)
    scene = Scene(feeds=[evolve(feed, batches=MANY + 2)])
    depth, every = (1, 1) if effort is Effort.QUICK else (2, 1 if effort is Effort.FULL else 19)
    tally.crashes += explore(scene, after(feed), tally, crashes=depth, every=every)


def _failures(scene: Scene, tally: Tally, effort: Effort) -> None:
    for kind in KINDS:
        fail(scene, NOTHING, tally, kind=kind, every=2 if effort is Effort.QUICK else 1)
    if effort > Effort.QUICK:
        every = 3 if effort is Effort.SHORT else 1
        for kind in KINDS:
            fail(scene, NOTHING, tally, kind=kind, every=every, crashes=1)


def _takeover(tally: Tally, effort: Effort, *, source: str, keys: bool = False) -> None:
    batches = 1 if effort is Effort.QUICK and not keys else 2
    scene = Scene(feeds=[Feed(batches=batches, source=source, keys=keys)])
    every = {Effort.QUICK: 41 if keys else 9, Effort.SHORT: 7, Effort.FULL: 1}[effort]
    interleave(scene, NOTHING, tally, every=every, crashes=effort > Effort.QUICK)


def _race(tally: Tally, effort: Effort, *, source: str) -> None:
    """The batch was begun by a driver that died, however far it came."""
    scene = Scene(feeds=[Feed(batches=1, source=source)])
    step, every = {Effort.QUICK: (12, 7), Effort.SHORT: (5, 5), Effort.FULL: (1, 2)}[effort]
    for state in list(states_of(scene, NOTHING, tally))[::-step]:
        interleave(scene, state, tally, every=every)


def _release_race(tally: Tally, effort: Effort) -> None:
    """Two people release a blocked batch, and two drivers carry it out."""
    feed = Feed(blocks="strategy", release=Release.REJECTS, source="rewritten")
    state = after(Feed(batches=1, blocks="strategy", source="rewritten"), progress=1)
    every = {Effort.QUICK: 25, Effort.SHORT: 9, Effort.FULL: 1}[effort]
    interleave(Scene(feeds=[feed]), state, tally, every=every)


def _verdict_race(tally: Tally, effort: Effort) -> None:
    """A blocked batch is judged by two: one blocks it again, for other rows, and one does not."""
    feed = Feed(blocks="at first", source="rewritten")
    state = after(Feed(batches=2, blocks="strategy", source="rewritten"), progress=1)
    every = {Effort.QUICK: 25, Effort.SHORT: 9, Effort.FULL: 1}[effort]
    interleave(Scene(feeds=[feed]), state, tally, every=every)


def _neighbours(tally: Tally, effort: Effort) -> None:
    batches = 1 if effort is Effort.QUICK else 2
    scene = Scene(feeds=[Feed(batches=batches), Feed(number=2, batches=batches)])
    every = {Effort.QUICK: 9, Effort.SHORT: 13, Effort.FULL: 1}[effort]
    interleave(scene, NOTHING, tally, every=every, crashes=effort > Effort.QUICK)
    tally.crashes += explore(scene, NOTHING, tally, crashes=1)


def after(feed: Feed, progress: int | None = None) -> State:
    """Return the state after a stream has come to its end."""
    world = World.of(NOTHING)
    live(world, feed)
    if progress is not None:
        world.progress[feed.name] = progress
    return World.left_by(world, "killed", "a later start")


def _released(how: Release, blocks: str = "strategy") -> Scene:
    return Scene(feeds=[Feed(batches=2, blocks=blocks, release=how, source="rewritten")])


def _with(run: Callable[..., None], **feed: object) -> Callable[[Tally, Effort], None]:
    return partial(run, Scene(feeds=[Feed(**feed)]))  # type: ignore[arg-type]


SCENARIOS = (
    Scenario(
        name="crashes",
        about="a crash at every point of two batches, and a second one in what follows",
        run=_with(_crashes),
    ),
    Scenario(name="crashes, one batch", about="pairs of crashes", run=_with(_triple, batches=1)),
    Scenario(
        name="rewritten source",
        about="the source's files hold other rows at each start",
        run=_with(_crashes, source="rewritten"),
    ),
    Scenario(
        name="deleted source",
        about="the source's files are gone at some starts",
        run=_with(_crashes, source="deleted"),
    ),
    Scenario(
        name="ledger deleted",
        about="the ledger is gone after a crash",
        run=lambda tally, effort: _crashes(Scene(feeds=[Feed()]), tally, effort, forgets=True),
    ),
    Scenario(name="compaction", about="crashes around the log's tenth entry", run=_compaction),
    Scenario(
        name="blocked",
        about="a batch is blocked for good, and its rows are seen by nobody",
        run=_with(_crashes, blocks="strategy", source="rewritten"),
    ),
    *(
        Scenario(
            name=f"released as {how}",
            about="a blocked batch is released, with crashes before, in between and after",
            run=partial(_crashes, _released(how)),
        )
        for how in Release
    ),
    Scenario(
        name="released after drift",
        about="a batch without a required column is released to the rejects",
        run=partial(_crashes, _released(Release.REJECTS, "drift")),
    ),
    Scenario(
        name="keys across batches",
        about="rows whose code landed in an earlier batch, from a source that changes",
        run=_with(_crashes, source="rewritten", keys=True),
    ),
    Scenario(
        name="keys of a release",
        about="the same, with a blocked batch that is released, and a batch behind it",
        run=_with(
            _crashes,
            batches=3,
            source="rewritten",
            keys=True,
            blocks="strategy",
            release=Release.REJECTS,
        ),
    ),
    Scenario(
        name="keys for a time",
        about="codes that are forgotten a batch later, by the stream's own time",
        run=_with(_crashes, batches=3, source="rewritten", keys=True, forgets=True),
    ),
    Scenario(
        name="keys that are merged",
        about="crashes around the batch that merges the codes of those before it",
        run=_merging,
    ),
    Scenario(
        name="keys, two drivers",
        about="two drivers take turns, and read rows with different codes",
        run=partial(_takeover, source="rewritten", keys=True),
    ),
    Scenario(
        name="failures",
        about="each operation on files and governance fails once, is done and its reply is "
        "lost, or governance stays away from there on; then crashes",
        run=_with(_failures, source="rewritten"),
    ),
    Scenario(
        name="failures, blocked by outages",
        about='the same, under `on_outage = "block"`',
        run=_with(_failures, on_outage="block"),
    ),
    Scenario(
        name="failures of a release",
        about="the same, with a blocked batch that is released",
        run=partial(_failures, _released(Release.REJECTS)),
    ),
    Scenario(
        name="two drivers",
        about="two drivers of one stream take turns at pairs of points, and crash together",
        run=partial(_takeover, source="steady"),
    ),
    Scenario(
        name="two drivers, two sources",
        about="the same, and they read different rows",
        run=partial(_takeover, source="rewritten"),
    ),
    Scenario(
        name="replayed batch",
        about="two drivers race on a batch that a third began, from every state it left",
        run=partial(_race, source="rewritten"),
    ),
    Scenario(name="released by two", about="two drivers carry out a release", run=_release_race),
    Scenario(
        name="blocked by one of two",
        about="a blocked batch is judged by two drivers, and the later one publishes it",
        run=_verdict_race,
    ),
    Scenario(
        name="two streams",
        about="two streams into one sink take turns at pairs of points, and crash together",
        run=_neighbours,
    ),
)
