"""Small Delta tables: stage rows as an engine would, publish them, read them without dc43."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import define, field
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.transaction import AddAction, create_table_with_add_actions

from dc43_core.protocol.file_store import FileStore, LocalFileStore, local_path
from dc43_core.protocol.journal import LaneManifest
from dc43_core.vocabulary import Lane
from dc43_delta.sink import DeltaSink

STREAM = "a" * 32
COLUMNS = {"id": "long", "note": "string"}
ARROW = {
    "long": pa.int64(),
    "string": pa.string(),
    "double": pa.float64(),
    "timestamp": pa.timestamp("us", "UTC"),
}


def spark_json(columns: dict[str, Any], **more: Any) -> str:
    """A schema as Spark writes it."""
    fields = [
        {"name": name, "type": kind, "nullable": True, "metadata": {}, **more}
        for name, kind in columns.items()
    ]
    return json.dumps({"type": "struct", "fields": fields})


@define(eq=False)
class Tables:
    """A table, its sink, and everyone else who writes there."""

    home: Path
    columns: dict[str, Any]
    store: FileStore = field(factory=LocalFileStore)
    _numbers: Any = field(factory=itertools.count, init=False)

    @property
    def folder(self) -> Path:
        return self.home / "a table"

    def sink(self, **options: Any) -> DeltaSink:
        given = {
            "store": self.store,
            "folder": str(self.folder),
            "lane": Lane.MAIN,
            "schema": lambda: spark_json(self.columns),
            **options,
        }
        return DeltaSink(**given)

    def stage(self, *ids: int) -> str:
        """Write one more staged file; its rows have these ids."""
        path = self.folder / "_dc43" / "staging" / f"{next(self._numbers):05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = [{"id": i, "note": f"note {i}"} for i in ids]
        kinds = pa.schema([(name, ARROW[kind]) for name, kind in self.columns.items()])
        pq.write_table(pa.Table.from_pylist(rows, kinds), path)
        return path.as_uri()

    def manifest(
        self, batch: int, *files: str, stream: str = STREAM, after: int | None = None
    ) -> LaneManifest:
        """What the protocol writes down before it publishes these files."""
        sink = self.sink()
        token = f"batch-{stream}-{batch:010d}-"
        return LaneManifest(
            token=token,
            after=sink.newest() if after is None else after,
            moves=tuple((path, sink.final_name(token, i, path)) for i, path in enumerate(files)),
        )

    def publish(self, batch: int, *ids: int, stream: str = STREAM) -> int:
        """Stage rows and publish them."""
        return self.sink().publish(self.manifest(batch, self.stage(*ids), stream=stream))

    # -- without dc43 --------------------------------------------------------------------------

    def table(self) -> DeltaTable:
        return DeltaTable(str(self.folder))

    def ids(self) -> list[int]:
        """The ids that a reader sees, sorted."""
        return sorted(row["id"] for row in self.table().to_pyarrow_table().to_pylist())

    def create(self, columns: dict[str, Any] | None = None, **options: Any) -> None:
        """Create an empty table by hand."""
        self.folder.mkdir(parents=True, exist_ok=True)
        schema = Schema.from_json(spark_json(columns or self.columns, **options.pop("field", {})))
        create_table_with_add_actions(str(self.folder), schema, [], **options)

    def append(self, *ids: int, application: tuple[str, int] | None = None) -> None:
        """Append as another writer does."""
        name = f"other-{next(self._numbers):05d}.parquet"
        staged = local_path(self.stage(*ids))
        size = staged.stat().st_size
        staged.rename(self.folder / name)
        transactions = [Transaction(*application)] if application else None
        table = self.table()
        table.create_write_transaction(
            [AddAction(name, size, {}, 0, True, '{"numRecords": 1}')],
            "append",
            table.schema(),
            commit_properties=CommitProperties(app_transactions=transactions),
        )
