"""A world of files in memory in which drivers of a small stream come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import define, field

from dc43_core import release_batch
from dc43_core.config import Config, KeysConfig, Limits
from dc43_core.data_quality.local import LocalDataQuality
from dc43_core.errors import BatchBlockedError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.plugin_manager import Plugins, load_plugins
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.naming import Name, Versions
from dc43_core.protocol.sink_log import FileSink
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeStager, Row, read_rows
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane, RunType

CHECKPOINT, MAIN, REJECTS = "memory:/checkpoint", "memory:/main", "memory:/rejects"


class Crash(BaseException):
    """The process dies here."""


def order(id_: Any, amount: Any = 1, state: Any = "open") -> dict[str, Any]:
    return {"id": id_, "amount": amount, "state": state}


GOOD = [order(1), order(2)]
BAD = [order(3), order(4, None)]
OPTIONAL = ORDERS.replace("required: true, ", "").replace("1.0.0", "1.1.0")
"""The contract's next version, in which no amount is required."""


def blocked(
    stream: GovernedStream[Sequence[Row]], rows: Sequence[Row], batch_id: int = 0
) -> BatchBlockedError:
    """Hand over a batch that is to be blocked."""
    with pytest.raises(BatchBlockedError) as caught:
        stream.process(rows, batch_id)
    return caught.value


@define
class Drivers:
    """What outlives a driver: the files."""

    plugins: Plugins
    store: MemoryStore = field(factory=MemoryStore)
    governance: MemoryGovernance = field(factory=MemoryGovernance)
    limits: Limits = field(factory=Limits)
    checkpoint: str = CHECKPOINT
    main: str = MAIN
    retain: str = "batch"

    def runtime(self, data_quality: Any = None) -> Runtime:
        return Runtime(
            config=Config(limits=self.limits, keys=KeysConfig(retain=self.retain)),
            plugins=self.plugins,
            governance=self.governance,
            data_quality=data_quality or LocalDataQuality(),
        )

    def start(
        self,
        *strategies: Any,
        run_type: RunType = RunType.ENFORCE,
        rejects: bool = True,
        contract: str = ORDERS,
        crash_at: str | None = None,
        at_point: Callable[[str, int], None] = lambda name, batch_id: None,
        explicit: bool = True,
        data_quality: Any = None,
        gone: Sequence[str] = (),
        version: Name | None = None,
        batch_time: Callable[[int], int] | None = None,
        **policy: Any,
    ) -> GovernedStream[Sequence[Row]]:
        """Start a driver."""
        runtime = self.runtime(data_quality)
        plan = runtime.plan(runtime.contracts().parse("orders", contract.encode()))
        sinks = {Lane.MAIN: FileSink(self.store, self.main, ".jsonl")}
        if rejects:
            sinks[Lane.REJECTS] = FileSink(self.store, REJECTS, ".jsonl")

        def failpoint(name: str, batch_id: int) -> None:
            at_point(name, batch_id)
            if name == crash_at:
                raise Crash

        return open_stream(
            runtime=runtime,
            plan=plan,
            stager=FakeStager(store=self.store, plan=plan, kinds=runtime.kinds, gone=gone),
            store=self.store,
            checkpoint=self.checkpoint,
            sinks=sinks,
            policy=Policy(run_type=run_type, **policy),
            strategies=[
                NamedStrategy(name=type(s).__name__, strategy=s, explicit=explicit)
                for s in strategies
            ],
            versions=None if version is None else Versions(wanted=version),
            failpoint=failpoint,
            batch_time=batch_time,
        )

    def blocked(self, rows: Sequence[Row], batch_id: int = 0, **options: Any) -> BatchBlockedError:
        """Start a driver that is to block this batch."""
        return blocked(self.start(**{"rejects": False, **options}), rows, batch_id)

    @property
    def journal(self) -> Journal:
        folder = next(f for f in self.store.list(f"{self.checkpoint}/dc43") if f.is_folder)
        return Journal(self.store, self.checkpoint, folder.name)

    def landed(self, uri: str = MAIN) -> list[dict[str, Any]]:
        """What readers of a sink see."""
        sink = FileSink(self.store, uri, ".jsonl")
        return [row for path in sink.files() for row in read_rows(self.store, path)]

    def ids(self, uri: str = MAIN) -> list[Any]:
        return sorted(row["id"] for row in self.landed(uri))

    def staged(self) -> list[str]:
        found = []
        for stream in self.store.list(f"{self.main}/_dc43/staging"):
            found += [attempt.name for attempt in self.store.list(stream.path)]
        return found

    def each_crash(
        self, make: Callable[[], Drivers], act: Callable[[Drivers], None]
    ) -> list[tuple[str, Drivers]]:
        """Run `act` on a new world for each operation on files, and die at that one."""
        worlds: list[tuple[str, Drivers]] = []
        while True:
            world, passed, died = make(), 0, ""

            def die(operation: str, path: str) -> None:
                nonlocal passed, died
                passed += 1
                if passed == len(worlds) + 1:
                    died = f"{operation} {path}"
                    raise Crash

            world.store.before = die
            try:
                act(world)
            except Crash:
                world.store.before = lambda operation, path: None
                world.store.crash()
            else:
                return worlds
            worlds.append((died, world))


@pytest.fixture(scope="session")
def core_plugins() -> Plugins:
    return load_plugins(allowed=())


@pytest.fixture
def drivers(core_plugins: Plugins) -> Drivers:
    return Drivers(core_plugins)


def release(drivers: Drivers, as_: str, batch_id: int = 0, reason: str = "checked by hand") -> Any:
    return release_batch(
        drivers.checkpoint, batch_id, as_=as_, reason=reason, by="anna", store=drivers.store
    )
