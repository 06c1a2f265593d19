"""What is kept of a blocked batch: one incident at a time, and its rows as far as they fit."""

from __future__ import annotations

import pytest
from attrs import evolve

from dc43_core import blocked_batches
from dc43_core.config import Limits
from dc43_core.errors import ReleaseRefusedError
from dc43_core.protocol.record import encode
from dc43_core.vocabulary import Outcome
from tests.core.protocol.conftest import OPTIONAL, order, release

ROWS = [order(1), order(2), order(3, None)]
WIDER = OPTIONAL.replace("    properties:\n", "    properties:\n      - {name: note}\n")


# Incidents


def test_a_restart_that_finds_the_same_makes_no_second_incident(drivers):
    first, second = drivers.blocked(ROWS), drivers.blocked(ROWS)
    assert first.record_id == second.record_id
    assert len(drivers.journal.incidents(0)) == 1
    assert len(drivers.staged()) == 1


def test_other_rows_are_another_incident_and_the_newest_is_released(drivers):
    """The file was corrected, but not all of it."""
    first = drivers.blocked(ROWS)
    second = drivers.blocked([*ROWS, order(4, None)])
    assert second.record_id == f"{first.record_id}-2"
    assert [r.row_count for r in drivers.journal.records()] == [3, 4]
    release(drivers, "main")
    record = drivers.start().process([], 0)
    assert (drivers.ids(), record.row_count) == ([1, 2, 3, 4], 4)
    assert record.record_id == first.record_id.removesuffix("-blocked")
    assert drivers.staged() == []


def test_what_can_no_longer_be_read_replaces_nothing_that_is_kept(drivers):
    """The source has lost the file: what was kept is the only copy."""
    first = drivers.blocked(ROWS)
    again = drivers.blocked([], gone=["memory:/in/1.jsonl"])
    assert again.record_id == first.record_id
    release(drivers, "main")
    drivers.start().process([], 0)
    assert drivers.ids() == [1, 2, 3]


def test_another_contract_is_another_incident(drivers):
    drivers.blocked(ROWS)
    stricter = WIDER.replace("minimum: 0", "minimum: 2")
    drivers.blocked(ROWS, contract=stricter)
    release(drivers, "main")
    record = drivers.start(contract=stricter).process([], 0)
    assert (record.contract_version, record.main_count) == ("1.1.0", 3)
    assert "note" in drivers.landed()[0]


def test_lost_rows_are_kept_again_by_the_next_start(drivers):
    drivers.blocked(ROWS)
    drivers.store.delete(drivers.journal.held(0).staged.folder)
    drivers.blocked(ROWS)
    release(drivers, "main")
    drivers.start().process([], 0)
    assert drivers.ids() == [1, 2, 3]


def test_the_rows_of_a_block_survive_a_crash(drivers):
    drivers.blocked(ROWS)
    drivers.store.crash()
    release(drivers, "main")
    drivers.start().process([], 0)
    assert drivers.ids() == [1, 2, 3]


# How much is kept


def test_rows_beyond_the_limit_are_not_kept_and_everyone_is_told(drivers):
    drivers.limits = Limits(held_bytes=10)
    drivers.blocked(ROWS)
    assert drivers.staged() == []
    (waiting,) = blocked_batches(drivers.checkpoint, store=drivers.store)
    record = waiting.held.record
    assert (waiting.held.kept, record.details["staging"]) == (False, None)
    assert "more than limits.held_bytes: they are not kept" in record.warnings[-1]
    with pytest.raises(ReleaseRefusedError, match=r"raise limits\.held_bytes and start"):
        release(drivers, "main")


def test_a_batch_that_was_too_large_makes_no_incident_at_each_start(drivers):
    drivers.limits = Limits(held_bytes=10)
    assert drivers.blocked(ROWS).record_id == drivers.blocked(ROWS).record_id


def test_a_batch_that_was_too_large_can_be_skipped(drivers):
    drivers.limits = Limits(held_bytes=10)
    drivers.blocked(ROWS)
    release(drivers, "skip")
    assert drivers.start().process([], 0).outcome is Outcome.SKIPPED


def test_with_a_higher_limit_the_next_start_keeps_the_rows(drivers):
    drivers.limits = Limits(held_bytes=10)
    drivers.blocked(ROWS)
    drivers.limits = Limits()
    drivers.blocked(ROWS)
    release(drivers, "main")
    drivers.start().process([], 0)
    assert drivers.ids() == [1, 2, 3]


# Of earlier versions


def test_a_block_written_before_rows_were_held_is_kept_by_the_next_start(drivers):
    error = drivers.blocked(ROWS)
    path = drivers.journal.path("blocked", 0)
    payload = {k: v for k, v in drivers.journal.held(0).payload().items() if k != "held"}
    drivers.store.delete(path)
    drivers.store.create_if_absent(path, encode(payload))
    with pytest.raises(ReleaseRefusedError, match="its rows are not kept"):
        release(drivers, "main")
    assert drivers.blocked(ROWS).record_id == f"{error.record_id}-2"
    release(drivers, "main")
    drivers.start().process([], 0)
    assert drivers.ids() == [1, 2, 3]


def test_a_block_written_before_incidents_were_counted_can_be_released(drivers):
    """Its file has no incident, kept or layout."""
    drivers.blocked(ROWS)
    held = drivers.journal.held(0)
    payload = held.payload()
    for name in ("incident", "kept"):
        del payload["held"][name]
    del payload["held"]["staged"]["layout"]
    path = drivers.journal.path("blocked", 0)
    drivers.store.delete(path)
    drivers.store.create_if_absent(path, encode(payload))
    assert drivers.journal.held(0) == evolve(held)
    release(drivers, "main")
    drivers.start().process([], 0)
    assert drivers.ids() == [1, 2, 3]
