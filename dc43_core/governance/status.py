"""How streams stand now, from the ledger alone: worst first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from attrs import asdict, frozen

from dc43_core.governance.interface import GovernanceClient, run_keeper
from dc43_core.governance.model import Run
from dc43_core.protocol.clock import seconds_between
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import Outcome, RunOutcome, Verdict

LOOKED_AT = 100
"""Records of a stream that its shares are over."""
_SEEN = 1_000
"""Newest records of a namespace that streams without a run are found in."""
STATES = ("failed", "blocked", "silent", "running", "stopped", "ended", "unknown")
"""Worst first; `unknown` is a stream of which no run is kept and nothing is wrong."""


@frozen(kw_only=True)
class StreamStatus:
    """One stream, as of one moment.

    Attributes:
        state: One of `STATES`.
        run: Its newest start, where runs are kept.
        newest: Its newest record; None before the first batch.
        row_count: Rows of its newest `LOOKED_AT` batches that landed.
        reject_count: Of these, rows that were rejected.
        blocked_seconds: How long its newest batch has been blocked; None if it is not.
        silent_seconds: How long its process has given no sign of life; None while it does, or
            once it has ended.
    """

    stream_id: str
    dataset_id: str
    contract_id: str
    contract_version: str
    query_name: str | None
    state: str
    run: Run | None
    newest: GovernanceRecord | None
    row_count: int = 0
    reject_count: int = 0
    blocked_seconds: float | None = None
    silent_seconds: float | None = None

    @property
    def reason(self) -> str | None:
        """Why it stands as it does, as a sentence."""
        if self.state == "blocked" and self.newest is not None:
            return self.newest.intervention
        return self.run.reason if self.run is not None else None

    @property
    def at_risk(self) -> int:
        """Files of the source that a blocked batch waits for; 0 where none are known."""
        if self.blocked_seconds is None or self.newest is None:
            return 0
        return int(self.newest.input.get("file_count", 0))

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        plain = asdict(self, recurse=False)
        plain["run"] = None if self.run is None else self.run.payload()
        plain["newest"] = None if self.newest is None else self.newest.payload()
        return {**plain, "reason": self.reason, "at_risk": self.at_risk}


def streams(client: GovernanceClient, namespace: str, now: str) -> list[StreamStatus]:
    """Return every stream of a namespace, the worst first.

    Args:
        client: Where records and runs are kept.
        namespace: Only this namespace.
        now: The moment that ages are taken at.
    """
    runs: dict[str, list[Run]] = defaultdict(list)
    if run_keeper(client):
        for run in client.runs(namespace=namespace):
            runs[run.stream_id].append(run)
    known = {r.stream_id for r in client.records(namespace=namespace, newest=_SEEN)}
    found = [
        _status(
            runs.get(stream_id, []),
            client.records(namespace=namespace, stream_id=stream_id, newest=LOOKED_AT),
            now,
        )
        for stream_id in sorted(known | runs.keys())
    ]
    return sorted(found, key=lambda s: (STATES.index(s.state), s.dataset_id, s.stream_id))


def _status(runs: Sequence[Run], records: Sequence[GovernanceRecord], now: str) -> StreamStatus:
    run = max(runs, key=lambda r: r.epoch, default=None)
    newest = records[-1] if records else None
    landed = [r for r in records if r.outcome is Outcome.COMMITTED]
    blocked = newest is not None and newest.outcome is Outcome.BLOCKED
    state = _state(run, newest, now)
    silent = state == "silent"
    about: Any = run or newest
    return StreamStatus(
        stream_id=about.stream_id,
        dataset_id=about.dataset_id,
        contract_id=about.contract_id,
        contract_version=about.contract_version,
        query_name=about.query_name,
        state=state,
        run=run,
        newest=newest,
        row_count=sum(r.row_count for r in landed),
        reject_count=sum(r.reject_count for r in landed),
        blocked_seconds=seconds_between(newest.ended_at, now) if blocked and newest else None,
        silent_seconds=seconds_between(run.heartbeat_at, now) if run and silent else None,
    )


def _state(run: Run | None, newest: GovernanceRecord | None, now: str) -> str:
    ended = None if run is None else run.outcome
    if ended is RunOutcome.FAILED or (newest is not None and newest.verdict is Verdict.UNKNOWN):
        return "failed"
    if newest is not None and newest.outcome is Outcome.BLOCKED:
        return "blocked"
    return "unknown" if run is None else run.state(now)
