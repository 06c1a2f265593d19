"""What a viewer chooses: the theme, and the zone of times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from dc43_demo_app.web.render import LOCAL, THEME_COOKIE, THEMES, ZONE_COOKIE, site_of
from dc43_demo_app.web.security import read_form

_YEAR = 365 * 24 * 3_600
_LONGEST_ZONE = 64


async def theme(request: Request) -> Response:
    """Keep the theme in a cookie, and go back."""
    form = await read_form(request)
    wanted, response = form.get("theme", ["auto"])[0], _back(form)
    if wanted in THEMES:
        _keep(response, THEME_COOKIE, wanted)
    return response


async def times(request: Request) -> Response:
    """Keep in a cookie whether times are told in UTC or in the viewer's zone, and go back."""
    form = await read_form(request)
    response = _back(form)
    if form.get("times") == [LOCAL]:
        # Only a script knows the browser's zone; without one it is this machine's.
        _keep(response, ZONE_COOKIE, form.get("zone", [""])[0][:_LONGEST_ZONE] or LOCAL)
    else:
        response.delete_cookie(ZONE_COOKIE)
    return response


def _back(form: Mapping[str, Sequence[str]]) -> Response:
    back = form.get("back", ["/"])[0]
    # Only a path of this server: `//elsewhere` and `/\\elsewhere` are other hosts to a browser.
    safe = back.startswith("/") and not back.startswith(("//", "/\\"))
    return RedirectResponse(back if safe else "/", status_code=303)


def _keep(response: Response, cookie: str, value: str) -> None:
    response.set_cookie(cookie, value, max_age=_YEAR, httponly=True, samesite="lax")


async def icon(request: Request) -> Response:
    """Return the icon to browsers that ask for it by its old name."""
    return FileResponse(site_of(request).assets.static / "favicon.svg")
