"""Time as records write it: UTC, RFC 3339, milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """Return the present moment, as in `2026-11-23T17:03:12.004Z`."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """Return a moment of UTC as `now` writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one moment to another, both as `now` writes them."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
