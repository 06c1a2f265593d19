"""Casts that lose nothing, of whole columns and of fields inside them, as SQL text.

Spark casts a struct to another by position: fields in another order would change places without
a word. Here fields go by name.
"""

from __future__ import annotations

from functools import cached_property

from attrs import field, frozen
from pyspark.errors import AnalysisException
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_integrations.spark.names import finder, folds, quoted
from dc43_integrations.spark.types import is_leaf, same, widens

_MEASURED = (T.NumericType, T.DatetimeType)
# What has no exact values anyway, and what can spell every value.
_ROUNDED = (T.FloatType, T.DoubleType, T.StringType)


@frozen(kw_only=True)
class Cast:
    """One column as another type.

    Attributes:
        value: The column in the wanted type; NULL, or NULL inside, where something would not cast.
        failed: True where something would not cast; None where nothing can fail.
        text: The column as text, for people.
    """

    value: Column
    failed: Column | None
    text: Column


@frozen(slots=False)
class Caster:
    """Casts columns of one session."""

    spark: SparkSession
    _known: dict[tuple[str, str], bool] = field(factory=dict, init=False, eq=False)

    @cached_property
    def _folds(self) -> bool:
        return folds(self.spark)

    def cast(self, name: str, found: T.DataType, wanted: T.DataType) -> Cast:
        """Return a column cast to a type, by exact name."""
        column = quoted(name)
        value, failed = self._cast(column, found, wanted, 0)
        return Cast(
            value=F.expr(value).cast(wanted),
            failed=None if failed is None else F.expr(failed),
            text=F.expr(f"CAST({column} AS STRING)" if is_leaf(found) else f"to_json({column})"),
        )

    def _cast(
        self, column: str, found: T.DataType, wanted: T.DataType, depth: int
    ) -> tuple[str, str | None]:
        """Return value and failure as SQL; the value's fields have places for names."""
        if same(found, wanted):
            return column, None
        if isinstance(found, T.StructType) and isinstance(wanted, T.StructType):
            return self._struct(column, found, wanted, depth)
        if isinstance(found, T.ArrayType) and isinstance(wanted, T.ArrayType):
            item = f"item{depth}"
            value, failed = self._cast(item, found.elementType, wanted.elementType, depth + 1)
            return (
                f"transform({column}, {item} -> {value})",
                failed and f"coalesce(exists({column}, {item} -> {failed}), false)",
            )
        if is_leaf(found) and is_leaf(wanted):
            return self._leaf(column, found, wanted)
        return "NULL", f"({column} IS NOT NULL)"

    def _struct(
        self, column: str, found: T.StructType, wanted: T.StructType, depth: int
    ) -> tuple[str, str | None]:
        find = finder(found.names, folds=self._folds)
        values, faults = [], []
        for place, part in enumerate(wanted):
            name = find.get(part.name)
            value, failed = "NULL", None
            if name is not None:
                inside = f"{column}.{quoted(name)}"
                value, failed = self._cast(inside, found[name].dataType, part.dataType, depth)
            values.append(f"'_{place}', {value}")
            if failed is not None:
                faults.append(failed)
        built = f"named_struct({', '.join(values)})"
        return (
            f"CASE WHEN {column} IS NOT NULL THEN {built} END",
            f"({' OR '.join(faults)})" if faults else None,
        )

    def _leaf(self, column: str, found: T.DataType, wanted: T.DataType) -> tuple[str, str | None]:
        source, target = found.simpleString(), wanted.simpleString()
        if widens(found, wanted):
            return f"CAST({column} AS {target})", None
        if not self._has_cast(source, target):
            return "NULL", f"({column} IS NOT NULL)"
        cast = f"try_cast({column} AS {target})"
        if isinstance(found, _MEASURED) and not isinstance(wanted, _ROUNDED):
            # Spark makes 3 of 3.7, and a day of a moment, without a word.
            if not self._has_cast(target, source):
                return "NULL", f"({column} IS NOT NULL)"
            back = f"try_cast({cast} AS {source})"
            cast = f"CASE WHEN {back} <=> {column} THEN {cast} END"
        return cast, f"({column} IS NOT NULL AND ({cast}) IS NULL)"

    def _has_cast(self, source: str, target: str) -> bool:
        if (source, target) not in self._known:
            try:
                self.spark.sql(f"SELECT try_cast(CAST(NULL AS {source}) AS {target})")
            except AnalysisException:
                self._known[source, target] = False
            else:
                self._known[source, target] = True
        return self._known[source, target]
