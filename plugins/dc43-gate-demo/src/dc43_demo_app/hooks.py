"""What this distribution offers to dc43; importing it imports no web server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dc43_core import Extension, hookimpl


@hookimpl
def dc43_cli_commands() -> Sequence[Extension[Any]]:
    """The pages over any ledger, and over that of the scenarios."""
    return []
