"""`/plugins`: what is installed, from where, and what it offers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from dc43_core.plugin_manager import KINDS
from dc43_demo_app.web.render import page, site_of


def show(request: Request) -> Response:
    """List the plugins, the built-in extensions first."""
    loaded = site_of(request).runtime.plugins
    offers: dict[str, list[tuple[str, list[str]]]] = {about.name: [] for about in loaded.loaded}
    for kind in KINDS:
        names: dict[str, list[str]] = {}
        for offer in loaded.registry(kind):
            names.setdefault(offer.owner, []).append(offer.extension.name)
        for owner, found in names.items():
            offers.setdefault(owner, []).append((kind, sorted(found)))
    return page(request, "plugins.html", plugins=loaded.loaded, offers=offers)
