"""A stream of Spark's that is written to Delta tables, read back with delta-rs and pyarrow."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from attrs import define
from deltalake import DeltaTable

pytestmark = pytest.mark.spark

UTC = dt.UTC
NESTED = {
    "logicalType": "object",
    "properties": [
        {"name": "city", "logicalType": "string"},
        {"name": "tags", "logicalType": "array", "items": {"logicalType": "string"}},
    ],
}
PROPERTIES: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer", "required": True},
    {"name": "amount", "logicalType": "number", "physicalType": "decimal(20,4)"},
    {"name": "ratio", "logicalType": "number", "physicalType": "double"},
    {"name": "small", "logicalType": "integer", "physicalType": "smallint"},
    {"name": "at", "logicalType": "timestamp"},
    {"name": "wall", "logicalType": "timestamp", "physicalType": "timestamp_ntz"},
    {"name": "day", "logicalType": "date"},
    {"name": "note_ünïcode", "logicalType": "string"},
    {"name": "blob", "logicalType": "string", "physicalType": "binary"},
    {"name": "flag", "logicalType": "boolean"},
    {"name": "place", **NESTED},
]
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("amount", pa.decimal128(20, 4)),
        ("ratio", pa.float64()),
        ("small", pa.int16()),
        ("at", pa.timestamp("us", "UTC")),
        ("wall", pa.timestamp("us")),
        ("day", pa.date32()),
        ("note_ünïcode", pa.string()),
        ("blob", pa.binary()),
        ("flag", pa.bool_()),
        ("place", pa.struct([("city", pa.string()), ("tags", pa.list_(pa.string()))])),
    ]
)
PLAIN = {
    "amount": Decimal("1.5"),
    "ratio": 0.5,
    "small": 7,
    "at": dt.datetime(2024, 2, 29, 12, 30, 0, 123456, UTC),
    "wall": dt.datetime(2024, 2, 29, 12, 30, 0, 123456),
    "day": dt.date(2024, 2, 29),
    "note_ünïcode": "plain",
    "blob": b"\x00\xff",
    "flag": True,
    "place": {"city": "Zürich", "tags": ["a", None, "日本語"]},
}
NOTHING = dict.fromkeys(PLAIN)
FAR = {
    "amount": Decimal("-9999999999999999.9999"),
    "ratio": math.nan,
    "small": -32768,
    "at": dt.datetime(1500, 1, 1, tzinfo=UTC),
    "wall": dt.datetime(1, 1, 1),
    "day": dt.date(1, 1, 1),
    "note_ünïcode": "",
    "blob": b"",
    "flag": False,
    "place": {"city": None, "tags": []},
}
FURTHER = {
    **FAR,
    "amount": Decimal("9999999999999999.9999"),
    "ratio": -math.inf,
    "at": dt.datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    "wall": dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
    "day": dt.date(9999, 12, 31),
    "note_ünïcode": "🦆 " + "long " * 40,
    "place": None,
}
BATCHES = [
    [{"id": 1, **PLAIN}, {"id": 2, **NOTHING}, {"id": None, **PLAIN}],
    [{"id": 3, **FAR}, {"id": 4, **FURTHER}],
]
LANDED = [row for batch in BATCHES for row in batch if row["id"] is not None]
REJECTED = [row for batch in BATCHES for row in batch if row["id"] is None]


@define(eq=False)
class Flow:
    """Parquet files in, Delta tables out."""

    spark: Any
    runtime: Any
    home: Path

    @property
    def main(self) -> Path:
        return self.home / "main"

    @property
    def rejects(self) -> Path:
        return self.home / "rejects"

    def put(self, name: str, rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> None:
        (self.home / "in").mkdir(parents=True, exist_ok=True)
        hidden = self.home / "in" / f".{name}"
        pq.write_table(pa.Table.from_pylist(rows, schema), hidden)
        # Spark takes the oldest file first; written in one instant they have no order.
        written = 1_700_000_000 + len(list((self.home / "in").iterdir()))
        os.utime(hidden, (written, written))
        hidden.rename(self.home / "in" / name)

    def contract(self, properties: list[dict[str, Any]] = PROPERTIES) -> Path:
        document = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "things",
            "version": "1.0.0",
            "status": "active",
            "schema": [{"name": "rows", "properties": properties}],
        }
        file = self.home / "contract.odcs.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        return file

    def start(self, **options: Any) -> Any:
        from dc43_integrations.spark.io import (
            read_stream_with_contract,
            write_stream_with_contract,
        )

        contract = options.pop("contract", None) or self.contract()
        frame, read = read_stream_with_contract(
            self.spark,
            contract=contract,
            format="parquet",
            path=str(self.home / "in"),
            options={"maxFilesPerTrigger": 1},
            runtime=self.runtime,
        )
        given = {
            "df": frame,
            "reads": [read],
            "contract": contract,
            "format": "delta",
            "path": str(self.main),
            "rejects": str(self.rejects),
            "checkpoint_location": str(self.home / "checkpoint"),
            "trigger": "available-now",
            "runtime": self.runtime,
            **options,
        }
        return write_stream_with_contract(**given)

    def run(self, **options: Any) -> Any:
        result = self.start(**options)
        result.streaming_queries[0].awaitTermination(120)
        return result


@pytest.fixture(scope="module")
def landed(spark, tmp_path_factory) -> tuple[Flow, Any]:
    """Two batches of every type, with a reject."""
    from dc43_core.config import Config
    from dc43_core.governance.memory import MemoryGovernance
    from dc43_core.runtime import Runtime

    runtime = Runtime(config=Config(), governance=MemoryGovernance())
    flow = Flow(spark, runtime, tmp_path_factory.mktemp("delta") / "100% ü")
    for number, rows in enumerate(BATCHES):
        flow.put(f"{number}.parquet", rows)
    return flow, flow.run()


def by_delta(folder: Path) -> list[dict[str, Any]]:
    return DeltaTable(str(folder)).to_pyarrow_table().to_pylist()


def by_arrow(folder: Path) -> list[dict[str, Any]]:
    """The files alone, without what Delta says of their columns."""
    adds = DeltaTable(str(folder)).get_add_actions().column("path").to_pylist()
    return ds.dataset([str(folder / path) for path in adds]).to_table().to_pylist()


def comparable(rows: list[dict[str, Any]]) -> list[str]:
    # Through one schema, so that 1.5 and 1.5000 are one; as text, since NaN is not NaN.
    picked = [{name: row[name] for name in SCHEMA.names} for row in rows]
    return sorted(map(repr, pa.Table.from_pylist(picked, SCHEMA).to_pylist()))


@pytest.mark.parametrize("read", [by_delta, by_arrow])
def test_every_value_comes_back(landed, read: Callable[[Path], list[dict[str, Any]]]):
    flow, _ = landed
    assert comparable(read(flow.main)) == comparable(LANDED)
    assert comparable(read(flow.rejects)) == comparable(REJECTED)


def test_the_table_has_the_contract_s_columns_and_types(landed):
    flow, _ = landed
    found = pa.schema(DeltaTable(str(flow.main)).schema().to_arrow())
    assert {f.name: f.type for f in found} == {f.name: f.type for f in SCHEMA}
    (file, *_) = flow.main.glob("*.parquet")
    assert pq.read_schema(file).names == SCHEMA.names


def test_a_reject_says_why(landed):
    flow, _ = landed
    (row,) = by_delta(flow.rejects)
    assert row["_dc43_checks"] == ["id.required"]
    assert row["_dc43_batch"] == 0


def test_a_batch_is_one_commit_and_its_version_is_in_the_record(landed):
    flow, result = landed
    assert [b["dataset_version"] for b in result.streaming_batches] == ["0", "1"]
    history = DeltaTable(str(flow.main)).history()
    assert sorted(entry["version"] for entry in history) == [0, 1]
    stream = result.details["stream_id"]
    for folder, lane, newest in ((flow.main, "main", 1), (flow.rejects, "rejects", 0)):
        application = f"dc43-batch-{stream}-{lane}"
        assert DeltaTable(str(folder)).transaction_version(application) == newest


def test_the_guarantee_is_stated_in_result_and_record(landed):
    _, result = landed
    for said in (result.details["guarantee"], result.streaming_batches[0]["guarantee"]):
        assert said == "exactly once: one Delta commit a batch, with its application transaction"


def test_what_a_reader_skips_by_statistics_holds_no_row_it_wants(landed):
    flow, _ = landed
    table = DeltaTable(str(flow.main))
    flat = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    assert sum(add["num_records"] for add in flat) == len(LANDED)
    for add in flat:
        rows = pq.read_table(flow.main / add["path"]).to_pylist()
        for name in ("id", "amount", "small", "at", "wall", "day"):
            values = [row[name] for row in rows if row[name] is not None]
            least, most = add.get(f"min.{name}"), add.get(f"max.{name}")
            assert least is None or all(least <= value <= most for value in values), name
    bounded = [name for name in ("id", "amount", "small", "day") if flat[0][f"min.{name}"]]
    assert bounded, "no bounds at all: the statistics of Spark's files were not read"


# -- starts ------------------------------------------------------------------------------------

SMALL = [{"name": "id", "logicalType": "integer", "required": True}]
IDS = pa.schema([("id", pa.int64())])


@pytest.fixture
def flow(spark, runtime, tmp_path) -> Flow:
    return Flow(spark, runtime, tmp_path / "a flow")


def test_a_second_start_goes_on_where_the_first_ended_and_knows_its_keys(flow: Flow):
    contract = flow.contract([{**SMALL[0], "primaryKey": True, "primaryKeyPosition": 1}])
    flow.put("0.parquet", [{"id": 1}, {"id": 2}], IDS)
    flow.put("1.parquet", [{"id": 2}, {"id": 3}, {"id": 3}], IDS)
    first = flow.run(contract=contract, retain_keys="forever")
    assert [b["reject_count"] for b in first.streaming_batches] == [0, 2]
    flow.put("2.parquet", [{"id": 1}, {"id": 3}, {"id": 4}], IDS)
    again = flow.run(contract=contract, retain_keys="forever")
    [batch] = again.streaming_batches
    assert (batch["dataset_version"], batch["violations_by_check"]) == ("2", {"primaryKey": 2})
    assert batch["details"]["keys"] == {"retain": "forever", "known": 3, "new": 1}
    assert sorted(row["id"] for row in by_delta(flow.main)) == [1, 2, 3, 4]
    assert sorted(row["id"] for row in by_delta(flow.rejects)) == [1, 2, 3, 3]


def test_a_table_that_does_not_fit_is_refused_before_the_start(flow: Flow, spark):
    from deltalake import write_deltalake

    from dc43_core.errors import UnsoundPlaceError

    contract = flow.contract(SMALL)
    flow.put("0.parquet", [{"id": 1}], IDS)
    write_deltalake(str(flow.main), pa.table({"id": pa.array([7], pa.int32())}))
    with pytest.raises(UnsoundPlaceError, match="has id as integer, not long"):
        flow.start(contract=contract)
    assert spark.streams.active == []
    assert not (flow.home / "checkpoint" / "offsets").exists()
    assert by_delta(flow.main) == [{"id": 7}]


def test_a_table_of_others_that_fits_is_appended_to(flow: Flow):
    from deltalake import write_deltalake

    contract = flow.contract(SMALL)
    flow.put("0.parquet", [{"id": 1}], IDS)
    write_deltalake(str(flow.main), pa.table({"id": [7]}))
    result = flow.run(contract=contract)
    assert sorted(row["id"] for row in by_delta(flow.main)) == [1, 7]
    assert result.dataset_version == "1"


def test_a_pipeline_file_names_the_sink(flow: Flow, spark):
    from dc43_core.pipeline_file import load_pipeline
    from dc43_integrations.spark.runner import SparkRunner

    flow.contract(SMALL)
    flow.put("0.parquet", [{"id": 1}, {"id": None}], IDS)
    file = flow.home / "pipeline.toml"
    file.write_text(
        """
        source = {format = "parquet", path = "in"}
        contract = {path = "contract.odcs.yaml"}
        sink = {format = "delta", path = "main"}
        rejects = {path = "rejects"}
        """
    )
    result = SparkRunner().run(load_pipeline(file), flow.runtime, lambda batch: None)
    assert result.details["guarantee"].startswith("exactly once")
    assert by_delta(flow.main) == [{"id": 1}]
    assert [row["_dc43_checks"] for row in by_delta(flow.rejects)] == [["id.required"]]


def test_rejects_are_replayed_into_the_table_once(flow: Flow, spark):
    from dc43_integrations.spark.replay import replay_rejects

    note = {"name": "note", "logicalType": "string"}
    at = {"name": "at", "logicalType": "timestamp"}
    kinds = pa.schema(
        [("id", pa.int64()), ("note", pa.string()), ("at", pa.timestamp("us", "UTC"))]
    )
    moment = dt.datetime(2024, 1, 1, 0, 0, 0, 123456, dt.UTC)
    rows = [{"id": 1, "note": "x", "at": moment}, {"id": 2, "note": None, "at": moment}]
    flow.put("0.parquet", rows, kinds)
    flow.run(contract=flow.contract([*SMALL, {**note, "required": True}, at]))
    assert [row["id"] for row in by_delta(flow.main)] == [1]

    relaxed = flow.contract([*SMALL, note, at])
    where = {"path": str(flow.main), "rejects": str(flow.rejects), "format": "delta"}
    done = replay_rejects(spark, contract=relaxed, runtime=flow.runtime, **where)
    again = replay_rejects(spark, contract=relaxed, runtime=flow.runtime, **where)
    assert (done.record.main_count, again.record) == (1, None)
    assert sorted(by_delta(flow.main), key=lambda row: row["id"]) == rows
    assert done.record.dataset_version == str(DeltaTable(str(flow.main)).version()) == "1"


def test_a_batch_is_partitioned_and_overwritten(spark, landed, tmp_path):
    from dc43_integrations.spark.io import write_with_contract

    other, _ = landed
    flow = Flow(spark, other.runtime, tmp_path / "100% ü")
    names = {"id": "integer", "town": "string", "day": "date"}
    contract = flow.contract([{"name": n, "logicalType": kind} for n, kind in names.items()])
    day = dt.date(2024, 2, 29)
    first = [(1, "a/b c", day), (2, None, day), (3, "100%", None)]
    for rows, mode in ((first, "append"), ([(4, "Zürich", day)], "overwrite")):
        write_with_contract(
            df=spark.createDataFrame(rows, "id long, town string, day date"),
            contract=contract,
            path=str(flow.main),
            format="delta",
            partition_by=["town", "day"],
            mode=mode,
            runtime=flow.runtime,
        )
        found = [tuple(row[name] for name in names) for row in by_delta(flow.main)]
        assert sorted(found) == sorted(rows)
    assert DeltaTable(str(flow.main)).metadata().partition_columns == ["town", "day"]
