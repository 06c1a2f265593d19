"""Write files, run a stream over them, read what landed: each test on a folder of its own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import define, field, frozen
from mounts import Address
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, Row, SparkSession

from dc43_core.contracts.model import Contract
from dc43_core.data_quality.model import ValidationResult
from dc43_core.protocol.file_store import local_path
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.runtime import Runtime
from dc43_integrations.spark.io import read_stream_with_contract, write_stream_with_contract

CSV = {"header": True}


class KindsSeen(set[str]):
    """Kinds of rule that were broken, over all tests."""

    def note(self, runtime: Runtime, contract: Contract, records: list[GovernanceRecord]) -> None:
        """Look up what the broken checks of these records are."""
        by_id = {e.id: e.kind for e in runtime.plan(contract).expectations}
        for record in records:
            self.update(by_id[c] for c in record.violations_by_check if c in by_id)
            if any("number of rows" in text for text in (*record.errors, *record.warnings)):
                self.add("row-count")


@frozen(kw_only=True)
class Landed:
    """One run of a stream, over.

    Attributes:
        result: What the write returned.
        seen: What `on_streaming_batch` was called with.
        error: Text of the exception that ended the query; None if it ended by itself.
    """

    flow: Flow
    result: ValidationResult
    seen: list[dict[str, Any]]
    error: str | None

    @property
    def batches(self) -> list[dict[str, Any]]:
        return self.result.streaming_batches

    @property
    def batch(self) -> dict[str, Any]:
        """The only batch."""
        (only,) = self.batches
        return only

    @property
    def broken(self) -> dict[str, int]:
        """Check id to rows of the only batch."""
        return dict(self.batch["violations_by_check"])


@define(eq=False)
class Flow:
    """A source folder, a contract, and where its rows land."""

    spark: SparkSession
    runtime: Runtime
    home: Path
    properties: list[dict[str, Any]]
    kinds_seen: KindsSeen
    quality: list[dict[str, Any]] = field(factory=list)
    levels: list[dict[str, Any]] = field(factory=list)
    format: str = "csv"
    options: dict[str, Any] = field(factory=lambda: dict(CSV))
    name: str = "orders"
    at: Address = str
    contract: Contract = field(init=False)
    _files: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.source.mkdir(parents=True)
        self.contract = self.read_contract()

    @property
    def source(self) -> Path:
        return self.home / "in"

    @property
    def main(self) -> Path:
        return self.home / "main"

    @property
    def rejects(self) -> Path:
        return self.home / "rejects"

    @property
    def checkpoint(self) -> Path:
        return self.home / "checkpoint"

    def read_contract(self) -> Contract:
        document = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": self.name,
            "version": "1.0.0",
            "status": "active",
            "schema": [{"name": "rows", "properties": self.properties, "quality": self.quality}],
            "slaProperties": self.levels,
        }
        file = self.home / "contract.odcs.yaml"
        # JSON is YAML.
        file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        return self.runtime.contracts().read(file)

    # -- source --------------------------------------------------------------------------------

    def put(self, *lines: str, name: str | None = None) -> Path:
        """Write the next text file; files are taken in this order."""
        return self._aged(name or f"{self._files:03d}.{self.format}", "\n".join(lines).encode())

    def put_json(self, *rows: dict[str, Any]) -> Path:
        """Write the next file of JSON lines."""
        return self.put(*(json.dumps(row, ensure_ascii=False) for row in rows))

    def put_table(self, rows: list[dict[str, Any]], schema: pa.Schema) -> Path:
        """Write the next parquet file."""
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(rows, schema), sink)
        return self._aged(f"{self._files:03d}.parquet", sink.getvalue().to_pybytes())

    def _aged(self, name: str, content: bytes) -> Path:
        file = self.source / name
        hidden = self.source / f".{name}"
        hidden.write_bytes(content)
        # Spark takes files by age: here one second apart.
        os.utime(hidden, (1_700_000_000 + self._files, 1_700_000_000 + self._files))
        hidden.replace(file)
        self._files += 1
        return file

    # -- running -------------------------------------------------------------------------------

    def read(self, **options: Any) -> tuple[DataFrame, ValidationResult]:
        given = {**self.options, **options.pop("options", {})}
        return read_stream_with_contract(
            self.spark,
            contract=self.contract,
            format=self.format,
            path=self.at(self.source),
            options=given,
            runtime=self.runtime,
            **options,
        )

    def start(
        self, *, per_batch: int | None = None, read: dict[str, Any] | None = None, **options: Any
    ) -> ValidationResult:
        """Start the stream; rejects are on unless `rejects=None`."""
        files = {} if per_batch is None else {"maxFilesPerTrigger": per_batch}
        frame, found = self.read(**{"options": files, **(read or {})})
        return write_stream_with_contract(
            **{
                "df": frame,
                "contract": self.contract,
                "path": self.at(self.main),
                "rejects": self.at(self.rejects),
                "checkpoint_location": self.at(self.checkpoint),
                "reads": [found],
                "trigger": {"availableNow": True},
                "runtime": self.runtime,
                **options,
            }
        )

    def run(self, *, timeout: float = 300, **options: Any) -> Landed:
        """Start the stream and wait until its source is empty, or it stops."""
        seen: list[dict[str, Any]] = []
        result = self.start(**{"on_streaming_batch": seen.append, **options})
        error = None
        (query,) = result.streaming_queries
        try:
            if not query.awaitTermination(timeout):
                query.stop()
                error = f"still running after {timeout} seconds"
        except StreamingQueryException as stopped:
            error = str(stopped)
        self.kinds_seen.note(self.runtime, self.contract, self.records())
        return Landed(flow=self, result=result, seen=seen, error=error)

    # -- what landed ---------------------------------------------------------------------------

    def records(self) -> list[GovernanceRecord]:
        return list(self.runtime.governance.records(dataset_id=self.name))

    def rows(self, folder: Path | None = None) -> list[Row]:
        """What Spark's own reader sees; nothing where nothing was ever published."""
        folder = folder or self.main
        if not (folder / "_spark_metadata").exists():
            return []
        return self.spark.read.parquet(self.at(folder)).collect()

    def main_rows(self) -> list[tuple[Any, ...]]:
        return sorted((tuple(row) for row in self.rows()), key=repr)

    def reject_rows(self) -> list[Row]:
        return sorted(self.rows(self.rejects), key=repr)

    def lanes(self) -> tuple[list[Any], dict[Any, list[str]]]:
        """The first column of each row in main; of each reject, and the checks it broke."""
        good = sorted((row[0] for row in self.rows()), key=repr)
        return good, {row[0]: sorted(row["_dc43_checks"]) for row in self.rows(self.rejects)}

    def committed(self) -> list[str]:
        """Batches that Spark counts as done."""
        folder = self.checkpoint / "commits"
        return sorted(f.name for f in folder.glob("[0-9]*")) if folder.exists() else []

    def local(self, uri: str) -> Path:
        """Where a file lies that a record or a log names."""
        path, home = unquote(uri), str(self.home)
        root = self.at(self.home)
        if not root.startswith("viewfs:"):
            return local_path(uri)
        assert path.startswith(root), f"{uri} is not below {root}"
        return Path(home + path.removeprefix(root))

    def logged(self, folder: Path | None = None) -> list[str]:
        """Files that the newest state of the sink's log lists, read without dc43."""
        log = (folder or self.main) / "_spark_metadata"
        files: dict[str, None] = {}
        for entry in log.iterdir() if log.exists() else ():
            if entry.name[0] != ".":
                files.update(
                    (json.loads(x)["path"], None) for x in entry.read_text().split("\n")[1:]
                )
        return sorted(files)
