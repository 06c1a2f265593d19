"""The core's expectation kinds as Spark expressions.

Every expression is true where a row breaks the rule, never NULL, and never throws: bounds and
lists are brought into the column's own type beforehand, so that Spark casts no data.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_core.errors import UnenforceableError
from dc43_core.expectations.kinds.enumeration import EnumArguments
from dc43_core.expectations.kinds.length import LengthArguments
from dc43_core.expectations.kinds.missing import MissingArguments
from dc43_core.expectations.kinds.pattern import PatternArguments
from dc43_core.expectations.kinds.range import RangeArguments
from dc43_core.expectations.kinds.regex import translate
from dc43_core.expectations.model import Expectation
from dc43_integrations.hooks import KINDS
from dc43_integrations.spark.names import LINE, RAW, column

_WHOLE = (T.ByteType, T.ShortType, T.IntegerType, T.LongType)
_FLOATING = (T.FloatType, T.DoubleType)
_MOMENTS = (T.DateType, T.TimestampType, T.TimestampNTZType)


class SparkEvaluator:
    """Evaluates every kind of the core on Spark."""

    engine = "spark"
    kinds = frozenset(KINDS)

    def violated(self, expectation: Expectation, frame: DataFrame) -> Column:
        """Return the expression that is true where a row breaks the rule.

        Raises:
            UnenforceableError: if the column's type does not go with the rule.
        """
        name = expectation.columns[0]
        if expectation.kind == "type":
            # Casting was done before; what failed is kept as raw text.
            return F.col(LINE).isNotNull() if name == LINE else column(RAW, name).isNotNull()
        col, kind = column(name), frame.schema[name].dataType
        if expectation.kind == "required":
            return _absent(name, frame)
        if expectation.kind == "missing":
            return _missing(expectation.arguments, name, frame)
        build = _BUILDERS[expectation.kind]
        return build(expectation.arguments, col, kind)


def _absent(name: str, frame: DataFrame) -> Column:
    """NULL, unless that is only because a text would not cast: then `type` speaks."""
    absent = column(name).isNull()
    raw = frame.schema[RAW].dataType if RAW in frame.columns else None
    if isinstance(raw, T.StructType) and name in raw.names:
        absent = absent & column(RAW, name).isNull()
    if LINE in frame.columns:
        absent = absent & F.col(LINE).isNull()
    return absent


def _missing(arguments: MissingArguments, name: str, frame: DataFrame) -> Column:
    listed = [value for value in arguments.missing_values if value is not None]
    found = _among(listed, column(name), frame.schema[name].dataType)
    return _absent(name, frame) | found if None in arguments.missing_values else found


def _enum(arguments: EnumArguments, col: Column, kind: T.DataType) -> Column:
    return col.isNotNull() & ~_among(list(arguments.valid_values), col, kind)


def _among(values: list[Any], col: Column, kind: T.DataType) -> Column:
    """Never NULL; a value of another type than the column's equals none of its values."""
    same: list[Any]
    numbers: list[Any]
    if isinstance(kind, T.StringType):
        same = [v for v in values if isinstance(v, str)]
    elif isinstance(kind, T.BooleanType):
        same = [v for v in values if isinstance(v, bool)]
    elif isinstance(kind, (*_WHOLE, *_FLOATING, T.DecimalType)):
        numbers = [v for v in values if isinstance(v, int | Decimal) and not isinstance(v, bool)]
        if isinstance(kind, _WHOLE):
            same = [int(v) for v in numbers if v == int(v) and abs(v) < 2**63]
        elif isinstance(kind, _FLOATING):
            same = [float(v) for v in numbers]
        else:
            same = [Decimal(v) for v in numbers]
    elif isinstance(kind, _MOMENTS):
        # A text that is no date equals no date; Spark's own cast would throw.
        same = [F.lit(v).try_cast(kind) for v in values if isinstance(v, str)]
    else:
        raise UnenforceableError(f"a list of values does not go with type {kind.simpleString()}")
    if not same:
        return F.lit(False)
    return F.coalesce(col.isin(*same), F.lit(False))


def _length(arguments: LengthArguments, col: Column, kind: T.DataType) -> Column:
    if not isinstance(kind, T.StringType):
        raise UnenforceableError(f"a length does not go with type {kind.simpleString()}")
    size = F.length(col)
    broken = [
        size < arguments.min_length if arguments.min_length is not None else None,
        size > arguments.max_length if arguments.max_length is not None else None,
    ]
    return _any(broken)


def _pattern(arguments: PatternArguments, col: Column, kind: T.DataType) -> Column:
    if not isinstance(kind, T.StringType):
        raise UnenforceableError(f"a pattern does not go with type {kind.simpleString()}")
    return F.coalesce(~col.rlike(translate(arguments.pattern)), F.lit(False))


def _range(arguments: RangeArguments, col: Column, kind: T.DataType) -> Column:
    a = arguments
    if isinstance(kind, _WHOLE):
        # Whole numbers compare with whole bounds: no data is cast.
        low, high = _whole(a.minimum, math.ceil), _whole(a.maximum, math.floor)
        over, under = (
            _whole(a.exclusive_minimum, math.floor),
            _whole(a.exclusive_maximum, math.ceil),
        )
    else:
        low, high, over, under = (
            None if bound is None else _bound(bound, kind)
            for bound in (a.minimum, a.maximum, a.exclusive_minimum, a.exclusive_maximum)
        )
    broken = [
        None if low is None else col < low,
        None if high is None else col > high,
        None if over is None else col <= over,
        None if under is None else col >= under,
    ]
    if isinstance(kind, _FLOATING):
        broken += [F.isnan(col), F.abs(col) == F.lit(float("inf"))]
    return _any(broken)


def _whole(bound: Any, rounded: Callable[[Any], int]) -> int | None:
    if bound is None:
        return None
    if isinstance(bound, str):
        raise UnenforceableError(f"{bound!r} is no bound for a whole number")
    # Beyond the type's own range every value is on the same side.
    return max(-(2**63), min(2**63 - 1, rounded(bound)))


def _bound(bound: Any, kind: T.DataType) -> Any:
    try:
        if isinstance(kind, _FLOATING):
            return float(bound)
        if isinstance(kind, T.DecimalType):
            return Decimal(bound)
        if isinstance(kind, T.DateType):
            return F.lit(date.fromisoformat(str(bound)))
        if isinstance(kind, _MOMENTS):
            return F.lit(str(bound)).cast(kind)
        if isinstance(kind, T.StringType) and isinstance(bound, str):
            return bound
    except (ValueError, ArithmeticError):
        pass
    raise UnenforceableError(f"{bound!r} is no bound for type {kind.simpleString()}")


def _any(conditions: list[Column | None]) -> Column:
    given = [condition for condition in conditions if condition is not None]
    combined = given[0]
    for condition in given[1:]:
        combined = combined | condition
    return F.coalesce(combined, F.lit(False))


_BUILDERS: dict[str, Callable[[Any, Column, T.DataType], Column]] = {
    "enum": _enum,
    "length": _length,
    "pattern": _pattern,
    "range": _range,
}
