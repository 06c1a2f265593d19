"""`/streams`: is any stream in trouble now?"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dc43_demo_app.web.render import page, paged, site_of


def show(request: Request) -> Response:
    """List the streams, the worst first."""
    found = site_of(request).ledger.streams()
    trouble = [one for one in found if one.state in ("failed", "blocked", "silent")]
    return page(request, "streams.html", streams=paged(found, request), trouble=len(trouble))
