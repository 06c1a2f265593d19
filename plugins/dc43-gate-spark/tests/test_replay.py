"""Rejects on Spark are judged again under a corrected contract, and land once."""

from __future__ import annotations

import threading

import pytest
from attrs import evolve
from mounts import local_only

from dc43_core.config import Limits
from dc43_core.errors import ReplayRefusedError, UnsoundPlaceError
from dc43_core.protocol.rejects import Replayed
from dc43_core.protocol.replay import REPLAY_FAILPOINTS
from dc43_integrations.spark.replay import SparkRejects, replay_rejects

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string", "logicalTypeOptions": {"maxLength": 3}}
LONG = {"name": "note", "logicalType": "string"}
AMOUNT = {"name": "amount", "logicalType": "integer", "required": True}
TEXT = {"name": "amount", "logicalType": "string"}
NUMBER = {"name": "amount", "physicalType": "decimal(6,2)", "logicalType": "number"}
KEY = {"name": "id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1}


def correct(flow, *properties, quality=()):
    """Publish another version of the contract."""
    flow.properties, flow.quality = list(properties), list(quality)
    flow.contract = flow.read_contract()


def rejects(flow, **options) -> SparkRejects:
    runtime = flow.runtime
    return SparkRejects(
        spark=flow.spark,
        runtime=runtime,
        plan=runtime.plan(flow.contract),
        path=flow.at(flow.main),
        rejects_path=flow.at(flow.rejects),
        options={},
        namespace="default",
        **options,
    )


def replay(flow, **options) -> Replayed:
    return replay_rejects(
        flow.spark,
        contract=flow.contract,
        path=flow.at(flow.main),
        rejects=flow.at(flow.rejects),
        runtime=flow.runtime,
        **options,
    )


@pytest.fixture
def orders(flow):
    """Rows 2 and 3 have amounts that are no integers, 4 has none, 5 has a long note."""
    made = flow([ID, NOTE, AMOUNT])
    made.put("id,note,amount", "1,a,1", "2,b,2.50", "3,c,xx")
    made.put("id,note,amount", "4,d,", "5,long,5")
    landed = made.run(per_batch=1, enforce=True)
    assert landed.error is None
    assert made.lanes() == (
        [1],
        {
            2: ["amount.type"],
            3: ["amount.type"],
            4: ["amount.required"],
            5: ["note.length"],
        },
    )
    return made


def test_text_that_would_not_cast_is_cast_to_the_type_of_today(orders):
    before = orders.logged(orders.rejects), orders.reject_rows()
    correct(orders, ID, NOTE, NUMBER)
    # Main holds integers: a contract with another type needs a main of its own.
    home, orders.home = orders.home, orders.home / "typed"
    (orders.home).mkdir()
    streams = home / "main" / "_dc43" / "streams"
    target = orders.main / "_dc43" / "streams"
    target.mkdir(parents=True)
    for file in streams.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    typed = rejects(orders)
    typed.rejects_path = orders.at(home / "rejects")
    done = typed.replay()
    assert done.restaged.judged == 4
    assert dict(done.restaged.broken) == {"amount.type": 1, "note.length": 1}
    assert [(r[0], str(r[2])) for r in orders.main_rows()] == [(2, "2.50"), (4, "None")]
    orders.home = home
    assert (orders.logged(orders.rejects), orders.reject_rows()) == before


def test_it_lands_once_and_leaves_a_record_of_its_own(orders):
    correct(orders, ID, LONG, AMOUNT)
    first, second = replay(orders), replay(orders)
    assert (first.restaged.judged, first.restaged.count) == (4, 1)
    assert (second.record, second.restaged.judged) == (None, 3)
    assert orders.main_rows() == [(1, "a", 1), (5, "long", 5)]
    assert len(orders.reject_rows()) == 4
    record = orders.records()[-1]
    assert record.payload() == first.record.payload()
    assert (record.main_count, record.reject_count, record.dataset_version) == (1, 0, "2")
    (batch,) = record.details["replay"]["batches"]
    assert batch.endswith("-1")
    listed = rejects(orders).batches()
    assert [(b.batch_id, b.rows, b.staying) for b in listed] == [(0, 2, 2), (1, 2, 1)]
    assert listed[1].by_check == {"amount.required": 1, "note.length": 1}
    assert listed[1].staying_by_check == {"amount.required": 1, "note.length": 0}
    shown = rejects(orders).rows(newest=2)
    assert [(row["id"], row["_dc43_checks"]) for row in shown] == [
        (4, ["amount.required"]),
        (2, ["amount.type"]),
    ]
    chosen = rejects(orders).rows(newest=9, batches=[0], checks=["amount.type"])
    assert [row["_dc43_raw"] for row in chosen] == [{"amount": "2.50"}, {"amount": "xx"}]


def test_dying_at_each_arrow_lands_the_rows_once(flow):
    class Died(BaseException):
        pass

    points = [p for p in REPLAY_FAILPOINTS if p not in ("replay-synced", "replay-swept")]
    orders = flow([ID, NOTE])
    for number in range(len(points)):
        orders.put("id,note", f"{number},long")
    orders.run(per_batch=1, enforce=True)
    correct(orders, ID, LONG)
    for number, point in enumerate(points):

        def die(name, _, point=point):
            if name == point:
                raise Died

        with pytest.raises(Died):
            rejects(orders, failpoint=die).replay(batches=[number])
        rejects(orders).replay(batches=[number])
        assert [row[0] for row in orders.main_rows()] == list(range(number + 1)), point
    assert len(orders.reject_rows()) == len(points)


def test_two_replays_at_once_land_each_row_once(orders):
    correct(orders, ID, LONG, {"name": "amount", "logicalType": "integer"})
    gate = threading.Barrier(2, timeout=120)
    done, failed = [], []

    def meet(name, number):
        # Both have judged the same rows by then; one of them begins again.
        if name == "replay-synced" and number == 1:
            gate.wait()

    def run():
        try:
            done.append(rejects(orders, failpoint=meet).replay())
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(240)
    assert failed == []
    assert sorted(one.restaged.count for one in done) == [0, 2]
    assert [row[0] for row in orders.main_rows()] == [1, 4, 5]


def test_keys_and_lines_that_did_not_split(flow):
    orders = flow([KEY, NOTE])
    orders.put("id,note", "1,a", "1,b", "2,long", "2,longer", "3,long", "9,x,y,z")
    assert orders.run(enforce=True).error is None
    correct(orders, KEY, LONG)
    done = replay(orders)
    # 1 lost to a row in main; 2 comes twice; a line is not read again.
    assert dict(done.restaged.broken) == {"primaryKey": 2, "row.type": 1}
    assert sorted(row[0] for row in orders.main_rows()) == [1, 2, 3]


def test_rejects_of_contracts_with_other_types_are_judged_together(flow):
    orders = flow([ID, NOTE, AMOUNT])
    orders.put("id,note,amount", "1,long,1")
    orders.run(enforce=True)
    correct(orders, ID, NOTE, TEXT)
    orders.put("id,note,amount", "2,long,two")
    other = {
        "path": orders.at(orders.home / "other"),
        "checkpoint_location": orders.at(orders.home / "two"),
    }
    orders.run(enforce=True, **other)
    correct(orders, ID, LONG, TEXT)
    assert [b.batch_id for b in rejects(orders).batches()] == [0], "the other has its own main"
    assert replay(orders).restaged.count == 1
    # The files of main hold amounts of either type, so only the ids can be read together.
    assert [
        row["id"]
        for row in orders.spark.read.parquet(orders.at(orders.main)).select("id").collect()
    ] == [1]


def test_what_cannot_be_replayed_is_refused(orders):
    with pytest.raises(ReplayRefusedError, match="no reject sink"):
        replay_rejects(
            orders.spark, contract=orders.contract, path="x", rejects=None, runtime=orders.runtime
        )
    narrow = rejects(orders)
    config = orders.runtime.config
    narrow.runtime = evolve(orders.runtime, config=evolve(config, limits=Limits(replay_rows=3)))
    with pytest.raises(ReplayRefusedError, match="4 rows are more"):
        narrow.replay()
    next(orders.main.glob("batch-*")).unlink()
    with pytest.raises(UnsoundPlaceError):
        replay(orders)


@local_only
def test_a_delta_table_takes_a_replay_as_one_commit(flow):
    table = pytest.importorskip("deltalake").DeltaTable
    orders = flow([ID, NOTE])
    orders.put("id,note", "1,a", "2,long", ",b")
    assert orders.run(enforce=True, format="delta").error is None
    correct(orders, ID, LONG)
    sinks = rejects(orders, format="delta")._sinks.values()
    assert [sink.defects() for sink in sinks] == [[], []], "each is opened as what it is"
    first, second = (replay(orders, format="delta") for _ in range(2))
    assert (first.record.main_count, first.record.dataset_version) == (1, "1")
    assert (second.record, second.restaged.judged) == (None, 1)
    assert sorted(table(str(orders.main)).to_pyarrow_table()["id"].to_pylist()) == [1, 2]
    assert table(str(orders.rejects)).version() == 0
