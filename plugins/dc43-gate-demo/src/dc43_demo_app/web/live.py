"""The run page as one value: from a run and its batches to what the templates write down."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from attrs import field, frozen

from dc43_core.governance.model import Run
from dc43_core.protocol import clock
from dc43_core.protocol.record import GovernanceRecord
from dc43_demo_app import formats
from dc43_demo_app.charts import panels
from dc43_demo_app.charts.columns import (
    Column,
    Window,
    batches_a_column,
    columns,
    warned,
    window,
)
from dc43_demo_app.charts.panels import Mark, Panel
from dc43_demo_app.reading.batch import Batch, BatchState
from dc43_demo_app.reading.run_view import RunBatches, run_state
from dc43_demo_app.reading.violations import Violation, violations
from dc43_demo_app.reading.ways_out import mends
from dc43_demo_app.web.render import query
from dc43_demo_app.web.site import Site

CARDS = 50
ALIVE = ("running", "stopping")
_NAMED = 4
"""Unusual batches that the lead names."""
STAGES = ("Read", "Drift check", "Classify", "Verdict", "Publish", "Record")
_NEXT = {
    None: 0,
    "handed-over": 1,
    "looked-up": 1,
    "drift-checked": 2,
    "staged": 3,
    "validated": 3,
    "decided": 4,
    "finished": 4,
    "synced": 4,
    "prepared": 4,
    "rejects-published": 4,
    "main-published": 5,
    "committed": 6,
    "swept": 6,
    "blocked": 3,
}
"""The arrow of the protocol that was passed last, and the stage that is at hand."""


@frozen(kw_only=True)
class Blocked:
    """Why a batch was blocked, and the ways out.

    Attributes:
        commands: What to do, each a sentence and perhaps a command.
        way_out: What a button says that removes what blocks the stream, or None.
    """

    batch: Batch
    record: GovernanceRecord
    drift: Sequence[Mapping[str, object]]
    expected: Sequence[tuple[str, str]]
    commands: Sequence[tuple[str, str | None]]
    way_out: str | None

    @property
    def summary(self) -> str:
        """What stopped it, in a sentence: the columns that are gone, else the reason as it is."""
        gone = [str(one.get("column")) for one in self.drift if one.get("kind") == "missing"]
        if gone and len(gone) == len(self.drift):
            what = "column" if len(gone) == 1 else "columns"
            return f"The feed of {self.batch.label} lacks the required {what} {', '.join(gone)}."
        return self.record.intervention or "A strategy or a rule blocked it; it gave no reason."


@frozen(kw_only=True)
class LiveView:
    """Everything that the run page shows, as of one moment."""

    run: Run
    name: str
    state: str
    alive: bool
    totals: RunBatches
    window: Window
    columns: Sequence[Column]
    panels: Sequence[Panel]
    overview: Panel
    each: int
    cards: Sequence[Batch]
    violations: Sequence[Violation]
    warning_checks: frozenset[str] | None
    blocked: Blocked | None
    fault: str | None
    can_restart: bool
    command: str | None
    sequence: int
    newer: str | None
    stages: Sequence[tuple[str, str]] = field(factory=list)

    @property
    def newest(self) -> Batch | None:
        """The newest batch."""
        return self.totals.batches[-1] if self.totals.batches else None

    @property
    def title(self) -> str:
        """What the browser's tab says."""
        said = formats.word(self.state)
        if self.alive:
            return f"{self.totals.committed:,} {self.name}, {said.lower()} - dc43"
        return f"{said}: {self.name} - dc43"

    @property
    def progress(self) -> str:
        """What a screen reader hears now and then."""
        told = formats.count(self.totals.committed, "batch", "batches")
        if self.totals.rows:
            told += f", {formats.share(self.totals.rejected, self.totals.rows)} rejected"
        return told if self.alive else f"{formats.word(self.state)}: {told}"

    @property
    def readouts(self) -> str:
        """What the crosshair says of each column, as JSON."""
        checks = self.warning_checks or ()
        share = formats.share
        rows = [
            [
                c.first,
                f"Batch {c.first}" if c.first == c.last else f"Batches {c.first} to {c.last}",
                c.label,
                f"{formats.word(c.state.value)}, {formats.number(c.rows)} rows, "
                f"{formats.number(c.rejected)} rejected ({share(c.rejected, c.rows)})"
                + (f", {share(c.warned, c.rows)} with warnings" if checks else "")
                + f", {formats.duration(c.seconds)}, {formats.rate(c.rows, c.seconds)}",
                int(bool(c.unusual)),
                int(c.state in (BatchState.BLOCKED, BatchState.ERROR)),
            ]
            for c in self.columns
        ]
        return json.dumps(rows, ensure_ascii=False)

    def twin(self, panel: str) -> str:
        """Return the query of the table of a panel, over the same batches."""
        shown = [] if self.window.follows else self.window.batches
        ends = {"from": shown[0].batch_id, "to": shown[-1].batch_id} if shown else {}
        return query({"view": "table", "panel": panel, **ends})

    @property
    def room(self) -> int:
        """How many columns the panels are wide."""
        return panels.room(self.columns)

    @property
    def ticks(self) -> Sequence[Mark]:
        """What stands below the panels."""
        return panels.ticks(self.columns)

    @property
    def only_blocked(self) -> bool:
        """Whether no batch of those that stopped the run has failed."""
        return all(batch.state is BatchState.BLOCKED for batch in self.totals.stopping)

    @property
    def unusual_named(self) -> Sequence[Batch]:
        """The unusual batches that the lead names: the newest ones."""
        return self.totals.unusual[-_NAMED:]

    @property
    def took(self) -> float:
        """Seconds from its start to its end, or to its last sign of life."""
        return clock.seconds_between(
            self.run.started_at, self.run.ended_at or self.run.heartbeat_at
        )

    def warned(self, batch: Batch) -> int:
        """Return how often rules that only warn were broken in a batch."""
        return warned(batch, self.warning_checks or ())


def live_view(site: Site, run: Run, *, first: int | None, last: int | None) -> LiveView:
    """Look at a run as it stands now."""
    totals = site.batches_of(run)
    state = run_state(run, clock.now())
    alive = state in ALIVE
    promise = site.promises.find(run.contract_id, run.contract_version)
    checks = None if promise is None else promise.warning_checks
    shown = window(totals.batches, first, last, live=alive)
    drawn = columns(shown.batches, checks or ())
    every = site.overview_of(totals)
    drawn_panels = [
        panels.states(drawn),
        panels.rows(drawn),
        panels.rejected(drawn, totals.usual),
        *([panels.warnings(drawn)] if checks else []),
        panels.durations(drawn),
    ]
    launcher = site.launcher
    return LiveView(
        run=run,
        name=run.query_name or run.dataset_id,
        state=state,
        alive=alive,
        totals=totals,
        window=shown,
        columns=drawn,
        panels=drawn_panels,
        overview=panels.overview(every, shown),
        each=batches_a_column(len(shown.batches)),
        cards=totals.batches[: -CARDS - 1 : -1],
        violations=violations(totals, promise),
        warning_checks=checks,
        blocked=_blocked(site, run, totals) if state == "blocked" else None,
        fault=run.reason if state == "failed" else None,
        can_restart=not alive and launcher is not None and launcher.can_restart(run.stream_id),
        command=None if alive or launcher is None else launcher.command(run.stream_id),
        sequence=totals.sequence,
        newer=None if alive else _newer(site, run),
        stages=_stages(run, state),
    )


def _newer(site: Site, run: Run) -> str | None:
    """Return the id of the newest run of the stream, if it is another one."""
    newest = site.ledger.newest_run(run.stream_id)
    return None if newest is None or newest.run_id == run.run_id else newest.run_id


def _stages(run: Run, state: str) -> list[tuple[str, str]]:
    """Return each stage with where it stands: done, now, waiting."""
    if state not in ALIVE:
        return []
    at = _NEXT.get(run.step, 0)
    words = ["done"] * at + ["now"] + ["waiting"] * len(STAGES)
    return list(zip(STAGES, words, strict=False))


def _blocked(site: Site, run: Run, totals: RunBatches) -> Blocked | None:
    batch = totals.block(run)
    if batch is None:
        return None
    record = totals.log.record(batch)
    promise = site.promises.find(run.contract_id, run.contract_version)
    expected = [
        (prop.physical_name, prop.logical_type or "")
        for plan in (promise.plans if promise else [])
        if plan.dataset_id == run.dataset_id
        for prop in plan.schema.columns
    ]
    drift = [dict(one) for one in record.drift]
    command = None if site.launcher is None else site.launcher.command(run.stream_id)
    again = f"Start the stream again: it resumes at batch {batch.batch_id}."
    show = f"dc43 blocked show {run.checkpoint.removeprefix('file://')} {batch.batch_id}"
    commands = [
        *((mend, None) for mend in mends(record)),
        (again, command),
        ("Or release the batch as it is; this shows how.", show),
    ]
    return Blocked(
        batch=batch,
        record=record,
        drift=drift,
        expected=expected,
        commands=commands,
        way_out=None if site.launcher is None else site.launcher.way_out(run.stream_id),
    )
