"""What a viewer chooses: the theme."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from dc43_demo_app.web.render import THEME_COOKIE, THEMES, site_of
from dc43_demo_app.web.security import read_form

_YEAR = 365 * 24 * 3_600


async def theme(request: Request) -> Response:
    """Keep the theme in a cookie, and go back."""
    form = await read_form(request)
    wanted, back = form.get("theme", ["auto"])[0], form.get("back", ["/"])[0]
    # Only a path of this server: `//elsewhere` and `/\elsewhere` are other hosts to a browser.
    safe = back.startswith("/") and not back.startswith(("//", "/\\"))
    response = RedirectResponse(back if safe else "/", status_code=303)
    if wanted in THEMES:
        response.set_cookie(THEME_COOKIE, wanted, max_age=_YEAR, httponly=True, samesite="lax")
    return response


async def icon(request: Request) -> Response:
    """Return the icon to browsers that ask for it by its old name."""
    return FileResponse(site_of(request).assets.static / "favicon.svg")
