"""Columns that a contract does not declare stay with the rows that it rejects."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pyarrow as pa
import pytest
from test_erase import eraser, holding
from test_replay import correct, rejects, replay

from dc43_core.errors import ConfigurationError
from dc43_core.upkeep.interface import Key
from dc43_integrations.spark.io import write_with_contract

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string", "logicalTypeOptions": {"maxLength": 3}}
LONG = {"name": "note", "logicalType": "string"}
ODD = "größe `x`.y"
KEPT = {"name": ODD, "logicalType": "integer"}
WHO = {"name": "who", "logicalType": "string", "required": True}


def extras(flow):
    """What each reject keeps besides, by its id."""
    return {row["id"]: json.loads(row["_dc43_extra"] or "{}") for row in flow.reject_rows()}


@pytest.mark.parametrize("format", ["csv", "json"])
def test_what_was_rejected_without_a_column_is_published_with_it(flow, format):
    orders = flow([ID, NOTE], format=format)
    rows = [
        (1, "a", 5, "ann"),
        (2, "long", 7, "ben"),
        (None, "b", 8, "ann"),
        (4, "long", "x", "cy"),
    ]
    if format == "csv":
        orders.put(f"id,note,{ODD},who", *(",".join(map(str, row)) for row in rows), "5,long,,")
    else:
        names = ("id", "note", ODD, "who")
        full = [dict(zip(names, row, strict=True)) for row in rows]
        orders.put_json(*full, {"id": 5, "note": "long"})
    plain = {"parquet.enable.dictionary": "false", "compression": "none"}
    assert orders.run(enforce=True, writer_options=plain).error is None
    assert orders.main_rows() == [(1, "a")]
    kept = {
        2: {ODD: "7", "who": "ben"},
        None: {ODD: "8", "who": "ann"},
        4: {ODD: "x", "who": "cy"},
        5: {},
    }
    assert extras(orders) == kept
    with pytest.raises(ConfigurationError, match="no column 'whom'"):
        eraser(orders).erase(Key(column="whom", value="ann"), by="me")
    assert eraser(orders).erase(Key(column="who", value="ann"), by="me") == {"rejects": 1}
    assert holding(orders.rejects, "ann") == []
    correct(orders, ID, LONG, KEPT, WHO)
    done = replay(orders)
    assert dict(done.restaged.broken) == {f"{ODD}.type": 1, "who.required": 1}
    published = orders.spark.read.schema("id long, note string, who string").parquet(
        orders.at(orders.main)
    )
    assert sorted(map(tuple, published.collect())) == [(1, "a", None), (2, "long", "ben")]
    stay = rejects(orders).rows(newest=9)
    assert [json.loads(row["_dc43_extra"] or "{}") for row in stay] == [kept[4], kept[5]]


def test_values_of_any_type_come_back_as_they_were(flow):
    """Drift rejects every row, and no column of the contract is text that could carry anything."""
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, 678901, dt.UTC)
    row = {
        "id": 1,
        "exact": Decimal("12345678901234567890.123456789012345678"),
        "at": moment,
        "day": moment.date(),
        "ratio": 0.1,
        "part": {"a": 1, "b": "two", "c": [1.5]},
        "code": b"\x00\x01",
        "none": None,
    }
    kinds = pa.schema(
        [
            ("id", pa.int64()),
            ("exact", pa.decimal128(38, 18)),
            ("at", pa.timestamp("us", "UTC")),
            ("day", pa.date32()),
            ("ratio", pa.float64()),
            (
                "part",
                pa.struct([("a", pa.int64()), ("b", pa.string()), ("c", pa.list_(pa.float64()))]),
            ),
            ("code", pa.binary()),
            ("none", pa.string()),
        ]
    )
    number = {"name": "n", "logicalType": "integer", "required": True}
    part = {"name": "part", "logicalType": "object"}
    inside = [
        {"name": "a", "logicalType": "integer"},
        {"name": "b", "logicalType": "string"},
        {"name": "c", "logicalType": "array", "items": {"logicalType": "number"}},
    ]
    orders = flow([ID, number, {**part, "properties": inside[:1]}], format="parquet", options={})
    orders.put_table([row], kinds)
    landed = orders.run(enforce=True, on_incompatible="reject")
    assert (landed.error, landed.batch["reject_count"]) == (None, 1)
    assert (orders.main_rows(), sorted(extras(orders)[1])) == (
        [],
        ["at", "code", "day", "exact", "part", "ratio"],
    )
    exact = {"name": "exact", "physicalType": "decimal(38,18)", "logicalType": "number"}
    declared = [
        ID,
        exact,
        {"name": "at", "logicalType": "timestamp"},
        {"name": "day", "logicalType": "date"},
        {"name": "ratio", "logicalType": "number"},
        {**part, "properties": inside},
    ]
    correct(orders, *declared, {"name": "code", "physicalType": "binary"})
    # Text that may mean two things is not taken for bytes.
    assert replay(orders).restaged.broken == {"code.type": 1}
    correct(orders, *declared)
    assert replay(orders).restaged.count == 1
    (published,) = (
        orders.spark.read.option("mergeSchema", "true")
        .parquet(orders.at(orders.main))
        .selectExpr("*", "unix_micros(at) AS micros")
        .collect()
    )
    assert (published["exact"], published["day"], published["ratio"]) == (
        row["exact"],
        row["day"],
        row["ratio"],
    )
    assert published["micros"] == round(moment.timestamp() * 1_000_000)
    assert published["part"].asDict() == row["part"]


def test_a_batch_write_keeps_them_too(flow):
    orders = flow([ID, NOTE])
    frame = orders.spark.createDataFrame(
        [(1, "a", 5), (2, "long", 7)], "id long, note string, amount int"
    )
    write_with_contract(
        df=frame,
        contract=orders.contract,
        path=orders.at(orders.main),
        rejects=orders.at(orders.rejects),
        runtime=orders.runtime,
    )
    assert orders.main_rows() == [(1, "a")]
    assert extras(orders) == {2: {"amount": 7}}
