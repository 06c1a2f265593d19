"""Which values break which rules, on real streams: each row is in the lane it belongs to."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

pytestmark = pytest.mark.spark

NAME = {"name": "name", "logicalType": "string"}


def custom(kind, check, **arguments):
    how = {"kind": kind, **arguments}
    return {"id": check, "type": "custom", "engine": "dc43", "implementation": how}


def test_text_is_judged_whole_and_null_is_no_violation(flow):
    text = {
        "name": "text",
        "logicalType": "string",
        "logicalTypeOptions": {"pattern": "^[a-zé😀]+$", "minLength": 1, "maxLength": 3},
    }
    rows = flow([NAME, text], format="json")
    rows.put_json(
        {"name": "good", "text": "abc"},
        {"name": "null", "text": None},
        {"name": "absent"},
        {"name": "accent", "text": "é"},
        {"name": "emoji, one character each", "text": "😀😀😀"},
        {"name": "empty", "text": ""},
        {"name": "newline at the end", "text": "ab\n"},
        {"name": "carriage return at the end", "text": "ab\r"},
        {"name": "too long", "text": "abcd"},
        {"name": "upper case", "text": "A"},
    )
    assert rows.run().error is None
    good, bad = rows.lanes()
    assert good == ["absent", "accent", "emoji, one character each", "good", "null"]
    assert bad == {
        "empty": ["text.length", "text.pattern"],
        "newline at the end": ["text.pattern"],
        "carriage return at the end": ["text.pattern"],
        "too long": ["text.length", "text.pattern"][:1],
        "upper case": ["text.pattern"],
    }


def test_required_means_null_and_missing_means_what_is_listed(flow):
    rows = flow(
        [
            NAME,
            {"name": "must", "logicalType": "string", "required": True},
            {
                "name": "told",
                "logicalType": "string",
                "quality": [
                    {
                        "id": "told_missing",
                        "metric": "missingValues",
                        "arguments": {"missingValues": [None, "", "n/a"]},
                        "mustBe": 0,
                    }
                ],
            },
            {
                "name": "number",
                "logicalType": "integer",
                "quality": [{"id": "number_missing", "metric": "missingValues", "mustBe": 0}],
            },
        ],
        format="json",
    )
    rows.put_json(
        {"name": "good", "must": "", "told": " ", "number": 0},
        {"name": "null", "must": None, "told": None, "number": None},
        {"name": "stands for none", "must": "null", "told": "n/a", "number": 1},
        {"name": "does not cast", "must": "x", "told": "x", "number": "xx"},
    )
    assert rows.run().error is None
    assert rows.lanes() == (
        ["good"],
        {
            "null": ["must.required", "number_missing", "told_missing"],
            "stands for none": ["told_missing"],
            "does not cast": ["number.type"],
        },
    )


@pytest.mark.parametrize("source", ["json", "parquet"])
def test_nan_and_infinities_break_every_range(flow, source):
    number = {"name": "x", "logicalType": "number", "logicalTypeOptions": {"minimum": -5}}
    rows = flow([NAME, number], format=source)
    values = {
        "zero": -0.0,
        "null": None,
        "low": -5.000000000000001,
        "nan": math.nan,
        "inf": math.inf,
        "-inf": -math.inf,
    }
    if source == "json":
        words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
        rows.put_json(*({"name": n, "x": words.get(n, value)} for n, value in values.items()))
    else:
        schema = pa.schema([("name", pa.string()), ("x", pa.float64())])
        rows.put_table([{"name": name, "x": value} for name, value in values.items()], schema)
    assert rows.run().error is None
    assert rows.lanes() == (
        ["null", "zero"],
        {name: ["x.range"] for name in ("low", "nan", "inf", "-inf")},
    )


def test_every_type_has_its_rules_and_keeps_its_values(flow):
    def column(name, logical, physical=None, **more):
        return {"name": name, "logicalType": logical, "physicalType": physical, **more}

    rows = flow(
        [
            NAME,
            column(
                *("price", "number", "decimal(20,4)"),
                logicalTypeOptions={"exclusiveMinimum": 0, "maximum": 2**53 + 1},
            ),
            column(
                *("day", "date"),
                logicalTypeOptions={"minimum": "1582-10-15", "exclusiveMaximum": "9999-12-31"},
            ),
            column(
                *("at", "timestamp"),
                logicalTypeOptions={"minimum": "2024-01-01T05:30:00+05:30"},
            ),
            column("flag", "boolean", quality=[custom("enum", "flag_true", validValues=[True])]),
            column("big", "integer", logicalTypeOptions={"exclusiveMinimum": 2**53}),
            column(
                *("small", "integer", "smallint"),
                quality=[
                    {
                        "id": "small_known",
                        "metric": "invalidValues",
                        "arguments": {"validValues": [1, 2, 70000]},
                        "mustBe": 0,
                    }
                ],
            ),
        ],
        format="parquet",
    )
    schema = pa.schema(
        [
            ("name", pa.string()),
            ("price", pa.decimal128(20, 4)),
            ("day", pa.date32()),
            ("at", pa.timestamp("us", tz="UTC")),
            ("flag", pa.bool_()),
            ("big", pa.int64()),
            ("small", pa.int16()),
        ]
    )
    good = {
        "name": "good",
        "price": Decimal("9007199254740993.0000"),
        "day": date(1582, 10, 15),
        "at": datetime(2024, 1, 1, 0, 0, tzinfo=UTC),
        "flag": True,
        "big": 2**53 + 1,
        "small": 1,
    }
    bad = {
        "price.range": {"price": Decimal("9007199254740993.0001")},
        "day.range": {"day": date(9999, 12, 31)},
        "at.range": {"at": datetime(2023, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)},
        "flag_true": {"flag": False},
        "big.range": {"big": 2**53},
        "small_known": {"small": 3},
    }
    empty = {"name": "empty"}
    rows.put_table(
        [good, empty, *({**good, "name": check, **change} for check, change in bad.items())], schema
    )
    landed = rows.run()
    assert landed.error is None
    assert rows.lanes() == (["empty", "good"], {check: [check] for check in bad})
    assert landed.result.schema == dict(
        zip(
            good,
            ("string", "decimal(20,4)", "date", "timestamp", "boolean", "bigint", "smallint"),
            strict=True,
        )
    )
    (kept,) = (row.asDict() for row in rows.rows() if row.name == "good")
    assert {**kept, "at": kept["at"].astimezone(UTC)} == good


def test_text_is_cast_to_every_type_or_kept_as_it_was(flow):
    kinds = {
        "whole": ("integer", None, "3.5", "3"),
        "small": ("integer", "smallint", "40000", "4000"),
        "part": ("number", None, "1,5", "1.5"),
        "exact": ("number", "decimal(6,2)", "123456.7", "1234.50"),
        "day": ("date", None, "2024-02-30", "2024-02-29"),
        "at": ("timestamp", None, "2024-01-01T25:00:00", "2024-01-01T23:00:00Z"),
        "flag": ("boolean", None, "maybe", "true"),
    }
    rows = flow(
        [
            NAME,
            *(
                {"name": name, "logicalType": logical, "physicalType": physical}
                for name, (logical, physical, _, _) in kinds.items()
            ),
        ]
    )
    good = {name: text for name, (*_, text) in kinds.items()}
    lines = [",".join(["good", *good.values()])]
    for name, (*_, wrong, _) in kinds.items():
        shown = {**good, name: wrong}
        lines.append(f"{name}," + ",".join(f'"{text}"' for text in shown.values()))
    rows.put(",".join(["name", *kinds]), *lines)
    landed = rows.run()
    assert landed.error is None
    assert landed.broken == {f"{name}.type": 1 for name in kinds}
    assert rows.lanes() == (["good"], {name: [f"{name}.type"] for name in kinds})
    raw = {row.name: row["_dc43_raw"] for row in rows.reject_rows()}
    assert raw == {name: {name: wrong} for name, (_, _, wrong, _) in kinds.items()}


def test_a_cast_that_would_lose_something_does_not_happen(flow):
    rows = flow(
        [
            NAME,
            {"name": "whole", "logicalType": "integer"},
            {"name": "day", "logicalType": "date"},
            {"name": "exact", "logicalType": "number", "physicalType": "decimal(6,2)"},
        ],
        format="parquet",
    )
    schema = pa.schema(
        [
            ("name", pa.string()),
            ("whole", pa.float64()),
            ("day", pa.timestamp("us", tz="UTC")),
            ("exact", pa.decimal128(10, 4)),
        ]
    )
    midnight, exact = datetime(2024, 1, 1, tzinfo=UTC), Decimal("1.2500")
    good = {"name": "good", "whole": 3.0, "day": midnight, "exact": exact}
    rows.put_table(
        [
            good,
            {"name": "null"},
            {**good, "name": "whole", "whole": 3.7},
            {**good, "name": "day", "day": midnight.replace(hour=5)},
            {**good, "name": "exact", "exact": Decimal("1.2345")},
        ],
        schema,
    )
    landed = rows.run()
    assert landed.error is None
    assert rows.lanes() == (
        ["good", "null"],
        {name: [f"{name}.type"] for name in ("whole", "day", "exact")},
    )
    raw = {row.name: row["_dc43_raw"] for row in rows.reject_rows()}
    assert raw["whole"] == {"whole": "3.7"}


def test_a_value_of_a_type_that_no_cast_takes_is_kept_as_text(flow):
    rows = flow([NAME, {"name": "day", "logicalType": "date"}], format="parquet")
    rows.put_table(
        [{"name": "null"}, {"name": "bad", "day": True}],
        pa.schema([("name", pa.string()), ("day", pa.bool_())]),
    )
    assert rows.run().error is None
    assert rows.lanes() == (["null"], {"bad": ["day.type"]})
    assert [row["_dc43_raw"] for row in rows.reject_rows()] == [{"day": "true"}]


def test_more_rules_than_three_masks_hold_are_counted_one_by_one(flow):
    # A thousand are in `dev.py faults`.
    wanted = 131
    rules = [custom("range", f"below_{n}", exclusiveMaximum=n) for n in range(wanted)]
    rows = flow([{"name": "n", "logicalType": "integer", "quality": rules}])
    rows.put("n", "-1", "0", "59", "60", "130", "500")
    landed = rows.run()
    assert landed.error is None
    values = (0, 59, 60, 130, 500)
    assert landed.broken == {f"below_{n}": sum(v >= n for v in values) for n in range(wanted)}
    good, bad = rows.lanes()
    assert good == [-1]
    assert {value: len(checks) for value, checks in bad.items()} == {
        0: 1,
        59: 60,
        60: 61,
        130: 131,
        500: 131,
    }


AWKWARD = ["a.b", "tick`ed", "two words", "😀", 'quote\'d "x"', "semi;colon{}()=", "%25"]


@pytest.mark.parametrize("source", ["csv", "json"])
def test_a_column_may_have_any_name(flow, source):
    rows = flow(
        [
            {
                "name": name,
                "logicalType": "integer",
                "required": True,
                # One is as good as all, and each is a job.
                "unique": name == AWKWARD[0],
            }
            for name in AWKWARD
        ],
        format=source,
    )
    good = dict.fromkeys(AWKWARD, 1)
    wrong = dict.fromkeys(AWKWARD, "x")
    missing = dict.fromkeys(AWKWARD)
    if source == "json":
        rows.put_json(good, wrong, missing, good)
    else:
        width = len(AWKWARD)
        rows.put(
            ",".join(AWKWARD),
            ",".join("1" * width),
            ",".join("x" * width),
            "," * (width - 1),
            ",".join("1" * width),
        )
    landed = rows.run()
    assert landed.error is None
    assert landed.broken == {
        f"{AWKWARD[0]}.unique": 1,
        **{f"{name}.{check}": 1 for name in AWKWARD for check in ("type", "required")},
    }
    assert rows.main_rows() == [(1,) * len(AWKWARD)]
    raw = [row["_dc43_raw"] for row in rows.reject_rows() if row["_dc43_raw"]]
    assert raw == [wrong]


@pytest.fixture
def case_sensitive(spark):
    spark.conf.set("spark.sql.caseSensitive", "true")
    yield
    spark.conf.unset("spark.sql.caseSensitive")


@pytest.mark.usefixtures("case_sensitive")
def test_names_that_differ_in_case_only_are_two_columns_where_spark_says_so(flow):
    rows = flow([{"name": n, "logicalType": "integer"} for n in ("id", "ID", "Id")])
    rows.put("id,ID,Id", "1,2,3", "4,x,y")
    landed = rows.run()
    assert landed.error is None
    assert rows.main_rows() == [(1, 2, 3)]
    (reject,) = rows.reject_rows()
    assert tuple(reject)[:3] == (4, None, None)
    assert reject["_dc43_raw"] == {"ID": "x", "Id": "y"}


def test_a_frame_s_spelling_is_found_where_case_does_not_count(flow):
    rows = flow([{"name": "Id", "logicalType": "integer", "required": True}], format="parquet")
    rows.put_table([{"iD": 1}, {"iD": None}], pa.schema([("iD", pa.int64())]))
    landed = rows.run()
    assert landed.error is None
    assert (rows.main_rows(), landed.broken) == ([(1,)], {"Id.required": 1})
    assert rows.rows()[0].__fields__ == ["Id"]
