"""What this plugin offers to dc43."""

from __future__ import annotations

from collections.abc import Sequence

from dc43_core import Extension, InterventionStrategy, hookimpl
from dc43_rejects.strategy import RouteAfter, RouteAfterOptions, RouteRejects, Split

_ROUTES = {"routes": True}


@hookimpl
def dc43_intervention_strategies() -> Sequence[Extension[InterventionStrategy]]:
    """Routing from the first bad batch on, once they keep coming, and row by row."""
    return [
        Extension("route-rejects", RouteRejects, capabilities=_ROUTES),
        Extension("route-after", RouteAfter, RouteAfterOptions, capabilities=_ROUTES),
        Extension("split", Split, capabilities=_ROUTES),
    ]
