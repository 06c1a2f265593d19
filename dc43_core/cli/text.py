"""Numbers, moments, places and tables as people read them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from dc43_core.data_quality.display import one_line

if TYPE_CHECKING:
    from rich.console import Console

clean = one_line

STYLES = {
    "ok": "green",
    "warn": "yellow",
    "block": "bold red",
    "blocked": "bold red",
    "unknown": "bold magenta",
    "failed": "bold red",
    "approved": "green",
    "rejected": "bold red",
    "error": "bold red",
    "warning": "yellow",
    "not enforceable": "yellow",
}


def number(value: int) -> str:
    """Return a count as in `336,776`."""
    return f"{value:,}"


def count(value: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun, as in `1 batch` and `365 batches`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """Return a share as in `7.6 %`; what is not nothing and not all never reads as such."""
    if not whole:
        return "-"
    percent = 100 * part / whole
    if 0 < percent < 0.05:
        return "< 0.1 %"
    if 99.95 <= percent < 100:
        return "> 99.9 %"
    return f"{percent:.1f} %"


def duration(seconds: float) -> str:
    """Return a time span as in `1.2 s` or `2 min 5 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def span(seconds: float) -> str:
    """Return an age in its largest two units, as in `3 d 4 h`; one of the future has a minus."""
    hours, rest = divmod(round(abs(seconds)), 3_600)
    days, left = divmod(hours, 24)
    told = f"{hours} h {rest // 60} min" if hours else duration(abs(seconds))
    return ("-" if seconds < 0 else "") + (f"{days:,} d {left} h" if days else told)


def moment(rfc3339: str) -> str:
    """Return a moment of a record to the second, as in `2026-11-23 17:03:12`; UTC stays UTC."""
    return rfc3339[:19].replace("T", " ")


def place(uri: str | None) -> str:
    """Return where something lies, local places as paths."""
    from dc43_core.protocol.file_store import local_path

    if uri is None:
        return "none"
    return clean(local_path(uri) if uri.startswith("file:") else uri)


def is_local(uri: str) -> bool:
    """Say whether a path or URI is on this machine."""
    return uri.startswith("file:") or "://" not in uri


def console(*, stderr: bool = False) -> Console:
    """Return a console: colours only on a terminal, and no text is taken for markup."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def print_table(
    out: Console,
    columns: Sequence[tuple[str, str]],
    rows: Iterable[Sequence[object]],
    *,
    gap: int = 2,
) -> None:
    """Print a table.

    Args:
        out: Where.
        columns: Heading, and `left` or `right`.
        rows: Cells; words with a meaning such as `block` get their colour.
    """
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="bold")
    for heading, side in columns:
        made.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    for row in rows:
        cells = [clean(cell) for cell in row]
        made.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in cells))
    with out.capture() as drawn:
        out.print(made)
    # Without the blanks that fill the width: they are in the way of whoever copies a line.
    for line in drawn.get().splitlines():
        out.file.write(line.rstrip() + "\n")


def write_json(value: Any) -> None:
    """Print one JSON object and nothing else."""
    import json

    sys.stdout.write(json.dumps(value, indent=2) + "\n")
