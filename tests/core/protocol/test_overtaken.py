"""A driver that finds a batch blocked while a later start publishes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dc43_core.config import OutboxConfig
from dc43_core.errors import BatchBlockedError, SupersededError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.governance.outbox import Outbox
from dc43_core.protocol.record import decode, encode
from dc43_core.protocol.release import release
from dc43_core.vocabulary import Release
from tests.core.protocol.conftest import Crash, Drivers

ROWS = [{"id": n, "amount": None if n == 3 else 1, "state": "open"} for n in (1, 2, 3)]
OTHER = [*ROWS, {"id": 4, "amount": None, "state": "open"}]
GOOD = ROWS[:2]


def told(drivers: Drivers) -> list[str]:
    """What governance holds, in the order in which it came."""
    return [r.record_id.partition("-")[2] for r in drivers.governance.records()]


def skip(drivers: Drivers) -> None:
    release(drivers.journal, 0, as_=Release.SKIP, reason="seen", by="anna")
    drivers.start().process([], 0)


def acting(act: Callable[[], object]) -> Callable[[str, str], None]:
    """Act once, when the second incident of batch 0 is created."""
    acted = list[str]()

    def hook(operation: str, path: str) -> None:
        if operation == "create" and path.endswith("/blocked/0.2") and not acted:
            acted.append(path)
            act()

    return hook


def test_what_it_finds_too_late_is_told_to_nobody(drivers):
    drivers.blocked(ROWS)
    old = drivers.start(rejects=False)
    drivers.store.before = acting(lambda: skip(drivers))
    with pytest.raises(SupersededError, match="start 2, the newest is 3"):
        old.process(OTHER, 0)
    assert told(drivers) == ["0-blocked", "0"]
    assert [r.batch_id for r in drivers.journal.records()] == [0, 0]
    assert drivers.staged() == []


def test_what_it_finds_just_in_time_is_told_before_what_followed(drivers):
    drivers.blocked(ROWS)
    old, later = drivers.start(rejects=False), list[Any]()

    def publish() -> None:
        release(drivers.journal, 0, as_=Release.SKIP, reason="seen", by="anna")
        later[0].process([], 0)

    # The later start has asked governance what it holds by then.
    drivers.store.before = acting(lambda: later.append(drivers.start()))
    drivers.store.after = acting(publish)
    with pytest.raises(BatchBlockedError):
        old.process(OTHER, 0)
    assert told(drivers) == ["0-blocked", "0-blocked-2", "0"]


def test_a_start_that_died_over_it_leaves_the_batch_open_to_later_ones(drivers):
    drivers.blocked(ROWS)

    def die(operation: str, path: str) -> None:
        if path.endswith("/prepared/0"):
            raise Crash

    drivers.store.before = die
    with pytest.raises(Crash):
        drivers.start().process(GOOD, 0)
    drivers.store.before = lambda operation, path: None
    assert drivers.blocked(ROWS).record_id.endswith("-0-blocked")
    assert drivers.blocked(OTHER).record_id.endswith("-0-blocked-3")
    release(drivers.journal, 0, as_=Release.MAIN, reason="seen", by="anna")
    drivers.start().process([], 0)
    assert drivers.ids() == [1, 2, 3, 4]
    assert told(drivers) == ["0-blocked", "0-blocked-3", "0"]


def test_an_older_reader_finds_the_same_record_once_more(drivers):
    drivers.blocked(ROWS)
    skip(drivers)
    path = f"{drivers.journal.path('blocked', 0)}.2"
    closed = decode(drivers.store.read(path), path)
    assert closed["held"].pop("closed_by") == 2
    drivers.store.delete(path)
    drivers.store.create_if_absent(path, encode(closed))
    first, again, _ = drivers.journal.records()
    assert first == again


def test_a_ledger_that_was_lost_gets_what_lies_behind_many_closings(drivers):
    drivers.blocked(ROWS)
    for epoch in (2, 3, 4):
        drivers.journal.close(0, epoch)
    drivers.start().process(GOOD, 0)
    drivers.governance = MemoryGovernance()
    config = OutboxConfig(bound=1)
    outbox = Outbox(lambda: drivers.governance, drivers.journal, config=config)
    outbox.open()
    assert (told(drivers), outbox.depth) == (["0-blocked", "0"], 0)


def test_a_batch_that_was_never_blocked_is_not_closed(drivers):
    drivers.start().process(GOOD, 0)
    assert drivers.journal.blocks(0) == []
