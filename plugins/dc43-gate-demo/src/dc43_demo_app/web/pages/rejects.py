"""`/rejects/{dataset}`: which rows were rejected, why, and whether they can be replayed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import evolve, frozen
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dc43_demo_app.reading.batch import Batch
from dc43_demo_app.reading.rejects import (
    RejectedRow,
    RejectsUnreadableError,
    rejected_by,
    rejected_rows,
)
from dc43_demo_app.reading.violations import Violation, ranked
from dc43_demo_app.web.render import asked_page, integer, page, site_of
from dc43_demo_app.web.security import read_form
from dc43_demo_app.web.site import Site


@frozen(kw_only=True)
class Chosen:
    """Which rejects an address asks for."""

    batch: int | None
    run: str | None
    check: str | None

    def holds(self, one: Batch) -> bool:
        """Say whether a batch is meant."""
        return self.batch in (None, one.batch_id) and self.run in (None, one.run_id)

    @property
    def fields(self) -> Mapping[str, object]:
        """The choice as fields of an address."""
        return {"batch": self.batch, "run": self.run, "check": self.check}


def show(request: Request) -> Response:
    """Show rejected rows, each with every reason; the counts are those of the ledger."""
    site, dataset = site_of(request), request.path_params["dataset"]
    chosen = Chosen(
        batch=integer(request, "batch"),
        run=request.query_params.get("run") or None,
        check=request.query_params.get("check") or None,
    )
    every = site.ledger.dataset_log(dataset).batches()
    if not every and dataset not in site.ledger.datasets():
        raise HTTPException(404, f"Dataset {dataset} is not found in this ledger.")
    batches = [b for b in reversed(every) if chosen.holds(b) and not b.replay]
    count = sum(rejected_by(batch, chosen.check) for batch in batches)
    shown = asked_page(request, count)
    stream = _only_stream(batches)
    problem = None
    if count and site.shows_rows:
        try:
            rows = rejected_rows(batches, chosen.check, offset=shown.before, limit=shown.each)
            shown = evolve(shown, items=rows)
        # What the ledger counted stands without the rows.
        except RejectsUnreadableError as error:
            problem = str(error)
    judged = _judged(site, batches)
    return page(
        request,
        "rejects.html",
        dataset=dataset,
        chosen=chosen,
        checked=sum(batch.rows for batch in batches),
        shown=shown,
        judged=judged,
        columns=_columns(shown.items, judged),
        problem=problem,
        sinks=sorted({batch.rejects for batch in batches if batch.rejects and batch.rejected}),
        reasons=_reasons(site, batches),
        stream=stream,
        replayable=sum(rejected_by(b, chosen.check) for b in every if _replayed(b, stream, chosen)),
    )


def _judged(site: Site, batches: Sequence[Batch]) -> dict[str, Sequence[str]]:
    """Return the columns that each rule reads, under the newest contract of the batches."""
    newest = batches[0] if batches else None
    promise = newest and site.promises.find(newest.contract_id, newest.contract_version)
    return {id_: one.columns for id_, one in promise.expectations.items()} if promise else {}


def _columns(rows: Sequence[RejectedRow], judged: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the columns of rows; first those that broke a rule, the most often broken first."""
    named = list(dict.fromkeys(name for row in rows for name in row.values))
    failed = Counter(name for row in rows for name in row.failed(judged))
    return sorted(named, key=lambda name: -failed[name])


def _only_stream(batches: Sequence[Batch]) -> str | None:
    """Return the stream that all rejects are of, which can be replayed; None for several."""
    streams = {batch.stream_id for batch in batches if batch.rejected}
    return streams.pop() if len(streams) == 1 else None


def _replayed(batch: Batch, stream: str | None, chosen: Chosen) -> bool:
    """Say whether a replay would judge the rejects of a batch: it knows streams, and no runs."""
    mine = batch.stream_id == stream and not batch.replay
    return mine and chosen.batch in (None, batch.batch_id)


def _reasons(site: Site, batches: Sequence[Batch]) -> list[Violation]:
    """Return the rules that rows were rejected for, with how many rows each."""
    found: Counter[str] = Counter()
    for batch in batches:
        if batch.rejected:
            found.update(batch.by_check)
    if not batches:
        return []
    newest = batches[0]
    promise = site.promises.find(newest.contract_id, newest.contract_version)
    warns = frozenset() if promise is None else promise.warning_checks
    rejecting = {check: rows for check, rows in found.items() if check not in warns}
    return ranked(rejecting, sum(batch.rows for batch in batches), promise)


async def replay(request: Request) -> Response:
    """Judge rejects again under the contract of today, in a process of its own."""
    form = await read_form(request)
    launcher = site_of(request).launcher
    stream = form.get("stream", [""])[0]
    if launcher is None or not launcher.can_restart(stream):
        raise HTTPException(
            409,
            "This server does not know how to replay these rejects. "
            "`dc43 rejects replay PIPELINE.toml` does.",
        )
    batches = [int(text) for text in form.get("batch", []) if text.isdecimal()]
    checks = [text for text in form.get("check", []) if text]
    launch = await run_in_threadpool(launcher.replay, stream, batches, checks)
    return RedirectResponse(f"/launches/{launch}", status_code=303)
