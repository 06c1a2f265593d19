"""A governed stream: the stages in order. The only module that sees them all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from attrs import define, field

from dc43_core.data_quality.lookback import Lookback
from dc43_core.data_quality.model import ValidationResult
from dc43_core.data_quality.service_levels import level_metrics
from dc43_core.errors import (
    BatchBlockedError,
    Dc43Error,
    StopRequestedError,
    described,
    said_by,
)
from dc43_core.expectations.model import CheckPlan
from dc43_core.governance.approvals import Approvals
from dc43_core.governance.interface import catalogue_keeper
from dc43_core.governance.model import Run
from dc43_core.governance.outbox import Outbox
from dc43_core.governance.run_log import RunLog, driver
from dc43_core.log import get_logger
from dc43_core.pipeline_file import PipelineFile
from dc43_core.protocol.clock import MACHINE, Surroundings
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.engine import Stager
from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.identity import identify
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.key_state import stream_keys
from dc43_core.protocol.keys import KeyLog
from dc43_core.protocol.naming import Versions
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.replay import complete
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.start_check import require_sound
from dc43_core.protocol.start_strategies import settle_strategies
from dc43_core.protocol.steps import BatchProtocol
from dc43_core.protocol.writes import Writes, settle
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Lane, Outcome, RunOutcome, Verdict

Frame = TypeVar("Frame")
OnBatch = Callable[[dict[str, Any]], object]
log = get_logger("pipeline")


class PipelineRunner(Protocol):
    """Runs a pipeline file on one engine."""

    def run(self, pipeline: PipelineFile, runtime: Runtime, on_batch: OnBatch) -> ValidationResult:
        """Run until the trigger is done, and return the stream's result.

        Raises:
            BatchBlockedError: when a batch was blocked.
        """
        ...


@define(kw_only=True, eq=False)
class GovernedStream(Generic[Frame]):
    """One start of one stream, on any engine: feed it micro-batches.

    Made by `open_stream`; engines call `process`.
    """

    protocol: BatchProtocol[Frame]
    result: ValidationResult
    outbox: Outbox
    run_log: RunLog
    exporters: Sequence[tuple[str, Any]] = ()
    on_batch: OnBatch | None = None
    timeline: int = 1_000
    history: deque[Mapping[str, Any]] = field(factory=deque, repr=False)
    failure: BaseException | None = None
    is_stop: Callable[[BaseException], bool] = lambda error: False
    """Whether an error is how the engine tells that it was asked to stop; no fault then."""

    def process(self, frame: Frame, batch_id: int) -> GovernanceRecord:
        """Take one micro-batch to its end, and tell everyone who listens.

        What stopped the stream, if anything did, is kept in `failure`.

        Raises:
            BatchBlockedError: when the batch is blocked.
            StopRequestedError: when someone asked the run to end; the batch is not begun.
            GovernanceDownError: where an outage of governance is to block; it is not begun then.
            Dc43Error, Exception: a fault; nothing of the batch is visible unless its fate was
                decided, and then the next start completes it.
        """
        try:
            self.run_log.batch_begins(batch_id)
            return self._taken(frame, batch_id)
        except StopRequestedError as error:
            self._stopped(error)
            raise
        except BatchBlockedError as error:
            self._blocked(error)
            self._ended(error, RunOutcome.BLOCKED)
            raise
        # Also what a listener was interrupted by: the batch is decided then, and not told of.
        except BaseException as error:
            if self.is_stop(error):
                self._stopped(error)
                raise
            self._failed(batch_id, error)
            self._ended(error, RunOutcome.FAILED)
            raise
        finally:
            self.run_log.batch_ends()

    def _taken(self, frame: Frame, batch_id: int) -> GovernanceRecord:
        self.outbox.require()
        try:
            record = self.protocol.process(frame, batch_id)
        except BatchBlockedError:
            *earlier, blocked = self._incidents(batch_id)
            self._tell(blocked, earlier)
            raise
        self._tell(record, self._incidents(batch_id))
        return record

    def _incidents(self, batch_id: int) -> list[GovernanceRecord]:
        return [held.record for held in self.protocol.journal.incidents(batch_id)]

    def _ended(self, error: BaseException, outcome: RunOutcome) -> None:
        self.failure = error
        # Of others the class alone: their text may quote rows, and a ledger holds none.
        ours = isinstance(error, Dc43Error)
        self.run_log.end(outcome, str(error) if ours else type(error).__name__)

    def _stopped(self, error: BaseException) -> None:
        with self.result.lock:
            self.result.details["outcome"] = RunOutcome.STOPPED.value
        self._ended(error, RunOutcome.STOPPED)

    def _blocked(self, error: BatchBlockedError) -> None:
        with self.result.lock:
            self.result.details["outcome"] = Outcome.BLOCKED.value
            self.result.details["record_id"] = error.record_id
            if self.result.ok:
                self.result.status, self.result.reason = Verdict.BLOCK, error.reason

    def _failed(self, batch_id: int, error: BaseException) -> None:
        """Make a fault visible on the result: there is no path from an error to ok."""
        with self.result.lock:
            self.result.status = Verdict.UNKNOWN
            self.result.reason = f"batch {batch_id} failed: {type(error).__name__}"
            self.result.errors.append(self.result.reason)
            self.result.details["outcome"] = Outcome.FAILED.value

    def _tell(self, record: GovernanceRecord, earlier: Sequence[GovernanceRecord]) -> None:
        """Tell everyone of a record, and governance of those that come before it.

        They may be of a driver that was overtaken before it told of them.
        """
        payload = record.payload()
        known = any(e["record_id"] == record.record_id for e in self.result.streaming_batches[-3:])
        if not known:
            self._update(record, payload)
        if not (self.history and self.history[-1]["record_id"] == record.record_id):
            # A copy of its own: what is done to the caller's entry changes no strategy's history.
            self.history.append(record.payload())
        self.protocol.lookback.add(record.payload())
        self.outbox.relay(*earlier, record)
        self._show_outbox()
        for name, exporter in self.exporters:
            # A copy each: the record itself may wait in the outbox still.
            self._isolated(f"exporter {name}", exporter.export, record.copy())
        if self.on_batch is not None:
            self._isolated("on_streaming_batch", self.on_batch, record.payload())

    def end(self) -> None:
        """Send what governance lacks, once more; the rest is sent at the next start."""
        self.outbox.flush()
        self._show_outbox()

    def _show_outbox(self) -> None:
        with self.result.lock:
            self.result.details["outbox_depth"] = self.outbox.depth
            if self.outbox.failure is None:
                self.result.details.pop("outbox_error", None)
            else:
                self.result.details["outbox_error"] = said_by(self.outbox.failure)

    def _isolated(self, who: str, listener: Callable[[Any], object], fact: Any) -> None:
        try:
            listener(fact)
        # A boundary to foreign code: a listener that fails is counted and never stops a stream.
        except Exception as error:
            log.error("listener.failed", listener=who, error=described(error), exc_info=True)
            with self.result.lock:
                failures = self.result.details.setdefault("listener_failures", {})
                failures[who] = failures.get(who, 0) + 1

    def _update(self, record: GovernanceRecord, payload: dict[str, Any]) -> None:
        result = self.result
        with result.lock:
            result.streaming_batches.append(payload)
            del result.streaming_batches[: -self.timeline]
            result.status = max(result.status, record.verdict, key=lambda v: v.rank)
            result.errors += [f"batch {record.batch_id}: {m}" for m in record.errors]
            result.warnings += [f"batch {record.batch_id}: {m}" for m in record.warnings]
            del result.errors[: -self.timeline], result.warnings[: -self.timeline]
            if record.outcome is Outcome.COMMITTED and record.dataset_version is not None:
                result.dataset_version = record.dataset_version
            if record.verdict is not Verdict.OK:
                said = (record.intervention, *record.errors, *record.warnings, result.reason)
                result.reason = next((text for text in said if text), None)
            for name in ("row_count", "main_count", "valid_count", "reject_count", "violations"):
                result.metrics[name] = result.metrics.get(name, 0) + getattr(record, name)
            result.metrics["batch_count"] = result.metrics.get("batch_count", 0) + 1
            # Of a batch, unlike the sums: how old its data was tells of no other.
            result.metrics.update(level_metrics(record.metrics))
            result.details["run_row_failures"] = self.run_log.failures


def open_stream(
    *,
    runtime: Runtime,
    plan: CheckPlan,
    stager: Stager[Frame],
    store: FileStore,
    checkpoint: str,
    sinks: Mapping[Lane, Sink],
    policy: Policy,
    strategies: Sequence[NamedStrategy] = (),
    namespace: str | None = None,
    query_name: str | None = None,
    adopt: str | None = None,
    on_batch: OnBatch | None = None,
    details: Mapping[str, Any] | None = None,
    versions: Versions | None = None,
    observed_only: bool = False,
    failpoint: Callable[[str, int], None] | None = None,
    surroundings: Surroundings = MACHINE,
    batch_time: Callable[[int], int] | None = None,
) -> GovernedStream[Frame]:
    """Begin one start of a stream: identity, epoch, history, and what the ledger lacks.

    Args:
        batch_time: Returns a batch's own time in milliseconds since 1970, the same at each attempt;
            keys that are kept for a time are measured by it. None takes the clock.

    Raises:
        StreamIdentityError: if checkpoint and sink do not fit.
        UnsoundPlaceError: if a sink is not as it was left.
        ConfigurationError: if a strategy needs what the stream does not have, or two have one name.
        TypeError: if every version would be called alike.
    """
    strategies, policy = settle_strategies(strategies, policy, has_rejects=Lane.REJECTS in sinks)
    if versions is not None:
        versions.require_distinct()
    defects = require_sound(store, checkpoint, sinks, adopt)
    namespace = namespace or runtime.config.namespace
    identity = identify(
        store,
        store,
        namespace=namespace,
        checkpoint=checkpoint,
        sink=sinks[Lane.MAIN].uri,
        contract_id=plan.contract.id,
        query_name=query_name,
        adopt=adopt,
        lost=any(defect.adopt == "fork" for found in defects.values() for defect in found),
        new_id=surroundings.new_id,
    )
    for lane, found in defects.items():
        sinks[lane].accept(defect for defect in found if defect.adopt == "continue")
    journal = Journal(store, identity.checkpoint, identity.stream_id)
    limits = runtime.config.limits
    history: deque[Mapping[str, Any]] = deque(
        (r.payload() for r in journal.records(limits.history)), limits.history
    )
    run_id, epoch = surroundings.new_id()[:12], journal.open_epoch()
    begun = surroundings.now()
    run_log = RunLog(
        lambda: runtime.governance,
        Run(
            run_id=run_id,
            stream_id=identity.stream_id,
            epoch=epoch,
            dataset_id=plan.dataset_id,
            contract_id=plan.contract.id,
            contract_version=plan.contract.version,
            query_name=query_name,
            run_type=policy.run_type,
            sink=identity.sink,
            checkpoint=identity.checkpoint,
            driver=driver(),
            started_at=begun,
            heartbeat_at=begun,
            namespace=namespace,
        ),
    )
    lookback = Lookback(plan=plan, limit=limits.lookback)
    if lookback.rules:
        for record in journal.records(lookback.limit):
            lookback.add(record.payload())
    protocol = BatchProtocol(
        identity=identity,
        run_id=run_id,
        epoch=epoch,
        store=store,
        journal=journal,
        sinks=sinks,
        stager=stager,
        plan=plan,
        data_quality=runtime.data_quality,
        strategies=strategies,
        policy=policy,
        history=lambda: tuple(history),
        failpoint=_noted(run_log, failpoint),
        now=surroundings.now,
        lookback=lookback,
        details=dict(details or {}),
        versions=versions,
        observed_only=observed_only,
        keys=stream_keys(plan, KeyLog(journal, surroundings.new_id), stager, batch_time),
        held_bytes=None if observed_only else limits.held_bytes,
    )
    outbox = Outbox(
        lambda: runtime.governance,
        journal,
        namespace=namespace,
        config=runtime.config.outbox,
        clock=surroundings.clock,
        sleep=surroundings.sleep,
    )
    outbox.open()
    # A replay of rejects that died on its way is completed by whoever comes next.
    if protocol.keys is not None:
        protocol.keys.settle()
    complete(store, sinks)
    settle(store, sinks[Lane.MAIN])
    tell_of_writes(runtime, Writes(store, sinks[Lane.MAIN].uri).records())
    tell_of_approvals(runtime, Approvals(store, sinks[Lane.MAIN].uri))
    newest = sinks[Lane.MAIN].newest()
    result = ValidationResult(
        schema=dict(stager.schema()),
        dataset_id=plan.dataset_id,
        dataset_version=_newest_version(versions, newest, history)
        or schema_version(stager.schema()),
        contract_id=plan.contract.id,
        contract_version=plan.contract.version,
        details={
            "stream_id": identity.stream_id,
            "run_id": protocol.run_id,
            "run_type": policy.run_type.value,
            "checkpoint": identity.checkpoint,
            "sink": sinks[Lane.MAIN].uri,
            "rejects": sinks[Lane.REJECTS].uri if Lane.REJECTS in sinks else None,
            "guarantee": sinks[Lane.MAIN].guarantee,
            **(details or {}),
        },
    )
    stream = GovernedStream(
        protocol=protocol,
        result=result,
        outbox=outbox,
        run_log=run_log,
        exporters=runtime.exporters(),
        on_batch=on_batch,
        timeline=limits.timeline,
        history=history,
    )
    stream._show_outbox()
    return stream


def _newest_version(
    versions: Versions | None, newest: int, history: Iterable[Mapping[str, Any]]
) -> str | None:
    """Return what the newest version is called; None if there is none yet."""
    if versions is None:
        return str(newest) if newest >= 0 else None
    names = (record["dataset_version"] for record in reversed([*history]))
    return next((name for name in names if name is not None), None)


def tell_of_write(runtime: Runtime, record: GovernanceRecord) -> None:
    """Tell governance and the exporters of a record that no stream tells: of a replay."""
    tell_of_writes(runtime, [record])
    for name, exporter in runtime.exporters():
        try:
            exporter.export(record.copy())
        # A boundary to foreign code: a listener that fails does not undo what is published.
        except Exception as error:
            log.error(
                "listener.failed",
                listener=f"exporter {name}",
                error=described(error),
                exc_info=True,
            )


def tell_of_writes(runtime: Runtime, records: Sequence[GovernanceRecord]) -> None:
    """Tell governance of records that lie in a sink and in no stream's journal: of replays.

    Nothing is lost if it does not listen: the next start of a stream into that sink tells it.
    """
    if not records:
        return
    try:
        runtime.governance.record_many(records)
    # A boundary to foreign code: an outage of governance does not undo what is published.
    except Exception as error:  # noqa: BLE001
        log.warning("records.kept-back", count=len(records), error=described(error))


def tell_of_approvals(runtime: Runtime, approvals: Approvals) -> None:
    """Tell governance what stewards said of a sink's versions; they lie beside it."""
    try:
        found, client = approvals.all(), runtime.governance
        if found and catalogue_keeper(client):
            client.add_approvals(found)
    # A boundary to foreign code; and no word about old versions may stop new data.
    except Exception as error:  # noqa: BLE001
        log.warning("approvals.kept-back", folder=approvals.folder, error=described(error))


def _noted(
    run_log: RunLog, failpoint: Callable[[str, int], None] | None
) -> Callable[[str, int], None]:
    """Let each arrow of the protocol be noted in the run's row."""
    if failpoint is None:
        return run_log.step

    def pass_one(name: str, batch_id: int) -> None:
        run_log.step(name, batch_id)
        failpoint(name, batch_id)

    return pass_one


def schema_version(schema: Mapping[str, str]) -> str:
    """Return the version of a dataset of which nothing but its schema is known."""
    import hashlib

    text = "\n".join(f"{name}\0{kind}" for name, kind in schema.items())
    return f"schema-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
