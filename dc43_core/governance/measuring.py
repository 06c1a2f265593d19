"""Measuring snapshots in the background, with a row for each that tells how far it has come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Any

from attrs import evolve

from dc43_core.data_quality.interface import Snapshot
from dc43_core.data_quality.model import Observations, ValidationResult
from dc43_core.errors import Dc43Error, ServiceClosedError, UnknownMeasurementError, described
from dc43_core.expectations.model import CheckPlan
from dc43_core.governance.interface import catalogue_keeper
from dc43_core.governance.measurements import Measurement
from dc43_core.governance.run_log import HEARTBEAT_SECONDS
from dc43_core.log import get_logger
from dc43_core.protocol import clock
from dc43_core.vocabulary import MeasurementState

log = get_logger("measuring")
KEPT = 1_000
"""Measurements that ended and are still known in their own process; a ledger keeps all."""


class Measuring:
    """Takes measurements one after the other, or as many at once as there are workers.

    What a measurement or the ledger raises stops nothing else: it shows in the row, and in the log.

    Args:
        connect: Returns the governance client, opened; raises while there is none.
        evaluate: Judges what was counted.
        workers: How many are taken at once.
    """

    def __init__(
        self,
        connect: Callable[[], object],
        evaluate: Callable[[CheckPlan, Observations], ValidationResult],
        workers: int,
    ) -> None:
        self._connect, self._evaluate = connect, evaluate
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="dc43-measure")
        self._rows: dict[str, Measurement] = {}
        self._futures: dict[str, Future[None]] = {}
        # Rows are written one after the other, so that an older one never overwrites the end.
        self._lock = threading.RLock()
        self._closed = False
        self._over = threading.Event()
        self._heart: threading.Thread | None = None

    def ask(self, wanted: Measurement, snapshot: Snapshot, plan: CheckPlan) -> Measurement:
        """Have a snapshot measured, unless the same is waiting or being measured already.

        Raises:
            ServiceClosedError: if no more is measured.
        """
        with self._lock:
            if self._closed:
                raise ServiceClosedError
            for known in self._rows.values():
                if not known.ended and _subject(known) == _subject(wanted):
                    return known
            self._keep(wanted)
            name = wanted.measurement_id
            self._futures[name] = self._pool.submit(self._take, name, snapshot, plan)
            if self._heart is None:
                self._heart = threading.Thread(
                    target=self._beat, name="dc43-measure-heartbeat", daemon=True
                )
                self._heart.start()
        return wanted

    def rows(self) -> list[Measurement]:
        """Return the measurements of this process, oldest first."""
        with self._lock:
            return list(self._rows.values())

    def row(self, measurement_id: str) -> Measurement | None:
        """Return one measurement of this process."""
        with self._lock:
            return self._rows.get(measurement_id)

    def wait(self, measurement_id: str, timeout: float | None) -> Measurement:
        """Wait until a measurement of this process has ended, or for so many seconds.

        Raises:
            UnknownMeasurementError: if it is not of this process.
        """
        with self._lock:
            row, future = self._rows.get(measurement_id), self._futures.get(measurement_id)
        if row is None:
            raise UnknownMeasurementError(measurement_id, "this process")
        if future is not None:
            wait_for([future], timeout)
        return self.row(measurement_id) or row

    def close(self) -> None:
        """Take no more: what waits has failed, and what is being measured is waited for."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(cancel_futures=True)
        self._over.set()
        for name in [name for name, future in self._futures.items() if future.cancelled()]:
            if not self._rows[name].ended:
                self._change(name, **_failed("the service was closed before its turn"))

    def _take(self, name: str, snapshot: Snapshot, plan: CheckPlan) -> None:
        self._change(name, state=MeasurementState.RUNNING)
        try:
            seen = snapshot.observe(plan)
            result = self._evaluate(plan, seen)
        # Also what an engine was interrupted by: nobody would end the row then. Of errors that are
        # not ours the class alone, since their text may quote rows.
        except BaseException as error:  # noqa: BLE001
            ours = isinstance(error, Dc43Error)
            reason = str(error) if ours else type(error).__name__
            log.error("measurement.failed", measurement_id=name, reason=reason)
            self._change(name, **_failed(reason))
            return
        self._change(
            name,
            state=MeasurementState.DONE,
            ended_at=clock.now(),
            verdict=result.status,
            row_count=seen.row_count,
            violations_by_check={check: rows for check, rows in seen.broken.items() if rows},
            errors=tuple(result.errors),
            warnings=tuple(result.warnings),
            metrics=dict(seen.metrics),
            reason=result.reason,
        )

    def _change(self, name: str, **facts: Any) -> None:
        with self._lock:
            self._keep(evolve(self._rows[name], heartbeat_at=clock.now(), **facts))

    def _keep(self, row: Measurement) -> None:
        self._rows[row.measurement_id] = row
        ended = [name for name, one in self._rows.items() if one.ended]
        for name in ended[: max(0, len(ended) - KEPT)]:
            del self._rows[name], self._futures[name]
        try:
            client = self._connect()
            if catalogue_keeper(client):
                client.save_measurement(row)
        # A boundary to foreign code: this process knows the row all the same.
        except Exception as error:  # noqa: BLE001
            log.warning(
                "measurement.not-kept",
                measurement_id=row.measurement_id,
                error=described(error),
            )

    def _beat(self) -> None:
        """Say of what waits or is being measured that its process is alive."""
        while not self._over.wait(HEARTBEAT_SECONDS):
            with self._lock:
                open_ones = [name for name, row in self._rows.items() if not row.ended]
                for name in open_ones:
                    self._change(name)


def _failed(reason: str) -> dict[str, Any]:
    return {"state": MeasurementState.FAILED, "ended_at": clock.now(), "reason": reason}


def _subject(one: Measurement) -> tuple[str, ...]:
    version = (one.dataset_id, one.dataset_version)
    return (one.namespace, *version, one.contract_id, one.contract_version)
