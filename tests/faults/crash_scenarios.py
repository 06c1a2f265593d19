"""What else happens to a stream: replays, stops, interruptions, input that changes, a lost ledger.

Each function does it to new streams, and returns how often and what was wrong.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from dc43_core.config import Config, Instance
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.release import release
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Outcome, Release
from tests.faults.crash_judge import violations
from tests.faults.crash_kills import EVERY, Counted, forget
from tests.faults.crash_points import Points
from tests.faults.crash_world import World, rows

NewWorld = Callable[[], World]
PATIENCE = 60


class CustomError(BaseException):
    """Somebody's own, and no Exception."""


class UnspeakableError(Exception):
    """Its message cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


INTERRUPTIONS = (KeyboardInterrupt, SystemExit, GeneratorExit, CustomError)
FAULTS = (StopIteration, UnspeakableError)


def replays(new: NewWorld, kinds: Sequence[str] = ("mixed", "blocked", "bad", "empty")) -> Counted:
    """Delete Spark's word that the last batch is done; it is handed over again and skipped."""
    counted, world = Counted(wrong=[]), new()
    for kind in kinds:
        world.put(kind)
        world.settle()
        before = list(world.journal().records())
        forget(world, len(world.given) - 1)
        ended = world.drive()
        if ended.error is not None or list(world.journal().records()) != before:
            counted.wrong.append(f"{kind}: {ended.error or 'other records'}")
        if len(world.given) - 1 not in world.committed_by_spark():
            counted.wrong.append(f"{kind}: Spark does not count it as done again")
        counted.tried += 1
    counted.wrong += violations(world)
    return counted


def stops(new: NewWorld, points: Sequence[str] = EVERY) -> Counted:
    """Stop the query from another thread at each step; the next start completes its batch."""
    counted, world = Counted(wrong=[]), new()
    for batch, point in enumerate(points):
        world.put("mixed")
        reached = Points(act=_stop(world), at=frozenset([(batch, point)]))
        ended = world.drive(reached)
        if not reached.reached or ended.error is not None:
            counted.wrong.append(f"{point}: {ended.error or 'not reached'}")
        if ended.started is not None and not ended.started.result.ok:
            counted.wrong.append(f"{point}: a stop is told as {ended.started.result.reason}")
        counted.tried += len(reached.reached)
    world.settle()
    counted.wrong += violations(world)
    return counted


def _stop(world: World) -> Callable[[int, str], None]:
    def act(batch_id: int, name: str) -> None:
        (query,) = world.spark.streams.active
        threading.Thread(target=query.stop, daemon=True).start()
        give_up = time.monotonic() + PATIENCE
        while query.isActive and time.monotonic() < give_up:
            time.sleep(0.01)

    return act


# -- interruptions ---------------------------------------------------------------------------------


@frozen
class Raises:
    """Every role of foreign code at once: whatever it is asked for, it raises."""

    what: type[BaseException]

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise self.what

    decide = findings = __call__


class FailingGovernance(MemoryGovernance):
    """Takes no record inside the callback; what it raises at the start is for the caller."""

    def __init__(self, what: type[BaseException]) -> None:
        super().__init__()
        self._what = what

    def record_many(self, records: Sequence[GovernanceRecord]) -> int:
        """Keep records at the start alone."""
        if threading.current_thread() is not threading.main_thread():
            raise self._what
        return super().record_many(records)


def interruptions(
    new: NewWorld,
    whats: Sequence[type[BaseException]] = (*INTERRUPTIONS, *FAULTS),
    places: Sequence[str] = ("callback", "listener", "strategy", "client", "governance"),
) -> Counted:
    """Raise what no handler expects, in each place where foreign code runs in the callback."""
    counted, world = Counted(wrong=[]), new()
    for what in whats:
        for place in places:
            batch = len(world.given)
            world.put("mixed")
            before = len(world.wrong)
            if place == "callback":
                reached = Points(act=Raises(what), at=frozenset([(batch, "validated")]))
                ended = world.drive(reached)
            else:
                ended = world.drive(**_role(place, what))
            counted.tried += 1
            where = f"{what.__name__} in {place}"
            counted.wrong += [f"{where}: {w}" for w in world.wrong[before:]]
            isolated = place in ("listener", "governance") and issubclass(what, Exception)
            if isolated != (ended.error is None):
                counted.wrong.append(f"{where}: the query says {ended.error}")
            committed = place in ("listener", "governance")
            if committed != (batch in world.committed()):
                counted.wrong.append(f"{where}: committed batches are {world.committed()}")
            if not isolated and batch in world.committed_by_spark():
                counted.wrong.append(f"{where}: the checkpoint advanced")
            if place == "listener" and isolated and not _counted_once(ended.started):
                counted.wrong.append(f"{where}: not counted")
            if ended.error is not None:
                # Where a judge failed the batch is blocked, and judged again at the next start.
                world.settle()
    world.settle()
    counted.wrong += violations(world)
    return counted


def _role(place: str, what: type[BaseException]) -> dict[str, Any]:
    foreign = Raises(what)
    roles: dict[str, dict[str, Any]] = {
        "listener": {"on_batch": foreign},
        "strategy": {"strategies": [NamedStrategy(name="s", strategy=foreign)]},
        "client": {"data_quality": foreign},
        "governance": {"governance": FailingGovernance(what)},
    }
    return roles[place]


def _counted_once(started: Any) -> bool:
    failures = started.result.details.get("listener_failures", {})
    return bool(failures.get("on_streaming_batch"))


# -- input -----------------------------------------------------------------------------------------


def inputs(new: NewWorld, names: Sequence[str] | None = None) -> Iterator[tuple[str, Counted]]:
    """Rewrite and delete input files between two attempts at their batch."""
    changes = {
        "rewritten input, not prepared": _rewritten,
        "rewritten input, prepared": _rewritten_late,
        "deleted input, not prepared": _deleted,
        "deleted input, prepared": _deleted_late,
        "deleted input, released": _deleted_and_released,
    }
    for name in names or changes:
        world = new()
        world.put("good", "mixed")
        counted = Counted(tried=1, wrong=[])
        counted.wrong += changes[name](world)
        world.settle()
        counted.wrong += violations(world)
        yield name, counted


def _rewritten(world: World) -> Iterator[str]:
    world.crash((1, "staged"))
    # As the file says at the attempt that is prepared, so it lands.
    world.write(1, rows(1, "bad"))
    yield from ()


def _rewritten_late(world: World) -> Iterator[str]:
    world.crash((1, "prepared"))
    given = world.given[1]
    world.write(1, rows(1, "bad"))
    world.given[1] = given
    yield from ()


def _deleted(world: World) -> Iterator[str]:
    world.crash((1, "staged"))
    world.file(1).unlink()
    error = world.drive().error or "no error"
    if "001.csv" not in error or "put it back" not in error:
        yield f"the file and the way out are not in: {error[:300]}"
    yield from _still_blocked(world)
    world.write(1, rows(1, "mixed"))


def _deleted_late(world: World) -> Iterator[str]:
    world.crash((1, "prepared"))
    world.file(1).unlink()
    yield from ()


def _deleted_and_released(world: World) -> Iterator[str]:
    world.crash((1, "decided"))
    world.file(1).unlink()
    world.drive()
    yield from _still_blocked(world)
    release(world.journal(), 1, as_=Release.MAIN, reason="it is gone for good", by="steward")
    world.given[1] = []


def _still_blocked(world: World) -> Iterator[str]:
    if world.journal().waiting() != [1] or 1 in world.committed_by_spark():
        yield f"blocked batches: {world.journal().waiting()}, done {world.committed_by_spark()}"


# -- the ledger ------------------------------------------------------------------------------------


def ledger_deleted(new: NewWorld) -> Counted:
    """Delete the ledger between two starts; it is the same again."""
    counted, world = Counted(wrong=[]), new()
    file = world.home / "ledger.db"
    for kind in ("mixed", "blocked", "good"):
        world.put(kind)
        world.drive(governance=_ledger(file))
        for batch_id in world.journal().waiting():
            release(world.journal(), batch_id, as_=Release.REJECTS, reason="fine", by="steward")
            world.drive(governance=_ledger(file))
        known = _ledger(file).records()
        records = list(world.journal().records())
        if sorted(r.record_id for r in known) != sorted(r.record_id for r in records):
            counted.wrong.append(f"{kind}: the ledger holds {len(known)} of {len(records)}")
        if [r for r in known if r.outcome is Outcome.COMMITTED] != [
            r for r in records if r.outcome is Outcome.COMMITTED
        ]:
            counted.wrong.append(f"{kind}: the ledger's records differ from the stream's")
        for part in file.parent.glob("ledger.db*"):
            part.unlink()
        counted.tried += 1
    world.settle()
    counted.wrong += violations(world)
    return counted


def _ledger(file: Path) -> Any:
    instance = Instance(use="sql", options={"path": str(file)})
    return Runtime(config=Config(governance={"ledger": instance})).governance
