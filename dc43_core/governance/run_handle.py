"""One handle on the run behind a live result: stop it, wait for it, ask what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from dc43_core.data_quality.display import as_html, as_text
from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import Dc43Error, EngineError, StopRequestedError, described
from dc43_core.governance.model import Run
from dc43_core.governance.run_log import QueryEnd, RunLog, WatchedQuery
from dc43_core.vocabulary import RunOutcome

_NOW = 0.001
_LOOK_SECONDS = 1.0
"""How often a caller that waits can be interrupted."""
_SUMS = ("batch_count", "row_count", "main_count", "valid_count", "reject_count", "violations")


@frozen(kw_only=True)
class GovernedQuery:
    """One query of a run.

    Attributes:
        run_log: Its row.
        query: The engine's side.
        failure: What stopped it inside a batch, as it was raised there; None if nothing did.
    """

    run_log: RunLog
    query: WatchedQuery
    failure: Callable[[], BaseException | None]

    @property
    def ended(self) -> QueryEnd | None:
        """How it ended; None while it runs."""
        return self.query.wait(_NOW)

    @property
    def outcome(self) -> RunOutcome | None:
        """What became of it; None while it runs."""
        ended = self.ended
        return None if ended is None else self.run_log.run.outcome or ended.outcome

    def exception(self) -> Dc43Error | None:
        """Return what ended it, if that was not its trigger or its caller."""
        ended = self.ended
        if ended is None:
            return None
        if ended.outcome is RunOutcome.FAILED:
            return self._fault(ended)
        asked = self.run_log.stop_request
        if asked is None:
            return None
        return StopRequestedError(self.run_log.run.run_id, asked.by, asked.reason)

    def _fault(self, ended: QueryEnd) -> Dc43Error:
        # Only the text of an exception survives the way through an engine; we kept the original.
        cause = self.failure() or ended.error
        if isinstance(cause, Dc43Error):
            return cause
        said = (described(cause) if cause else ended.reason or "").strip() or "no reason given"
        fault = EngineError(f"the stream stopped: {said.splitlines()[0]}")
        fault.__cause__ = cause
        return fault


class RunHandle:
    """What a caller does with a run that goes on in the background, over all of its queries.

    Args:
        result: The live result; what it knows is the worst that happened, not the last.
        queries: The queries behind it.
    """

    def __init__(self, result: ValidationResult, queries: Sequence[GovernedQuery]) -> None:
        self._result, self._queries = result, tuple(queries)

    @property
    def active(self) -> bool:
        """Whether any query still runs."""
        return any(one.ended is None for one in self._queries)

    @property
    def rows(self) -> Sequence[Run]:
        """The row of each query's run, as governance was told it last."""
        return [one.run_log.run for one in self._queries]

    def stop(self, reason: str = "stopped by its caller") -> None:
        """Stop every query, and wait until each has ended.

        A batch at hand is interrupted: nothing of it is visible unless its fate was decided, and
        the next start completes it. `dc43 stop` ends a run between two batches instead.

        Args:
            reason: What the row of the run gives as its reason.
        """
        self._end(RunOutcome.STOPPED, reason)

    def finish(self, reason: str) -> None:
        """Stop as `stop` does, because the work is done: the run shows as ended, not as stopped.

        Args:
            reason: What the row of the run gives as its reason.
        """
        self._end(RunOutcome.ENDED, reason)

    def _end(self, outcome: RunOutcome, reason: str) -> None:
        for one in self._queries:
            if one.ended is None:
                # Before the query is: what it says when it is stopped is not the reason.
                one.run_log.end(outcome, reason)
                one.query.stop()
            one.run_log.join()

    def await_termination(self, timeout: float | None = None) -> bool:
        """Wait until every query has ended.

        Args:
            timeout: At most so many seconds; None waits for ever.

        Returns:
            Whether all have ended in that time.

        Raises:
            BatchBlockedError: if a batch was blocked.
            StopRequestedError: if someone else asked the run to end.
            Dc43Error: whatever else ended it; EngineError if the engine did.
        """
        until = None if timeout is None else time.monotonic() + timeout
        for one in self._queries:
            while one.query.wait(_patience(until)) is None:
                if until is not None and time.monotonic() >= until:
                    return False
            one.run_log.join()
        fault = self.exception()
        if fault is not None:
            raise fault
        return True

    def exception(self) -> Dc43Error | None:
        """Return what ended the run, if that was neither its trigger nor its caller."""
        faults = (one.exception() for one in self._queries)
        return next((fault for fault in faults if fault is not None), None)

    def summary(self) -> dict[str, Any]:
        """Return what is known of the run by now, as plain JSON types.

        `outcome` is the worst of the queries' (`running` while one of them runs and none has
        failed), `status` the worst of the batches'; the counts are sums over this start.
        """
        outcomes = [one.outcome for one in self._queries]
        ended = [outcome for outcome in outcomes if outcome is not None]
        worst = max(ended, key=list(RunOutcome).index, default=None)
        runs = self.rows
        goes_on = len(ended) < len(outcomes) and worst not in (
            RunOutcome.BLOCKED,
            RunOutcome.FAILED,
        )
        result = self._result
        with result.lock:
            return {
                "outcome": "running" if goes_on else worst.value if worst else None,
                "status": result.status.value,
                "ok": result.ok,
                "reason": result.reason,
                "dataset_id": result.dataset_id,
                "dataset_version": result.dataset_version,
                "contract_id": result.contract_id,
                "contract_version": result.contract_version,
                **{name: result.metrics.get(name, 0) for name in _SUMS},
                "errors": len(result.errors),
                "warnings": len(result.warnings),
                "run_ids": [run.run_id for run in runs],
                "started_at": min((run.started_at for run in runs), default=None),
                "ended_at": None
                if goes_on
                else max((run.ended_at for run in runs if run.ended_at), default=None),
            }

    def __str__(self) -> str:
        with self._result.lock:
            return f"{self.summary()['outcome']}\n{as_text(self._result)}"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        with self._result.lock:
            return f"<p>{self.summary()['outcome']}</p>{as_html(self._result)}"


def _patience(until: float | None) -> float:
    if until is None:
        return _LOOK_SECONDS
    return min(max(until - time.monotonic(), _NOW), _LOOK_SECONDS)
