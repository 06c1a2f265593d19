"""Panels of the timeline: what is drawn, in numbers that a macro only has to write down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from attrs import frozen

from dc43_demo_app import formats
from dc43_demo_app.charts.columns import Column, Window
from dc43_demo_app.charts.scale import round_up
from dc43_demo_app.reading.batch import Batch, BatchState

HEIGHT, HEAD = 80, 14
STRIP, WORDS = 24, 16
"""Height of the strip of states, and of the words above it where there are any."""
OVERVIEW, TREND = 28, 24
LEAST = 40
"""Columns that a panel has room for at least, so that a few batches are no broad blocks."""
_LITTLE = 0.05
"""A rejected share that a trend does not draw high."""
_TEXT = 9.0
"""Width of a value beside its triangle, in percent of a panel."""
_THREE_TEXTS = 80.0
"""Of a panel's width in percent: what three labels need."""
_BAR = 0.78
"""Of a column's width; the rest is the gap between two."""
_STOPPED = (BatchState.BLOCKED, BatchState.ERROR)
_LEVELS = {
    BatchState.OK: 6,
    BatchState.WARNING: 12,
    BatchState.REJECTED: 12,
    BatchState.SKIPPED: 3,
    BatchState.IDLE: 2,
}


@frozen(kw_only=True)
class Mark:
    """Something that stands at a column: a triangle with its value, a hatched cell.

    Attributes:
        at: Left edge, in percent of the panel's width.
        width: In percent.
        text: What is written at it, or nothing.
        state: Whose look it has.
    """

    at: float
    width: float
    text: str = ""
    state: BatchState | None = None
    end: bool = False


@frozen(kw_only=True)
class Panel:
    """One panel.

    Attributes:
        name: Of its elements in the page.
        title: What it shows.
        unit: Of its values.
        sentence: The same for those who do not see it.
        count: How many columns wide it is.
        height: In pixels.
        head: How much of it, at the top, is for marks above the highest value.
        paths: Class and path of each drawn shape.
        top: Value at the upper end of the axis.
        current: Value of the newest batch.
        dashed: Height of a dashed line, or None.
        dashed_text: What it says.
        filled: How much of the width has columns, in percent.
    """

    name: str
    title: str
    unit: str
    sentence: str
    count: int
    height: int
    head: int = 0
    paths: Sequence[tuple[str, str]]
    top: str = ""
    current: str = ""
    dashed: float | None = None
    dashed_text: str = ""
    marks: Sequence[Mark] = ()
    filled: float = 100.0


def states(columns: Sequence[Column]) -> Panel:
    """Return the strip of states: height and look differ, not colour alone."""
    paths: dict[BatchState, list[str]] = {}
    marks: list[Mark] = []
    width = 100 / room(columns)
    stopped = any(column.state in _STOPPED for column in columns)
    floor = STRIP + WORDS * stopped
    for at, column in enumerate(columns):
        state = column.state
        if state in _STOPPED:
            # A word only where the one before it leaves room; each cell has its look anyway.
            worded = [mark.at for mark in marks if mark.text]
            fits = not worded or at * width - worded[-1] >= _TEXT
            word = formats.word(state.value) if fits else ""
            end = at * width > 100 - _TEXT
            marks.append(Mark(at=at * width, width=width * _BAR, text=word, state=state, end=end))
            continue
        paths.setdefault(state, []).append(_bar(at, _LEVELS[state], floor))
        if state is BatchState.REJECTED:
            # The notch: half a step on top, so that it differs from a warning without colour.
            paths[state].append(f"M{at + _BAR / 4:.2f} {floor - 12}v-4h{_BAR / 2:.2f}v4z")
    found = {state: sum(column.state is state for column in columns) for state in BatchState}
    told = ", ".join(
        f"{formats.STATE_WORDS[state.value].lower()} {n}" for state, n in found.items() if n
    )
    return Panel(
        name="states",
        title="State",
        unit="",
        sentence=f"State of {_columns(columns)}: {told or 'none yet'}",
        count=room(columns),
        height=floor,
        paths=[(f"s-{state.value}", "".join(d)) for state, d in paths.items()],
        marks=marks,
    )


def rows(columns: Sequence[Column]) -> Panel:
    """Return rows of each batch."""
    top = round_up(max((column.highest_rows for column in columns), default=0))
    each = [column.rows / column.count for column in columns]
    newest = columns[-1] if columns else None
    return Panel(
        name="rows",
        title="Rows per batch",
        unit="rows",
        sentence=f"Rows per batch, {_columns(columns)}, "
        f"highest {formats.number(max((c.highest_rows for c in columns), default=0))}",
        count=room(columns),
        height=HEIGHT,
        paths=_bars("m-valid", columns, each, lambda c: float(c.highest_rows), top),
        top=formats.number(int(top)),
        current=formats.number(newest.rows) if newest and newest.count == 1 else "",
    )


def rejected(columns: Sequence[Column], usual: float | None) -> Panel:
    """Return the rejected share, the usual one as a line, unusual ones marked."""
    highest = max((column.highest for column in columns), default=0.0)
    top = round_up(max(highest, usual or 0.0) * 100) / 100
    width = 100 / room(columns)
    found = [
        (at, max(b.share for b in column.unusual))
        for at, column in enumerate(columns)
        if column.unusual
    ]
    marks = _labelled([((at + _BAR / 2) * width, share) for at, share in found])
    head = HEAD * bool(marks)
    where = max(columns, key=lambda c: c.highest, default=None)
    said = f", highest {formats.share_of(highest)} at batch {where.first}" if where else ""
    usual_text = f", usual {formats.share_of(usual)}" if usual is not None else ""
    return Panel(
        name="rejected",
        title="Rejected rows",
        unit="% of rows",
        sentence=f"Rejected rows, {_columns(columns)}{usual_text}{said}",
        count=room(columns),
        height=HEIGHT + head,
        head=head,
        paths=_bars(
            "m-rejected", columns, [c.share for c in columns], lambda c: c.highest, top, head
        ),
        top=formats.percent(top),
        current=formats.share_of(columns[-1].share) if columns else "",
        dashed=None if usual is None else head + HEIGHT * (1 - usual / top),
        dashed_text="" if usual is None else f"usual {formats.share_of(usual)}",
        marks=marks,
    )


def _labelled(found: Sequence[tuple[float, float]]) -> list[Mark]:
    """Return triangles with their values, each at the side that has room for it.

    Where many stand close, the values that there is no room for are left to the table.
    """
    marks: list[Mark] = []
    taken = 0.0
    for at, share in found:
        behind = [other for other, _ in found if other > at]
        right = (behind[0] if behind else 100.0) - at >= _TEXT
        fits = right or at - taken >= _TEXT
        text = formats.share_of(share) if fits else ""
        marks.append(Mark(at=at, width=0, text=text, end=bool(text) and not right))
        taken = at + _TEXT * right
    return marks


def warnings(columns: Sequence[Column]) -> Panel:
    """Return how many rows broke rules that only warn."""
    top = round_up(max((c.highest_warned for c in columns), default=0.0) * 100) / 100
    values = [c.warned_share for c in columns]
    highest = formats.share_of(max((c.highest_warned for c in columns), default=0.0))
    return Panel(
        name="warnings",
        title="Rows with warnings",
        unit="% of rows",
        sentence=f"Rows with warnings, {_columns(columns)}, highest {highest}",
        count=room(columns),
        height=HEIGHT,
        paths=_bars("m-warning", columns, values, lambda c: c.highest_warned, top),
        top=formats.percent(top),
        current=formats.share_of(values[-1]) if values else "",
    )


def durations(columns: Sequence[Column]) -> Panel:
    """Return how long batches took."""
    slowest = max((column.slowest for column in columns), default=0.0)
    top = round_up(slowest)
    newest = columns[-1] if columns else None
    return Panel(
        name="durations",
        title="Time per batch",
        unit="",
        sentence=f"Time per batch, {_columns(columns)}, longest {formats.duration(slowest)}",
        count=room(columns),
        height=HEIGHT,
        paths=_bars(
            "m-time", columns, [c.seconds / c.count for c in columns], lambda c: c.slowest, top
        ),
        top=formats.duration(top),
        current=formats.duration(newest.seconds) if newest and newest.count == 1 else "",
    )


def trend(batches: Sequence[Batch]) -> Panel:
    """Return the rejected share of a stream's newest batches, small enough for a row of a list."""
    shares = [batch.share for batch in batches]
    highest = max(shares, default=0.0)
    # What is as ever stays low, and so does what is next to nothing.
    top = max(highest, 2 * median(shares or [0.0]), _LITTLE)
    stopped = [at for at, batch in enumerate(batches) if batch.state in _STOPPED]
    bars = (_bar(at, TREND * share / top, TREND) for at, share in enumerate(shares))
    halted = f", {len(stopped)} blocked or failed" if stopped else ""
    return Panel(
        name="trend",
        title="Trend",
        unit="",
        sentence=f"Rejected share of the newest {formats.count(len(batches), 'batch', 'batches')}, "
        f"highest {formats.share_of(highest)}{halted}",
        count=LEAST,
        height=TREND,
        paths=[
            ("grid", f"M0 {TREND - 0.5}H{LEAST}"),
            ("m-rejected", "".join(bars)),
            ("m-stopped", "".join(_bar(at, TREND, TREND) for at in stopped)),
        ],
    )


def ticks(columns: Sequence[Column]) -> list[Mark]:
    """Return what stands below the timeline: labels of its first, middle and last column."""
    if not columns:
        return []
    first, last, filled = columns[0], columns[-1], 100 * len(columns) / room(columns)
    if filled < _THREE_TEXTS:
        both = first.label if first is last else f"{first.label} to {last.label}"
        return [Mark(at=0, width=0, text=both)]
    middle = columns[len(columns) // 2]
    found = [(0.0, first), (filled / 2, middle), (filled, last)]
    return [Mark(at=at, width=0, text=column.label) for at, column in found]


def room(columns: Sequence[Column]) -> int:
    """Return how many columns a panel is wide."""
    return max(LEAST, len(columns))


def _bars(
    name: str,
    columns: Sequence[Column],
    values: Sequence[float],
    highest: Callable[[Column], float],
    top: float,
    head: int = 0,
) -> list[tuple[str, str]]:
    """Return the bars, and behind them pale ones up to the highest batch of each column."""
    tall = [(at, highest(c)) for at, c in enumerate(columns) if c.count > 1]
    floor = HEIGHT + head
    caps = "".join(_bar(at, HEIGHT * value / top, floor) for at, value in tall)
    bars = "".join(_bar(at, HEIGHT * value / top, floor) for at, value in enumerate(values))
    return [*([("m-cap", caps)] if caps else []), (name, bars)]


def _bar(at: int, height: float, floor: int) -> str:
    if height <= 0:
        return ""
    # Whatever is more than nothing can be seen.
    height = max(height, 1)
    return f"M{at} {floor}v-{height:.1f}h{_BAR}v{height:.1f}z"


def _columns(columns: Sequence[Column]) -> str:
    if not columns:
        return "no batch yet"
    return formats.count(sum(column.count for column in columns), "batch", "batches")


def overview(every: Sequence[Column], shown: Window) -> Panel:
    """Return the whole run in one strip, with the window that is looked at."""
    top = round_up(max((column.highest for column in every), default=0.0) * 100) / 100
    bars = "".join(_bar(at, OVERVIEW * c.share / top, OVERVIEW) for at, c in enumerate(every))
    # The bars may not fill the strip; the window lies over what they fill.
    filled = 100 * len(every) / room(every)
    each = filled / max(1, shown.total)
    at, width = each * shown.first, each * len(shown.batches)
    return Panel(
        name="overview",
        title="Overview",
        unit="% of rows",
        sentence=f"Rejected rows of the whole run, {_columns(every)}",
        count=room(every),
        height=OVERVIEW,
        paths=[("m-rejected", bars)],
        marks=[Mark(at=at, width=width)],
        filled=filled,
    )
