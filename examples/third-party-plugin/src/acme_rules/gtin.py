"""`acme-gtin`: the number under a product's bar code.

What the rule means, apart from any engine. Arithmetic over the digits is nothing that a pattern
or a range can say, so it needs a kind of its own.
"""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from dc43_core.errors import ArgumentsError
from dc43_core.expectations.model import Expectation

LENGTHS = (8, 12, 13, 14)
DIGITS = 14
_NUMBER = re.compile("[0-9]+")


@frozen(kw_only=True)
class GtinArguments:
    """Which numbers are taken.

    Attributes:
        lengths: Any of 8, 12, 13 and 14; books and most products have 13 digits.
    """

    lengths: tuple[int, ...] = LENGTHS

    def __attrs_post_init__(self) -> None:
        """Refuse lengths that no GTIN has, while the contract is read."""
        if not self.lengths or not set(self.lengths) <= set(LENGTHS):
            raise ArgumentsError(GtinKind.name, f"lengths are any of {LENGTHS}, not {self.lengths}")


class GtinKind:
    """Global Trade Item Numbers (GS1 General Specifications, section 7.9), check digit included.

    The digits, filled up with zeros on the left to 14, are weighted 3, 1, 3, 1, ... 1; the sum is
    divisible by ten. A whole number is judged by its decimal digits.
    """

    name = "acme-gtin"
    arguments: type = GtinArguments
    form = "row"

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked."""
        lengths = " or ".join(map(str, expectation.arguments.lengths))
        return f"must be a GTIN of {lengths} digits with a correct check digit"

    def violated_by(self, expectation: Expectation, values: tuple[Any, ...]) -> bool:
        """Judge one number; NULL is judged by `required` alone."""
        if values[0] is None:
            return False
        text = str(values[0])
        if not _NUMBER.fullmatch(text) or len(text) not in expectation.arguments.lengths:
            return True
        digits = map(int, text.zfill(DIGITS))
        return sum(digit * weight(place) for place, digit in enumerate(digits)) % 10 != 0


def weight(place: int) -> int:
    """Return what the digit at a place (0 to 13, from the left) counts."""
    return 1 if place % 2 else 3
