"""Templates, and a page made of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import evolve, frozen
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from dc43_core.protocol import clock
from dc43_demo_app import formats
from dc43_demo_app.web.security import COOKIE, form_token
from dc43_demo_app.web.site import Site

T = TypeVar("T")
THEMES = ("auto", "light", "dark")
THEME_COOKIE, ZONE_COOKIE = "dc43_theme", "dc43_zone"
LOCAL = "local"
"""In place of a zone's name: that of this machine, where no script has told the viewer's."""
A_PAGE = 50
_TICKED = re.compile("`([^`]+)`")
_zone: ContextVar[tzinfo] = ContextVar("zone", default=UTC)
"""What the moments of the page that is being written are told in."""


def environment(site: Site) -> Environment:
    """Return the templates of a site; everything that is put into them is escaped."""
    made = Environment(
        loader=FileSystemLoader(site.assets.templates),
        autoescape=True,
        # An installation that changes below a running server does not change its pages.
        auto_reload=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": formats.number,
        "share_of": formats.share_of,
        "duration": formats.duration,
        "word": formats.word,
        "icon": formats.icon,
        "cell": formats.value,
        "segment": lambda text: quote(str(text), safe=""),
        "query": query,
        "ticked": ticked,
    }
    made.globals |= {
        "asset": site.assets.url,
        "share": formats.share,
        "count": formats.count,
        "moment": lambda at: formats.moment(at, zone=_zone.get()),
        "themes": THEMES,
        "zip": zip,
    }
    return made


def ticked(text: object) -> Markup:
    """Return a sentence whose parts in backticks are code."""
    return Markup(_TICKED.sub(r"<code>\1</code>", str(escape(text))))


def site_of(request: Request) -> Site:
    """Return the site that a request is for."""
    site: Site = request.app.state.site
    return site


def query(fields: dict[str, Any]) -> str:
    """Return the query of an address, with what is set."""
    given = {k: v for k, v in fields.items() if v not in (None, "", [])}
    return f"?{urlencode(given, doseq=True)}" if given else ""


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Return a page."""
    site = site_of(request)
    token, zone = form_token(request), zone_of(request)
    _zone.set(zone)
    theme = request.cookies.get(THEME_COOKIE, "")
    text = (
        request.app.state.templates.get_template(template)
        .render(
            site=site,
            path=request.url.path,
            here=str(request.url.path) + (f"?{request.url.query}" if request.url.query else ""),
            form_token=token,
            theme=theme if theme in THEMES else "auto",
            is_local=zone is not UTC,
            zone=formats.zone_name(datetime.now(zone)),
            now=clock.now(),
            **context,
        )
        .strip()
    )
    response = HTMLResponse(text + "\n", status_code=status)
    if request.cookies.get(COOKIE) != token:
        response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
    return response


def macros(request: Request, template: str) -> Any:
    """Return a template's macros, as functions that return escaped HTML."""
    _zone.set(zone_of(request))
    return request.app.state.templates.get_template(template).module


def zone_of(request: Request) -> tzinfo:
    """Return the zone that a viewer has chosen; UTC where none is, or none that is known."""
    wanted = request.cookies.get(ZONE_COOKIE, "")
    if wanted == LOCAL:
        return datetime.now().astimezone().tzinfo or UTC
    try:
        return ZoneInfo(wanted) if wanted else UTC
    # A cookie may hold anything; a name that is a path is a ValueError.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


@frozen(kw_only=True)
class Paged:
    """Some of many, and where the others are.

    Attributes:
        items: Those shown.
        page: Number of this page, from 1.
        total: How many there are in all.
        each: How many a page shows.
    """

    items: Sequence[Any] = ()
    page: int
    total: int
    each: int

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.each))

    @property
    def before(self) -> int:
        """How many stand on the pages before."""
        return (self.page - 1) * self.each

    @property
    def first(self) -> int:
        """Number of the first one shown, from 1; 0 for none."""
        return self.before + 1 if self.items else 0


def paged(items: Sequence[Any], request: Request, each: int = A_PAGE) -> Paged:
    """Return the page of a list that a request asks for."""
    asked = asked_page(request, len(items), each)
    return evolve(asked, items=items[asked.before : asked.before + each])


def asked_page(request: Request, total: int, each: int = A_PAGE) -> Paged:
    """Return the page that a request asks for, for whoever reads no more than it shows."""
    asked = Paged(page=max(integer(request, "page") or 1, 1), total=total, each=each)
    return evolve(asked, page=min(asked.page, asked.pages))


def integer(request: Request, name: str) -> int | None:
    """Return a number of the query; None where there is none that can be used."""
    text = request.query_params.get(name, "").strip()
    return int(text) if text.isdecimal() and len(text) < 19 else None


def joined(parts: Sequence[Markup]) -> str:
    """Return fragments as one text."""
    return "".join(str(part).strip() + "\n" for part in parts)
