"""One governed batch write: the stages in order, once, without a stream around them."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from dc43_core.data_quality.lookback import Lookback
from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import BatchBlockedError, ConfigurationError, UnsoundPlaceError
from dc43_core.expectations.model import CheckPlan
from dc43_core.log import get_logger
from dc43_core.pipeline import tell_of_writes
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.engine import Stager
from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.identity import StreamIdentity
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.naming import Versions
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.replay import complete
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.start_strategies import settle_strategies
from dc43_core.protocol.steps import BatchProtocol
from dc43_core.protocol.writes import WriteJournal, settle
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Lane, Verdict

Frame = TypeVar("Frame")
log = get_logger("batch")


def write_batch(
    frame: Frame,
    *,
    runtime: Runtime,
    plan: CheckPlan,
    stager: Stager[Frame],
    store: FileStore,
    sinks: Mapping[Lane, Sink],
    policy: Policy,
    strategies: Sequence[NamedStrategy] = (),
    namespace: str | None = None,
    details: Mapping[str, Any] | None = None,
    versions: Versions | None = None,
    overwrite: bool = False,
    failpoint: Callable[[str, int], None] | None = None,
) -> ValidationResult:
    """Stage, audit and publish one frame, into the log that streams into this sink share.

    What is published is published whole and once by this call. A call that dies has published main
    whole or not at all, and nobody completes it: its caller saw it fail, and may write again. If it
    died after main was visible, the next write or start keeps its record.

    Args:
        frame: The rows.
        runtime: Who judges, who keeps the record, who hears of it.
        plan: What the contract asks.
        stager: The engine's part.
        store: Where the sinks lie.
        sinks: Main, and rejects where configured.
        policy: Run type and options.
        strategies: Who decides; they see no history.
        namespace: First part of the record's key.
        details: What the record says besides.
        versions: What the version is called; None for the number of the sink's entry.
        overwrite: Whether main is replaced by it; rejects are added to, as always.
        failpoint: Called at each arrow of the protocol with its name and 0.

    Returns:
        The result of this write, complete.

    Raises:
        BatchBlockedError: when it is blocked; its record is durable by then.
        UnsoundPlaceError: if a sink is not as it was left.
        ConfigurationError: if a strategy needs what the write does not have.
    """
    strategies, policy = settle_strategies(strategies, policy, has_rejects=Lane.REJECTS in sinks)
    for sink in sinks.values():
        if defects := sink.defects():
            raise UnsoundPlaceError(sink.uri, defects)
    complete(store, sinks)
    settle(store, sinks[Lane.MAIN])
    if overwrite:
        sinks = {**sinks, Lane.MAIN: _replacing(sinks[Lane.MAIN])}
        details = {**(details or {}), "mode": "overwrite"}
    main, write = sinks[Lane.MAIN], uuid.uuid4().hex
    journal = WriteJournal(store, main.uri, write)
    protocol = BatchProtocol(
        identity=StreamIdentity(
            stream_id=write,
            namespace=namespace or runtime.config.namespace,
            checkpoint=journal.folder,
            sink=main.uri,
            contract_id=plan.contract.id,
        ),
        run_id=write[:12],
        epoch=0,
        store=store,
        journal=journal,
        sinks=sinks,
        stager=stager,
        plan=plan,
        data_quality=runtime.data_quality,
        strategies=strategies,
        policy=policy,
        failpoint=failpoint or (lambda name, batch_id: None),
        lookback=Lookback(plan=plan, limit=runtime.config.limits.lookback),
        details=dict(details or {}),
        versions=versions,
        # The caller has the rows: nothing of them is kept beside the sink.
        held_bytes=None,
    )
    try:
        record = protocol.process(frame, 0)
    except BatchBlockedError:
        blocked = journal.blocked(0)
        if blocked is not None:
            _tell(runtime, blocked)
        raise
    _tell(runtime, record)
    return _result(record, stager)


def _forgotten(record: GovernanceRecord) -> list[str]:
    """Say which strategies count on a batch before this one: of a write there is none."""
    return [
        f"strategy {name} remembers what it saw, and each write is judged by itself: use it on a "
        "stream"
        for name in record.strategies
    ]


def _replacing(sink: Sink) -> Sink:
    make = getattr(sink, "replacing", None)
    if make is None:
        raise ConfigurationError(
            "mode", [f"{sink.uri} is a sink that only adds; use mode='append', or another folder"]
        )
    replacing: Sink = make()
    return replacing


def _tell(runtime: Runtime, record: GovernanceRecord) -> None:
    tell_of_writes(runtime, [record])
    for name, exporter in runtime.exporters():
        try:
            exporter.export(record.copy())
        # A boundary to foreign code: the write is done, whatever a listener says.
        except Exception:
            log.error("listener.failed", listener=f"exporter {name}", exc_info=True)


def _result(record: GovernanceRecord, stager: Stager[Any]) -> ValidationResult:
    counts = ("row_count", "main_count", "valid_count", "reject_count", "violations")
    said = (record.intervention, *record.errors, *record.warnings)
    ok = record.verdict is Verdict.OK
    return ValidationResult(
        status=record.verdict,
        errors=list(record.errors),
        warnings=[*record.warnings, *_forgotten(record)],
        metrics={
            **record.metrics,
            **{name: getattr(record, name) for name in counts},
            "violations_by_check": dict(record.violations_by_check),
        },
        schema=dict(stager.schema()),
        reason=None if ok else next((text for text in said if text), None),
        dataset_id=record.dataset_id,
        dataset_version=record.dataset_version or "",
        contract_id=record.contract_id,
        contract_version=record.contract_version,
        details={**record.details, "record_id": record.record_id, "sink": record.sink},
    )
