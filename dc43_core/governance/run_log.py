"""The row of one run: kept up to date beside the data, and never in its way.

Whatever governance does about a run's row, the batches go on: each call is isolated, and what
failed is counted. A thread of its own writes the row, so that a slow ledger delays no batch.
"""

from __future__ import annotations

import atexit
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from attrs import evolve, frozen

from dc43_core.errors import StopRequestedError, described
from dc43_core.governance.interface import run_keeper
from dc43_core.governance.model import Run, StopRequest
from dc43_core.log import get_logger
from dc43_core.protocol import clock
from dc43_core.vocabulary import RunOutcome

log = get_logger("governance")

HEARTBEAT_SECONDS = 5.0
_LOOK_SECONDS = 1.0
"""How often the engine is looked at; a new step is told no more often than this."""
_IDLE_SECONDS = 2.0
"""How long no batch must have come before a query is stopped on request from outside."""
_JOIN_SECONDS = 10.0


@frozen(kw_only=True)
class QueryEnd:
    """How an engine's query ended, as the engine tells.

    Attributes:
        outcome: What a run that said nothing itself is taken for.
        reason: The engine's words, as far as they quote no rows.
        error: What the engine raised; its text may quote rows.
    """

    outcome: RunOutcome
    reason: str | None = None
    error: BaseException | None = None


class WatchedQuery(Protocol):
    """What the thread needs to know of an engine's running query."""

    def wait(self, seconds: float) -> QueryEnd | None:
        """Wait for the end for so long; None if the query still runs."""
        ...

    def stop(self) -> None:
        """Stop a query that waits for data."""
        ...


class RunLog:
    """Tells governance about one run, and hears from it whether the run shall end.

    Args:
        connect: Returns the governance client, opened; raises while there is none.
        run: The run as it begins.

    Attributes:
        failures: Calls that governance did not take.
    """

    def __init__(self, connect: Callable[[], object], run: Run) -> None:
        self._connect = connect
        self._run = run
        # One reference, so that each arrow of the protocol costs an assignment.
        self._at: tuple[str | None, int | None] = (run.step, run.batch_id)
        self._begun = self._busy = False
        self._idle_since = time.monotonic()
        self._request: StopRequest | None = None
        self._thread: threading.Thread | None = None
        self._query: WatchedQuery | None = None
        self._lock = threading.RLock()
        # Rows are written one after the other, so that an older one never overwrites the end.
        self._writing = threading.Lock()
        self.failures = 0

    @property
    def run(self) -> Run:
        """The run as it was told last."""
        with self._lock:
            return self._run

    @property
    def stop_request(self) -> StopRequest | None:
        """Who asked the run to end, as far as is known."""
        with self._lock:
            return self._request

    def batch_begins(self, batch_id: int) -> None:
        """Note that a batch is at hand.

        Raises:
            StopRequestedError: if someone asked the run to end; nothing of the batch is done.
        """
        if not self._begun:
            self.beat()
        with self._lock:
            request = self._request
            self._busy = request is None
        if request is not None:
            raise StopRequestedError(self._run.run_id, request.by, request.reason)

    def batch_ends(self) -> None:
        """Note that no batch is at hand."""
        with self._lock:
            self._busy, self._idle_since = False, time.monotonic()

    def step(self, name: str, batch_id: int) -> None:
        """Note an arrow of the protocol; the next heartbeat tells it."""
        self._at = (name, batch_id)

    def beat(self) -> None:
        """Tell governance how the run stands, and hear whether it shall end."""
        with self._writing:
            with self._lock:
                self._begun = True
                step, batch_id = self._at
                run = evolve(self._run, step=step, batch_id=batch_id, heartbeat_at=clock.now())
                self._run = run
            try:
                keeper = self._connect()
                if not run_keeper(keeper):
                    return
                request = keeper.save_run(run)
            # A boundary to foreign code: the row of a run must not stop the data.
            except Exception as error:  # noqa: BLE001
                self.failures += 1
                log.warning("run-row.not-kept", run_id=run.run_id, error=described(error))
                return
            with self._lock:
                self._request = self._request or request

    def end(self, outcome: RunOutcome, reason: str | None = None) -> None:
        """Tell how the run ended; the first word counts."""
        with self._lock:
            if self._run.outcome is not None:
                return
            self._run = evolve(self._run, outcome=outcome, reason=reason, ended_at=clock.now())
        self.beat()

    def watch(self, query: WatchedQuery, then: Callable[[], None] = lambda: None) -> None:
        """Keep the row alive until the query ends, in a thread of its own.

        Args:
            query: The engine's query.
            then: Called once when it has ended, ahead of the row's last word.
        """
        self._query = query
        self.beat()
        self._thread = threading.Thread(
            target=self._follow,
            args=[query, then],
            name=f"dc43-run-{self._run.run_id}",
            daemon=True,
        )
        self._thread.start()
        atexit.register(self._program_ends)

    def join(self) -> None:
        """Wait until the row tells the end of a query that has ended."""
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)

    def _follow(self, query: WatchedQuery, then: Callable[[], None]) -> None:
        told, at = self._at, time.monotonic()
        while (ended := self._wait(query, _LOOK_SECONDS)) is None:
            now, here = time.monotonic(), self._at
            if here != told or now - at >= HEARTBEAT_SECONDS:
                told, at = here, now
                self.beat()
            self._stop_idle(query)
        self._isolated(then)
        if (request := self.stop_request) is not None:
            self.end(RunOutcome.STOPPED, asked(request))
        self.end(ended.outcome, ended.reason)
        atexit.unregister(self._program_ends)

    def _isolated(self, then: Callable[[], None]) -> None:
        try:
            then()
        # The end of the run is told whatever comes of this, an interruption inside a client too:
        # this thread is nobody else's.
        except BaseException:
            log.error("run.end-failed", run_id=self._run.run_id, exc_info=True)

    def _wait(self, query: WatchedQuery, seconds: float) -> QueryEnd | None:
        try:
            return query.wait(seconds)
        # A boundary to foreign code: an engine that cannot be asked any more is gone.
        except Exception as error:  # noqa: BLE001
            return QueryEnd(
                outcome=RunOutcome.FAILED, reason=f"the engine is gone: {type(error).__name__}"
            )

    def _stop_idle(self, query: WatchedQuery) -> None:
        """Stop a query that waits for data: no batch will come that could be refused."""
        with self._lock:
            # Between two batches the engine writes its own checkpoint: it is left in peace.
            idle = not self._busy and time.monotonic() - self._idle_since >= _IDLE_SECONDS
            if self._request is None or not idle:
                return
        try:
            query.stop()
        # A boundary to foreign code: it is tried again a moment later.
        except Exception as error:  # noqa: BLE001
            log.warning("run.not-stopped", run_id=self._run.run_id, error=described(error))

    def _program_ends(self) -> None:
        """Close the row of a run whose program ends, with its query or without."""
        if self._query is not None and self._wait(self._query, 0.001) is None:
            self.end(RunOutcome.STOPPED, "its program ended")
        else:
            self.join()


def asked(request: StopRequest) -> str:
    """Return a stop request as a reason."""
    return f"on request of {request.by}" + (f": {request.reason}" if request.reason else "")


def driver(pid: int | None = None) -> str:
    """Return host and process, as a run's row names them; by default this process."""
    return f"{socket.gethostname()}, process {pid or os.getpid()}"
