"""A batch write on the engine of plain lists is split."""

from __future__ import annotations

import pytest

from dc43_core import Decision, Lane, RunType, Verdict
from dc43_core.errors import ConfigurationError
from dc43_core.testing.fake_pipeline import FakePipeline
from dc43_rejects.strategy import RouteAfter, RouteAfterOptions, Split

GOOD = [{"id": number, "amount": 1, "state": "open"} for number in (1, 2, 3)]
BAD = {"id": 9, "amount": None, "state": "open"}


@pytest.mark.parametrize("run_type", RunType)
def test_valid_rows_land_in_main_and_broken_ones_in_the_rejects(run_type):
    pipeline = FakePipeline()
    result = pipeline.write([*GOOD, BAD], strategies=[Split()], run_type=run_type)
    assert pipeline.rows() == GOOD
    assert [row["id"] for row in pipeline.rows(Lane.REJECTS)] == [9]
    assert (result.ok, result.status) == (True, Verdict.WARN)
    [record] = pipeline.records()
    assert (record.decision, record.main_count, record.reject_count) == (Decision.ROUTE, 3, 1)
    assert record.intervention == result.reason
    assert "of 4 rows 1 break the contract (amount must not be missing" in str(result.reason)


def test_without_a_reject_sink_it_is_refused_before_anything_is_staged():
    pipeline = FakePipeline()
    with pytest.raises(ConfigurationError, match=r"strategy Split: .*reject sink; give .*rejects="):
        pipeline.write([BAD], strategies=[Split()], rejects=False)
    assert not pipeline.store.list("memory:/main")


def test_a_strategy_that_counts_batches_is_told_that_a_write_has_none_before_it():
    after = RouteAfter(RouteAfterOptions(n=2))
    result = FakePipeline().write(GOOD, strategies=[after])
    assert "strategy RouteAfter remembers what it saw" in result.warnings[-1]
