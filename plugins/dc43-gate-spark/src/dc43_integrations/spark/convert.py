"""How the columns of a frame become those of the contract, and what of them would be lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from attrs import field, frozen
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_core.expectations.model import Expectation
from dc43_integrations.spark.names import LINE, READ, column, finder, folds, quoted
from dc43_integrations.spark.nested import Caster
from dc43_integrations.spark.types import has_more, same, widens


@frozen(kw_only=True)
class Conversion:
    """How the frame's columns become the contract's.

    Attributes:
        target: What lands in main.
        typed: One expression for each column of `target`.
        raw: Column name to its raw text where the cast failed, else NULL; only for columns
            that are cast, or were cast when they were read.
        failed: True where a row has a value that would not cast; None where none can.
        line: Raw text of a row that could not be split into fields; None where none can be.
        file: File the row came from, known for rows that failed; None where it never is.
        undeclared: Column name to the column, for what the contract does not declare, or not
            with all of its fields.
    """

    target: T.StructType
    typed: tuple[Column, ...]
    raw: Mapping[str, Column]
    failed: Column | None
    line: Column | None
    file: Column | None
    undeclared: Mapping[str, Column] = field(factory=dict)


def conversion(frame: DataFrame, target: T.StructType) -> Conversion:
    """Work out how a frame's columns become the contract's, once a stream.

    A column that is missing reads as NULL; one of another type is cast, and what would not cast
    is kept as raw text.
    """
    find = finder(frame.columns, folds=folds(frame.sparkSession))
    caster = Caster(frame.sparkSession)
    types = {field.name: field.dataType for field in frame.schema}
    read = types.get(READ)
    carried = _fields(read["raw"].dataType) if isinstance(read, T.StructType) else set()
    typed: list[Column] = []
    raw: dict[str, Column] = {}
    for part in target:
        name, wanted = part.name, part.dataType
        actual = find.get(name)
        if actual is None:
            typed.append(F.lit(None).cast(wanted).alias(name))
            continue
        col, found = column(actual), types[actual]
        if same(found, wanted):
            typed.append(col.alias(name))
        elif widens(found, wanted):
            typed.append(col.cast(wanted).alias(name))
        else:
            cast = caster.cast(actual, found, wanted)
            typed.append(cast.value.alias(name))
            if cast.failed is not None:
                raw[name] = F.when(cast.failed, cast.text)
        if name in carried:
            before = column(READ, "raw", name)
            raw[name] = F.coalesce(before, raw[name]) if name in raw else before
    # What was cast under the read contract and is not a column of this one still counts.
    for name in sorted(carried - set(target.names)):
        raw[name] = column(READ, "raw", name)
    has_read = isinstance(read, T.StructType)
    here = [text.isNotNull() for name, text in raw.items() if name not in carried]
    wanted_by = {find.get(part.name): part.dataType for part in target}
    undeclared = {
        # Who reads a number out of JSON may take it for a double.
        part.name: column(part.name).cast("string")
        if isinstance(part.dataType, T.DecimalType)
        else column(part.name)
        for part in frame.schema
        if part.name != READ
        and (part.name not in wanted_by or has_more(part.dataType, wanted_by[part.name]))
    }
    failed = [*([column(READ).isNotNull()] if has_read else []), *here]
    return Conversion(
        target=target,
        typed=tuple(typed),
        raw=raw,
        failed=reduce(Column.__or__, failed) if failed else None,
        line=column(READ, "line") if has_read else None,
        file=column(READ, "file") if has_read else None,
        undeclared=undeclared,
    )


def read_expectations(convert: Conversion, known: Sequence[Expectation]) -> list[Expectation]:
    """Return type rules for what a read carries and the write's contract does not declare."""
    covered = {e.columns[0] for e in known if e.kind == "type"}
    added = [
        Expectation(
            id=f"{name}.type",
            kind="type",
            columns=(name,),
            label=name,
            demand=f"{name} must be of the type that the source's contract declares",
        )
        for name in convert.raw
        if name not in covered
    ]
    if convert.line is not None:
        demand = "row must have the declared fields"
        added.append(
            Expectation(id="row.type", kind="type", columns=(LINE,), label="row", demand=demand)
        )
    return added


def try_cast(name: str, wanted: T.DataType) -> Column:
    """Return a cast that gives NULL where it fails, on every Spark since 3.5."""
    return F.expr(f"try_cast({quoted(name)} AS {wanted.simpleString()})")


def _fields(kind: T.DataType) -> set[str]:
    return set(kind.names) if isinstance(kind, T.StructType) else set()
