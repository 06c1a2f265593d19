"""A stream or a batch write on the engine of plain lists, to see what a strategy does to rows.

pipeline = FakePipeline()
pipeline.write([{"id": 1, "amount": None, "state": "open"}], strategies=[MyStrategy()])
assert pipeline.rows() == []
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import define, field

from dc43_core.batch import write_batch
from dc43_core.config import Config
from dc43_core.data_quality.model import ValidationResult
from dc43_core.expectations.model import CheckPlan
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.interventions.interface import InterventionStrategy
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.plugin_manager import Plugins, load_plugins
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_log import FileSink
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeStager, Row, read_rows
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane, RunType

Strategies = Sequence[str | InterventionStrategy]
_PLACES = {Lane.MAIN: "memory:/main", Lane.REJECTS: "memory:/rejects"}


def _built_in() -> Plugins:
    return load_plugins(allowed=())


@define(kw_only=True)
class FakePipeline:
    """The files and the ledger that outlive a driver: each call is a new one.

    Attributes:
        contract: Text of the contract; change it and the next start has another version.
        plugins: What strategies may be named; by default those of the core.
    """

    contract: str = ORDERS
    plugins: Plugins = field(factory=_built_in)
    store: MemoryStore = field(factory=MemoryStore)
    governance: MemoryGovernance = field(factory=MemoryGovernance)

    def write(
        self,
        rows: Sequence[Row],
        *,
        strategies: Strategies = (),
        explicit: bool = True,
        rejects: bool = True,
        run_type: RunType = RunType.OBSERVE,
        **policy: Any,
    ) -> ValidationResult:
        """Write a batch.

        Args:
            rows: Its rows.
            strategies: Names or objects.
            explicit: Whether the caller passes them, or the configuration names them.
            rejects: Whether there is a reject sink.
            run_type: `observe` or `enforce`.
            policy: Further attributes of the policy.

        Raises:
            BatchBlockedError: if it is blocked.
        """
        runtime = self._runtime()
        return write_batch(
            rows,
            sinks=self._sinks(rejects),
            policy=Policy(run_type=run_type, **policy),
            strategies=[runtime.strategy(one, explicit=explicit) for one in strategies],
            **self._parts(runtime),
        )

    def start(
        self,
        *,
        strategies: Strategies = (),
        explicit: bool = True,
        rejects: bool = True,
        run_type: RunType = RunType.OBSERVE,
        **policy: Any,
    ) -> GovernedStream[Sequence[Row]]:
        """Start the stream, or start it again; feed it by `process(rows, batch_id)`."""
        runtime = self._runtime()
        return open_stream(
            checkpoint="memory:/checkpoint",
            sinks=self._sinks(rejects),
            policy=Policy(run_type=run_type, **policy),
            strategies=[runtime.strategy(one, explicit=explicit) for one in strategies],
            **self._parts(runtime),
        )

    def rows(self, lane: Lane = Lane.MAIN) -> list[dict[str, Any]]:
        """Return what readers of a sink see."""
        files = self._sinks(True)[lane].files()
        return [row for file in files for row in read_rows(self.store, file)]

    def records(self) -> list[GovernanceRecord]:
        """Return what governance was told."""
        return list(self.governance.records())

    def plan(self) -> CheckPlan:
        """Return what the contract asks."""
        return self._plan(self._runtime())

    def _runtime(self) -> Runtime:
        return Runtime(config=Config(), plugins=self.plugins, governance=self.governance)

    def _plan(self, runtime: Runtime) -> CheckPlan:
        contract = runtime.contracts().parse("orders.odcs.yaml", self.contract.encode())
        return runtime.plan(contract)

    def _parts(self, runtime: Runtime) -> dict[str, Any]:
        plan = self._plan(runtime)
        return {
            "runtime": runtime,
            "plan": plan,
            "stager": FakeStager(store=self.store, plan=plan, kinds=runtime.kinds),
            "store": self.store,
        }

    def _sinks(self, rejects: bool) -> dict[Lane, Sink]:
        lanes = (Lane.MAIN, Lane.REJECTS) if rejects else (Lane.MAIN,)
        return {lane: FileSink(self.store, _PLACES[lane], ".jsonl") for lane in lanes}
