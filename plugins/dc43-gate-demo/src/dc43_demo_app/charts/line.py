"""One number over the versions of a dataset: a line with dots, broken where one is missing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import frozen

from dc43_demo_app import formats
from dc43_demo_app.charts.scale import round_up
from dc43_demo_app.reading.batch import Batch

HEIGHT = 96
_DOTS = 60
"""Points up to which each has a dot; more of them would be a band."""


@frozen(kw_only=True)
class Line:
    """What is drawn.

    Attributes:
        path: In columns and pixels, to be stretched to the panel's width.
        dots: Left, in percent; height in pixels; state, which gives the shape.
    """

    name: str
    title: str
    sentence: str
    count: int
    path: str
    dots: Sequence[tuple[float, float, str]]
    top: str
    current: str
    first: str
    last: str


def line(
    name: str,
    title: str,
    batches: Sequence[Batch],
    value: Callable[[Batch], float],
    *,
    is_share: bool,
) -> Line:
    """Return the line of one number over published batches."""
    values = [value(batch) for batch in batches]
    top = round_up(max(values) * (100 if is_share else 1)) / (100 if is_share else 1)
    count = len(batches)
    heights = [HEIGHT - 4 - (HEIGHT - 8) * v / top for v in values]
    path = "".join(
        f"{'M' if at == 0 or _is_gap(batches[at - 1], batches[at]) else 'L'}{at + 0.5} {y:.1f}"
        for at, y in enumerate(heights)
    )
    shown = formats.share_of if is_share else formats.number
    first, last = batches[0].dataset_version or "", batches[-1].dataset_version or ""
    return Line(
        name=name,
        title=title,
        sentence=f"{title}, versions {first} to {last}, highest {shown(max(values))}, "
        f"newest {shown(values[-1])}",
        count=count,
        path=path,
        dots=[
            (100 * (at + 0.5) / count, y, batch.state.value)
            for at, (batch, y) in enumerate(zip(batches, heights, strict=True))
        ]
        if count <= _DOTS
        else [],
        top=formats.percent(top) if is_share else formats.number(top),
        current=shown(values[-1]),
        first=first,
        last=last,
    )


def _is_gap(before: Batch, after: Batch) -> bool:
    one, other = str(before.dataset_version), str(after.dataset_version)
    return one.isdigit() and other.isdigit() and int(other) != int(one) + 1
