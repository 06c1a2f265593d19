"""Numbers, times and words as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

NARROW = "\N{NARROW NO-BREAK SPACE}"
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

STATE_WORDS = {
    "ok": "Passed",
    "warning": "Warning",
    "rejected": "Rejected",
    "blocked": "Blocked",
    "error": "Failed",
    "failed": "Failed",
    "idle": "Idle",
    "skipped": "Skipped",
    "running": "Running",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "finished": "Finished",
    "ended": "Finished",
    "silent": "No sign of life",
    "unknown": "No run known",
}
STATE_ICONS = {
    "ok": "ok",
    "warning": "warning",
    "rejected": "rejected",
    "blocked": "blocked",
    "error": "error",
    "failed": "error",
    "running": "running",
    "stopping": "running",
    "stopped": "done",
    "finished": "done",
    "ended": "done",
    "silent": "warning",
}


def word(state: str) -> str:
    """Return a state's word; one that nobody knows is its own."""
    return STATE_WORDS.get(state, state[:1].upper() + state[1:])


def icon(state: str) -> str:
    """Return the icon of a state; one that nobody knows never looks like a pass."""
    return STATE_ICONS.get(state, "idle")


def number(value: float) -> str:
    """Return a count as in `336,776`."""
    return f"{value:,.0f}"


def count(value: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun, as in `365 batches`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """Return a share as in `7.6 %`."""
    return share_of(part / whole) if whole else "-"


def share_of(value: float | None) -> str:
    """Return a share between 0 and 1; what is not nothing and not all never reads as such."""
    if value is None:
        return "-"
    percent = 100 * value
    if 0 < percent < 0.05:
        return f"< 0.1{NARROW}%"
    if 99.95 <= percent < 100:
        return f"> 99.9{NARROW}%"
    return f"{percent:.1f}{NARROW}%"


def percent(value: float) -> str:
    """Return the end of an axis, as in `30 %`."""
    return f"{100 * value:.4g}{NARROW}%"


def duration(seconds: float) -> str:
    """Return a time span as in `840 ms`, `1.2 s` or `2 min 05 s`."""
    if seconds < 0.9995:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def moment(rfc3339: str, now: datetime | None = None, zone: tzinfo = UTC) -> str:
    """Return a moment as in `17:03:12 UTC`, of another day as in `23 Nov 2026, 17:03 UTC`."""
    at = datetime.fromisoformat(rfc3339).astimezone(zone)
    today = (now or datetime.now(UTC)).astimezone(zone).date()
    named = zone_name(at)
    if at.date() == today:
        return f"{at:%H:%M:%S} {named}"
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} {named}"


def zone_name(at: datetime) -> str:
    """Return what people call the zone of a moment: `CET`, or `UTC+03` where it has no name."""
    name = at.tzname() or "UTC"
    return f"UTC{name}" if name[0] in "+-" else name


def rate(rows: int, seconds: float) -> str:
    """Return how fast rows went, as in `48,200 rows/s`; `-` where no time has passed."""
    return f"{rows / seconds:,.0f} rows/s" if rows and seconds > 0 else "-"


def value(cell: object) -> str:
    """Return a value out of data, as it is."""
    return "NULL" if cell is None else str(cell)
