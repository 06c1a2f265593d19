"""`range`: numbers, dates and times between bounds."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from attrs import fields, frozen

from dc43_core.errors import ArgumentsError, UnenforceableError
from dc43_core.expectations.kinds.base import RowKind
from dc43_core.expectations.model import Expectation

Bound = int | Decimal | str


def _bound(value: Any) -> Any:
    if isinstance(value, bool) or not (value is None or isinstance(value, int | Decimal | str)):
        raise ArgumentsError("range", f"a bound is a number or a text, not {value!r}")
    return value


@frozen(kw_only=True)
class RangeArguments:
    """Bounds in the units of the column; dates and times are ISO 8601 text.

    Attributes:
        minimum: Smallest value allowed.
        maximum: Largest value allowed.
        exclusive_minimum: Every value must be larger than this.
        exclusive_maximum: Every value must be smaller than this.
    """

    minimum: Any = None
    maximum: Any = None
    exclusive_minimum: Any = None
    exclusive_maximum: Any = None

    def __attrs_post_init__(self) -> None:
        given = [_bound(getattr(self, a.name)) for a in fields(RangeArguments)]
        if all(value is None for value in given):
            raise ArgumentsError(
                "range", "needs minimum, maximum, exclusiveMinimum or exclusiveMaximum"
            )


class RangeKind(RowKind):
    """ODCS `minimum`, `maximum`, `exclusiveMinimum` and `exclusiveMaximum`."""

    name = "range"
    arguments = RangeArguments

    def describe(self, expectation: Expectation) -> str:
        """Say what is asked."""
        a = expectation.arguments
        if a.minimum is not None and a.maximum is not None:
            rest = _parts(a, skip=("minimum", "maximum"))
            return " and ".join([f"must be between {a.minimum} and {a.maximum}", *rest])
        return "must be " + " and ".join(_parts(a))

    def broken(self, arguments: RangeArguments, value: Any) -> bool:
        """Judge a value; NaN and infinities break every range."""
        if isinstance(value, float | Decimal) and not math.isfinite(value):
            return True
        a = arguments
        return (
            (a.minimum is not None and value < like(value, a.minimum))
            or (a.maximum is not None and value > like(value, a.maximum))
            or (a.exclusive_minimum is not None and value <= like(value, a.exclusive_minimum))
            or (a.exclusive_maximum is not None and value >= like(value, a.exclusive_maximum))
        )


def like(value: Any, bound: Bound) -> Any:
    """Bring a bound into the value's own type, as the comparison needs it.

    Raises:
        UnenforceableError: if a value of this type has no such bound.
    """
    try:
        if isinstance(value, datetime):
            moment = datetime.fromisoformat(str(bound))
            # Where one of the two gives no zone, it is taken as UTC.
            moment = moment.replace(tzinfo=moment.tzinfo or UTC)
            return moment if value.tzinfo else moment.astimezone(UTC).replace(tzinfo=None)
        if isinstance(value, date):
            return date.fromisoformat(str(bound))
        if isinstance(value, time):
            return time.fromisoformat(str(bound))
        if isinstance(value, float):
            return float(bound)
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return bound if isinstance(bound, int | Decimal) else Decimal(bound)
        if isinstance(value, str) and isinstance(bound, str):
            return bound
    except (ValueError, ArithmeticError):
        pass
    raise UnenforceableError(f"{bound!r} is no bound for a {type(value).__name__}")


def _parts(a: RangeArguments, skip: tuple[str, ...] = ()) -> list[str]:
    words = {
        "minimum": "at least",
        "maximum": "at most",
        "exclusive_minimum": "greater than",
        "exclusive_maximum": "less than",
    }
    return [
        f"{word} {getattr(a, name)}"
        for name, word in words.items()
        if name not in skip and getattr(a, name) is not None
    ]
