"""`acme-gtin` as a Spark expression; the only module here that imports pyspark."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from acme_rules.gtin import DIGITS, GtinKind, weight
from dc43_core.expectations.model import Expectation

_ZERO = ord("0")


class GtinOnSpark:
    """Judges with Spark's own functions: no UDF, and nothing that can throw under ANSI."""

    engine = "spark"
    kinds = frozenset({GtinKind.name})

    def violated(self, expectation: Expectation, frame: DataFrame) -> Column:
        """Return a boolean column, never NULL, that is true where a row breaks the rule."""
        [name] = expectation.columns
        # By name, never frame[name]: the expression is applied to every micro-batch. A dot in a
        # name would reach into a struct, so the name is quoted.
        text = F.col("`" + name.replace("`", "``") + "`").cast("string")
        # In Java `$` also matches before a newline at the end; `\z` does not.
        is_number = text.rlike(r"^[0-9]+\z") & F.length(text).isin(*expectation.arguments.lengths)
        padded = F.lpad(text, DIGITS, "0")
        total = F.lit(0)
        for place in range(DIGITS):
            # ascii() of what is no digit is some number; a cast could throw.
            digit = F.ascii(F.substring(padded, place + 1, 1)) - _ZERO
            total = total + digit * weight(place)
        return F.coalesce(~(is_number & (total % 10 == 0)), F.lit(False))
