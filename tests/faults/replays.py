"""Releases, replays and erasures that die at every change to a file, and again in their repair.

Over the product's own code on the engine of lists. Judged by row ids: each row once in main, none
lost, one record, and nothing that should stay has left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import Any
from unittest.mock import patch

from attrs import define, field

from dc43_core.config import Config
from dc43_core.errors import BatchBlockedError, Dc43Error
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.plugin_manager import Plugins, load_plugins
from dc43_core.protocol import replay as product
from dc43_core.protocol.blocked import release_batch
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.record import encode
from dc43_core.protocol.rejects import Chosen
from dc43_core.protocol.replay import ReplayProtocol
from dc43_core.protocol.replays import Replays
from dc43_core.protocol.sink_log import FileSink
from dc43_core.protocol.writes import Writes
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeEraser, FakeStager, read_rows
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.upkeep.checkpoint import read_facts
from dc43_core.upkeep.erase import Eraser
from dc43_core.upkeep.interface import Key
from dc43_core.vocabulary import Lane, Release, RunType
from tests.faults.figures import Figure

CHECKPOINT, MAIN, REJECTS = "memory:/checkpoint", "memory:/main", "memory:/rejects"
CORRECTED = ORDERS.replace("required: true, ", "").replace("1.0.0", "1.1.0")
PLUGINS: list[Plugins] = []


class Crash(BaseException):
    """The process dies here: no handler of the product may catch it."""


def order(id_: int, amount: int | None = 1) -> dict[str, Any]:
    """Return a row; without an amount it is rejected until the contract is corrected."""
    return {"id": id_, "amount": amount, "state": "open"}


@define
class World:
    """What survives: the files."""

    store: MemoryStore = field(factory=MemoryStore)
    operations: int = 0

    def stream(self, *, rejects: bool = True, contract: str = ORDERS) -> GovernedStream[Any]:
        """Start a driver."""
        runtime, plan, stager = self._engine(contract)
        sinks = self.sinks()
        if not rejects:
            del sinks[Lane.REJECTS]
        return open_stream(
            runtime=runtime,
            plan=plan,
            stager=stager,
            store=self.store,
            checkpoint=CHECKPOINT,
            sinks=sinks,
            policy=Policy(run_type=RunType.ENFORCE),
        )

    def sinks(self) -> dict[Lane, Any]:
        """Return both, as a process that just started holds them."""
        return {
            lane: FileSink(self.store, uri, ".jsonl")
            for lane, uri in ((Lane.MAIN, MAIN), (Lane.REJECTS, REJECTS))
        }

    def replay(self, act: Callable[[], None] | None = None) -> None:
        """Judge the rejects under the corrected contract; act while they are judged."""
        todo = [] if act is None else [act]

        def failpoint(name: str, number: int) -> None:
            if name == "replay-staged" and todo:
                todo.pop()()

        _, plan, stager = self._engine(CORRECTED)
        known = stream_of(self.store, CHECKPOINT) or {}
        ReplayProtocol(
            store=self.store,
            sinks=self.sinks(),
            replayer=stager,
            plan=plan,
            namespace="default",
            failpoint=failpoint,
        ).run(Chosen(streams=frozenset([str(known.get("stream_id"))])))

    def erase(self, id_: int) -> None:
        """Erase one row from all that is kept."""
        known = stream_of(self.store, CHECKPOINT) or {}
        journal = Journal(self.store, CHECKPOINT, str(known.get("stream_id")))
        Eraser(
            store=self.store,
            sinks=self.sinks(),
            facts=lambda: read_facts(journal),
            rows=FakeEraser(store=self.store),
        ).erase(Key(column="id", value=str(id_)), by="anna")

    def _engine(self, contract: str) -> tuple[Runtime, Any, FakeStager]:
        if not PLUGINS:
            PLUGINS.append(load_plugins(allowed=()))
        runtime = Runtime(config=Config(), plugins=PLUGINS[0], governance=MemoryGovernance())
        plan = runtime.plan(runtime.contracts().parse("orders", contract.encode()))
        return runtime, plan, FakeStager(store=self.store, plan=plan, kinds=runtime.kinds)

    def ids(self, uri: str) -> list[int]:
        """Return the ids that readers see."""
        files = FileSink(self.store, uri, ".jsonl").files()
        return sorted(row["id"] for path in files for row in read_rows(self.store, path))

    def copy(self) -> World:
        """Return another world with the same files."""
        return World(MemoryStore.holding(self.store.survivors("killed")))

    def die_at(self, at: int, act: Callable[[World], None]) -> bool:
        """Act, and die at one change to a file; False if there were not so many."""
        self.operations = 0

        def count(operation: str, path: str) -> None:
            self.operations += 1
            if self.operations == at:
                raise Crash

        self.store.before = count
        try:
            act(self)
        except Crash:
            self.store.crash()
            return True
        finally:
            self.store.before = lambda operation, path: None
        return False


@define
class Case:
    """Something that is done, and how it must end whatever happens."""

    name: str
    make: Callable[[], World]
    act: Callable[[World], None]
    wrong: Callable[[World], list[str]]
    pairs: bool = True
    """Whether pairs of deaths are tried in the short form too."""


def _filled() -> World:
    world = World()
    stream = world.stream()
    for batch_id in range(2):
        rows = [order(10 * batch_id), order(10 * batch_id + 1, None)]
        stream.process([*rows, order(10 * batch_id + 2, -1)], batch_id)
    return world


def _replay_wrong(world: World) -> list[str]:
    wrong = []
    if world.ids(MAIN) != [0, 1, 10, 11]:
        wrong.append(f"main holds {world.ids(MAIN)}")
    if world.ids(REJECTS) != [1, 2, 11, 12]:
        wrong.append(f"the rejects hold {world.ids(REJECTS)}")
    left = [
        (batch, number)
        for one in Replays(world.store, REJECTS).all()
        for batch, numbers in one.rows.items()
        for number in numbers
    ]
    if len(left) != 2 or len(set(left)) != 2:
        wrong.append(f"rows that left: {left}")
    if sum(r.main_count for r in Writes(world.store, MAIN).records()) != 2:
        wrong.append("records count other rows than landed")
    return wrong


def _erase_meanwhile(world: World) -> None:
    world.replay(lambda: world.erase(11))
    if 11 in world.ids(MAIN):
        raise KeyError("row 11 was erased, and is published all the same")


def _erase_wrong(world: World) -> list[str]:
    found = world.ids(MAIN), world.ids(REJECTS)
    expected = [0, 1, 10], [1, 2, 12]
    return [] if found == expected else [f"main holds {found[0]}, the rejects {found[1]}"]


def _blocked(as_: Release) -> World:
    world = World()
    try:
        world.stream(rejects=False).process([order(0), order(1, None)], 0)
    except BatchBlockedError:
        release_batch(CHECKPOINT, 0, as_=as_, reason="known", by="anna", store=world.store)
    return world


def _carry_out(world: World) -> None:
    # The source has lost its rows: what was kept is all that there is.
    world.stream().process([], 0)


def _release_wrong(as_: Release) -> Callable[[World], list[str]]:
    main, rejects = {
        Release.MAIN: ([0, 1], []),
        Release.REJECTS: ([0], [1]),
        Release.SKIP: ([], []),
    }[as_]

    def wrong(world: World) -> list[str]:
        found = []
        if (world.ids(MAIN), world.ids(REJECTS)) != (main, rejects):
            found.append(f"main holds {world.ids(MAIN)}, the rejects {world.ids(REJECTS)}")
        known = stream_of(world.store, CHECKPOINT) or {}
        records = list(Journal(world.store, CHECKPOINT, str(known["stream_id"])).records())
        if len(records) != 2 or records[-1].main_count != len(main):
            found.append(f"records {[(r.outcome, r.main_count) for r in records]}")
        return found

    return wrong


CASES = [
    Case("replay", _filled, lambda world: world.replay(), _replay_wrong),
    *(
        Case(f"release as {as_}", partial(_blocked, as_), _carry_out, _release_wrong(as_))
        for as_ in Release
    ),
    Case("replay while a row is erased", _filled, _erase_meanwhile, _erase_wrong, pairs=False),
]


def crashed(case: Case, *, pairs: bool = False) -> tuple[int, list[str]]:
    """Die at every point and at every pair of points; return how many, and what was wrong.

    Args:
        case: What is done.
        pairs: Whether to try pairs where the case does not ask for them.
    """
    points, at = 0, 0
    wrong: list[str] = []
    while True:
        at += 1
        once = case.make()
        if not once.die_at(at, case.act):
            return points, wrong
        points += 1
        again = 0
        while pairs or case.pairs:
            again += 1
            twice = once.copy()
            if not twice.die_at(again, case.act):
                break
            points += 2
            wrong += _ended(case, twice, f"{at} and {again}")
        wrong += _ended(case, once, str(at))


def _ended(case: Case, world: World, where: str) -> list[str]:
    try:
        # Twice: what is done already must stay as it is.
        case.act(world)
        case.act(world)
        return [f"{case.name}, dead at {where}: {found}" for found in case.wrong(world)]
    except (Dc43Error, OSError, KeyError) as error:
        return [f"{case.name}, dead at {where}: {type(error).__name__}: {error}"]


def _overwrite(self: Replays, replay: Any) -> bool:
    path = f"{self.folder}/{replay.number}"
    self.store.delete(path)
    return self.store.create_if_absent(path, encode(replay.payload()))


def _publish_first(self: Replays, replay: Any) -> bool:
    product._publish(
        replay,
        self.store,
        FileSink(self.store, MAIN, ".jsonl"),
        lambda name, number: None,
        lambda: "2026-01-01T00:00:00.000Z",
    )
    path = f"{self.folder}/{replay.number}"
    return self.store.create_if_absent(path, encode(replay.payload()))


SEEDED: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    "a begun replay is not completed": lambda: patch.object(
        product, "complete", lambda *a, **k: None
    ),
    "rows that left are judged again": lambda: patch.object(Replays, "left", lambda self: {}),
    "published before the number is taken": lambda: patch.object(Replays, "take", _publish_first),
    "staged rows are not synced": lambda: patch.object(
        MemoryStore, "sync", lambda self, paths: None
    ),
    "every replay has number 1": lambda: patch.multiple(
        Replays, newest=lambda self: 0, take=_overwrite
    ),
    "an erasure lets a replay go on that has read its rows": lambda: patch.object(
        Replays, "fence", lambda self, why: None
    ),
    "a released batch is judged anew": lambda: patch.object(
        Journal, "resolution", lambda self, batch_id: None
    ),
    "staging of a block is not kept": lambda: patch(
        "dc43_core.protocol.steps.keep",
        lambda held, journal, store, *, limit: (
            store.delete(held.staged.folder) or journal.block(held)
        ),
    ),
}
"""Bugs that somebody could write, each of which must be found."""


def caught(bug: str) -> bool:
    """Say whether any case finds a seeded bug."""
    with SEEDED[bug]():
        for case in CASES:
            try:
                if crashed(case)[1]:
                    return True
            # A refusal is how some of them show.
            except (Dc43Error, OSError, KeyError):
                return True
    return False


def measure(*, full: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    """Yield the points tried of each case, and the seeded bugs that were caught."""
    for case in CASES:
        points, wrong = crashed(case, pairs=full)
        yield Figure(
            section="replays",
            name=f"{case.name}: crash points{', and in pairs' if full or case.pairs else ''}",
            value=f"{points:,}",
            ok=not wrong and points > 10,
            detail=wrong[0] if wrong else "0 violations",
        )
    say("seeding bugs")
    missed = [bug for bug in SEEDED if not caught(bug)]
    yield Figure(
        section="replays",
        name="seeded bugs caught",
        value=f"{len(SEEDED) - len(missed)} of {len(SEEDED)}",
        ok=not missed,
        detail="; ".join(missed),
    )
