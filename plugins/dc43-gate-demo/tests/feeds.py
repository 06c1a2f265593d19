"""Streams of a few flights through the product's own protocol, on an engine of lists.

Batches, records, runs and reject files are made by dc43 itself; only Spark is left out.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from attrs import define, field, frozen
from pyarrow import parquet

from dc43_core.config import Config
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.plugin_manager import load_plugins
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.engine import BatchFacts, Staged
from dc43_core.protocol.file_store import LocalFileStore, local_path
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.sink_log import FileSink
from dc43_core.runtime import Runtime
from dc43_core.testing.fake_engine import CHECKS, ROW_ID, FakeStager, Row
from dc43_core.vocabulary import Lane, RunOutcome, RunType
from dc43_demo_app.reading.ledger import Ledger
from dc43_demo_app.reading.promises import Promises
from dc43_demo_app.web.site import Site
from dc43_governance_sql.ledger import SqlGovernance
from dc43_governance_sql.options import SqlOptions

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: flights
version: 1.0.0
status: active
name: A few flights
schema:
  - name: flights
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}
      - name: tailnum
        logicalType: string
        required: true
        logicalTypeOptions: {pattern: "^N[0-9]+$"}
      - name: delay
        logicalType: integer
        quality:
          - id: delay_present
            metric: nullValues
            mustBe: 0
            severity: warning
"""
FIRST_DAY = dt.date(2013, 1, 1)


class Files(LocalFileStore):
    """What the stager of lists needs beyond a store: writing."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file whole."""
        local_path(path).parent.mkdir(parents=True, exist_ok=True)
        local_path(path).write_bytes(data)


@frozen(kw_only=True)
class FlightsStager(FakeStager):
    """The stager of lists, with rejects as the engines write them: parquet with an envelope."""

    def input(self, batch_id: int) -> Mapping[str, Any]:
        """Name the file of the day."""
        day = FIRST_DAY + dt.timedelta(days=batch_id)
        file = f"file:///feed/{day}.csv"
        return {
            "datasets": [{"dataset_id": "feed", "path": "file:///feed"}],
            "files": [file],
            "file_count": 1,
        }

    def finish(
        self, staged: Staged, violating_to: Lane, batch: BatchFacts
    ) -> Mapping[Lane, Sequence[str]]:
        """Seal what goes to the rejects."""
        lanes = super().finish(staged, violating_to, batch)
        sealed = [self._sealed(path, batch) for path in lanes[Lane.REJECTS]]
        return {Lane.MAIN: lanes[Lane.MAIN], Lane.REJECTS: sealed}

    def _sealed(self, path: str, batch: BatchFacts) -> str:
        rows = [json.loads(line) for line in local_path(path).read_text().splitlines()]
        demands = {e.id: e.demand for e in self.plan.expectations}
        table = [
            {
                **{name: row[name] for name in self.schema()},
                "_dc43_row_id": row[ROW_ID],
                "_dc43_checks": row[CHECKS],
                "_dc43_reasons": [demands.get(check, check) for check in row[CHECKS]],
                "_dc43_batch": batch.batch_id,
            }
            for row in rows
        ]
        target = path.replace(".jsonl", ".parquet")
        parquet.write_table(pa.Table.from_pylist(table), local_path(target))
        return target


@define(kw_only=True, eq=False)
class World:
    """A folder with a ledger, contracts, products, and streams."""

    folder: Path
    runtime: Runtime
    opened: list[GovernedStream[Any]] = field(factory=list)

    @classmethod
    @contextmanager
    def at(cls, folder: Path) -> Iterator[World]:
        """Make one, and close it at the end."""
        contracts = folder / "contracts"
        contracts.mkdir(parents=True, exist_ok=True)
        (contracts / "flights.odcs.yaml").write_text(CONTRACT)
        config = folder / "dc43.toml"
        config.write_text('[governance.ledger]\nuse = "sql"\npath = "ledger.db"\n')
        ledger = SqlGovernance(SqlOptions(path=str(folder / "ledger.db")))
        ledger.open()
        runtime = Runtime(
            config=Config(source=config),
            plugins=load_plugins(),
            governance=ledger,
        )
        try:
            yield cls(folder=folder, runtime=runtime)
        finally:
            ledger.close()

    def site(self, **facts: Any) -> Site:
        """Return what the pages show of it."""
        client = self.runtime.governance
        promises = Promises(runtime=self.runtime)
        return Site(runtime=self.runtime, ledger=Ledger(client=client), promises=promises, **facts)

    def stream(
        self,
        name: str = "daily-flights",
        *,
        contract: str = "flights",
        run_type: RunType = RunType.OBSERVE,
        strategies: Sequence[NamedStrategy] = (),
        rejects: bool = True,
        folder: Path | None = None,
    ) -> GovernedStream[Sequence[Row]]:
        """Start a stream; started once more under its name it goes on."""
        store, home = Files(), self.folder / name
        plan = self.runtime.plan(self.runtime.contracts(folder).get(contract))
        sinks = {Lane.MAIN: FileSink(store, str(home / "main"), ".jsonl")}
        if rejects:
            sinks[Lane.REJECTS] = FileSink(store, str(home / "rejects"), ".parquet")
        stager: Any = FlightsStager(
            store=store, plan=plan, kinds=self.runtime.kinds, rows_per_file=10_000
        )  # type: ignore[arg-type]
        stream: GovernedStream[Sequence[Row]] = open_stream(
            runtime=self.runtime,
            plan=plan,
            stager=stager,
            store=store,
            checkpoint=str(home / "checkpoint"),
            sinks=sinks,
            policy=Policy(run_type=run_type),
            strategies=strategies,
            query_name=name,
        )
        stream.run_log.beat()
        self.opened.append(stream)
        return stream

    def flights(self, year: Path, batch: int, stream: GovernedStream[Any]) -> list[dict[str, Any]]:
        """Return the real flights of one day, cast as the stream's contract says."""
        day = FIRST_DAY + dt.timedelta(days=batch)
        types = stream.protocol.stager.schema()
        with (year / f"{day}.csv").open(newline="") as file:
            return [
                {name: _cast(text, types[name]) for name, text in row.items()}
                for row in csv.DictReader(file)
            ]


def _cast(text: str, logical_type: str) -> Any:
    # Staged rows are JSON, which has no timestamps; the rules of that column are not at stake.
    if text == "NA" or logical_type == "timestamp":
        return None
    return int(text) if logical_type == "integer" else text


def rows(batch: int, *, count: int = 10, bad: int = 1, late: int = 0) -> list[dict[str, Any]]:
    """Return flights: `bad` without a usable registration, `late` without a delay."""
    return [
        {
            "id": batch * 1_000 + n,
            "tailnum": ("D-AIUA" if n % 2 else None) if n < bad else f"N{n}{batch}",
            "delay": None if count - n <= late else n,
        }
        for n in range(count)
    ]


def feed(
    stream: GovernedStream[Sequence[Row]], batches: Sequence[int], **facts: int
) -> GovernedStream[Sequence[Row]]:
    """Send batches, and tell the ledger how far the run is."""
    for batch in batches:
        stream.process(rows(batch, **facts), batch)
    stream.run_log.beat()
    return stream


def end(stream: GovernedStream[Any], outcome: RunOutcome = RunOutcome.ENDED) -> str:
    """End a run; return its id."""
    stream.run_log.end(outcome)
    return stream.run_log.run.run_id


def run_id(stream: GovernedStream[Any]) -> str:
    """Return a run's id."""
    return stream.run_log.run.run_id
