"""Ten drifts in four formats, each in a later file of a stream that began with files that fit.

Every stream is real: its second micro-batch reads one file that has drifted. A cell is ok if no
wrong value landed and nothing was lost: each row stands in main with the values that its file
gives it, or in the rejects with these values or their text, or its batch is blocked, so that the
source still has it. Rows are told by their id and compared value by value. Observing blocks
nothing that can be read: what it loses must stand as an error in the record.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet
from attrs import frozen
from pyspark.errors import StreamingQueryException
from pyspark.sql import Row, SparkSession

from dc43_core import Config, Runtime
from dc43_core.governance.memory import MemoryGovernance
from dc43_integrations.spark.io import read_stream_with_contract, write_stream_with_contract
from dc43_integrations.testing import small_session
from tests.faults.figures import Figure

SECTION = "drifts"
FORMATS = ("parquet", "json", "csv", "orc")
PLACE = pa.struct([("lat", pa.float64()), ("code", pa.int32())])
SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("size", pa.int32()),
        ("note", pa.string()),
        ("place", PLACE),
    ]
)
COLUMNS: list[dict[str, Any]] = [
    {"name": "id", "logicalType": "integer", "required": True},
    {"name": "size", "logicalType": "integer", "physicalType": "int", "required": True},
    {"name": "note", "logicalType": "string"},
    {
        "name": "place",
        "logicalType": "object",
        "properties": [
            {"name": "lat", "logicalType": "number"},
            {"name": "code", "logicalType": "integer", "physicalType": "int"},
        ],
    },
]
ROWS: list[dict[str, Any]] = [
    {"id": i, "size": 10 * i, "note": f"note {i}", "place": {"lat": i + 0.5, "code": i}}
    for i in range(1, 5)
]
Records = Sequence[Mapping[str, Any]]


@frozen(kw_only=True)
class Drift:
    """How the later file differs.

    Attributes:
        name: What it is called.
        rows: What the file holds.
        schema: Its schema, where its format has one.
        truth: What the producer means the contract's columns to be.
        nested: Whether it takes place inside a struct.
    """

    name: str
    rows: Records
    schema: pa.Schema
    truth: Records
    nested: bool = False


def drifts() -> list[Drift]:
    """Return the ten."""
    base = ROWS[2:]

    def typed(name: str, kind: pa.DataType) -> pa.Schema:
        return SCHEMA.set(SCHEMA.get_field_index(name), pa.field(name, kind))

    def renamed(**names: str) -> tuple[Records, pa.Schema]:
        rows = [{names.get(key, key): value for key, value in row.items()} for row in base]
        return rows, pa.schema([f.with_name(names.get(f.name, f.name)) for f in SCHEMA])

    def without(*names: str) -> tuple[Records, pa.Schema]:
        rows = [{key: row[key] for key in row if key not in names} for row in base]
        return rows, pa.schema([field for field in SCHEMA if field.name not in names])

    def inside(**change: Any) -> Records:
        return [{**row, "place": {**row["place"], **change}} for row in base]

    less, less_schema = without("note")
    gone, gone_schema = without("size")
    other, other_schema = renamed(note="remark")
    cased, cased_schema = renamed(note="Note", size="SIZE")
    names = list(reversed(SCHEMA.names))
    big = [{**row, "size": 3_000_000_000 + row["id"]} for row in base]
    part = [{**row, "place": {"lat": row["place"]["lat"]}} for row in base]
    return [
        Drift(
            name="optional column missing",
            rows=less,
            schema=less_schema,
            truth=[{**row, "note": None} for row in base],
        ),
        Drift(
            name="required column missing",
            rows=gone,
            schema=gone_schema,
            truth=[{**row, "size": None} for row in base],
        ),
        Drift(
            name="extra column",
            rows=[{**row, "secret": "s"} for row in base],
            schema=SCHEMA.append(pa.field("secret", pa.string())),
            truth=base,
        ),
        Drift(
            name="columns in another order",
            rows=[{name: row[name] for name in names} for row in base],
            schema=pa.schema([SCHEMA.field(name) for name in names]),
            truth=base,
        ),
        Drift(name="column renamed", rows=other, schema=other_schema, truth=base),
        Drift(name="name in another case", rows=cased, schema=cased_schema, truth=base),
        Drift(
            name="type widened (int, declared bigint)",
            rows=base,
            schema=typed("id", pa.int32()),
            truth=base,
        ),
        Drift(
            name="type narrowed (bigint, declared int)",
            rows=big,
            schema=typed("size", pa.int64()),
            truth=big,
        ),
        Drift(
            name="nested field missing",
            rows=part,
            schema=typed("place", pa.struct([("lat", pa.float64())])),
            truth=[{**row, "place": {**row["place"], "code": None}} for row in base],
            nested=True,
        ),
        Drift(
            name="nested type changed (text, declared double)",
            rows=inside(lat="xx"),
            schema=typed("place", pa.struct([("lat", pa.string()), ("code", pa.int32())])),
            truth=inside(lat="xx"),
            nested=True,
        ),
    ]


@frozen(kw_only=True)
class Outcome:
    """What became of one stream."""

    error: str | None
    batches: Sequence[Mapping[str, Any]]
    main: Sequence[Row]
    rejects: Sequence[Row]


@frozen(kw_only=True)
class Bed:
    """One format: how its files are written, and the streams over them."""

    spark: SparkSession
    runtime: Runtime
    format: str
    home: Path

    @property
    def columns(self) -> list[dict[str, Any]]:
        """The contract's columns; CSV has no structs."""
        return COLUMNS[:-1] if self.format == "csv" else COLUMNS

    def write(self, folder: Path, number: int, rows: Records, schema: pa.Schema) -> None:
        """Write one file; files are taken in the order of their numbers."""
        folder.mkdir(parents=True, exist_ok=True)
        file, hidden = folder / f"{number}.{self.format}", folder / f".{number}"
        if self.format in ("parquet", "orc"):
            table = pa.Table.from_pylist(list(rows), schema)
            writer = pa.parquet.write_table if self.format == "parquet" else pa.orc.write_table
            writer(table, hidden)
        elif self.format == "json":
            hidden.write_text("\n".join(json.dumps(row) for row in rows))
        else:
            names = [name for name in rows[0] if name != "place"]
            lines = [",".join(str(row[name]) for name in names) for row in rows]
            hidden.write_text("\n".join([",".join(names), *lines]))
        os.utime(hidden, (1_700_000_000 + number,) * 2)
        hidden.replace(file)

    def run(self, drift: Drift, *, enforce: bool) -> Outcome:
        """Run a stream whose second batch has drifted."""
        home = self.home / f"{self.format}-{drift.name}-{enforce}".replace(" ", "-")
        self.write(home / "in", 0, ROWS[:2], SCHEMA)
        self.write(home / "in", 1, drift.rows, drift.schema)
        return self.stream(home, self.columns, enforce=enforce)

    def stream(self, home: Path, columns: list[dict[str, Any]], *, enforce: bool = True) -> Outcome:
        """Run a stream over the files in a folder, one a batch."""
        document = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "rows",
            "version": "1.0.0",
            "status": "active",
            "schema": [{"name": "rows", "properties": columns}],
        }
        contract = self.runtime.contracts().parse("rows.odcs.yaml", json.dumps(document).encode())
        frame, read = read_stream_with_contract(
            self.spark,
            contract=contract,
            format=self.format,
            path=str(home / "in"),
            options={"maxFilesPerTrigger": 1, **({"header": True} if self.format == "csv" else {})},
            runtime=self.runtime,
        )
        result = write_stream_with_contract(
            df=frame,
            contract=contract,
            path=str(home / "main"),
            rejects=str(home / "rejects"),
            checkpoint_location=str(home / "checkpoint"),
            reads=[read],
            enforce=enforce,
            trigger="available-now",
            runtime=self.runtime,
        )
        error = None
        try:
            result.streaming_queries[0].awaitTermination()
        except StreamingQueryException as stopped:
            error = str(stopped)
        return Outcome(
            error=error,
            batches=result.streaming_batches,
            main=self._landed(home / "main"),
            rejects=self._landed(home / "rejects"),
        )

    def _landed(self, folder: Path) -> list[Row]:
        there = (folder / "_spark_metadata").exists()
        return self.spark.read.parquet(str(folder)).collect() if there else []


def judge(drift: Drift, outcome: Outcome, columns: Sequence[str]) -> tuple[str, list[str]]:
    """Return what became of the drifted file, and what is wrong with it."""
    wanted = {row["id"]: {name: row[name] for name in columns} for row in (*ROWS[:2], *drift.truth)}
    wrong: list[str] = []
    landed: dict[int, str] = {}
    for row in outcome.main:
        values = {name: _plain(row[name]) for name in columns}
        key = values["id"]
        if key in landed or values != wanted.get(key):
            wrong.append(f"main has {values}, meant was {wanted.get(key)}")
        landed[key] = "main"
    for row in outcome.rejects:
        key, lost = _rejected(row, wanted, columns)
        wrong += lost
        landed[key] = "rejects"
    drifted = {row["id"] for row in drift.truth}
    blocked = bool(outcome.batches) and outcome.batches[-1]["outcome"] == "blocked"
    missing = set(wanted) - set(landed)
    if missing - (drifted if blocked else set()):
        wrong.append(f"rows {sorted(missing)} are nowhere")
    if blocked and drifted & set(landed):
        wrong.append("the blocked batch left rows")
    if outcome.error and not blocked:
        wrong.append(f"it failed without a record: {outcome.error[:200]}")
    if wrong:
        errors = outcome.batches[-1]["errors"] if outcome.batches else ()
        return ("WRONG, and told", [*errors]) if errors and not blocked else ("WRONG", wrong)
    last = outcome.batches[-1]
    named = ", ".join(sorted({d["kind"] for d in last["drift"]}))
    if blocked:
        return f"blocked ({named})", [str(last["intervention"])]
    if any(landed[key] == "rejects" for key in drifted):
        broken = ", ".join(last["violations_by_check"])
        return f"raw rejects ({broken})", [f"drift in the record: {named or 'none'}"]
    return "landed, values right", [f"drift in the record: {named or 'none'}"]


def _rejected(
    row: Row, wanted: Mapping[int, Mapping[str, Any]], columns: Sequence[str]
) -> tuple[int, list[str]]:
    """Return a reject's id, and which of its values it does not show."""
    line, raw = row["_dc43_line"], row["_dc43_raw"] or {}
    if line is not None:
        found = [key for key, values in wanted.items() if _shown(values, line)]
        return (found[0], []) if found else (0, [f"nobody's line: {line}"])
    meant = wanted.get(row["id"], {})
    lost = [
        f"reject {row['id']} lost {name}"
        for name in columns
        if _plain(row[name]) != meant.get(name) and raw.get(name) != str(meant.get(name))
    ]
    return row["id"], lost


def _shown(values: Mapping[str, Any], line: str) -> bool:
    parts = [v for value in values.values() for v in _leaves(value) if v is not None]
    return all(str(part) in line for part in parts)


def _leaves(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else [value]


def _plain(value: Any) -> Any:
    return value.asDict() if isinstance(value, Row) else value


def measure(*, full: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    """Yield one figure a cell: enforced, and in the long form observed as well."""
    # Each block is one error with its traceback, here and in py4j.
    for name in ("dc43", "py4j"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    spark = small_session()
    runtime = Runtime(config=Config(), governance=MemoryGovernance())
    try:
        with tempfile.TemporaryDirectory() as folder:
            for kind in FORMATS:
                say(f"{kind}: {len(drifts())} drifts")
                bed = Bed(spark=spark, runtime=runtime, format=kind, home=Path(folder))
                for drift in drifts():
                    for enforce in (True, False) if full else (True,):
                        yield cell(bed, drift, enforce=enforce)
            yield thousand(spark, runtime, Path(folder) / "thousand")
    finally:
        spark.stop()


def thousand(spark: SparkSession, runtime: Runtime, home: Path) -> Figure:
    """Return the figure of a contract with 1,000 rules, far beyond what one method takes."""
    rules = [
        {
            "id": f"below_{n}",
            "type": "custom",
            "engine": "dc43",
            "implementation": {"kind": "range", "exclusiveMaximum": n},
        }
        for n in range(1_000)
    ]
    (home / "in").mkdir(parents=True)
    values = (-1, 0, 59, 60, 500, 2_000)
    (home / "in" / "0.csv").write_text("\n".join(["n", *map(str, values)]))
    bed = Bed(spark=spark, runtime=runtime, format="csv", home=home)
    began = time.monotonic()
    outcome = bed.stream(home, [{"name": "n", "logicalType": "integer", "quality": rules}])
    seconds = time.monotonic() - began
    wanted = {n: min(max(n + 1, 0), 1_000) for n in values}
    found = {row["n"]: len(row["_dc43_checks"]) for row in outcome.rejects}
    found |= {row["n"]: 0 for row in outcome.main}
    return Figure(
        section=SECTION,
        name="1,000 rules on a column",
        value="verdicts right" if found == wanted else "WRONG",
        ok=found == wanted and outcome.error is None,
        detail=f"one batch of {len(values)} rows took {seconds:.0f} s"
        if found == wanted
        else f"found {found}, not {wanted}; {outcome.error}",
    )


def cell(bed: Bed, drift: Drift, *, enforce: bool) -> Figure:
    """Return the figure of one drift in one format."""
    name = f"{bed.format}: {drift.name}" + ("" if enforce else ", observed")
    if drift.nested and bed.format == "csv":
        detail = "CSV has no nested values"
        return Figure(section=SECTION, name=name, value="n/a", ok=True, detail=detail)
    columns = [column["name"] for column in bed.columns]
    value, why = judge(drift, bed.run(drift, enforce=enforce), columns)
    # Observing lands what it can and says so as an error; it never blocks.
    ok = not value.startswith("WRONG") or (not enforce and value.endswith("told"))
    return Figure(section=SECTION, name=name, value=value, ok=ok, detail="; ".join(why)[:300])
