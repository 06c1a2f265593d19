"""`/runs` and `/runs/{run}`: what ran, and how a run stands now."""

from __future__ import annotations

from attrs import frozen
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dc43_core.governance.model import Run
from dc43_core.protocol import clock
from dc43_demo_app.charts.twins import Field, run_twins
from dc43_demo_app.reading.run_view import newest_first, run_state
from dc43_demo_app.web.live import live_view
from dc43_demo_app.web.pages import tables
from dc43_demo_app.web.render import integer, page, paged, site_of
from dc43_demo_app.web.security import read_form


@frozen(kw_only=True)
class ListedRun:
    """A run in the list."""

    run: Run
    state: str
    batches: int
    rows: int
    rejected: int
    seconds: float


def index(request: Request) -> Response:
    """List the runs, newest first; the filter stands in the address."""
    site, now = site_of(request), clock.now()
    runs = newest_first(site.ledger.runs())
    wanted = request.query_params.get("state", "")
    text = request.query_params.get("q", "").strip()
    states = {run.run_id: run_state(run, now) for run in runs}
    found = [
        run
        for run in runs
        if wanted in ("", states[run.run_id])
        and text.lower() in f"{run.query_name or ''} {run.dataset_id} {run.run_id}".lower()
    ]
    shown = paged(found, request)
    listed = [_listed(request, run, states[run.run_id]) for run in shown.items]
    return page(
        request,
        "runs.html",
        listed=listed,
        shown=shown,
        total=len(runs),
        states=sorted(set(states.values()) | ({wanted} if wanted else set())),
        wanted=wanted,
        text=text,
    )


def _listed(request: Request, run: Run, state: str) -> ListedRun:
    found = site_of(request).batches_of(run)
    return ListedRun(
        run=run,
        state=state,
        batches=found.committed,
        rows=found.rows,
        rejected=found.rejected,
        seconds=clock.seconds_between(run.started_at, run.ended_at or run.heartbeat_at),
    )


def find_run(request: Request) -> Run:
    """Return the run that an address names.

    Raises:
        HTTPException: if the ledger has none.
    """
    run_id = request.path_params["run"]
    run = site_of(request).ledger.run(run_id)
    if run is None:
        raise HTTPException(404, f"There is no run {run_id} in this ledger.")
    return run


def show(request: Request) -> Response:
    """Show a run: whether it is healthy, and if not which batch, why, what now."""
    run = find_run(request)
    first, last = integer(request, "from"), integer(request, "to")
    view = live_view(site_of(request), run, first=first, last=last)
    if tables.is_asked(request):
        return tables.show(
            request,
            run_twins(view.warning_checks),
            view.totals.batches if view.window.follows else view.window.batches,
            key=Field("Batch", "text", lambda b: str(b.batch_id)),
            fields={"from": first, "to": last},
            run=run,
            name=view.name,
        )
    return page(request, "run.html", view=view)


async def stop(request: Request) -> Response:
    """Ask a run to end after the batch at hand; once without scripts, on a page of its own."""
    form = await read_form(request)
    run = await run_in_threadpool(find_run, request)
    if form.get("sure") != ["yes"]:
        return page(request, "stop.html", run=run, name=run.query_name or run.dataset_id)
    site = site_of(request)
    await run_in_threadpool(site.ledger.request_stop, run.run_id, site.user, "from the web page")
    return RedirectResponse(f"/runs/{run.run_id}", status_code=303)


async def again(request: Request) -> Response:
    """Start a stream again, in a process of its own."""
    await read_form(request)
    run = await run_in_threadpool(find_run, request)
    launcher = site_of(request).launcher
    if launcher is None or not launcher.can_restart(run.stream_id):
        raise HTTPException(
            409,
            f"This server does not know how to start {run.query_name or run.dataset_id} again. "
            "Start it the way it was started.",
        )
    launch = await run_in_threadpool(launcher.restart, run.stream_id)
    return RedirectResponse(f"/launches/{launch}", status_code=303)


async def way_out(request: Request) -> Response:
    """Remove what blocks a stream, and start it again."""
    await read_form(request)
    run = await run_in_threadpool(find_run, request)
    launcher = site_of(request).launcher
    if launcher is None or launcher.way_out(run.stream_id) is None:
        raise HTTPException(409, "Nothing blocks this stream that this server could remove.")
    launch = await run_in_threadpool(launcher.take_way_out, run.stream_id)
    return RedirectResponse(f"/launches/{launch}", status_code=303)


def label(run: Run) -> str:
    """Return what people call a run's stream."""
    return run.query_name or run.dataset_id
