"""What was found, told as a contract would declare it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.contracts.odcs import OdcsLoader

pytest.importorskip("pyspark")

from pyspark.sql import types as T

from dc43_core.contracts.model import Property, SchemaObject
from dc43_core.data_quality.model import ColumnDrift
from dc43_integrations.spark.drift import schema_drift
from dc43_integrations.spark.json_types import declared_as as of_json
from dc43_integrations.spark.json_types import merged
from dc43_integrations.spark.types import declared_as, spark_type

pytestmark = pytest.mark.spark

LEAVES = st.sampled_from(
    [
        T.StringType(),
        T.ByteType(),
        T.ShortType(),
        T.IntegerType(),
        T.LongType(),
        T.FloatType(),
        T.DoubleType(),
        T.DecimalType(38, 18),
        T.DecimalType(4, 0),
        T.BooleanType(),
        T.BinaryType(),
        T.DateType(),
        T.TimestampType(),
        T.TimestampNTZType(),
    ]
)
NAMES = st.lists(st.text("ab .`é🧾", min_size=1, max_size=4), min_size=1, max_size=3, unique=True)


def structs(inside: st.SearchStrategy[T.DataType]) -> st.SearchStrategy[T.DataType]:
    def struct(names: list[str]) -> st.SearchStrategy[T.DataType]:
        fields = (inside.map(lambda kind, name=name: T.StructField(name, kind)) for name in names)
        return st.tuples(*fields).map(lambda made: T.StructType(list(made)))

    return NAMES.flatmap(struct)


TYPES = st.recursive(LEAVES, lambda inside: structs(inside) | inside.map(T.ArrayType), max_leaves=6)


@given(TYPES)
def test_a_contract_that_declares_a_type_so_is_read_as_that_type(kind):
    contract = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "rows",
        "version": "1.0.0",
        "schema": [{"name": "rows", "properties": [{"name": "x", **declared_as(kind)}]}],
    }
    loaded = OdcsLoader().parse("rows.json", json.dumps(contract).encode())
    read = spark_type(loaded.objects[0].properties[0])
    assert read is not None
    assert read.simpleString() == kind.simpleString()


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        (T.LongType(), {"logicalType": "integer"}),
        (T.IntegerType(), {"logicalType": "integer", "physicalType": "int"}),
        (T.MapType(T.StringType(), T.LongType()), {"physicalType": "map<string,bigint>"}),
        (T.NullType(), {}),
    ],
)
def test_only_what_the_logical_type_leaves_open_is_declared_beside_it(kind, declared):
    assert declared_as(kind) == declared


VALUES = {
    "null": (None, None),
    "text": ("a", {"logicalType": "string"}),
    "flag": (True, {"logicalType": "boolean"}),
    "whole": (1, {"logicalType": "integer"}),
    "broken": (1.5, {"logicalType": "number"}),
    "nothing": ({}, {"logicalType": "string"}),
    "list": ([1, None, 2.5], {"logicalType": "array", "items": {"logicalType": "number"}}),
    "parts": (
        {"a": 1, "b": None},
        {
            "logicalType": "object",
            "properties": [{"name": "a", "logicalType": "integer"}, {"name": "b"}],
        },
    ),
}


@pytest.mark.parametrize(("value", "expected"), VALUES.values(), ids=VALUES)
def test_a_value_of_json_has_its_type(value, expected):
    assert of_json(value) == expected


def test_deep_values_are_text_somewhere():
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    assert json.dumps(of_json(deep)).count("items") == 8


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (1, 2.5, {"logicalType": "number"}),
        (1, "a", {"logicalType": "string"}),
        ([1], [2.5], {"logicalType": "array", "items": {"logicalType": "number"}}),
        ([1], {"a": 1}, {"logicalType": "string"}),
        (
            {"a": None, "b": 1},
            {"a": 1, "c": True},
            {
                "logicalType": "object",
                "properties": [
                    {"name": "a", "logicalType": "integer"},
                    {"name": "b", "logicalType": "integer"},
                    {"name": "c", "logicalType": "boolean"},
                ],
            },
        ),
    ],
)
def test_two_values_have_the_type_that_takes_both(one, other, both):
    first, second = of_json(one), of_json(other)
    assert first is not None
    assert second is not None
    assert merged(first, second) == both
    assert merged(first, first) == first


def drift(found: T.DataType, *, auto_cast: bool = True, **declared: Any) -> list[ColumnDrift]:
    column = Property(name="x", physical_name="x", path="x", **declared)
    schema = SchemaObject(name="rows", physical_name="rows", properties=(column,))
    read = T.StructType([T.StructField("x", found)])
    return list(schema_drift(read, schema, folds=True, auto_cast=auto_cast))


@pytest.mark.parametrize(
    ("found", "physical", "auto_cast", "kind"),
    [
        (T.LongType(), "int", True, "wider"),
        (T.LongType(), "int", False, "narrowed"),
        (T.DoubleType(), "float", True, "wider"),
        (T.ShortType(), "int", True, "widened"),
        (T.StringType(), "int", True, None),
        (T.IntegerType(), "int", True, None),
    ],
)
def test_a_type_is_smaller_wider_or_another(found, physical, auto_cast, kind):
    told = drift(found, physical_type=physical, auto_cast=auto_cast)
    assert [one.kind for one in told] == ([kind] if kind else [])
    assert [one.found for one in told] == ([declared_as(found)] if kind else [])
