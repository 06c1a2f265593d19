"""The streams of the upgrade fixtures: the fake engine on local files, which are all text.

Changed only where an interface of the product changes; what is in `fixtures` never is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from attrs import define

from dc43_core.config import Config
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.file_store import LocalFileStore, local_path
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.sink_log import FileSink
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeStager, read_rows
from dc43_core.vocabulary import Lane, RunType

HERE = "file:///fixture"
"""Stands in the fixtures for the URI of the folder that they are copied to."""
FIXTURES = Path(__file__).with_name("fixtures")
Row = dict[str, Any]


class Files(LocalFileStore):
    """What the fake stager needs beyond a store: writing."""

    def write(self, path: str, data: bytes) -> None:
        local_path(path).parent.mkdir(parents=True, exist_ok=True)
        local_path(path).write_bytes(data)


@define
class Blocks:
    """Blocks one batch."""

    batch: int

    def decide(self, context: DecisionContext) -> Intervention | str | None:
        return "not today" if context.batch_id == self.batch else None


@define(kw_only=True)
class Place:
    """A folder with two streams, `orders` and `returns`, into one main and one reject sink."""

    folder: Path

    def sinks(self) -> dict[Lane, FileSink]:
        store = Files()
        return {
            Lane.MAIN: FileSink(store, str(self.folder / "main"), ".jsonl"),
            Lane.REJECTS: FileSink(store, str(self.folder / "rejects"), ".jsonl"),
        }

    def start(
        self,
        name: str,
        *,
        blocks: int = -1,
        failpoint: Callable[[str, int], None] | None = None,
    ) -> GovernedStream[Sequence[Row]]:
        runtime = Runtime(config=Config(), governance=MemoryGovernance())
        plan = runtime.plan(runtime.contracts().parse("orders.odcs.yaml", ORDERS.encode()))
        store: Any = Files()
        return open_stream(
            runtime=runtime,
            plan=plan,
            stager=FakeStager(store=store, plan=plan, kinds=runtime.kinds),
            store=store,
            checkpoint=self.checkpoint(name),
            sinks=self.sinks(),
            strategies=[NamedStrategy(name="blocks", strategy=Blocks(blocks))],
            policy=Policy(run_type=RunType.ENFORCE),
            query_name=name,
            failpoint=failpoint,
        )

    def checkpoint(self, name: str) -> str:
        return str(self.folder / "checkpoints" / name)

    def journal(self, name: str) -> Journal:
        known = stream_of(Files(), self.checkpoint(name))
        assert known is not None
        return Journal(Files(), self.checkpoint(name), known["stream_id"])

    def landed(self, lane: Lane) -> list[int]:
        """Ids that readers see, each as often as it is there."""
        store: Any = Files()
        files = self.sinks()[lane].log.files()
        return sorted(row["id"] for file in files for row in read_rows(store, file))


def orders(first: int) -> list[Row]:
    """Three rows, the last of which lacks its amount."""
    amounts = (5, 7, None)
    return [{"id": first + n, "amount": a, "state": "open"} for n, a in enumerate(amounts)]


def copied(fixture: Path, folder: Path) -> Place:
    """Copy a fixture, with its own place in every file."""
    for file in sorted(fixture.rglob("*")):
        if file.is_file():
            target = folder / file.relative_to(fixture)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes().replace(HERE.encode(), folder.as_uri().encode()))
    return Place(folder=folder)


def jsons(folder: Path) -> dict[str, Any]:
    """The files of dc43 itself by their names: not data, not the log of Spark's format."""
    found = {}
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        if file.is_file() and "_spark_metadata" not in name and file.suffix != ".jsonl":
            found[name] = json.loads(file.read_text())
    return found
