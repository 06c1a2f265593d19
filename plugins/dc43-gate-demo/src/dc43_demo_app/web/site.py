"""What every page of one server shares."""

from __future__ import annotations

import threading
from collections import OrderedDict
from weakref import WeakKeyDictionary

from attrs import define, field

from dc43_core.governance.model import Run
from dc43_core.runtime import Runtime
from dc43_demo_app.charts.columns import Column, GrowingColumns
from dc43_demo_app.launch import Launcher, Scenario
from dc43_demo_app.reading.ledger import Ledger
from dc43_demo_app.reading.promises import Promises
from dc43_demo_app.reading.run_view import RunBatches
from dc43_demo_app.web.assets import Assets

_RUNS = 128
"""Runs whose sums are kept; one that nobody looked at lately is summed up anew."""


@define(kw_only=True, eq=False)
class Site:
    """One server's view of one ledger.

    Attributes:
        runtime: Plugins, and where contracts and products lie.
        ledger: What is shown.
        promises: Contracts and products.
        launcher: Starts streams; None where the pages only look.
        hosts: Host names that requests may be for.
        shows_rows: Whether rejected rows are shown with their values.
        user: Who runs this server; who a stop request is from.
        assets: Style sheet, scripts, icons.
        beat_seconds: How often a silent event stream says that it is alive.
    """

    runtime: Runtime
    ledger: Ledger
    promises: Promises
    launcher: Launcher | None = None
    hosts: frozenset[str] = frozenset({"localhost", "127.0.0.1", "[::1]"})
    shows_rows: bool = True
    user: str = "unknown"
    assets: Assets = field(factory=Assets)
    beat_seconds: float = 10.0
    _runs: OrderedDict[str, RunBatches] = field(factory=OrderedDict, init=False)
    _overviews: WeakKeyDictionary[RunBatches, GrowingColumns] = field(
        factory=WeakKeyDictionary, init=False
    )
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def overview_of(self, run: RunBatches) -> list[Column]:
        """Return the columns of a whole run."""
        with self._lock:
            columns = self._overviews.setdefault(run, GrowingColumns())
        return columns.of(run.batches)

    @property
    def scenarios(self) -> list[Scenario]:
        """What can be started from the first page."""
        return [] if self.launcher is None else list(self.launcher.scenarios())

    def batches_of(self, run: Run) -> RunBatches:
        """Return the batches of a run, as of now."""
        with self._lock:
            found = self._runs.get(run.run_id)
            if found is None or found.is_outdated:
                log = self.ledger.stream_log(run.stream_id)
                found = self._runs[run.run_id] = RunBatches(log=log, run_id=run.run_id)
            self._runs.move_to_end(run.run_id)
            while len(self._runs) > _RUNS:
                self._runs.popitem(last=False)
        return found.refresh()
