"""What outlives every process, and the world in which processes run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from dc43_core.governance.memory import MemoryGovernance
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.testing.memory_store import CRASHES, MemoryStore

FORGETS = "ledger-gone"
"""A crash that kills the process, with the ledger deleted before the next start."""


class Crash(BaseException):
    """The process dies here: no handler of the product may catch it."""


@frozen(kw_only=True)
class State:
    """What a crash leaves.

    Attributes:
        files: Every file, by URI.
        progress: By stream, the batch that its engine hands over next.
        known: What governance holds, in order.
        starts: How often a driver was started; a source may have changed with each.
        history: How it came to this, for people.
    """

    files: Mapping[str, bytes]
    progress: Mapping[str, int]
    known: tuple[GovernanceRecord, ...] = ()
    starts: int = 0
    history: tuple[str, ...] = field(default=(), eq=False)

    @property
    def key(self) -> int:
        """Return a number that two equal states share: what follows is the same from both."""
        progress = tuple(sorted(self.progress.items()))
        known = tuple(record.record_id for record in self.known)
        return hash((frozenset(self.files.items()), progress, known, self.starts))


NOTHING = State(files={}, progress={})
"""Before the first start."""


class Ledger(MemoryGovernance):
    """Governance in memory, each of whose calls is a point; it may be down."""

    def __init__(self, world: World, known: Sequence[GovernanceRecord]) -> None:
        super().__init__()
        self._world = world
        self.version = 0
        super().record_many(known)

    def record_many(self, records: Sequence[GovernanceRecord]) -> int:
        """Keep records, unless it is down, or the answer is lost."""
        self._world.begin("record_many", "governance")
        kept = super().record_many(records)
        self.version += 1
        self._world.finish("record_many", "governance")
        return kept

    def health(self) -> str | None:
        """Say that it is well, unless it is down."""
        self._world.begin("health", "governance")
        return None

    def records(self, **filters: Any) -> Sequence[GovernanceRecord]:
        """Return what it holds, unless it is down."""
        self._world.begin("records", "governance")
        return super().records(**filters)

    def everything(self) -> tuple[GovernanceRecord, ...]:
        """Return what it holds, whoever asks."""
        return tuple(self._records.values())


@define(kw_only=True, eq=False)
class World:
    """Processes run in it; each thing they do that can be seen from outside is a point.

    Attributes:
        store: The files.
        ledger: Governance.
        progress: By stream, the batch that its engine hands over next.
        starts: How often a driver was started.
        at_point: Called at each point, with its name, before the thing is done.
        done: Called when an operation is done and before its reply arrives.
        seconds: A clock that moves with each look at it.
    """

    store: MemoryStore
    ledger: Ledger = field(init=False)
    progress: dict[str, int]
    starts: int
    history: tuple[str, ...] = ()
    at_point: Callable[[str], None] = lambda name: None
    done: Callable[[str], None] = lambda name: None
    seconds: float = 0.0
    points: int = 0
    _ids: int = 0

    @classmethod
    def of(cls, state: State) -> World:
        """Return a world that begins with what a crash left."""
        world = cls(
            store=MemoryStore.holding(state.files),
            progress=dict(state.progress),
            starts=state.starts,
            history=state.history,
        )
        world.ledger = Ledger(world, state.known)
        world.store.before = world.begin
        world.store.after = world.finish
        return world

    def begin(self, operation: str, path: str) -> None:
        """Pass the point before an operation."""
        self.pass_point(f"{operation} {path}")

    def finish(self, operation: str, path: str) -> None:
        """Pass the moment in which an operation is done and nobody knows."""
        self.done(f"{operation} {path}")

    def pass_point(self, name: str) -> None:
        """Pass a point."""
        self.points += 1
        self.at_point(name)

    def left_by(self, crash: str, where: str = "") -> State:
        """Return what a crash of this kind would leave now."""
        return State(
            files=self.store.survivors("killed" if crash == FORGETS else crash),
            progress=dict(self.progress),
            known=() if crash == FORGETS else self.ledger.everything(),
            starts=self.starts,
            history=(*self.history, f"{crash} before {where}"),
        )

    def now(self) -> str:
        """Return one moment for each start: two drivers never write the same by chance."""
        return f"2026-11-23T{self.starts // 60 % 24:02}:{self.starts % 60:02}:12.004Z"

    def clock(self) -> float:
        """Return a time that is an hour later at each look: no back-off lasts."""
        self.seconds += 3_600.0
        return self.seconds

    def new_id(self) -> str:
        """Return an id that no other start has."""
        self._ids += 1
        return f"{self.starts * 100_000 + self._ids:012x}{self._ids:020x}"


__all__ = ["CRASHES", "FORGETS", "NOTHING", "Crash", "Ledger", "State", "World"]
