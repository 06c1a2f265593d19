"""How what was read differs from what the contract declares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from attrs import evolve, frozen
from pyspark.sql import types as T

from dc43_core.contracts.model import Property, SchemaObject
from dc43_core.data_quality.model import ColumnDrift
from dc43_integrations.spark.names import READ, finder
from dc43_integrations.spark.types import declared_as, same, spark_type, widens


class FileProbe(Protocol):
    """Looks at the files of a batch for what Spark passes over in silence, before it reads them."""

    def drift(self, files: Sequence[str]) -> list[ColumnDrift]:
        """Return how these files differ from the contract, the first file of each kind named."""
        ...


def schema_drift(
    found: T.StructType,
    schema: SchemaObject,
    *,
    folds: bool,
    auto_cast: bool,
    began: T.StructType | None = None,
) -> tuple[ColumnDrift, ...]:
    """Compare a schema with the contract's, nested fields included.

    Args:
        found: Of a frame, or of one file.
        schema: The contract's object.
        folds: Whether names that differ in case only are one.
        auto_cast: Whether values of another type are cast row by row; then that is no drift.
        began: Of a later file, the schema that the stream began with. A column of it that is
            gone, with a new one of its type beside, has perhaps been renamed.
    """
    compare = _Comparison(folds=folds, auto_cast=auto_cast)
    return tuple(compare.struct(found, schema.columns, began))


@frozen(kw_only=True)
class _Comparison:
    folds: bool
    auto_cast: bool
    prefix: str = ""

    def struct(
        self, found: T.StructType, declared: Sequence[Property], began: T.StructType | None
    ) -> Iterator[ColumnDrift]:
        find = finder(found.names, folds=self.folds)
        before = finder(began.names if began else (), folds=self.folds)
        known = {find.get(prop.physical_name) for prop in declared}
        strangers = [n for n in found.names if n not in known and (self.prefix or n != READ)]
        fresh = [name for name in strangers if began is not None and name not in began.names]
        for prop in declared:
            actual, earlier = find.get(prop.physical_name), before.get(prop.physical_name)
            was = began[earlier].dataType if began is not None and earlier else None
            if actual is None:
                yield self._missing(prop, [n for n in fresh if _fits(found[n].dataType, was)])
            else:
                yield from self._typed(prop, spark_type(prop), found[actual].dataType, was)
        for name in strangers:
            detail = "is not declared; it is left out of main"
            yield self._drift(name, "extra", detail, False, found[name].dataType)

    def _missing(self, prop: Property, fresh: Sequence[str]) -> ColumnDrift:
        needed = prop.required or prop.primary_key
        if fresh:
            detail = (
                f"is {'required and ' if needed else ''}missing, and {fresh[0]}, which is not "
                "declared, is new: perhaps it was renamed"
            )
            return self._drift(prop.physical_name, "renamed", detail, True)
        detail = "is required and missing" if needed else "is missing; it reads as NULL"
        return self._drift(prop.physical_name, "missing", detail, needed)

    def _typed(
        self, prop: Property, wanted: T.DataType | None, given: T.DataType, was: T.DataType | None
    ) -> Iterator[ColumnDrift]:
        name = prop.physical_name
        if wanted is None or same(given, wanted):
            return
        if isinstance(wanted, T.StructType) and isinstance(given, T.StructType):
            inside = evolve(self, prefix=f"{self.prefix}{name}.")
            began = was if isinstance(was, T.StructType) else None
            yield from inside.struct(given, prop.properties, began)
        elif isinstance(wanted, T.ArrayType) and isinstance(given, T.ArrayType) and prop.items:
            # An item has no name of its own in the data.
            item = evolve(prop.items, physical_name=f"{name}[]")
            before = was.elementType if isinstance(was, T.ArrayType) else None
            yield from self._typed(item, wanted.elementType, given.elementType, before)
        else:
            detail = f"is {given.simpleString()}, declared {wanted.simpleString()}"
            if widens(given, wanted):
                yield self._drift(name, "widened", detail, False, given)
            elif not self.auto_cast:
                yield self._drift(name, "narrowed", detail, True, given)
            elif widens(wanted, given):
                detail += "; its values are cast one by one"
                yield self._drift(name, "wider", detail, False, given)

    def _drift(
        self,
        name: str,
        kind: str,
        detail: str,
        incompatible: bool,
        found: T.DataType | None = None,
    ) -> ColumnDrift:
        return ColumnDrift(
            column=f"{self.prefix}{name}",
            kind=kind,
            detail=detail,
            incompatible=incompatible,
            found=None if found is None else declared_as(found),
        )


def _fits(found: T.DataType, was: T.DataType | None) -> bool:
    return was is not None and (same(found, was) or widens(found, was))
