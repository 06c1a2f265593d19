"""`/` of the demo: what can be watched, its start, and the wait until Spark is there."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from dc43_core.protocol import clock
from dc43_core.vocabulary import RunType
from dc43_demo_app.launch import Launcher
from dc43_demo_app.reading.run_view import newest_first, run_state
from dc43_demo_app.web.render import page, site_of
from dc43_demo_app.web.security import read_form


def show(request: Request) -> Response:
    """Show the scenarios, each with its last run."""
    site, now = site_of(request), clock.now()
    runs = newest_first(site.ledger.runs())
    cards = []
    for scenario in site.scenarios:
        last = next((run for run in runs if run.query_name == scenario.name), None)
        state = None if last is None else run_state(last, now)
        totals = None if last is None else site.batches_of(last)
        cards.append((scenario, last, state, totals))
    problem = _launcher(request).problem()
    return page(request, "scenarios.html", cards=cards, problem=problem, any_run=bool(runs))


async def start(request: Request) -> Response:
    """Start a scenario in a process of its own."""
    form = await read_form(request)
    launcher, name = _launcher(request), request.path_params["name"]
    if name not in {scenario.name for scenario in launcher.scenarios()}:
        raise HTTPException(404, f"There is no scenario {name}.")
    wanted = form.get("run_type", [""])[0]
    if wanted not in list(RunType):
        raise HTTPException(400, f"{wanted[:50]!r} is no run type; take observe or enforce.")
    problem = await run_in_threadpool(launcher.problem)
    if problem is not None:
        raise HTTPException(409, problem)
    launch_id = await run_in_threadpool(launcher.start, name, RunType(wanted))
    return RedirectResponse(f"/launches/{launch_id}", status_code=303)


def launch(request: Request) -> Response:
    """Go to the run that a start became, as soon as there is one."""
    found = _launcher(request).launch(request.path_params["launch"])
    if found is None:
        raise HTTPException(404, "Nothing was started under this address.")
    if found.run_id is not None:
        return RedirectResponse(f"/runs/{found.run_id}", status_code=303)
    return page(request, "launch.html", launch=found)


def _launcher(request: Request) -> Launcher:
    launcher = site_of(request).launcher
    if launcher is None:
        raise HTTPException(409, "This server starts nothing; it shows what runs.")
    return launcher
