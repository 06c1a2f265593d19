"""The application: which address is which page, and what becomes of errors."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from dc43_core.errors import Dc43Error
from dc43_demo_app.web import events
from dc43_demo_app.web.pages import (
    batches,
    contracts,
    datasets,
    plugins,
    products,
    rejects,
    runs,
    scenarios,
    settings,
    streams,
)
from dc43_demo_app.web.render import environment, page
from dc43_demo_app.web.security import Guard, RefusedError
from dc43_demo_app.web.site import Site


class _Unchanging(StaticFiles):
    """Files whose address names their content, so that browsers may keep them for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if scope.get("query_string", b"").startswith(b"v="):
            response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def create_app(site: Site) -> Starlette:
    """Return the pages of one site."""
    home = scenarios.show if site.launcher is not None and site.scenarios else streams.show
    routes = [
        Route("/", home),
        Route("/scenarios/{name}/start", scenarios.start, methods=["POST"]),
        Route("/launches/{launch}", scenarios.launch),
        Route("/streams", streams.show),
        Route("/runs", runs.index),
        Route("/runs/{run}", runs.show),
        Route("/runs/{run}/events", events.stream),
        Route("/runs/{run}/state", events.state),
        Route("/runs/{run}/stop", runs.stop, methods=["POST"]),
        Route("/runs/{run}/again", runs.again, methods=["POST"]),
        Route("/runs/{run}/way-out", runs.way_out, methods=["POST"]),
        Route("/runs/{run}/batches", batches.index),
        Route("/runs/{run}/batches.csv", batches.csv_file),
        Route("/runs/{run}/batches/{batch:int}", batches.show),
        Route("/datasets", datasets.index),
        Route("/datasets/{dataset}", datasets.show),
        Route("/rejects/{dataset}", rejects.show),
        Route("/rejects/{dataset}/replay", rejects.replay, methods=["POST"]),
        Route("/contracts", contracts.index),
        Route("/contracts/{contract}/{version}", contracts.show),
        Route("/products", products.index),
        Route("/products/{product}", products.show),
        Route("/plugins", plugins.show),
        Route("/theme", settings.theme, methods=["POST"]),
        Route("/times", settings.times, methods=["POST"]),
        Route("/favicon.ico", settings.icon),
        Mount("/static", _Unchanging(directory=site.assets.static)),
    ]
    handlers: dict[Any, Any] = {
        HTTPException: _not_there,
        RefusedError: _refused,
        Dc43Error: _fault,
    }
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, hosts=site.hosts)],
        exception_handlers=handlers,
    )
    app.state.site = site
    app.state.templates = environment(site)
    return app


def _not_there(request: Request, error: HTTPException) -> Response:
    sentence = error.detail if error.status_code != 404 or error.detail != "Not Found" else ""
    return page(
        request,
        "error.html",
        status=error.status_code,
        title="Not there" if error.status_code == 404 else "Not done",
        sentence=sentence or f"There is no page at {request.url.path}.",
        remedy="",
    )


def _refused(request: Request, error: RefusedError) -> Response:
    return page(request, "error.html", status=403, title="Not done", sentence=str(error), remedy="")


def _fault(request: Request, error: Dc43Error) -> Response:
    location = request.app.state.site.ledger.location
    return page(
        request,
        "error.html",
        status=503,
        title="Cannot be read",
        sentence=str(error),
        remedy=f"The ledger of these pages is {location}. `dc43 doctor` says what is wrong.",
    )
