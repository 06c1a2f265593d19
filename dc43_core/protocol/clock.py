"""Time as records write it: UTC, RFC 3339, milliseconds; and what else a machine gives."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from attrs import frozen


def now() -> str:
    """Return the present moment, as in `2026-11-23T17:03:12.004Z`."""
    return written(datetime.now(UTC))


def written(moment: datetime) -> str:
    """Return a moment of UTC as `now` writes it."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one moment to another, both as `now` writes them."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def milliseconds(moment: str) -> int:
    """Return a moment, as `now` writes it, in milliseconds since 1970."""
    return round(datetime.fromisoformat(moment).timestamp() * 1_000)


def new_id() -> str:
    """Return 32 hexadecimal digits that nobody has used before."""
    return uuid.uuid4().hex


@frozen(kw_only=True)
class Surroundings:
    """Time and chance, which a stream takes from its machine and a simulation from elsewhere.

    Attributes:
        now: The present moment, as records write it.
        clock: Seconds that only grow.
        sleep: Waits for seconds.
        new_id: 32 hexadecimal digits that nobody has used before.
    """

    now: Callable[[], str] = now
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    new_id: Callable[[], str] = new_id


MACHINE = Surroundings()
"""Of this very machine."""
