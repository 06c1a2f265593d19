"""An engine of lists behind `dc43 run`: the real protocol on local files, without Spark."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from attrs import field, frozen

from dc43_core.cli import main
from dc43_core.config import Config
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.markers import hookimpl
from dc43_core.pipeline import open_stream
from dc43_core.plugin_manager import load_plugins
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.file_store import LocalFileStore, local_path
from dc43_core.protocol.sink_log import FileSink
from dc43_core.registry import Extension
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeEraser, FakeStager
from dc43_core.vocabulary import Lane, RunOutcome

GOOD: list[dict[str, Any]] = [
    {"id": 1, "amount": 5, "state": "open"},
    {"id": 2, "amount": 7, "state": "paid"},
]
BAD: list[dict[str, Any]] = [
    {"id": 3, "amount": None, "state": "open"},
    {"id": 4, "amount": 1, "state": "open"},
]
PIPELINE = """\
name = "orders"
engine = "fake"
[source]
format = "jsonl"
path = "in"
[contract]
path = "orders.odcs.yaml"
[sink]
path = "out/main"
[rejects]
path = "out/rejects"
[run]
checkpoint = "out/checkpoint"
"""


class Files(LocalFileStore):
    """What the fake stager needs beyond a store: writing."""

    def write(self, path: str, data: bytes) -> None:
        local_path(path).parent.mkdir(parents=True, exist_ok=True)
        local_path(path).write_bytes(data)


@frozen
class Tended:
    """The places of a pipeline of the fake engine."""

    pipeline: Any
    other_store: Any = None

    def store(self) -> Any:
        return self.other_store or Files()

    def sinks(self) -> dict[Lane, FileSink]:
        file, store = self.pipeline, Files()
        sinks = {Lane.MAIN: FileSink(store, file.resolve(file.sink.path), ".jsonl")}
        if file.rejects:
            sinks[Lane.REJECTS] = FileSink(store, file.resolve(file.rejects.path), ".jsonl")
        return sinks

    def eraser(self) -> FakeEraser:
        return FakeEraser(store=self.store())

    def checkpoint(self) -> list[Any]:
        return []


class Runner:
    """Each file of the source is a batch; `after` is called behind each of them."""

    def __init__(self, hooks: dict[str, Any]) -> None:
        self.hooks = hooks
        # What an engine may offer beside `run`.
        vars(self).update({n: hooks[n] for n in ("rejects",) if n in hooks})

    def upkeep(self, pipeline: Any, runtime: Runtime) -> Tended:
        return Tended(pipeline, self.hooks.get("store"))

    def run(self, pipeline: Any, runtime: Runtime, on_batch: Any) -> Any:
        contract = runtime.contracts().read(Path(pipeline.resolve(pipeline.contract.path)))
        plan = runtime.plan(contract)
        store: Any = Files()
        sinks = Tended(pipeline).sinks()
        stream = open_stream(
            runtime=runtime,
            plan=plan,
            stager=FakeStager(store=store, plan=plan, kinds=runtime.kinds),
            store=store,
            checkpoint=pipeline.checkpoint,
            sinks=sinks,
            policy=Policy(run_type=pipeline.run.type),
            strategies=[runtime.strategy(one) for one in pipeline.strategies],
            namespace=pipeline.namespace,
            query_name=pipeline.name,
            adopt=pipeline.run.adopt,
            on_batch=on_batch,
        )
        self.hooks["stream"] = stream
        source = Path(pipeline.resolve(pipeline.source.path))
        for batch_id, file in enumerate(sorted(source.iterdir())):
            rows = [json.loads(line) for line in file.read_text().splitlines()]
            stream.process(rows, batch_id)
            after: Callable[[int], None] = self.hooks["after"]
            after(batch_id)
        stream.run_log.end(RunOutcome.ENDED)
        # Whoever prints inside an engine must not spoil the report.
        print("the engine says good-bye")
        return stream.result


@frozen
class Called:
    """One call of `dc43`: exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@frozen(kw_only=True)
class Project:
    """A folder with a contract and a pipeline, and the command line run in it."""

    folder: Path
    runtime: Runtime
    capsys: Any
    hooks: dict[str, Any] = field(factory=dict)
    good: Sequence[dict[str, Any]] = GOOD
    bad: Sequence[dict[str, Any]] = BAD

    def batches(self, *batches: Sequence[dict[str, Any]]) -> None:
        (self.folder / "in").mkdir(exist_ok=True)
        for number, rows in enumerate(batches):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (self.folder / "in" / f"{number:03d}.jsonl").write_text(lines)

    def pipeline(self, old: str = "", new: str = "") -> str:
        assert old in PIPELINE
        path = self.folder / "orders.toml"
        path.write_text(PIPELINE.replace(old, new) if old else PIPELINE)
        return str(path)

    def tended(self, pipeline: Any) -> Tended:
        return Tended(pipeline)

    def dc43(self, *arguments: str) -> Called:
        self.capsys.readouterr()
        code = main(arguments, runtime=lambda: self.runtime)
        out, err = self.capsys.readouterr()
        return Called(code, out, err)


@pytest.fixture
def project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("DC43_TRACEBACK", raising=False)
    (tmp_path / "orders.odcs.yaml").write_text(ORDERS)
    hooks: dict[str, Any] = {"after": lambda batch_id: None, "commands": []}
    plugins = load_plugins(allowed=[])
    plugins.manager.register(
        SimpleNamespace(
            dc43_pipeline_runners=hookimpl(
                lambda: [Extension("fake", lambda: Runner(hooks))],
                specname="dc43_pipeline_runners",
            ),
            dc43_cli_commands=hookimpl(lambda: hooks["commands"], specname="dc43_cli_commands"),
        ),
        name="fake-engine",
    )
    return Project(
        folder=tmp_path,
        runtime=Runtime(config=Config(), plugins=plugins, governance=MemoryGovernance()),
        capsys=capsys,
        hooks=hooks,
    )
