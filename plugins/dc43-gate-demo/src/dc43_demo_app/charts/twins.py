"""The table beside each chart: the same numbers, for who cannot or would not read a picture."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from attrs import frozen

from dc43_demo_app import formats
from dc43_demo_app.charts.columns import warned
from dc43_demo_app.reading.batch import Batch

Value = str | int | float | None
_SHOWN: dict[str, Callable[[Value], str]] = {
    "text": lambda value: str(value or ""),
    "state": lambda value: formats.word(str(value)),
    "count": lambda value: formats.number(float(value or 0)),
    "share": lambda value: "-" if value is None else formats.share_of(float(value)),
    "times": lambda value: "-" if value is None else f"{float(value):.1f}",
    "seconds": lambda value: formats.duration(float(value or 0)),
}


@frozen
class Field:
    """One column of a table.

    Attributes:
        title: Its head.
        kind: How its values are written.
        value: Its value of a batch, as a file of values holds it.
    """

    title: str
    kind: str
    value: Callable[[Batch], Value]

    @property
    def is_number(self) -> bool:
        """Whether its values stand at the right."""
        return self.kind not in ("text", "state")

    def shown(self, batch: Batch) -> str:
        """Return its value of a batch, for people."""
        return _SHOWN[self.kind](self.value(batch))


@frozen(kw_only=True)
class Twin:
    """The table of one chart.

    Attributes:
        name: As in the chart's address.
        title: The chart's.
    """

    name: str
    title: str
    fields: Sequence[Field]


def run_twins(warning_checks: Collection[str] | None) -> dict[str, Twin]:
    """Return the tables of a run's charts, by name."""
    reason = Field("Reason", "text", lambda b: b.reason)
    share = Field("% of rows", "share", _share)
    found = [
        Twin(
            name="states",
            title="State",
            fields=[Field("State", "state", lambda b: b.state.value), reason],
        ),
        Twin(
            name="rows",
            title="Rows per batch",
            fields=[_ROWS, Field("In main", "count", lambda b: b.main), _REJECTED],
        ),
        Twin(
            name="rejected",
            title="Rejected rows",
            fields=[_REJECTED, share, Field("Times usual", "times", lambda b: b.times_usual)],
        ),
        *_warnings(warning_checks),
        Twin(
            name="durations",
            title="Time per batch",
            fields=[
                Field("Took", "seconds", lambda b: b.seconds),
                Field("Rows a second", "count", lambda b: b.rows / b.seconds if b.seconds else 0),
            ],
        ),
    ]
    return {twin.name: twin for twin in found}


def version_twins() -> dict[str, Twin]:
    """Return the tables of a dataset's charts, by name."""
    verdict = Field("Verdict", "state", lambda b: b.state.value)
    found = [
        Twin(
            name="rejected",
            title="Rejected rows",
            fields=[Field("Rejected share", "share", _share), verdict],
        ),
        Twin(
            name="rows",
            title="Rows in the version",
            fields=[Field("Rows", "count", lambda b: b.main), verdict],
        ),
    ]
    return {twin.name: twin for twin in found}


_ROWS = Field("Rows", "count", lambda b: b.rows)
_REJECTED = Field("Rejected", "count", lambda b: b.rejected)


def _share(batch: Batch) -> float | None:
    return batch.share if batch.rows else None


def _warnings(checks: Collection[str] | None) -> list[Twin]:
    if not checks:
        return []
    rows = Field("Rows with warnings", "count", lambda b: warned(b, checks))
    share = Field("% of rows", "share", lambda b: warned(b, checks) / b.rows if b.rows else None)
    return [Twin(name="warnings", title="Rows with warnings", fields=[rows, share])]
