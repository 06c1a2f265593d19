"""What a start of a stream says of its batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from dc43_core.data_quality.lookback import kept
from dc43_core.data_quality.model import Observations
from dc43_core.expectations.model import CheckPlan
from dc43_core.protocol.disposition import Disposition, NamedIntervention
from dc43_core.protocol.held import Held
from dc43_core.protocol.identity import StreamIdentity
from dc43_core.protocol.judge import metrics
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.release import Resolution, released_record
from dc43_core.protocol.sink import Sink
from dc43_core.vocabulary import Lane, Outcome, RunType


@frozen(kw_only=True)
class BatchRecords:
    """Makes the records of one start; nothing is kept here.

    Attributes:
        identity: Who the stream is.
        run_id: This start of it.
        epoch: This start's number.
        run_type: Whether it enforces.
        plan: What the contract asks.
        sinks: Main, and rejects where configured.
        details: What every record of the stream says besides.
        observed_only: Whether no row lands, whatever is decided.
        now: The clock.
    """

    identity: StreamIdentity
    run_id: str
    epoch: int
    run_type: RunType
    plan: CheckPlan
    sinks: Mapping[Lane, Sink]
    details: Mapping[str, Any]
    observed_only: bool
    now: Callable[[], str]

    def judged(
        self,
        batch_id: int,
        started: str,
        source: Mapping[str, Any],
        seen: Observations,
        disposition: Disposition,
        interventions: Sequence[NamedIntervention],
    ) -> GovernanceRecord:
        """Return the record of a batch that was judged.

        Args:
            batch_id: The batch.
            started: When it was handed over; UTC, RFC 3339.
            source: What it read.
            seen: What was measured of it.
            disposition: What becomes of it.
            interventions: What the strategies said to it.
        """
        blocked = disposition.outcome is Outcome.BLOCKED
        to_rejects = disposition.violating_to is Lane.REJECTS and not blocked
        rejected = seen.violating if to_rejects else 0
        rejects = self.sinks.get(Lane.REJECTS)
        broken = {check: rows for check, rows in seen.broken.items() if rows}
        return GovernanceRecord(
            record_id=f"{self.identity.stream_id}-{batch_id}" + ("-blocked" if blocked else ""),
            namespace=self.identity.namespace,
            stream_id=self.identity.stream_id,
            query_name=self.identity.query_name,
            run_id=self.run_id,
            run_type=self.run_type,
            epoch=self.epoch,
            batch_id=batch_id,
            started_at=started,
            ended_at=self.now(),
            row_count=seen.row_count,
            main_count=0 if blocked or self.observed_only else seen.row_count - rejected,
            valid_count=seen.row_count - seen.violating,
            reject_count=rejected,
            violations=sum(broken.values()),
            violations_by_check=broken,
            verdict=disposition.verdict,
            outcome=disposition.outcome,
            decision=disposition.decision,
            intervention=disposition.reason,
            metrics=metrics(seen),
            errors=disposition.errors,
            warnings=disposition.warnings,
            dataset_id=self.plan.dataset_id,
            dataset_version=None,
            contract_id=self.plan.contract.id,
            contract_version=self.plan.contract.version,
            contract_digest=self.plan.contract.digest,
            sink=self.sinks[Lane.MAIN].uri,
            rejects=rejects.uri if rejects else None,
            guarantee=self.sinks[Lane.MAIN].guarantee,
            input=source,
            drift=[one.payload() for one in seen.drift],
            strategies={
                i.name: dict(i.intervention.state)
                for i in interventions
                if i.intervention.state is not None
            },
            details={**self.details, **kept(self.plan, seen)},
        )

    def released(self, held: Held, resolution: Resolution, started: str) -> GovernanceRecord:
        """Return the record of a blocked batch that is released.

        Args:
            held: What was kept of it.
            resolution: What someone decided.
            started: When this start was handed the batch; UTC, RFC 3339.
        """
        rejects = self.sinks.get(Lane.REJECTS)
        return released_record(
            held,
            resolution,
            run_id=self.run_id,
            epoch=self.epoch,
            started_at=started,
            ended_at=self.now(),
            # Where this start writes: the block may be of one that had no reject sink.
            sink=self.sinks[Lane.MAIN].uri,
            rejects=rejects.uri if rejects else None,
            guarantee=self.sinks[Lane.MAIN].guarantee,
        )
