"""The keys of one running stream: what its next batch is held against, and what it adds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import define, evolve, field, frozen

from dc43_core.expectations.model import CheckPlan, Expectation
from dc43_core.log import get_logger
from dc43_core.protocol.clock import milliseconds
from dc43_core.protocol.engine import KnownKeys, NewKeys, Stager
from dc43_core.protocol.keys import (
    BATCH,
    REPLAY,
    Columns,
    KeyLog,
    KeyPart,
    KeyState,
    KeyStep,
    known_keys,
    merged,
    with_kinds,
)
from dc43_core.protocol.replays import Replay, settle_replay
from dc43_core.retention import Retention

log = get_logger("keys")
MANY = 12
"""Parts from which on the newest are merged into one."""
PORTIONS = 8
"""In how many portions keys that count for a time are forgotten."""


@frozen(kw_only=True)
class Asked:
    """What one attempt at a batch was held against.

    Attributes:
        known: For the engine.
        parts: What that is of.
        state: The state it comes from.
        time: The batch's own time, in milliseconds since 1970.
    """

    known: KnownKeys
    parts: tuple[KeyPart, ...]
    state: KeyState
    time: int

    @property
    def count(self) -> int:
        """How many keys are known."""
        return sum(part.count for part in self.parts)


@frozen(kw_only=True)
class KeptKeys:
    """What a batch adds.

    Attributes:
        step: The step, which counts once the batch's manifest names it.
        retain: How long keys are kept.
        known: How many keys the batch was held against.
        new: How many it adds.
    """

    step: int
    retain: Retention
    known: int
    new: int

    def payload(self) -> dict[str, Any]:
        """Return what the record says of it."""
        return {"retain": self.retain.text, "known": self.known, "new": self.new}


@define(kw_only=True, eq=False)
class StreamKeys:
    """The keys that one start of a stream works with.

    Attributes:
        log: The steps so far.
        rules: Whose keys are kept.
        retain: How long.
        columns: Of each rule the columns of its key.
        merge: The engine's part: writes the keys of several files into new ones.
        time: Returns a batch's own time, the same at each attempt; None takes the clock.
    """

    log: KeyLog
    rules: Sequence[Expectation]
    retain: Retention
    columns: tuple[Columns, ...]
    merge: Callable[[Sequence[str], int, str], Sequence[str]]
    time: Callable[[int], int] | None = None
    _number: int | None = field(default=None, init=False)
    _state: KeyState | None = field(default=None, init=False)

    def before(self, batch_id: int, attempt: str, started_at: str) -> Asked:
        """Return the keys that a batch is held against.

        Args:
            batch_id: The batch.
            attempt: Name of the attempt; begins with the batch.
            started_at: When it was handed over; UTC, RFC 3339.
        """
        state = self._now()
        # Steps may name what an attempt wrote, also where it came to nothing.
        attempt = f"{attempt}-{state.number + 1}"
        time = milliseconds(started_at) if self.time is None else self.time(batch_id)
        parts = tuple(p for p in _until(state.parts, time) if self._is_kept(p, time))
        if chosen := worth_merging(parts, self.retain):
            folder = self.log.place(f"{attempt}-merged")
            self.log.store.delete(folder)
            count = sum(part.count for part in chosen)
            files = self.merge(self.log.uris(chosen), count, folder)
            self.log.store.sync(files)
            one = merged(chosen, NewKeys(files=files, count=count), self.log)
            parts = (*(p for p in parts if p not in chosen), one)
        known = known_keys(self.log, self.rules, parts, attempt)
        self.log.store.delete(known.folder)
        return Asked(known=known, parts=parts, state=state, time=time)

    def add(self, batch_id: int, asked: Asked, new: NewKeys | None) -> KeptKeys | None:
        """Make the step of a batch; None where others came meanwhile, and it is judged again."""
        new = new or NewKeys()
        self.log.store.sync(new.files)
        number = asked.state.number + 1
        while not self.log.make(
            KeyStep(
                number=number,
                by=BATCH,
                batch_id=batch_id,
                adds=self.log.part(new, asked.time),
                before=asked.parts,
                # Also those of a contract before this one: their keys are there to be erased.
                columns=tuple(dict.fromkeys((*asked.state.columns, *self.columns))),
            )
        ):
            if self.log.read(number).by != BATCH:
                log.info("keys.moved", batch_id=batch_id, step=number)
                return None
            # Another attempt at this very batch: one of the two counts, or none.
            number += 1
        self._number, self._state = number, None
        return KeptKeys(step=number, retain=self.retain, known=asked.count, new=new.count)

    def settle(self) -> None:
        """Decide what replays have begun and not decided, so that a start can complete it."""
        self._now()

    def sweep(self, batch_id: int) -> None:
        """Delete keys of attempts that do not count, and those that others have taken the place of.

        Args:
            batch_id: A batch that is committed.
        """
        state = self._now()
        named = {file.split("/")[1] for part in state.parts for file in part.files}
        for attempt in self.log.store.list(self.log.place("")):
            number = attempt.name.partition("-")[0]
            if attempt.name not in named and number.isdigit() and int(number) <= batch_id:
                self.log.store.delete(attempt.path)

    def _is_kept(self, part: KeyPart, time: int) -> bool:
        seconds = self.retain.seconds
        return seconds is None or part.newest >= time - 1_000 * seconds

    def _now(self) -> KeyState:
        newest = self.log.newest(self._number)
        # A step that was open may count by now: another driver has prepared its batch.
        if self._state is None or newest != self._number or self._state.undecided:
            self._state = self.log.state(lambda found: settle_replay(self.log.store, found))
        self._number = self._state.number
        return self._state


@frozen(kw_only=True)
class ReplayKeys:
    """What a replay of a stream's rejects is held against.

    Attributes:
        log: The steps of the stream.
        rules: Whose keys it keeps, as far as the contract of today has them.
        state: What was known.
    """

    log: KeyLog
    rules: Sequence[Expectation]
    state: KeyState

    @classmethod
    def now(cls, log: KeyLog, plan: CheckPlan) -> ReplayKeys:
        """Return what is known now, also of batches whose fate is open: in doubt a row stays."""
        state = log.state(lambda found: settle_replay(log.store, found))
        kept = {tuple(name for name, _ in rule) for rule in state.columns}
        rules = [
            e for e in plan.expectations if e.form == "key" and e.rejects and e.columns in kept
        ]
        return cls(log=log, rules=rules, state=state)

    def known(self, folder: str) -> KnownKeys:
        """Return it for the engine."""
        return known_keys(self.log, self.rules, (*self.state.parts, *self.state.possible), folder)

    def tell(self, replay: Replay, new: NewKeys | None, started_at: str) -> bool:
        """Make the step of a replay; False if any other came in between."""
        new = new or NewKeys()
        self.log.store.sync(new.files)
        # It counts by the stream's own time, of which a replay knows what the batches said.
        time = max((p.newest for p in self.state.parts), default=milliseconds(started_at))
        step = KeyStep(
            number=self.state.number + 1,
            by=REPLAY,
            adds=self.log.part(new, time),
            replay=replay.payload(),
            columns=self.state.columns,
        )
        return self.log.make(step)


def stream_keys(
    plan: CheckPlan,
    log: KeyLog,
    stager: Stager[Any],
    time: Callable[[int], int] | None,
) -> StreamKeys | None:
    """Return the keys of a stream; None where none are kept."""
    rules = plan.kept_keys
    if not rules:
        return None
    return StreamKeys(
        log=log,
        rules=rules,
        retain=plan.retain,
        columns=with_kinds(rules, stager.schema()),
        merge=stager.merge_keys,
        time=time,
    )


def _until(parts: Sequence[KeyPart], time: int) -> Iterator[KeyPart]:
    """Yield parts, none of them newer than this.

    A stream's own time can step back: its first batch has no watermark yet and counts by the clock,
    which may be years ahead of what the rows say. What came then is as old as what comes next.
    """
    return (evolve(part, newest=min(part.newest, time)) for part in parts)


def worth_merging(parts: Sequence[KeyPart], retain: Retention) -> tuple[KeyPart, ...]:
    """Return parts that are to become one; none as long as there are few.

    Where keys count for a time, a part is forgotten as a whole, by its newest key. So only parts of
    one portion of that time are merged, and no key is kept longer than by a portion.
    """
    if len(parts) < MANY:
        return ()
    if retain.seconds is None:
        return _newest(parts)
    span = 1_000 * retain.seconds // PORTIONS
    portions: dict[int, list[KeyPart]] = defaultdict(list)
    for part in parts:
        portions[part.newest // span].append(part)
    current = portions.pop(max(portions))
    ended = next((portion for portion in portions.values() if len(portion) > 1), None)
    if ended is not None:
        return tuple(ended)
    return _newest(current) if len(current) >= MANY else ()


def _newest(parts: Sequence[KeyPart]) -> tuple[KeyPart, ...]:
    """Return the newest parts, up to one that is much larger than those after it.

    That one stays as it is, so that a key is written anew only a few times.
    """
    chosen: list[KeyPart] = []
    total = 0
    for part in reversed(parts):
        if len(chosen) >= MANY // 2 and part.count > 2 * total:
            break
        chosen.append(part)
        total += part.count
    return tuple(reversed(chosen))
