"""What changed in a run, as server-sent events: read from the ledger, for each viewer alone."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator

import anyio
from attrs import frozen
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from dc43_core.errors import Dc43Error
from dc43_core.log import get_logger
from dc43_core.protocol import clock
from dc43_demo_app.reading.run_view import run_state
from dc43_demo_app.web.live import ALIVE, LiveView, live_view
from dc43_demo_app.web.pages.runs import find_run
from dc43_demo_app.web.render import integer, joined, macros, site_of
from dc43_demo_app.web.security import form_token

log = get_logger("pages")

LOOK_SECONDS = 0.25
"""How often the ledger is looked at, and so how often a page changes at most."""
_LINE = re.compile("\r\n|\r|\n")
BEHIND = 500
"""Records from which on a viewer gets whole regions instead of what changed."""


async def state(request: Request) -> Response:
    """Return what a hidden tab needs: its title."""
    view = await run_in_threadpool(_view, request)
    return JSONResponse({"title": view.title, "state": view.state, "sequence": view.sequence})


async def stream(request: Request) -> Response:
    """Send what changes in a run, from where the viewer is.

    The id of an event is the place of the newest record in it. A browser that comes back says it
    in `Last-Event-ID`, which wins over `after`.
    """
    await run_in_threadpool(find_run, request)
    given = request.headers.get("last-event-id", "")
    after = int(given) if given.isdecimal() else integer(request, "after") or 0
    return StreamingResponse(
        _events(request, after),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(request: Request, after: int) -> AsyncIterator[str]:
    site, shown, told = site_of(request), "", time.monotonic()
    # Told at once, so that the page knows of its link before anything happens.
    yield "retry: 1000\nevent: beat\ndata:\n\n"
    while True:
        try:
            now = await run_in_threadpool(_look, request)
            changed = now.mark != shown or now.sequence != after
            view = await run_in_threadpool(_view, request) if changed else None
        except (Dc43Error, HTTPException) as error:
            # The browser comes back by itself; until then the page says that there is no link.
            log.warning("events.ended", path=request.url.path, error=str(error))
            return
        if view is not None:
            behind = view.sequence - after
            whole = behind > BEHIND or behind < 0
            fragments = _regions(request, view, after, whole=whole)
            yield _event("reset" if whole else "patch", fragments, view.sequence)
            shown, after, told = now.mark, view.sequence, time.monotonic()
        if now.state not in (*ALIVE, "silent"):
            yield _event("end", now.state, after)
            return
        if time.monotonic() - told >= site.beat_seconds:
            yield "event: beat\ndata:\n\n"
            told = time.monotonic()
        await anyio.sleep(LOOK_SECONDS)


def _view(request: Request) -> LiveView:
    first, last = integer(request, "from"), integer(request, "to")
    return live_view(site_of(request), find_run(request), first=first, last=last)


@frozen(kw_only=True)
class _Look:
    """What tells whether a page changes, at little cost.

    Attributes:
        mark: What changes it besides records.
    """

    state: str
    mark: str
    sequence: int


def _look(request: Request) -> _Look:
    run = find_run(request)
    state = run_state(run, clock.now())
    mark = f"{state} {run.step} {run.batch_id}"
    return _Look(state=state, mark=mark, sequence=site_of(request).batches_of(run).sequence)


def _regions(request: Request, view: LiveView, after: int, *, whole: bool) -> str:
    """Return the regions that changed, each an element with an id that is replaced."""
    draw = macros(request, "macros/run.html")
    token = form_token(request)
    # What is as it was, the page leaves alone.
    parts = [draw.head(view, token), draw.track(view), draw.lead(view), draw.verdict(view, token)]
    if view.sequence != after or whole:
        parts += [
            draw.timeline(view),
            draw.violations(view),
            draw.more(view),
        ]
        if whole:
            parts.append(draw.cards(view))
        else:
            new = view.totals.after(after)[-len(view.cards) :]
            parts += [draw.new_card(view, batch) for batch in new]
    return joined(parts)


def _event(name: str, data: str, sequence: int) -> str:
    # Only these end a line of an event stream; whatever else ends a line is text.
    lines = "".join(f"data: {line}\n" for line in _LINE.split(data))
    return f"id: {sequence}\nevent: {name}\n{lines}\n"
