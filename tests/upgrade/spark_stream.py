"""The streams of the Spark fixtures: CSV in, Parquet out, Spark's own checkpoint beside ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from dc43_core.config import Config
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.rejects import Replayed
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import RunType
from dc43_integrations.spark import write
from dc43_integrations.spark.arguments import bindings
from dc43_integrations.spark.io import read_stream_with_contract
from dc43_integrations.spark.replay import replay_rejects
from dc43_integrations.spark.write import StreamTarget
from tests.upgrade.stream import Blocks

HERE = b"/the/folder/of/the/fixture"
"""Stands in the text files of a fixture for the folder that it is copied to."""
FIXTURES = Path(__file__).with_name("spark_fixtures")
CONTRACT = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "orders",
    "version": "1.0.0",
    "status": "active",
    "schema": [
        {
            "name": "orders",
            "properties": [
                {"name": "id", "logicalType": "integer", "required": True},
                {"name": "amount", "logicalType": "integer", "required": True},
                {"name": "note", "logicalType": "string"},
            ],
        }
    ],
}


@define(kw_only=True)
class SparkPlace:
    """A folder with two streams, `orders` and `returns`, into one main and one reject sink."""

    spark: SparkSession
    folder: Path

    def put(self, name: str, first: int) -> None:
        """Write a file of three rows: one is good, one lacks its amount, one will not cast."""
        source = self.folder / "in" / name
        source.mkdir(parents=True, exist_ok=True)
        lines = ["id,amount,note", f"{first},5,good", f"{first + 1},,bad", f"{first + 2},x,ugly"]
        (source / f"{first}.csv").write_text("\n".join(lines))

    def run(
        self,
        name: str,
        *,
        blocks: int = -1,
        failpoint: Callable[[str, int], None] | None = None,
    ) -> str | None:
        """Run one stream over one file a batch; return what stopped it."""
        runtime = Runtime(config=Config(), governance=MemoryGovernance())
        file = self.folder / "orders.odcs.yaml"
        file.write_text(json.dumps(CONTRACT))
        contract = runtime.contracts().read(file)
        frame, read = read_stream_with_contract(
            self.spark,
            contract=contract,
            format="csv",
            path=str(self.folder / "in" / name),
            options={"header": True, "maxFilesPerTrigger": 1},
            runtime=runtime,
        )
        started = write.start(
            frame=frame,
            runtime=runtime,
            plan=runtime.plan(contract),
            target=StreamTarget(
                path=str(self.folder / "main"),
                rejects=str(self.folder / "rejects"),
                checkpoint=self.checkpoint(name),
                options={},
                query_name=name,
                trigger={"availableNow": True},
            ),
            policy=Policy(run_type=RunType.ENFORCE),
            strategies=[NamedStrategy(name="blocks", strategy=Blocks(blocks))],
            reads=bindings([read]),
            failpoint=failpoint,
        )
        try:
            started.query.awaitTermination(300)
        except StreamingQueryException as error:
            return str(error)
        finally:
            started.stream.run_log.join()
        return None

    def replay(self) -> Replayed:
        """Judge the rejects again, under a contract that needs no amount."""
        runtime = Runtime(config=Config(), governance=MemoryGovernance())
        file = self.folder / "corrected.odcs.yaml"
        file.write_text(
            json.dumps(CONTRACT).replace(
                '"integer", "required": true}, {"name": "note"', '"integer"}, {"name": "note"'
            )
        )
        return replay_rejects(
            self.spark,
            contract=runtime.contracts().read(file),
            path=str(self.folder / "main"),
            rejects=str(self.folder / "rejects"),
            runtime=runtime,
        )

    def checkpoint(self, name: str) -> str:
        return str(self.folder / "checkpoints" / name)

    def journal(self, name: str) -> Journal:
        known = stream_of(LocalFileStore(), self.checkpoint(name))
        assert known is not None
        return Journal(LocalFileStore(), self.checkpoint(name), known["stream_id"])

    def rows(self, lane: str) -> list[Any]:
        """Ids that Spark's own reader sees."""
        return sorted(r["id"] for r in self.spark.read.parquet(str(self.folder / lane)).collect())


def transplant(source: Path, target: Path, old: bytes, new: bytes) -> None:
    """Copy a folder with another name for it in its text files.

    Checksums that Hadoop keeps beside its files are left out: they are of the old text.
    """
    for file in sorted(source.rglob("*")):
        if not file.is_file() or file.suffix == ".crc":
            continue
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = file.read_bytes()
        copy.write_bytes(content if file.suffix == ".parquet" else content.replace(old, new))
