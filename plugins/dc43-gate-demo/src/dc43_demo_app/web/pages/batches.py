"""A run's batches as a table, as CSV, and one batch with its record."""

from __future__ import annotations

import json

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dc43_demo_app.reading.batch import Batch, BatchState
from dc43_demo_app.reading.violations import ranked
from dc43_demo_app.web.pages.runs import find_run, label
from dc43_demo_app.web.pages.tables import csv_of
from dc43_demo_app.web.render import integer, page, paged, site_of

_TABLE = 100
_COLUMNS = (
    "batch",
    "label",
    "state",
    "rows",
    "main",
    "rejected",
    "times_usual",
    "seconds",
    "dataset_version",
    "reason",
)


def index(request: Request) -> Response:
    """List the batches of a run, newest first, so many a page."""
    run = find_run(request)
    totals = site_of(request).batches_of(run)
    wanted = request.query_params.get("state", "")
    to = integer(request, "batch")
    if to is not None:
        return RedirectResponse(f"/runs/{run.run_id}/batches/{to}", status_code=303)
    found = [b for b in reversed(totals.batches) if _is(b, wanted)]
    return page(
        request,
        "batches.html",
        run=run,
        name=label(run),
        shown=paged(found, request, _TABLE),
        total=len(totals.batches),
        wanted=wanted,
        states=["unusual", *BatchState],
    )


def _is(batch: Batch, wanted: str) -> bool:
    return wanted in ("", batch.state) or (wanted == "unusual" and batch.is_unusual)


def csv_file(request: Request) -> Response:
    """Return every batch of a run as CSV."""
    run = find_run(request)
    rows = [
        [
            *(batch.batch_id, batch.label, batch.state.value, batch.rows, batch.main),
            *(batch.rejected, batch.times_usual, batch.seconds, batch.dataset_version),
            batch.reason,
        ]
        for batch in site_of(request).batches_of(run).batches
    ]
    return csv_of(_COLUMNS, rows, f"run-{run.run_id[:32]}")


def show(request: Request) -> Response:
    """Show one batch: why this verdict, and what landed where."""
    site, run = site_of(request), find_run(request)
    totals = site.batches_of(run)
    wanted = request.path_params["batch"]
    batch = next((b for b in reversed(totals.batches) if b.batch_id == wanted), None)
    if batch is None:
        newest = totals.batches[-1].batch_id if totals.batches else None
        there = "This run has no batch yet." if newest is None else f"The newest is {newest}."
        raise HTTPException(404, f"Batch {wanted} is not recorded. {there}")
    record = totals.log.record(batch)
    promise = site.promises.find(record.contract_id, record.contract_version)
    return page(
        request,
        "batch.html",
        run=run,
        name=label(run),
        batch=batch,
        record=record,
        violations=ranked(record.violations_by_check, record.row_count, promise),
        raw=json.dumps(record.payload(), indent=2, ensure_ascii=False),
    )
