"""A blocked batch gets out: released from what was staged, whatever became of its source."""

from __future__ import annotations

import pytest

from dc43_core import Intervention, blocked_batches, release_batch
from dc43_core.errors import ReleaseRefusedError
from dc43_core.vocabulary import Decision

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string"}
AMOUNT = {"name": "amount", "logicalType": "number"}
TWO_ROWS = {"id": "enough", "type": "library", "metric": "rowCount", "mustBeGreaterThan": 2}


class Blocks:
    """Blocks every batch."""

    def decide(self, context):
        return Intervention(decision=Decision.BLOCK, reason="not today")


def release(flow, as_):
    return release_batch(str(flow.checkpoint), 0, as_=as_, reason="checked", by="anna")


def blocked(flow, **options):
    landed = flow.run(**{"enforce": True, **options})
    assert landed.error is not None
    (waiting,) = blocked_batches(str(flow.checkpoint))
    assert flow.main_rows() == []
    assert flow.committed() == []
    return waiting


def go_on(flow, *lines, **options):
    """Take the source of the blocked batch away, let one more batch arrive, and start."""
    for file in flow.source.iterdir():
        file.unlink()
    flow.put(*lines)
    return flow.run(**{"enforce": True, "per_batch": 1, **options})


@pytest.mark.parametrize(
    ("as_", "main", "rejects"),
    [
        ("main", [(1, "a", 1.5), (2, "b", None), (9, "z", 9.0), (None, "c", 3.0)], []),
        ("rejects", [(1, "a", 1.5), (9, "z", 9.0)], [(2, {"amount": "xx"}), (None, None)]),
        ("skip", [(9, "z", 9.0)], []),
    ],
)
def test_rows_without_rejects_are_released_and_the_stream_goes_on(flow, as_, main, rejects):
    orders = flow([ID, NOTE, AMOUNT])
    orders.put("id,note,amount", "1,a,1.5", "2,b,xx", ",c,3")
    waiting = blocked(orders, rejects=None)
    assert "the rows have no reject sink" in waiting.held.record.intervention
    assert [path.rpartition("/")[2] for path in waiting.at_risk["files"]] == ["000.csv"]
    assert waiting.at_risk["offsets"] == [{"logOffset": 0}]
    release(orders, as_)
    landed = go_on(orders, "id,note,amount", "9,z,9")
    assert landed.error is None
    assert orders.main_rows() == main
    found = sorted(((r.id, r._dc43_raw) for r in orders.reject_rows()), key=repr)
    assert found == sorted(rejects, key=repr)
    first, second = landed.batches
    assert first["intervention"] == f"released as {as_} by anna: checked"
    assert (first["batch_id"], second["batch_id"]) == (0, 1)
    assert (first["main_count"], first["reject_count"]) == (len(main) - 1, len(rejects))


def test_a_threshold_s_block_is_released_to_main(flow):
    orders = flow([ID, NOTE], quality=[TWO_ROWS])
    orders.put("id,note", "1,a")
    waiting = blocked(orders)
    assert "the number of rows" in waiting.held.record.intervention
    with pytest.raises(ReleaseRefusedError, match="none of its rows breaks a rule"):
        release(orders, "rejects")
    release(orders, "main")
    assert go_on(orders, "id,note", "2,b", "3,c", "4,d").error is None
    assert orders.main_rows() == [(1, "a"), (2, "b"), (3, "c"), (4, "d")]


def test_a_strategy_s_block_is_released_with_the_reasons_it_was_staged_with(flow):
    orders = flow([ID, NOTE])
    orders.put("id,note", "1,a", ",b")
    waiting = blocked(orders, interventions=[Blocks()])
    assert waiting.held.staged.sealed
    release(orders, "rejects")
    landed = go_on(orders, "id,note", "2,c")
    assert landed.error is None
    assert orders.main_rows() == [(1, "a"), (2, "c")]
    assert [r._dc43_checks for r in orders.reject_rows()] == [["id.required"]]


def test_a_missing_required_column_lets_no_row_into_main(flow):
    orders = flow([ID, NOTE])
    orders.put("note", "a", "b")
    blocked(orders)
    with pytest.raises(ReleaseRefusedError, match="column id: is required and missing"):
        release(orders, "main")
    release(orders, "rejects")
    assert go_on(orders, "id,note", "2,c").error is None
    assert orders.main_rows() == [(2, "c")]
    rejects = orders.reject_rows()
    assert [r.note for r in rejects] == ["a", "b"]
    assert all("schema.id" in r._dc43_checks for r in rejects)


@pytest.mark.parametrize(
    ("as_", "main", "raws"),
    [("main", [(1, "a", None), (9, "z", 9.0)], []), ("rejects", [(9, "z", 9.0)], ["xx"])],
)
def test_a_start_that_reads_in_another_way_can_release_as_well(flow, as_, main, raws):
    """The raw text of what was staged rides in a column that its own reads do not use so."""
    orders = flow([ID, NOTE, AMOUNT])
    orders.put("id,note,amount", "1,a,xx")
    blocked(orders, rejects=None)
    release(orders, as_)
    landed = go_on(orders, "id,note,amount", "9,z,9", read={"uncast": "null"})
    assert landed.error is None
    assert orders.main_rows() == main
    assert [r._dc43_raw["amount"] for r in orders.reject_rows()] == raws
