"""Keys inside a batch: the first row of a key stays, whatever the order of files."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.spark

ORDERS = [
    {"name": "id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 2},
    {"name": "shop", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "code", "logicalType": "string", "unique": True},
    {"name": "amount", "logicalType": "number", "logicalTypeOptions": {"minimum": 0}},
]
HEADER = "id,shop,code,amount"
ONE_FILE = [
    "1,a,,10",  # shares its key with two rows, one of them in the other file
    "1,a,,11",
    "1,b,,12",  # the same id in another shop
    "2,a,,-1",  # breaks a rule, so it does not occupy its key
    "3,a,x,1",  # unique code, three times
    "4,a,x,2",
    "5,a,y,3",
    ",a,,13",  # a key with a part missing is no duplicate of another such
    ",a,,14",
    "7,a,,20",  # the very same row twice
    "7,a,,20",
]
OTHER_FILE = ["1,a,,9", "2,a,,1", "6,a,x,4", "8,a,,5"]


def run(flow, *files):
    orders = flow(ORDERS)
    for lines in files:
        orders.put(HEADER, *lines)
    landed = orders.run()
    assert landed.error is None
    assert len(landed.batches) == 1
    return orders, landed


@pytest.fixture
def both(flow):
    return [run(flow, ONE_FILE, OTHER_FILE), run(flow, OTHER_FILE, ONE_FILE[::-1])]


def test_the_same_row_of_a_key_stays_whatever_the_order_of_files(both):
    (orders, landed), (swapped, landed_swapped) = both
    assert orders.main_rows() == swapped.main_rows()
    assert landed.broken == landed_swapped.broken
    names = ("id", "shop", "code", "amount", "_dc43_checks")
    assert [[row[n] for n in names] for row in orders.reject_rows()] == [
        [row[n] for n in names] for row in swapped.reject_rows()
    ]

    # Counted: rows beyond the first of each key.
    assert landed.broken == {"primaryKey": 3, "code.unique": 2, "id.required": 2, "amount.range": 1}
    assert landed.batch["reject_count"] == 8
    assert landed.batch["main_count"] == 7
    kept = [(row[0], row[1]) for row in orders.main_rows()]
    assert len(set(kept)) == len(kept)
    assert {(1, "a"), (1, "b"), (2, "a"), (7, "a"), (8, "a"), (5, "a")} < set(kept)
    assert sum(row[2] == "x" for row in orders.main_rows()) == 1
    assert (2, "a", None, 1.0) in orders.main_rows()

    # Each reject says which of the rules beat it.
    checks = sorted((row.id, row["_dc43_checks"]) for row in orders.reject_rows() if row.id)
    assert [c for c in checks if c[0] in (1, 2, 7)] == [
        (1, ["primaryKey"]),
        (1, ["primaryKey"]),
        (2, ["amount.range"]),
        (7, ["primaryKey"]),
    ]
    assert [c for i, c in checks if i in (3, 4, 6)] == [["code.unique"]] * 2


def test_a_key_rule_that_only_warns_moves_no_row(flow):
    unique = {"type": "custom", "engine": "dc43", "implementation": {"kind": "unique"}}
    orders = flow(
        [
            {
                "name": "id",
                "logicalType": "integer",
                "quality": [
                    {"id": "id_twice", "severity": "warning", **unique},
                    {"id": "few_twice", "metric": "duplicateValues", "mustBeLessThan": 2},
                ],
            },
            {"name": "shop", "logicalType": "string"},
        ],
        quality=[
            {
                "id": "pair_twice",
                "metric": "duplicateValues",
                "arguments": {"properties": ["id", "shop"]},
                "mustBe": 1,
            }
        ],
    )
    orders.put("id,shop", "1,a", "1,a", "1,b", ",a", ",a")
    landed = orders.run()
    assert landed.error is None
    assert landed.broken == {"id_twice": 2, "few_twice": 2, "pair_twice": 1}
    assert (landed.batch["main_count"], landed.batch["reject_count"]) == (5, 0)
    assert len(orders.rows()) == 5
    # One warning, one threshold that does not hold, one that does.
    assert [text.split(":")[0] for text in landed.batch["warnings"]] == ["id must be unique"]
    assert len(landed.batch["errors"]) == 1
    assert "measured 2, mustBeLessThan 2" in landed.batch["errors"][0]
