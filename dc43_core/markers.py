"""pluggy's markers for the project name `dc43`."""

from __future__ import annotations

import pluggy

PROJECT = "dc43"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
