"""The streams of a simulation: what they read, what blocks them, and who drives them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from attrs import field, frozen

from dc43_core.config import Config, KeysConfig, OutboxConfig
from dc43_core.errors import BatchBlockedError
from dc43_core.expectations.model import CheckPlan
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.plugin_manager import Plugins, load_plugins
from dc43_core.protocol.clock import Surroundings
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.journal import Journal, journals
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.release import release
from dc43_core.protocol.sink_log import FileSink
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeStager, Row
from dc43_core.testing.simulator.state import World
from dc43_core.vocabulary import Decision, Lane, Release, RunType

MAIN, REJECTS = "memory:/main", "memory:/rejects"
ROWS = 5
BLOCKED = 1
"""The batch that is blocked, where one is."""
BLOCKING_STARTS = 2
"""How many starts block a batch that is blocked at first."""
_ATTEMPTS = 3
_MOST = 10_000
_STARTS = 12
_MINUTE = 60_000
_CODE = "      - {name: code, logicalType: string, unique: true}\n"


class EndlessError(Exception):
    """A stream that is started again and again does not come to its end."""


class LeakError(Exception):
    """Rows of a blocked batch can be seen."""


@frozen(kw_only=True)
class Feed:
    """One stream: what its source gives, and what happens to its second batch.

    Attributes:
        number: 1 to 9; part of every row's id.
        batches: How many there are.
        source: `steady`; `rewritten` with each start; or `deleted` between starts, and back.
        blocks: None; `strategy`: a strategy blocks batch 1; `drift`: batch 1 lacks a required
            column; `at first`: the strategy blocks it in the first starts alone.
        release: What someone decides of the blocked batch; None: nobody does.
        keys: Whether rows have codes that are unique across batches.
        forgets: Whether a code is forgotten after the batch that follows.
        on_outage: What an outage of governance does.
        bound: Records that wait in memory.
    """

    number: int = 1
    batches: int = 2
    source: str = "steady"
    blocks: str | None = None
    release: Release | None = None
    keys: bool = False
    forgets: bool = False
    on_outage: str = "outbox"
    bound: int = 3

    @property
    def name(self) -> str:
        """Its key in the engine's progress."""
        return f"stream {self.number}"

    @property
    def checkpoint(self) -> str:
        """Where its progress lies."""
        return f"memory:/checkpoint-{self.number}"

    def rows(self, batch: int, start: int) -> list[Row]:
        """Return what the source gives for a batch at a start; ids never repeat."""
        attempt = 0 if self.source == "steady" else start % _ATTEMPTS
        if self.source == "deleted" and attempt == 2:
            return []
        first = ((self.number * _MOST + batch) * 10 + attempt) * 100
        rows: list[Row] = []
        for n in range(ROWS + attempt):
            row: dict[str, Any] = {"id": first + n, "state": "open"}
            if not (self.blocks == "drift" and batch == BLOCKED):
                row["amount"] = None if n % 3 == 0 else n
            if self.keys:
                row["code"] = _code(batch, attempt, n)
            rows.append(row)
        return rows

    def good(self, rows: Sequence[Row], taken: Collection[str]) -> list[Row]:
        """Return the rows that break no rule, with these codes taken by earlier batches."""
        return [r for r in rows if r.get("amount") is not None and r.get("code") not in taken]

    def attempts(self, batch: int) -> list[list[Row]]:
        """Return everything that the source may give for a batch."""
        return [self.rows(batch, start) for start in range(_ATTEMPTS)]

    @property
    def is_stuck(self) -> bool:
        """Whether its second batch is blocked for good."""
        return self.blocks in ("strategy", "drift") and self.release is None

    def released(self, batch: int) -> Release | None:
        """Return how a batch was released, if it was blocked."""
        return self.release if self.blocks and batch == BLOCKED else None


def _code(batch: int, attempt: int, n: int) -> str:
    """Return a code: one of the first batch's, as each attempt at it has some of its own.

    So a later batch has one that is taken for sure, and others that are if that attempt landed.
    """
    if batch == 0:
        return "same" if n == 4 else f"{attempt}-{n}"
    return {1: "0-1", 2: "1-1", 4: "same"}.get(n, f"{batch}-{attempt}-{n}")


@frozen
class BlockOne:
    """A strategy that blocks one batch, whatever is in it."""

    def decide(self, context: DecisionContext) -> Intervention:
        """Block batch 1."""
        if context.batch_id == BLOCKED:
            return Intervention(decision=Decision.BLOCK, reason="someone should look at it")
        return Intervention()


@frozen(kw_only=True)
class Scene:
    """Which streams there are, and the ledger they share."""

    feeds: Sequence[Feed] = field(factory=lambda: [Feed()])

    @property
    def feed(self) -> Feed:
        """The first stream."""
        return self.feeds[0]


def open_feed(world: World, feed: Feed) -> GovernedStream[Any]:
    """Start a stream."""
    world.starts += 1
    runtime = _runtime(world, feed)
    plan = _plan(feed.keys, feed.forgets)
    blocking = feed.blocks == "strategy" or (
        feed.blocks == "at first" and world.starts <= BLOCKING_STARTS
    )
    strategies = [NamedStrategy(name="block", strategy=BlockOne())] if blocking else []
    stager = FakeStager(store=world.store, plan=plan, kinds=runtime.kinds, rows_per_file=2)
    return open_stream(
        runtime=runtime,
        plan=plan,
        stager=stager,
        store=world.store,
        checkpoint=feed.checkpoint,
        sinks=sinks(world),
        policy=Policy(run_type=RunType.ENFORCE),
        strategies=strategies,
        query_name=feed.name,
        failpoint=lambda name, batch_id: world.pass_point(f"{name} {batch_id}"),
        batch_time=lambda batch: batch * _MINUTE,
        surroundings=Surroundings(
            now=world.now,
            clock=world.clock,
            sleep=lambda seconds: world.pass_point("sleep"),
            new_id=world.new_id,
        ),
    )


def drive(world: World, feed: Feed) -> None:
    """Start a stream, and feed it until its source is read to the end.

    The engine's own checkpoint moves after a batch, and only forward.
    """
    stream = open_feed(world, feed)
    start = world.starts
    while (batch := world.progress.get(feed.name, 0)) < feed.batches:
        stream.process(feed.rows(batch, start), batch)
        commit(world, feed, batch)
    stream.end()


def commit(world: World, feed: Feed, batch: int) -> None:
    """Let the engine note that a batch is done."""
    world.pass_point(f"engine commits {batch}")
    world.progress[feed.name] = max(world.progress.get(feed.name, 0), batch + 1)


def live(world: World, feed: Feed, starts: int = _STARTS) -> None:
    """Start a stream, and release what is blocked, until all is done.

    Raises:
        EndlessError: if it is not, after many starts.
        LeakError: if rows of a blocked batch can be seen.
    """
    for _ in range(starts):
        try:
            drive(world, feed)
        except BatchBlockedError as blocked:
            _refuse_leak(world, feed, blocked.batch_id)
            if feed.is_stuck:
                return
            if feed.release is None:
                continue
            [journal] = journals(world.store, feed.checkpoint)
            release(
                journal, blocked.batch_id, as_=feed.release, reason="seen", by="me", now=world.now
            )
        else:
            return
    raise EndlessError(f"{feed.name} is not done after {starts} starts")


def sinks(world: World) -> dict[Lane, Any]:
    """Return both lanes' destinations, as a process of its own sees them."""
    return {
        Lane.MAIN: FileSink(world.store, MAIN, ".jsonl"),
        Lane.REJECTS: FileSink(world.store, REJECTS, ".jsonl"),
    }


def journal_of(world: World, feed: Feed) -> Sequence[Journal]:
    """Return the journals beside a stream's checkpoint; there should be one."""
    return journals(world.store, feed.checkpoint)


def _refuse_leak(world: World, feed: Feed, batch: int) -> None:
    if any(j.resolution(batch) or j.prepared(batch) for j in journal_of(world, feed)):
        # Another driver has released it meanwhile, or did not block it.
        return
    prefix = f"-{batch:010d}-"
    found = [
        path
        for sink in sinks(world).values()
        for path in sink.log.files()
        if prefix in path and feed.blocks
    ]
    if found:
        raise LeakError(f"{found[0]} of blocked batch {batch} can be seen")


@cache
def _plugins() -> Plugins:
    return load_plugins(allowed=())


@cache
def _kinds() -> Mapping[str, Any]:
    return Runtime(config=Config(), plugins=_plugins()).kinds


@cache
def _plan(keys: bool, forgets: bool) -> CheckPlan:
    across = "90 seconds" if forgets else "forever"
    config = Config(keys=KeysConfig(retain=across if keys else "batch"))
    runtime = Runtime(config=config, plugins=_plugins())
    text = ORDERS + (_CODE if keys else "")
    return runtime.plan(runtime.contracts().parse("orders.odcs.yaml", text.encode()))


def _runtime(world: World, feed: Feed) -> Runtime:
    config = Config(outbox=OutboxConfig(on_outage=feed.on_outage, bound=feed.bound, retries=2))
    runtime = Runtime(config=config, plugins=_plugins(), governance=world.ledger)
    runtime._kinds = dict(_kinds())
    return runtime
