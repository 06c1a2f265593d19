"""What must be known of a row that leaves the good ones, on its way through staging.

One write has one schema, and main files hold exactly the contract's columns. So what would not cast
(raw text, line and file), and the columns that the contract does not declare, ride as a small JSON
object inside the first string column of such a row, and are taken out again before anything is
published. A contract without a string column is staged with a column more.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from attrs import define, evolve
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_integrations.spark.classify import UNCAST, VIOLATING
from dc43_integrations.spark.convert import Conversion
from dc43_integrations.spark.names import EXTRA, FAILED, FILE, LINE, RAW, column

_PARCEL = f"{RAW}_parcel"
_PARTS = (("raw", RAW), ("line", LINE), ("file", FILE))
# As Spark writes them otherwise, moments end at milliseconds.
_WHOLE = {
    "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
    "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS",
}


@define(eq=False)
class Parcels:
    """Packs and unpacks the rows of one stream.

    Attributes:
        convert: How the frame's columns become the contract's.
    """

    convert: Conversion

    @property
    def undeclared(self) -> bool:
        """Whether columns that the contract does not declare ride along."""
        return bool(self.convert.undeclared)

    @property
    def _rides(self) -> bool:
        return self.undeclared or self.convert.failed is not None

    @property
    def layout(self) -> dict[str, Any]:
        """What rides along, in JSON types: raw text, and of which columns, and undeclared columns.

        Where, follows from the schema.
        """
        raw = self.said({})
        # A dc43 that knows nothing of these must not take their rows for plain ones: it looks for
        # the other keys first, and stops.
        return {"with_undeclared": raw} if self.undeclared else raw

    def said(self, layout: Mapping[str, Any]) -> dict[str, Any]:
        """Return a layout; a dc43 that did not say it had raw text at most, as this start reads."""
        raw = {"raw_text": self.convert.failed is not None, "columns": list(self.convert.raw)}
        return dict(layout) or raw

    def has_load(self, lane: str) -> bool:
        """Say whether something rides in the rows of a group of staged files."""
        # Who loses a key was among the good ones until then, where nothing rides.
        return lane == str(UNCAST) or (self.undeclared and lane == str(VIOLATING))

    @cached_property
    def carrier(self) -> str | None:
        """The column that the load rides in; None if there is no load, or no such column."""
        if not self._rides:
            return None
        texts = (f.name for f in self.convert.target if isinstance(f.dataType, T.StringType))
        return next(texts, None)

    @property
    def has_column(self) -> bool:
        """Whether the load is staged in a column of its own, for want of a carrier."""
        return self._rides and self.carrier is None

    @cached_property
    def names(self) -> list[str]:
        """The contract's columns."""
        return list(self.convert.target.names)

    @cached_property
    def columns(self) -> list[Column]:
        """The contract's columns, as they are."""
        return [column(name) for name in self.names]

    @cached_property
    def packed(self) -> list[Column]:
        """What is staged of typed rows: the contract's columns, the carrier with its load."""
        columns = list(self.columns)
        if not self._rides:
            return columns
        if self.carrier is None:
            return [*columns, self._parcel(None).alias(RAW)]
        carrier = column(self.carrier)
        loaded = F.col(EXTRA).isNotNull() if self.undeclared else F.col(FAILED)
        packed = F.when(loaded, F.to_json(self._parcel(carrier)))
        columns[self.names.index(self.carrier)] = packed.otherwise(carrier).alias(self.carrier)
        return columns

    @property
    def staged_type(self) -> T.StructType:
        """The schema of staged files."""
        extra = [T.StructField(RAW, self._type)] if self.has_column else []
        return T.StructType([*self.convert.target.fields, *extra])

    def with_own_value(self, frame: DataFrame) -> DataFrame:
        """Give the carrier of packed rows its own value back; the other columns stay."""
        if self.carrier is None:
            return frame
        value = F.from_json(column(self.carrier), self._type)["value"]
        return frame.withColumn(self.carrier, value)

    def unpacked(self, frame: DataFrame, *, packed: bool = True) -> DataFrame:
        """Take the load out again: typed columns, RAW, where it came from, and EXTRA."""
        parcel, columns = self._unpacking[packed]
        return frame.select(*self.columns, parcel).select(*columns)

    @cached_property
    def _unpacking(self) -> dict[bool, tuple[Column, list[Column]]]:
        """By whether a carrier is packed: the parcel, and the columns out of it."""
        parts = [F.col(f"{_PARCEL}.{part}").alias(name) for part, name in _PARTS]
        extra = F.col(f"{_PARCEL}.extra") if self.undeclared else F.lit(None).cast("string")
        parts.append(extra.alias(EXTRA))
        plain: Column = F.lit(None).cast(self._type)
        packed, columns = plain, list(self.columns)
        if self.has_column:
            plain = packed = F.col(RAW)
        elif self.carrier is not None:
            packed = F.from_json(column(self.carrier), self._type)
            value = F.col(f"{_PARCEL}.value").alias(self.carrier)
            columns[self.names.index(self.carrier)] = value
        return {
            True: (packed.alias(_PARCEL), [*columns, *parts]),
            False: (plain.alias(_PARCEL), [*self.columns, *parts]),
        }

    def _parcel(self, carrier: Column | None) -> Column:
        """Return what travels with a row that leaves the good ones."""
        none = F.lit(None).cast("string")
        extra = [F.col(EXTRA).alias("extra")] if self.undeclared else []
        raw = F.col(RAW) if self.convert.raw else F.lit(None).cast(self._raw_type)
        return F.struct(
            (none if carrier is None else carrier).alias("value"),
            raw.alias("raw"),
            (none if self.convert.line is None else F.col(LINE)).alias("line"),
            (none if self.convert.file is None else F.col(FILE)).alias("file"),
            *extra,
        )

    @cached_property
    def undeclared_columns(self) -> list[Column]:
        """The frame's columns that the contract does not declare, under names of ours."""
        named = zip(self.undeclared_names, self.convert.undeclared.values(), strict=True)
        return [value.alias(name) for name, value in named]

    @cached_property
    def undeclared_names(self) -> list[str]:
        """Names of ours for these columns."""
        return [f"{EXTRA}{place}" for place in range(len(self.convert.undeclared))]

    @cached_property
    def undeclared_json(self) -> Column:
        """These columns as one JSON object, without those that are NULL."""
        named = zip(self.undeclared_names, self.convert.undeclared, strict=True)
        return F.to_json(F.struct(*(F.col(ours).alias(name) for ours, name in named)), _WHOLE)

    @property
    def _raw_type(self) -> T.StructType:
        names = list(self.convert.raw) or ["none"]
        return T.StructType([T.StructField(name, T.StringType()) for name in names])

    @property
    def _type(self) -> T.StructType:
        text = T.StringType()
        kind = (
            T.StructType()
            .add("value", text)
            .add("raw", self._raw_type)
            .add("line", text)
            .add("file", text)
        )
        return kind.add("extra", text) if self.undeclared else kind


def laid_out(convert: Conversion, layout: Mapping[str, Any]) -> Conversion:
    """Return the conversion of rows that were staged so; a text that is in neither is NULL."""
    none = F.lit(None).cast("string")
    undeclared = "with_undeclared" in layout
    raw = layout["with_undeclared"] if undeclared else layout
    return evolve(
        convert,
        typed=(),
        raw=dict.fromkeys((*raw["columns"], *convert.raw), none),
        failed=F.lit(True) if raw["raw_text"] else None,
        line=none,
        file=none,
        undeclared={EXTRA: none} if undeclared else {},
    )
