"""The data-quality service: what a monitor asks, from the process of the stream or any other."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType

from dc43_core.contracts.model import Contract
from dc43_core.data_quality.interface import Snapshot
from dc43_core.data_quality.model import Finding, Observations, ValidationResult
from dc43_core.errors import ConfigurationError, UnknownMeasurementError
from dc43_core.expectations.model import CheckPlan
from dc43_core.governance.interface import catalogue_keeper
from dc43_core.governance.measurements import Measurement
from dc43_core.governance.measuring import Measuring
from dc43_core.governance.run_log import driver
from dc43_core.governance.verdict import DatasetVerdict, latest_verdict
from dc43_core.protocol import clock
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.evaluate import evaluate
from dc43_core.runtime import Runtime, default_runtime
from dc43_core.vocabulary import RunType

Asked = CheckPlan | Contract | str
"""What a contract asks, the contract, or its id in the configured folder."""


class DataQualityService:
    """Describes, evaluates, tells the latest verdict, and measures snapshots in the background.

    It is a data-quality client besides, judging as the runtime's own does, so it can be handed to a
    helper as `data_quality_service=`.

        service = DataQualityService()
        verdict = service.verdict(result.dataset_id, result.dataset_version)

    Args:
        runtime: Configuration, plugins and services; by default the process's.
        workers: How many snapshots are measured at once.
    """

    def __init__(self, runtime: Runtime | None = None, *, workers: int = 1) -> None:
        self._runtime = runtime or default_runtime()
        self._measuring = Measuring(lambda: self._runtime.governance, self.evaluate, workers)

    def describe_expectations(self, plan: Asked) -> Sequence[dict[str, str]]:
        """Return `{path, state, what}` for every node of a contract.

        Args:
            plan: What a contract asks, the contract, or its id in the configured folder.
        """
        return self._runtime.data_quality.describe_expectations(self._plan(plan))

    def findings(self, plan: CheckPlan, observations: Observations) -> Sequence[Finding]:
        """Return every expectation that does not hold, as the runtime's client says."""
        return self._runtime.data_quality.findings(plan, observations)

    def evaluate(
        self,
        plan: Asked,
        observations: Observations,
        *,
        run_type: RunType | str = RunType.OBSERVE,
        has_rejects: bool = False,
    ) -> ValidationResult:
        """Judge counts: what a batch of these numbers would be told.

        Args:
            plan: What a contract asks, the contract, or its id in the configured folder.
            observations: What was counted.
            run_type: `observe` or `enforce`; says when the verdict is `block`.
            has_rejects: Whether violating rows leave the others.

        Raises:
            ConfigurationError: if the run type is not known.
        """
        if run_type not in list(RunType):
            known = ", ".join(RunType)
            raise ConfigurationError("run_type", [f"{run_type!r} is not one of {known}"])
        return evaluate(
            self._plan(plan),
            observations,
            data_quality=self._runtime.data_quality,
            policy=Policy(run_type=RunType(run_type)),
            has_rejects=has_rejects,
            schema={},
        )

    def verdict(
        self, dataset_id: str, dataset_version: str | None = None, *, namespace: str | None = None
    ) -> DatasetVerdict | None:
        """Return the latest verdict; None while nothing is known.

        A measurement that was asked for after the batch counts. Of a version that is known by a
        schema alone, as of a read or of a stream before its first batch, the verdict is on that.

        Args:
            dataset_id: As the result of a read or write names it.
            dataset_version: As that result names it; None for the newest batch, also if it was
                blocked.
            namespace: First part of every key; by default the configuration's.
        """
        namespace = namespace or self._runtime.config.namespace
        measured = self.measurements(dataset_id, namespace=namespace)
        client = self._runtime.governance
        return latest_verdict(client, namespace, dataset_id, dataset_version, measured)

    def measure(
        self,
        snapshot: Snapshot,
        plan: Asked,
        *,
        dataset_version: str,
        dataset_id: str | None = None,
        namespace: str | None = None,
    ) -> Measurement:
        """Have a snapshot measured in the background, and return what to ask with.

        What waits or is being measured for the same version and contract is not asked for twice.

        Args:
            snapshot: The rows, such as a `SparkSnapshot`.
            plan: What a contract asks, the contract, or its id in the configured folder.
            dataset_version: What the rows are a snapshot of.
            dataset_id: By default that of the contract.
            namespace: First part of every key; by default the configuration's.

        Raises:
            ServiceClosedError: if the service has been closed.
            Dc43Error: if the contract cannot be used.
        """
        plan, now = self._plan(plan), clock.now()
        wanted = Measurement(
            measurement_id=clock.new_id()[:12],
            dataset_id=dataset_id or plan.dataset_id,
            dataset_version=dataset_version,
            contract_id=plan.contract.id,
            contract_version=plan.contract.version,
            driver=driver(),
            requested_at=now,
            heartbeat_at=now,
            namespace=namespace or self._runtime.config.namespace,
        )
        return self._measuring.ask(wanted, snapshot, plan)

    def measurement(self, measurement_id: str, *, namespace: str | None = None) -> Measurement:
        """Return how far a measurement has come; from any process that reaches the ledger.

        Args:
            measurement_id: As `measure` returned it.
            namespace: First part of every key; by default the configuration's.

        Raises:
            UnknownMeasurementError: if nobody has asked for it.
        """
        known = self._measuring.row(measurement_id)
        if known is not None:
            return known
        client: object = self._runtime.governance
        if catalogue_keeper(client):
            namespace = namespace or self._runtime.config.namespace
            found = client.measurements(namespace=namespace, measurement_id=measurement_id)
            if found:
                return found[-1]
        raise UnknownMeasurementError(measurement_id, f"ledger {self._runtime.ledger}")

    def measurements(
        self, dataset_id: str | None = None, *, namespace: str | None = None
    ) -> Sequence[Measurement]:
        """Return measurements, oldest first: those of the ledger, or of this process.

        Args:
            dataset_id: Only this dataset.
            namespace: First part of every key; by default the configuration's.
        """
        namespace = namespace or self._runtime.config.namespace
        client: object = self._runtime.governance
        if catalogue_keeper(client):
            return client.measurements(namespace=namespace, dataset_id=dataset_id)
        return [
            one
            for one in self._measuring.rows()
            if one.namespace == namespace and dataset_id in (None, one.dataset_id)
        ]

    def wait(self, measurement_id: str, timeout: float | None = None) -> Measurement:
        """Wait until a measurement that this service was asked for has ended.

        Args:
            measurement_id: As `measure` returned it.
            timeout: Seconds after which it is returned as it is.

        Raises:
            UnknownMeasurementError: if this service was not asked for it.
        """
        return self._measuring.wait(measurement_id, timeout)

    def close(self) -> None:
        """Measure nothing more: what waits has failed, what is being measured is waited for."""
        self._measuring.close()

    def __enter__(self) -> DataQualityService:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _plan(self, asked: Asked) -> CheckPlan:
        if isinstance(asked, CheckPlan):
            return asked
        contract = self._runtime.contracts().get(asked) if isinstance(asked, str) else asked
        return self._runtime.plan(contract)
