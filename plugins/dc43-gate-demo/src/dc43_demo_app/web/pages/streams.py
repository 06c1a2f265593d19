"""`/streams`: is any stream in trouble now?"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dc43_demo_app.charts.panels import LEAST, trend
from dc43_demo_app.web.render import page, paged, site_of


def show(request: Request) -> Response:
    """List the streams, the worst first."""
    ledger = site_of(request).ledger
    found = ledger.streams()
    trouble = [one for one in found if one.state in ("failed", "blocked", "silent")]
    shown = paged(found, request)
    trends = {one.stream_id: trend(ledger.newest(one.stream_id, LEAST)) for one in shown.items}
    return page(request, "streams.html", streams=shown, trouble=len(trouble), trends=trends)
