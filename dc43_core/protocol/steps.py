"""Stage, audit, publish: the steps of one micro-batch, with a named failpoint at each arrow.

    look up -> drift -> stage -> validate -> decide -> BLOCKED: record, raise
                                                     | PREPARED -> rejects -> main -> COMMITTED
            -> released: what was staged when it was blocked -> PREPARED -> ...

Nothing is visible before PREPARED; from there on whoever comes along completes the batch. Each
durable fact is a file created only if absent, which is what fences two drivers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from attrs import evolve, field, frozen

from dc43_core.config import Limits
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.local import drift_findings
from dc43_core.data_quality.lookback import Lookback, own_time
from dc43_core.data_quality.model import Observations
from dc43_core.data_quality.service_levels import measured
from dc43_core.errors import BatchBlockedError, SupersededError
from dc43_core.expectations.model import CheckPlan
from dc43_core.log import get_logger
from dc43_core.protocol import clock
from dc43_core.protocol.batch_record import BatchRecords
from dc43_core.protocol.disposition import Policy, dispose
from dc43_core.protocol.engine import BatchFacts, Staged, Stager
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.held import Held, keep
from dc43_core.protocol.identity import StreamIdentity
from dc43_core.protocol.journal import Journal, LaneManifest, Manifest
from dc43_core.protocol.judge import Judge, NamedStrategy
from dc43_core.protocol.key_state import Asked, KeptKeys, StreamKeys
from dc43_core.protocol.naming import Versions
from dc43_core.protocol.publish import Publication
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.release import Resolution, require_releasable, resolved
from dc43_core.protocol.sink import Sink
from dc43_core.vocabulary import Lane, Outcome, Release

Frame = TypeVar("Frame")
log = get_logger("protocol")

FAILPOINTS = (
    "handed-over",
    "looked-up",
    "drift-checked",
    "staged",
    "validated",
    "decided",
    "blocked",
    "finished",
    "synced",
    "prepared",
    "rejects-published",
    "main-published",
    "committed",
    "swept",
)
"""Where a test may crash the process, in order."""


@frozen(kw_only=True)
class BatchProtocol(Generic[Frame]):
    """Everything one running stream needs to take its batches.

    Attributes:
        identity: Who the stream is.
        run_id: This start of it.
        epoch: This start's number.
        store: Where the checkpoint lives.
        journal: The durable facts beside the checkpoint.
        sinks: Main, and rejects where configured.
        stager: The engine's part.
        plan: What the contract asks, pinned for the run.
        data_quality: Who judges.
        strategies: Who decides.
        policy: Run type and options.
        history: The newest records, for strategies; newest last.
        details: What every record of this stream says besides.
        lookback: The landed batches, for rules over several of them.
        versions: What the versions are called; None for the numbers of the sink's entries.
        observed_only: Whether no row lands, whatever is decided.
        keys: Those of earlier batches, where they are kept.
        held_bytes: How much of a blocked batch is kept at most; None for nothing.
        failpoint: Called at each arrow with its name and the batch id.
    """

    identity: StreamIdentity
    run_id: str
    epoch: int
    store: FileStore
    journal: Journal
    sinks: Mapping[Lane, Sink]
    stager: Stager[Frame]
    plan: CheckPlan
    data_quality: DataQualityClient
    strategies: Sequence[NamedStrategy] = ()
    policy: Policy = field(factory=Policy)
    history: Callable[[], Sequence[Mapping[str, Any]]] = lambda: ()
    lookback: Lookback
    details: Mapping[str, Any] = field(factory=dict)
    versions: Versions | None = None
    observed_only: bool = False
    keys: StreamKeys | None = None
    held_bytes: int | None = Limits().held_bytes
    failpoint: Callable[[str, int], None] = lambda name, batch_id: None
    now: Callable[[], str] = clock.now

    def process(self, frame: Frame, batch_id: int) -> GovernanceRecord:
        """Take one micro-batch to its end, or complete what an earlier attempt began.

        Returns:
            The durable record of the committed batch.

        Raises:
            BatchBlockedError: when the batch is blocked; its record is durable by then.
            SupersededError: when a later start has taken over.
        """
        started = self.now()
        self.failpoint("handed-over", batch_id)
        self._require_newest()
        record = self.journal.committed(batch_id)
        if record is not None:
            log.info("batch.skipped", batch_id=batch_id, record_id=record.record_id)
            # The driver that committed it may have died before it came to that.
            self._publication.sweep(batch_id)
            return record
        manifest = self.journal.prepared(batch_id)
        self.failpoint("looked-up", batch_id)
        if manifest is not None:
            log.info("batch.rolled-forward", batch_id=batch_id)
            return self._publish(manifest)
        resolution = self.journal.resolution(batch_id)
        if resolution is None:
            return self._publish(self._decide(frame, batch_id, started))
        return self._publish(self._release(resolution, started))

    def _require_newest(self) -> None:
        newest = self.journal.newest_epoch(self.epoch)
        if newest != self.epoch:
            raise SupersededError(self.identity.stream_id, self.epoch, newest)

    def _decide(self, frame: Frame, batch_id: int, started: str) -> Manifest:
        drift = self.stager.drift(frame, batch_id)
        self.failpoint("drift-checked", batch_id)
        early = drift_findings(drift)
        folder = self._attempt(f"{batch_id}-{self.run_id}")
        judge = self._judge()
        aside, unasked = judge.sets_aside(drift)
        reject_all = aside or self.policy.sets_aside(early)
        facts = BatchFacts(
            stream_id=self.identity.stream_id,
            batch_id=batch_id,
            started_at=started,
            contract_id=self.plan.contract.id,
            contract_version=self.plan.contract.version,
            contract_digest=self.plan.contract.digest,
            drift=tuple(drift),
        )
        if any(finding.kind == "unreadable" for finding in early):
            # Values in wrong columns help nobody, not even as rejects; the files still have them.
            staged, kept = Staged(row_count=0, folder=folder, unread=True), None
        else:
            staged, kept = self._stage(frame, folder, facts, reject_all=reject_all)
        self.failpoint("staged", batch_id)
        source = dict(self.stager.input(batch_id))
        at = own_time(source, started)
        earlier, unjudged = self.lookback.before(batch_id, at)
        ages = measured(self.plan.service_levels, staged.spans, at, self.history())
        observations = Observations(
            row_count=staged.row_count,
            broken=staged.broken,
            violating=staged.violating,
            uncast=staged.uncast,
            drift=tuple(drift),
            evaluation_errors={**unjudged, **staged.evaluation_errors},
            unjudged=staged.unjudged,
            metrics={**staged.metrics, **ages},
            earlier=earlier,
        )
        findings, faults = judge.findings(observations)
        faults.update(unasked)
        if staged.gone:
            faults["input"] = _gone(staged.gone)
        self.failpoint("validated", batch_id)
        interventions = judge.interventions(batch_id, started, findings, observations, faults)
        disposition = dispose(
            policy=self.policy,
            findings=findings,
            violating=staged.violating,
            interventions=interventions,
            has_rejects=Lane.REJECTS in self.sinks,
            set_aside=staged.rejects_all,
            faults=faults,
        )
        record = self._records.judged(
            batch_id, started, source, observations, disposition, interventions
        )
        if kept is not None:
            record = evolve(record, details={**record.details, "keys": kept.payload()})
        self.failpoint("decided", batch_id)
        if disposition.outcome is Outcome.BLOCKED:
            self._block(record, staged, facts)
        files = self.stager.finish(staged, disposition.violating_to, facts)
        return self._prepare(record, files, folder, kept)

    def _stage(
        self, frame: Frame, folder: str, facts: BatchFacts, *, reject_all: bool
    ) -> tuple[Staged, KeptKeys | None]:
        """Stage a batch, and make the step of its keys where keys are kept."""
        if self.keys is None:
            return self.stager.stage(frame, folder, facts, reject_all=reject_all), None
        while True:
            asked = self._asked(facts.batch_id, facts.started_at)
            staged = self.stager.stage(
                frame, folder, facts, reject_all=reject_all, keys=asked.known
            )
            kept = self.keys.add(facts.batch_id, asked, staged.keys)
            if kept is not None:
                return staged, kept
            # A replay of rejects, or an erasure, came in between.
            self.store.delete(folder)

    def _asked(self, batch_id: int, started: str) -> Asked:
        assert self.keys is not None
        return self.keys.before(batch_id, f"{batch_id}-{self.run_id}", started)

    def _judge(self) -> Judge:
        return Judge(
            plan=self.plan,
            data_quality=self.data_quality,
            strategies=self.strategies,
            history=self.history,
            schema=self.stager.schema,
            run_type=self.policy.run_type,
            has_rejects=Lane.REJECTS in self.sinks,
        )

    def _attempt(self, name: str) -> str:
        """Return an empty folder to stage in; what this very run left there is in no manifest."""
        folder = join(self.sinks[Lane.MAIN].staging(), self.identity.stream_id, name)
        self.store.delete(folder)
        return folder

    def _block(self, record: GovernanceRecord, staged: Staged, facts: BatchFacts) -> None:
        self._require_newest()
        held = Held(
            record=record,
            staged=staged,
            facts=facts,
            schema=self.stager.schema(),
        )
        kept = keep(held, self.journal, self.store, limit=self.held_bytes)
        self.failpoint("blocked", record.batch_id)
        if not kept.kept or kept.staged.folder != staged.folder:
            # Too large; or the incident is known from an earlier start, whose rows are kept.
            self.store.delete(staged.folder)
        if kept.closed_by:
            raise SupersededError(self.identity.stream_id, self.epoch, kept.closed_by)
        log.error("batch.blocked", batch_id=record.batch_id, reason=record.intervention)
        raise BatchBlockedError(
            record.dataset_id,
            record.batch_id,
            record.intervention or "no reason given",
            kept.record.record_id,
        )

    def _release(self, resolution: Resolution, started: str) -> Manifest:
        """Prepare a blocked batch as someone decided, from what was staged then."""
        batch_id = resolution.batch_id
        held = resolved(self.journal, resolution)
        log.info("batch.released", batch_id=batch_id, release=resolution.release.value)
        record = self._records.released(held, resolution, started)
        folder = self._attempt(f"{batch_id}-{self.run_id}-released")
        if resolution.release is Release.SKIP:
            return self._prepare(record, {}, folder)
        require_releasable(
            held,
            resolution.release,
            stager=self.stager,
            contract_digest=self.plan.contract.digest,
            has_rejects=Lane.REJECTS in self.sinks,
            is_there=lambda path: self.store.status(path) is not None,
            again="to have the batch judged again delete "
            + self.journal.path("resolutions", batch_id),
        )
        to = Lane(resolution.release.value)
        files = self.stager.finish(evolve(held.staged, folder=folder), to, held.facts)
        return self._prepare(record, files, folder, self._released_keys(held, started))

    def _released_keys(self, held: Held, started: str) -> KeptKeys | None:
        """Make the step of a batch that is released: its keys are those of its good rows."""
        kept = None
        while self.keys is not None and kept is None:
            asked = self._asked(held.record.batch_id, started)
            new = self.stager.keys_of(held.staged, asked.known)
            kept = self.keys.add(held.record.batch_id, asked, new)
        return kept

    def _prepare(
        self,
        record: GovernanceRecord,
        files: Mapping[Lane, Sequence[str]],
        staging: str,
        keys: KeptKeys | None = None,
    ) -> Manifest:
        self.failpoint("finished", record.batch_id)
        lanes = {}
        for lane, staged_files in files.items():
            if not staged_files:
                continue
            sink = self.sinks[lane]
            token = f"batch-{self.identity.stream_id}-{record.batch_id:010d}-"
            self.store.sync(staged_files)
            lanes[lane] = LaneManifest(
                token=token,
                after=sink.newest(),
                moves=tuple(
                    (path, sink.final_name(token, index, path))
                    for index, path in enumerate(sorted(staged_files))
                ),
            )
        self.failpoint("synced", record.batch_id)
        self._require_newest()
        version = self._version(record) if record.outcome is not Outcome.SKIPPED else None
        # A driver that was overtaken must not tell of an incident that is settled by then.
        self.journal.close(record.batch_id, self.epoch)
        manifest = Manifest(
            record=record,
            lanes=lanes,
            staging=staging,
            version=version,
            keys=None if keys is None else keys.step,
        )
        if not self.journal.prepare(manifest):
            # Another driver decided this batch first; its word counts, ours is forgotten.
            theirs = self.journal.prepared(record.batch_id)
            assert theirs is not None
            manifest = theirs
        self.failpoint("prepared", record.batch_id)
        return manifest

    def _version(self, record: GovernanceRecord) -> str | None:
        return None if self.versions is None else self.versions.prepared(record, self.history())

    def _publish(self, manifest: Manifest) -> GovernanceRecord:
        return self._publication.publish(manifest)

    @property
    def _records(self) -> BatchRecords:
        return BatchRecords(
            identity=self.identity,
            run_id=self.run_id,
            epoch=self.epoch,
            run_type=self.policy.run_type,
            plan=self.plan,
            sinks=self.sinks,
            details=self.details,
            observed_only=self.observed_only,
            now=self.now,
        )

    @property
    def _publication(self) -> Publication:
        return Publication(
            stream_id=self.identity.stream_id,
            store=self.store,
            journal=self.journal,
            sinks=self.sinks,
            keys=self.keys,
            failpoint=self.failpoint,
            now=self.now,
        )


def _gone(files: Sequence[str]) -> str:
    more = f" and {len(files) - 1} more files are" if len(files) > 1 else " is"
    return (
        f"{files[0]}{more} gone since the batch was planned, and rows of what is gone are in no "
        "lane; if the batch is blocked, put it back and start again, or release the batch without"
    )
