"""How long a key counts: within its batch, for a time, or for ever."""

from __future__ import annotations

import re

from attrs import frozen

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_WORDS = re.compile(
    r"(?P<count>[1-9]\d{0,8})(?: (?P<word>second|minute|hour|day)s?|(?P<letter>[smhd]))"
)


@frozen(kw_only=True)
class Retention:
    """How long the key of a row that landed keeps others from landing.

    Attributes:
        text: As it was written.
        seconds: So long behind the stream's own time; None for no such bound.
        across_batches: Whether keys are kept beyond their batch at all.
    """

    text: str = "batch"
    seconds: int | None = None
    across_batches: bool = False

    def __str__(self) -> str:
        if not self.across_batches:
            return "within a batch, not across batches"
        return "across batches" + ("" if self.seconds is None else f", for {self.text}")


WITHIN_BATCH = Retention()


def parse_retention(text: str) -> Retention:
    """Read `batch`, `forever`, or a time such as `7 days` or `7d` (seconds, minutes, hours).

    Raises:
        ValueError: saying what is understood.
    """
    if text == "batch":
        return WITHIN_BATCH
    if text == "forever":
        return Retention(text=text, across_batches=True)
    found = _WORDS.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no retention of keys; write batch, forever, or 7 days")
    seconds = int(found["count"]) * _UNITS[found["letter"] or found["word"][0]]
    return Retention(text=text, seconds=seconds, across_batches=True)
