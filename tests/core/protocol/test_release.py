"""A blocked batch has a way out: released by someone, or judged anew."""

from __future__ import annotations

from typing import Any

import pytest

from dc43_core import Intervention, blocked_batches
from dc43_core.data_quality.model import ColumnDrift
from dc43_core.errors import (
    BatchBlockedError,
    CorruptFileError,
    FormatVersionError,
    NotBlockedError,
    ReleaseRefusedError,
)
from dc43_core.protocol.record import encode
from dc43_core.protocol.release import Resolution
from dc43_core.testing.fake_engine import FakeStager
from dc43_core.vocabulary import Decision, Outcome, Release, Verdict
from tests.core.protocol.conftest import OPTIONAL, REJECTS, order, release

ROWS = [order(1), order(2), order(3, None)]
NO_AMOUNT = [{"id": 7, "state": "open"}, {"id": 8, "state": "open"}]
WIDER = OPTIONAL.replace("    properties:\n", "    properties:\n      - {name: note}\n")


class Blocks:
    """Blocks everything."""

    def decide(self, context: Any) -> Intervention:
        return Intervention(decision=Decision.BLOCK, reason="not today")


def nothing() -> list[Any]:
    raise AssertionError("the rows of a released batch are read again")


# Where the rows go


@pytest.mark.parametrize(
    ("as_", "main", "rejects", "decision"),
    [
        ("main", [1, 2, 3], [], Decision.WARN),
        ("rejects", [1, 2], [3], Decision.ROUTE),
        ("skip", [], [], Decision.WARN),
    ],
)
def test_the_rows_go_where_the_release_says(drivers, as_, main, rejects, decision):
    drivers.blocked(ROWS)
    release(drivers, as_)
    record = drivers.start().process([], 0)
    assert (drivers.ids(), drivers.ids(REJECTS)) == (main, rejects)
    assert (record.main_count, record.reject_count) == (len(main), len(rejects))
    assert (record.row_count, record.valid_count, record.decision) == (3, 2, decision)


@pytest.mark.parametrize("as_", list(Release))
def test_the_record_says_who_released_it_and_why(drivers, as_):
    error = drivers.blocked(ROWS)
    made = release(drivers, as_.value)
    record = drivers.start().process([], 0)
    assert record.intervention == f"released as {as_} by anna: checked by hand"
    assert record.details["resolution"] == made.payload()
    assert made.record_id == error.record_id
    assert (record.verdict, record.run_type) == (Verdict.WARN, "enforce")
    assert record.outcome is (Outcome.SKIPPED if as_ is Release.SKIP else Outcome.COMMITTED)
    assert record.record_id == error.record_id.removesuffix("-blocked")


def test_only_what_landed_in_main_stands_in_errors(drivers):
    for batch_id, as_ in enumerate(("main", "rejects", "skip")):
        drivers.blocked(ROWS, batch_id)
        release(drivers, as_, batch_id)
        record = drivers.start().process([], batch_id)
        told = record.errors if as_ == "main" else record.warnings
        assert told == ("amount must not be missing: broken by 1 of 3 rows",), as_
        assert bool(record.errors) is (as_ == "main"), as_


def test_rejects_released_by_a_start_with_rejects_keep_their_reasons(drivers):
    drivers.blocked(ROWS)
    release(drivers, "rejects")
    record = drivers.start().process([], 0)
    assert [row["_dc43_checks"] for row in drivers.landed(REJECTS)] == [["amount.required"]]
    assert record.rejects == REJECTS


def test_the_stream_goes_on_from_the_next_batch(drivers):
    drivers.blocked(ROWS)
    release(drivers, "skip")
    stream = drivers.start()
    stream.process([], 0)
    record = stream.process([order(9)], 1)
    assert (drivers.ids(), record.batch_id) == ([9], 1)
    assert [r.outcome for r in drivers.journal.records()] == ["blocked", "skipped", "committed"]


def test_what_was_held_is_swept_when_the_batch_is_out(drivers):
    drivers.blocked(ROWS)
    assert len(drivers.staged()) == 1
    release(drivers, "main")
    drivers.start().process([], 0)
    assert drivers.staged() == []


def test_a_release_lands_what_was_staged_and_not_what_the_source_has_by_then(drivers):
    drivers.blocked(ROWS)
    release(drivers, "main")
    drivers.start().process([order(50)], 0)
    assert drivers.ids() == [1, 2, 3]


def test_a_batch_that_a_strategy_blocked_can_land_in_main(drivers):
    with pytest.raises(BatchBlockedError, match="not today"):
        drivers.start(Blocks()).process([order(1)], 0)
    release(drivers, "main")
    record = drivers.start(Blocks()).process([], 0)
    assert (drivers.ids(), record.outcome) == ([1], Outcome.COMMITTED)


@pytest.mark.parametrize("as_", list(Release))
def test_a_release_survives_a_crash_at_every_point(drivers, as_):
    def make() -> Any:
        world = type(drivers)(drivers.plugins)
        world.blocked(ROWS)
        release(world, as_.value)
        return world

    worlds = drivers.each_crash(make, lambda world: world.start().process([], 0))
    assert len(worlds) > 5
    wanted = {"main": ([1, 2, 3], []), "rejects": ([1, 2], [3]), "skip": ([], [])}[as_.value]
    for died, world in worlds:
        record = world.start().process([], 0)
        assert (world.ids(), world.ids(REJECTS)) == wanted, died
        assert record.outcome is (Outcome.SKIPPED if as_ is Release.SKIP else Outcome.COMMITTED)
        assert [r.outcome for r in world.journal.records()] == ["blocked", record.outcome], died


# What is refused


def test_said_twice_it_is_said_once(drivers):
    drivers.blocked(ROWS)
    first = release(drivers, "main")
    assert release(drivers, "main", reason="again") == first


def test_said_differently_it_is_refused(drivers):
    drivers.blocked(ROWS)
    release(drivers, "main")
    with pytest.raises(ReleaseRefusedError, match="anna released it as main on"):
        release(drivers, "skip")
    drivers.start().process([], 0)
    assert drivers.ids() == [1, 2, 3]


def test_after_publishing_it_is_refused(drivers):
    drivers.blocked(ROWS)
    drivers.start().process(ROWS, 0)
    with pytest.raises(NotBlockedError, match="batch 0 has been published since"):
        release(drivers, "main")


def test_a_batch_that_was_never_blocked_is_refused_and_the_blocked_ones_are_named(drivers):
    with pytest.raises(NotBlockedError, match="is not known"):
        release(drivers, "main")
    drivers.start().process([order(1)], 0)
    drivers.blocked(ROWS, 1)
    with pytest.raises(NotBlockedError, match=r"batch 5 was not blocked; blocked .*: 1"):
        release(drivers, "main", 5)


def test_a_release_that_comes_too_late_is_refused(drivers):
    """A start with a corrected contract publishes the batch while someone decides."""
    drivers.blocked(ROWS)

    def publish(operation: str, path: str) -> None:
        if "/resolutions/" in path:
            drivers.store.before = lambda operation, path: None
            drivers.start(contract=OPTIONAL).process(ROWS, 0)

    drivers.store.before = publish
    with pytest.raises(NotBlockedError, match="published since"):
        release(drivers, "skip")
    assert drivers.ids() == [1, 2, 3]


def test_it_needs_a_reason(drivers):
    drivers.blocked(ROWS)
    with pytest.raises(ReleaseRefusedError, match="needs a reason"):
        release(drivers, "main", reason="  ")


def test_rejects_are_refused_where_no_row_breaks_a_rule(drivers):
    with pytest.raises(BatchBlockedError):
        drivers.start(Blocks()).process([order(1)], 0)
    with pytest.raises(ReleaseRefusedError, match="none of its rows breaks a rule"):
        release(drivers, "rejects")


def test_a_start_without_rejects_cannot_release_to_them(drivers):
    drivers.blocked(ROWS)
    release(drivers, "rejects")
    stream = drivers.start(rejects=False)
    with pytest.raises(ReleaseRefusedError, match="no reject sink; start the stream with rejects="):
        stream.process([], 0)
    assert drivers.ids() == []
    drivers.start().process([], 0)
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([1, 2], [3])


def test_lost_rows_are_named_and_the_batch_can_be_judged_again(drivers):
    drivers.blocked(ROWS)
    release(drivers, "main")
    held = drivers.journal.held(0)
    drivers.store.delete(held.files[0])
    with pytest.raises(ReleaseRefusedError, match=r"is gone; restore it; or .* delete") as caught:
        drivers.start().process([], 0)
    drivers.store.delete(caught.value.remedy.rpartition(" ")[2])
    drivers.start().process(ROWS, 0)
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([1, 2], [3])


# Drift


def test_a_missing_required_column_refuses_main_and_takes_the_other_ways(drivers):
    for batch_id, as_ in enumerate(("rejects", "skip")):
        drivers.blocked(NO_AMOUNT, batch_id, rejects=True)
        with pytest.raises(ReleaseRefusedError, match="column amount: is missing and required"):
            release(drivers, "main", batch_id)
        release(drivers, as_, batch_id)
        drivers.start().process([], batch_id)
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([], [7, 8])


@pytest.mark.parametrize("kind", ["reordered", "retyped"])
def test_what_cannot_be_read_right_is_not_staged_and_is_mended_or_skipped(
    drivers, monkeypatch, kind
):
    def drift(self, frame, batch_id):
        detail = "stands elsewhere"
        return [ColumnDrift(column="id", kind=kind, detail=detail, incompatible=True)]

    def stage(self, frame, folder, batch, *, reject_all):
        raise AssertionError("values would be staged in wrong columns")

    with monkeypatch.context() as patched:
        patched.setattr(FakeStager, "drift", drift)
        patched.setattr(FakeStager, "stage", stage)
        for batch_id in (0, 1):
            drivers.blocked(ROWS[:2], batch_id, rejects=True)
            for as_ in ("main", "rejects"):
                with pytest.raises(ReleaseRefusedError, match="cannot be read as they are"):
                    release(drivers, as_, batch_id)
            if batch_id == 0:
                release(drivers, "skip")
                assert drivers.start().process([], 0).outcome is Outcome.SKIPPED
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([], [])
    # Mended: the batch comes back with what can be read.
    assert drivers.start().process(ROWS[:2], 1).outcome is Outcome.COMMITTED
    assert drivers.ids() == [1, 2]


# Judged anew


def test_a_corrected_contract_is_the_other_exit(drivers):
    drivers.blocked(ROWS)
    record = drivers.start(contract=OPTIONAL, rejects=False).process(ROWS, 0)
    assert (drivers.ids(), record.contract_version) == ([1, 2, 3], "1.1.0")
    assert "resolution" not in record.details
    assert drivers.staged() == []


def test_a_release_made_before_the_contract_was_corrected_is_carried_out_as_decided(drivers):
    drivers.blocked(ROWS)
    release(drivers, "rejects")
    record = drivers.start(contract=OPTIONAL).process([], 0)
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([1, 2], [3])
    assert record.contract_version == "1.0.0", "it was judged under that one"


def test_a_release_whose_columns_the_corrected_contract_lacks_says_how_to_start(drivers):
    drivers.blocked(ROWS)
    release(drivers, "main")
    with pytest.raises(ReleaseRefusedError, match=r"start once with contract orders 1\.0\.0"):
        drivers.start(contract=WIDER).process([], 0)
    drivers.start().process([], 0)
    assert drivers.ids() == [1, 2, 3]


def test_skip_needs_no_fitting_contract(drivers):
    drivers.blocked(ROWS)
    release(drivers, "skip")
    assert drivers.start(contract=WIDER).process([], 0).outcome is Outcome.SKIPPED


# What waits


def test_what_waits_is_listed_with_its_ways_out(drivers):
    assert blocked_batches(drivers.checkpoint, store=drivers.store) == []
    drivers.blocked(NO_AMOUNT, rejects=True)
    (waiting,) = blocked_batches(drivers.checkpoint, store=drivers.store)
    assert waiting.batch_id == 0
    assert waiting.ways_out[Release.SKIP] is None
    assert "column amount" in str(waiting.ways_out[Release.MAIN])
    assert waiting.payload()["ways_out"]["rejects"] is None


def test_what_is_released_waits_until_a_start_carries_it_out(drivers):
    drivers.blocked(ROWS)
    made = release(drivers, "skip")
    (waiting,) = blocked_batches(drivers.checkpoint, store=drivers.store)
    assert waiting.resolution == made
    drivers.start().process([], 0)
    assert blocked_batches(drivers.checkpoint, store=drivers.store) == []


# The files


def test_a_resolution_is_read_back_as_it_was(drivers):
    drivers.blocked(ROWS)
    made = release(drivers, "rejects")
    assert drivers.journal.resolution(0) == made


@pytest.mark.parametrize("missing", ["as", "by", "reason"])
def test_a_resolution_that_is_not_whole_is_named(missing):
    payload = Resolution(
        batch_id=0, release=Release.SKIP, reason="r", by="b", at="t", record_id="x"
    ).payload()
    del payload[missing]
    with pytest.raises(CorruptFileError, match=f"here: not a resolution.*{missing}"):
        Resolution.from_payload(payload, "here")


def test_a_newer_resolution_is_refused_by_name(drivers):
    drivers.blocked(ROWS)
    path = drivers.journal.path("resolutions", 0)
    drivers.store.create_if_absent(path, encode({"format_version": 2}))
    with pytest.raises(FormatVersionError, match="resolutions/0 has format version 2"):
        drivers.start().process([], 0)
