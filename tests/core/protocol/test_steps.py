"""One micro-batch from hand-over to publication, on the engine of plain lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dc43_core.plugin_manager import Plugins
from dc43_core.protocol.sink_log import FileSink
from dc43_core.protocol.steps import FAILPOINTS
from dc43_core.testing.fake_engine import CHECKS, Row
from dc43_core.vocabulary import Outcome, RunType, Verdict
from tests.core.protocol.conftest import (
    BAD,
    GOOD,
    MAIN,
    OPTIONAL,
    REJECTS,
    Crash,
    Drivers,
    blocked,
    order,
)

# Landing


def test_good_rows_land_in_main_and_broken_ones_in_rejects(drivers: Drivers):
    record = drivers.start().process(GOOD + BAD, 0)
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([1, 2, 3], [4])
    assert (record.outcome, record.verdict) == (Outcome.COMMITTED, Verdict.WARN)


def test_rejects_keep_the_ids_of_what_they_broke(drivers: Drivers):
    drivers.start().process([order(4, None, "lost")], 0)
    assert [row[CHECKS] for row in drivers.landed(REJECTS)] == [["amount.required", "state.enum"]]


def test_main_holds_the_contract_s_columns_alone(drivers: Drivers):
    drivers.start().process([{**order(1), "colour": "blue"}], 0)
    assert [set(row) for row in drivers.landed()] == [{"id", "amount", "state"}]


def test_observe_lets_broken_rows_pass_and_counts_them(drivers: Drivers):
    record = drivers.start(rejects=False, run_type=RunType.OBSERVE).process(BAD, 0)
    assert sorted(drivers.ids()) == [3, 4]
    assert (record.main_count, record.valid_count, record.reject_count) == (2, 1, 0)
    assert record.violations_by_check == {"amount.required": 1}


def test_the_first_row_of_a_key_wins_and_a_rejected_row_occupies_none(drivers: Drivers):
    rows = [order(1, None), order(1, 5), order(1, 6), order(None, 7)]
    drivers.start().process(rows, 0)
    assert drivers.landed() == [order(1, 5)]
    assert {row["amount"] for row in drivers.landed(REJECTS)} == {None, 6, 7}


def test_the_dataset_version_is_the_sink_s_number(drivers: Drivers):
    stream = drivers.start()
    found = [stream.process(rows, n) for n, rows in enumerate((GOOD, [*GOOD, *BAD], BAD))]
    assert [one.dataset_version for one in found] == ["0", "1", "2"]
    # The rejects are a sink of their own, with its own numbers.
    assert [one.rejects_version for one in found] == [None, "0", "1"]


def test_a_batch_of_rejects_alone_marks_main_with_an_empty_file(drivers: Drivers):
    record = drivers.start().process([order(4, None)], 0)
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([], [4])
    assert (record.main_count, record.reject_count, record.dataset_version) == (0, 1, "0")
    assert len(FileSink(drivers.store, MAIN, ".jsonl").log.files()) == 1


def test_an_empty_batch_is_committed(drivers: Drivers):
    record = drivers.start().process([], 0)
    assert (record.outcome, record.verdict, record.row_count) == (
        Outcome.COMMITTED,
        Verdict.OK,
        0,
    )


def test_rejects_are_visible_before_main(drivers: Drivers):
    stream = drivers.start(crash_at="rejects-published")
    with pytest.raises(Crash):
        stream.process(BAD, 0)
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([], [4])


def test_the_failpoints_are_passed_in_their_order(drivers: Drivers):
    passed: list[str] = []
    stream = drivers.start(at_point=lambda name, batch_id: passed.append(name))
    stream.process(BAD, 0)
    assert passed == [name for name in FAILPOINTS if name != "blocked"]


VALUES = st.one_of(
    st.none(), st.integers(-3, 3), st.floats(allow_nan=True), st.booleans().map(lambda b: 10 + b)
)
ROWS = st.lists(
    st.builds(
        order,
        st.none() | st.integers(0, 3),
        VALUES,
        st.sampled_from(["open", "paid", "lost", "", None]),
    ),
    max_size=6,
)


def spelt(rows: Sequence[Mapping[str, Any]]) -> Counter[str]:
    columns = ("id", "amount", "state")
    return Counter(repr([row[name] for name in columns]) for row in rows)


@settings(max_examples=50)
@given(batches=st.lists(ROWS, max_size=3), run_type=st.sampled_from(RunType))
def test_each_row_handed_over_lands_once_and_the_counts_say_so(
    core_plugins: Plugins, batches: list[list[Row]], run_type: RunType
):
    drivers = Drivers(core_plugins)
    stream = drivers.start(run_type=run_type)
    for batch_id, rows in enumerate(batches):
        before = len(drivers.landed()), len(drivers.landed(REJECTS))
        record = stream.process(rows, batch_id)
        after = len(drivers.landed()), len(drivers.landed(REJECTS))
        assert (before[0] + record.main_count, before[1] + record.reject_count) == after
        assert record.row_count == len(rows)
    handed_over = [row for rows in batches for row in rows]
    assert spelt(handed_over) == spelt(drivers.landed() + drivers.landed(REJECTS))


# Replay


def test_a_committed_batch_is_skipped_whatever_comes(drivers: Drivers):
    first = drivers.start().process(GOOD, 0)
    assert drivers.start().process([order(9)], 0).payload() == first.payload()
    assert drivers.ids() == [1, 2]


@pytest.mark.parametrize("point", ["prepared", "rejects-published", "main-published"])
def test_a_prepared_batch_rolls_forward_without_judging_again(drivers: Drivers, point: str):
    with pytest.raises(Crash):
        drivers.start(crash_at=point).process(BAD, 0)
    drivers.store.crash()
    # A source that was rewritten meanwhile, and a contract that asks otherwise, change nothing.
    record = drivers.start(contract=OPTIONAL).process([order(9)], 0)
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([3], [4])
    assert record.contract_version == "1.0.0"
    assert (record.dataset_version, record.rejects_version) == ("0", "0")


@pytest.mark.parametrize("point", ["staged", "decided", "finished", "synced"])
def test_a_batch_that_was_not_prepared_is_taken_afresh(drivers: Drivers, point: str):
    with pytest.raises(Crash):
        drivers.start(crash_at=point).process(BAD, 0)
    drivers.store.crash()
    drivers.start().process(GOOD, 0)
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([1, 2], [])


def test_staging_is_swept_when_the_batch_is_committed(drivers: Drivers):
    with pytest.raises(Crash):
        drivers.start(crash_at="staged").process(BAD, 0)
    assert drivers.staged() != []
    drivers.start().process(BAD, 0)
    assert drivers.staged() == []


def test_the_staging_of_a_later_batch_is_not_swept(drivers: Drivers):
    stream = drivers.start()
    folder = f"{MAIN}/_dc43/staging/{stream.protocol.identity.stream_id}/1-other"
    drivers.store.write(f"{folder}/file", b"")
    stream.process(GOOD, 0)
    assert drivers.staged() == ["1-other"]


def test_a_fault_of_the_engine_leaves_nothing_visible(drivers: Drivers):
    def disk_full(operation: str, path: str) -> None:
        if operation == "write":
            raise OSError("No space left on device")

    stream = drivers.start()
    drivers.store.before = disk_full
    with pytest.raises(OSError, match="No space"):
        stream.process(GOOD, 0)
    assert drivers.ids() == []
    assert stream.protocol.journal.prepared(0) is None


# Blocking


def test_a_blocked_batch_leaves_no_trace_and_names_its_record(drivers: Drivers):
    stream = drivers.start(rejects=False)
    error = blocked(stream, BAD)
    record = stream.protocol.journal.blocked(0)
    assert record is not None
    assert error.record_id == record.record_id
    assert record.record_id in str(error)
    assert (record.main_count, record.reject_count, record.dataset_version) == (0, 0, None)
    assert FileSink(drivers.store, MAIN, ".jsonl").newest() == -1
    assert stream.protocol.journal.prepared(0) is None


def test_a_blocked_batch_keeps_its_staging_and_its_record_says_where(drivers: Drivers):
    stream = drivers.start(rejects=False)
    blocked(stream, BAD)
    record = stream.protocol.journal.blocked(0)
    assert record is not None
    assert drivers.store.list(record.details["staging"])


def test_the_reason_is_durable_before_it_is_raised(drivers: Drivers):
    with pytest.raises(Crash):
        drivers.start(rejects=False, crash_at="blocked").process(BAD, 0)
    drivers.store.crash()
    record = drivers.start(rejects=False).protocol.journal.blocked(0)
    assert record is not None
    assert record.intervention is not None
    assert "amount must not be missing" in record.intervention


def test_a_restart_of_a_blocked_batch_makes_no_second_record(drivers: Drivers):
    first = blocked(drivers.start(rejects=False), BAD)
    stream = drivers.start(rejects=False)
    second = blocked(stream, BAD)
    assert first.record_id == second.record_id
    assert len(list(stream.protocol.journal.records())) == 1
    assert len(drivers.staged()) == 1


def test_a_blocked_batch_is_published_under_a_new_version_of_the_contract(drivers: Drivers):
    blocked(drivers.start(rejects=False), BAD)
    stream = drivers.start(rejects=False, contract=OPTIONAL)
    record = stream.process(BAD, 0)
    assert drivers.ids() == [3, 4]
    assert (record.contract_version, record.outcome) == ("1.1.0", Outcome.COMMITTED)
    assert [r.outcome for r in stream.protocol.journal.records()] == [
        Outcome.BLOCKED,
        Outcome.COMMITTED,
    ]
    assert drivers.staged() == []


def test_a_missing_required_column_blocks_in_enforce(drivers: Drivers):
    error = blocked(drivers.start(), [{"id": 1, "state": "open"}])
    assert "column amount: is missing and required" in error.reason


def test_a_missing_required_column_is_an_error_in_observe(drivers: Drivers):
    record = drivers.start(run_type=RunType.OBSERVE).process([{"id": 1, "state": "open"}], 0)
    assert record.errors == ("column amount: is missing and required",)
    assert drivers.ids(REJECTS) == [1]


def test_drift_may_send_the_whole_batch_to_rejects(drivers: Drivers):
    record = drivers.start(on_incompatible="reject").process([{"id": 1, "state": "open"}], 0)
    assert (drivers.ids(), drivers.ids(REJECTS)) == ([], [1])
    assert (record.outcome, record.verdict) == (Outcome.COMMITTED, Verdict.WARN)
