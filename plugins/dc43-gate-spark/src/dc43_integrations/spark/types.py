"""ODCS types as Spark types, and which changes lose nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pyspark.sql import types as T

from dc43_core.contracts.model import Property, SchemaObject

_PHYSICAL: dict[str, Callable[[], T.DataType]] = {
    **dict.fromkeys(("string", "varchar", "char", "text", "nvarchar", "uuid"), T.StringType),
    **dict.fromkeys(("int", "integer", "int32", "int4"), T.IntegerType),
    **dict.fromkeys(("bigint", "long", "int64", "int8"), T.LongType),
    **dict.fromkeys(("smallint", "short", "int16", "int2"), T.ShortType),
    **dict.fromkeys(("tinyint", "byte"), T.ByteType),
    **dict.fromkeys(("float", "real", "float32", "float4"), T.FloatType),
    **dict.fromkeys(("double", "float64", "float8", "double precision"), T.DoubleType),
    **dict.fromkeys(("boolean", "bool"), T.BooleanType),
    **dict.fromkeys(("binary", "bytes", "bytea", "varbinary"), T.BinaryType),
    **dict.fromkeys(("timestamp", "timestamp_ltz", "timestamptz", "datetime"), T.TimestampType),
    "timestamp_ntz": T.TimestampNTZType,
    "date": T.DateType,
}
_LOGICAL: dict[str, Callable[[], T.DataType]] = {
    "string": T.StringType,
    "integer": T.LongType,
    "number": T.DoubleType,
    "boolean": T.BooleanType,
    "date": T.DateType,
    "timestamp": T.TimestampType,
    # Spark has a type for it since 4.1 only; text of ISO 8601 sorts alike.
    "time": T.StringType,
}
_DECLARED: dict[type[T.DataType], str] = {
    T.StringType: "string",
    **dict.fromkeys((T.ByteType, T.ShortType, T.IntegerType, T.LongType), "integer"),
    **dict.fromkeys((T.FloatType, T.DoubleType, T.DecimalType), "number"),
    T.BooleanType: "boolean",
    T.DateType: "date",
    **dict.fromkeys((T.TimestampType, T.TimestampNTZType), "timestamp"),
}
_DECIMAL = re.compile(r"(?:decimal|numeric|dec)(?:\((\d+)(?:,(\d+))?\))?")
_WIDER: dict[type[T.DataType], tuple[type[T.DataType], ...]] = {
    T.ByteType: (T.ShortType, T.IntegerType, T.LongType, T.FloatType, T.DoubleType),
    T.ShortType: (T.IntegerType, T.LongType, T.FloatType, T.DoubleType),
    T.IntegerType: (T.LongType, T.DoubleType),
    T.FloatType: (T.DoubleType,),
    T.DateType: (T.TimestampNTZType,),
}
_DIGITS: dict[type[T.DataType], int] = {
    T.ByteType: 3,
    T.ShortType: 5,
    T.IntegerType: 10,
    T.LongType: 19,
}


def spark_type(prop: Property) -> T.DataType | None:
    """Return the type a property declares; None where it declares none that Spark has.

    The physical type counts, else the logical one.
    """
    if prop.physical_type:
        found = _physical(prop.physical_type.strip().lower())
        if found is not None:
            return found
    if prop.logical_type == "object" and prop.properties:
        return T.StructType(
            [
                T.StructField(child.physical_name, kind)
                for child in prop.properties
                if (kind := spark_type(child)) is not None
            ]
        )
    if prop.logical_type == "array" and prop.items is not None:
        item = spark_type(prop.items)
        return None if item is None else T.ArrayType(item)
    make = _LOGICAL.get(prop.logical_type or "")
    return make() if make else None


def _physical(name: str) -> T.DataType | None:
    decimal = _DECIMAL.fullmatch(name.replace(" ", ""))
    if decimal:
        precision, scale = decimal.groups()
        return T.DecimalType(int(precision or 10), int(scale or 0))
    make = _PHYSICAL.get(re.sub(r"\(.*\)", "", name).strip())
    return make() if make else None


def declared_as(kind: T.DataType) -> dict[str, Any]:
    """Return a type as a contract would declare it: what `spark_type` reads back as the same.

    A type that ODCS has no word for keeps Spark's.
    """
    if isinstance(kind, T.StructType):
        parts = [{"name": part.name, **declared_as(part.dataType)} for part in kind]
        return {"logicalType": "object", "properties": parts}
    if isinstance(kind, T.ArrayType):
        return {"logicalType": "array", "items": declared_as(kind.elementType)}
    if isinstance(kind, T.NullType):
        return {}
    logical = _DECLARED.get(type(kind))
    name = kind.simpleString()
    if logical is None:
        return {"physicalType": name}
    make = _LOGICAL.get(logical)
    alone = make is not None and same(make(), kind)
    return {"logicalType": logical} | ({} if alone else {"physicalType": name})


def target_schema(schema: SchemaObject, frame: T.StructType | None = None) -> T.StructType:
    """Return what lands in main: the contract's columns, in its order, all nullable.

    Args:
        schema: The contract's object.
        frame: Where a column's type comes from if the contract declares none.
    """
    known = {field.name: field.dataType for field in frame} if frame is not None else {}
    return T.StructType(
        [
            T.StructField(
                prop.physical_name,
                spark_type(prop) or known.get(prop.physical_name, T.StringType()),
            )
            for prop in schema.columns
        ]
    )


def same(found: T.DataType, wanted: T.DataType) -> bool:
    """Say whether two types are one, whatever they say of NULLs and comments."""
    return found.simpleString() == wanted.simpleString()


def widens(found: T.DataType, wanted: T.DataType) -> bool:
    """Say whether every value of one type is a value of the other, nothing lost."""
    if isinstance(wanted, T.DecimalType):
        whole = wanted.precision - wanted.scale
        if isinstance(found, T.DecimalType):
            return found.scale <= wanted.scale and found.precision - found.scale <= whole
        return _DIGITS.get(type(found), 99) <= whole
    return isinstance(wanted, _WIDER.get(type(found), ()))


def has_more(found: T.DataType, wanted: T.DataType) -> bool:
    """Say whether one type has fields, at any depth, that another lacks."""
    if isinstance(found, T.ArrayType) and isinstance(wanted, T.ArrayType):
        return has_more(found.elementType, wanted.elementType)
    if not isinstance(found, T.StructType) or not isinstance(wanted, T.StructType):
        return False
    return any(
        part.name not in wanted.names or has_more(part.dataType, wanted[part.name].dataType)
        for part in found
    )


def holds_bytes(kind: T.DataType) -> bool:
    """Say whether a value of a type has bytes, at any depth."""
    if isinstance(kind, T.StructType):
        return any(holds_bytes(field.dataType) for field in kind)
    if isinstance(kind, T.ArrayType):
        return holds_bytes(kind.elementType)
    if isinstance(kind, T.MapType):
        return holds_bytes(kind.keyType) or holds_bytes(kind.valueType)
    return isinstance(kind, T.BinaryType)


def texts_of(kind: T.DataType) -> T.DataType:
    """Return a type with text for each leaf; what is a map stays one, and its keys are."""
    if isinstance(kind, T.StructType):
        return T.StructType([T.StructField(f.name, texts_of(f.dataType)) for f in kind])
    if isinstance(kind, T.ArrayType):
        return T.ArrayType(texts_of(kind.elementType))
    if isinstance(kind, T.MapType):
        return T.MapType(T.StringType(), texts_of(kind.valueType))
    return T.StringType()


def is_leaf(kind: T.DataType) -> bool:
    """Say whether a type has no parts."""
    return not isinstance(kind, T.StructType | T.ArrayType | T.MapType)
