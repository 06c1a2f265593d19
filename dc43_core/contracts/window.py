"""Over which batches a threshold is judged: an extension of ODCS, as a custom property.

quality:
  - metric: nullValues
    unit: percent
    mustBeLessThan: 5
    customProperties: [{property: dc43.window, value: 10 batches}]
"""

from __future__ import annotations

import re

from attrs import frozen

PROPERTY = "dc43.window"
UNITS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
_WORDS = re.compile(r"(?P<count>[1-9]\d{0,8}) (?P<unit>batch|second|minute|hour|day)(?:e?s)?")


@frozen(kw_only=True)
class Window:
    """The batches that a threshold is judged over, this one among them.

    Attributes:
        batches: The newest so many; None for no such bound.
        seconds: Those handed over in the last so many seconds; None for no such bound.

    With neither it is every batch of the stream.
    """

    batches: int | None = None
    seconds: int | None = None

    def __str__(self) -> str:
        if self.batches is not None:
            return f"the last {self.batches} batches"
        if self.seconds is not None:
            name, size = max(
                ((n, s) for n, s in UNITS.items() if self.seconds % s == 0), key=lambda u: u[1]
            )
            return f"the last {self.seconds // size} {name}s"
        return "the whole stream"


def parse_window(text: str) -> Window:
    """Read `stream`, `10 batches` or `15 minutes` (seconds, hours, days).

    Raises:
        ValueError: saying what is understood.
    """
    if text == "stream":
        return Window()
    found = _WORDS.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no window; write stream, 10 batches, or 15 minutes")
    count = int(found["count"])
    if found["unit"] == "batch":
        return Window(batches=count)
    return Window(seconds=count * UNITS[found["unit"]])
