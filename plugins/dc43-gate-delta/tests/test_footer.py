"""What is said of a file without reading its rows."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dc43_core.errors import CorruptFileError
from dc43_core.protocol.file_store import LocalFileStore
from dc43_delta.footer import read_footer

STORE = LocalFileStore()
UTC = pa.timestamp("us", "UTC")


def statistics(folder: Path, table: pa.Table, **options: Any) -> dict[str, Any]:
    path = folder / "one.parquet"
    pq.write_table(table, path, **options)
    return json.loads(read_footer(STORE, str(path)).statistics, parse_float=Decimal)


def bounds(folder: Path, values: list[Any], kind: pa.DataType, **options: Any) -> tuple[Any, Any]:
    found = statistics(folder, pa.table({"a": pa.array(values, kind)}), **options)
    return found["minValues"].get("a"), found["maxValues"].get("a")


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([3, None, -1], pa.int64(), (-1, 3)),
        ([3, -1], pa.int8(), (-1, 3)),
        (["b", "ä", "a"], pa.string(), ("a", "ä")),
        ([dt.date(2024, 2, 29), dt.date(1, 1, 1)], pa.date32(), ("0001-01-01", "2024-02-29")),
        ([Decimal("-0.5"), Decimal("2")], pa.decimal128(5, 2), (Decimal("-0.50"), Decimal("2.00"))),
        (
            [Decimal("12345678901234567890.123456789")],
            pa.decimal128(38, 9),
            (Decimal("12345678901234567890.123456789"),) * 2,
        ),
    ],
)
def test_bounds_are_exact(tmp_path: Path, values, kind, expected):
    assert bounds(tmp_path, values, kind) == expected


def test_bounds_of_a_moment_move_outwards_to_the_millisecond(tmp_path: Path):
    moments = [
        dt.datetime(1969, 12, 31, 23, 59, 59, 999999),
        dt.datetime(2024, 1, 1, 0, 0, 0, 1),
    ]
    least, most = "1969-12-31T23:59:59.999", "2024-01-01T00:00:00.001"
    assert bounds(tmp_path, moments, pa.timestamp("us")) == (least, most)
    assert bounds(tmp_path, moments, UTC) == (f"{least}Z", f"{most}Z")


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0, math.nan], pa.float64()),
        ([1.0, 2.0], pa.float32()),
        ([b"a"], pa.binary()),
        ([True], pa.bool_()),
        (["a", "long " * 20], pa.string()),
        ([None, None], pa.int64()),
        ([-(2**62)], UTC),
    ],
    ids=["nan", "float", "binary", "boolean", "long text", "all null", "before year 1"],
)
def test_where_no_bound_can_be_trusted_there_is_none(tmp_path: Path, values, kind):
    assert bounds(tmp_path, values, kind) == (None, None)


def test_bounds_cover_every_row_group(tmp_path: Path):
    values = [5, 6, None, None, 1, 2]
    assert bounds(tmp_path, values, pa.int64(), row_group_size=2) == (1, 6)


def test_a_row_group_without_bounds_leaves_the_column_without(tmp_path: Path):
    assert bounds(tmp_path, [1, 2], pa.int64(), write_statistics=False) == (None, None)


def test_rows_and_nulls_are_counted(tmp_path: Path):
    table = pa.table({"a": [1, None, None], "b": ["x", "y", None]})
    found = statistics(tmp_path, table, row_group_size=2)
    assert found["numRecords"] == 3
    assert found["nullCount"] == {"a": 2, "b": 1}


def test_names_with_dots_and_columns_inside_others_are_not_confused(tmp_path: Path):
    rows = [
        {
            "a": {"b": 1, "list": [7], "deep": {"c": 2}},
            "a.b": 10,
            "map": [("k", 5)],
            "after": 3,
        }
    ]
    kinds = pa.schema(
        [
            (
                "a",
                pa.struct(
                    [
                        ("b", pa.int64()),
                        ("list", pa.list_(pa.int64())),
                        ("deep", pa.struct([("c", pa.int64())])),
                    ]
                ),
            ),
            ("a.b", pa.int64()),
            ("map", pa.map_(pa.string(), pa.int64())),
            ("after", pa.int64()),
        ]
    )
    found = statistics(tmp_path, pa.Table.from_pylist(rows, kinds))
    assert found["minValues"] == {"a": {"b": 1, "deep": {"c": 2}}, "a.b": 10, "after": 3}


def test_a_footer_longer_than_the_first_look_is_read(tmp_path: Path):
    table = pa.table({f"column {n}": [n] for n in range(1_000)})
    assert statistics(tmp_path, table)["maxValues"]["column 999"] == 999


def test_only_the_end_of_a_file_is_read(tmp_path: Path):
    class Counting(LocalFileStore):
        taken = 0

        def read(self, path: str, limit: int | None = None) -> bytes:
            raise AssertionError("the whole file is read")

        def read_end(self, path: str, length: int) -> bytes:
            data = super().read_end(path, length)
            self.taken += len(data)
            return data

    store, path = Counting(), tmp_path / "big.parquet"
    pq.write_table(pa.table({"a": [str(n) * 10 for n in range(100_000)]}), path)
    assert read_footer(store, str(path)).rows == 100_000
    assert store.taken <= 65_536 < path.stat().st_size


@pytest.mark.parametrize("data", [b"", b"PAR1", b"x" * 100])
def test_what_is_not_parquet_is_named(tmp_path: Path, data: bytes):
    path = tmp_path / "torn.parquet"
    path.write_bytes(data)
    with pytest.raises(CorruptFileError, match=r"torn\.parquet: not a parquet file"):
        read_footer(STORE, str(path))
