"""What the ODCS loader does not use it notes: nothing is dropped in silence."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.contracts.odcs_text import (
    document,
    notes,
    parse,
    with_property,
    with_rule,
)


def test_unknown_keys_are_noted_where_they_stand():
    found = notes(
        document("""
        colour: blue
        schema:
          - name: t
            colour: blue
            quality:
              - {metric: rowCount, mustBeGreaterThan: 0, colour: blue}
            properties:
              - name: p
                colour: blue
                logicalTypeOptions: {colour: blue}
                items: {colour: blue}
                enum: [{value: 1, colour: blue}]
                quality:
                  - {metric: nullValues, mustBe: 0, colour: blue}
        """)
    )
    assert found == dict.fromkeys(
        [
            "colour",
            "t.colour",
            "t.quality[0].colour",
            "t.p.colour",
            "t.p.logicalTypeOptions.colour",
            "t.p[].colour",
            "t.p.enum[0].colour",
            "t.p.quality[0].colour",
        ],
        "unknown key",
    )


def test_descriptive_keys_are_not_noted():
    assert (
        notes(
            document("""
        servers: [{server: s}]
        team: {name: x}
        roles: []
        price: {priceAmount: 1}
        customProperties: [{property: a, value: b}]
        schema:
          - name: t
            businessName: T
            properties:
              - {name: p, tags: [x], classification: public, examples: [1], deprecated: true}
        """)
        )
        == {}
    )


def test_an_option_of_another_type_is_noted_and_left_out():
    text = with_property("logicalType: integer\nlogicalTypeOptions: {minLength: 3, minimum: 1}")
    assert parse(text).objects[0].properties[0].options == {"minimum": 1}
    assert notes(text) == {
        "t.p.logicalTypeOptions.minLength": "does not apply to logicalType integer"
    }


def test_keys_of_another_rule_type_are_noted():
    text = with_rule("type: text\ndescription: all well\nmetric: nullValues")
    assert notes(text) == {"t.p.quality[0].metric": "does not apply to a rule of type text"}


def test_an_unknown_logical_type_is_noted():
    assert "'money' is not known" in notes(with_property("logicalType: money"))["t.p.logicalType"]


def official_keys() -> dict[str, set[str]]:
    """The keys that the official JSON Schema of 3.2 knows, by level."""
    package = importlib.util.find_spec("open_data_contract_standard")
    if package is None or not package.submodule_search_locations:
        return {}
    schema = json.loads(Path(package.submodule_search_locations[0], "schema.json").read_bytes())
    defs = schema["$defs"]

    def keys(*names: str) -> set[str]:
        return {key for name in names for key in defs[name]["properties"]}

    return {
        "contract": set(schema["properties"]),
        "object": keys("SchemaElement", "SchemaObject"),
        "property": {*keys("SchemaElement", "SchemaBaseProperty"), "properties", "items", "map"},
        "rule": keys("DataQuality", "DataQualityLibrary", "DataQualitySql", "DataQualityCustom"),
    }


LEVELS = {
    "contract": "{}schema: []",
    "object": "schema: [{{{}name: t}}]",
    "property": "schema: [{{name: t, properties: [{{{}name: p}}]}}]",
    "rule": "schema: [{{name: t, quality: [{{{}metric: rowCount, mustBe: 0}}]}}]",
}
OFFICIAL = [
    (level, key)
    for level, keys in official_keys().items()
    for key in sorted(keys - {"name", "metric", "kind", "apiVersion", "id", "version", "schema"})
    if key != "status" or level != "contract"
]


@pytest.mark.skipif(not OFFICIAL, reason="open-data-contract-standard is not installed")
@pytest.mark.parametrize(("level", "key"), OFFICIAL)
def test_every_key_of_the_official_schema_is_known(level, key):
    separator = "\n" if level == "contract" else ", "
    assert notes(document(LEVELS[level].format(f"{key}: null{separator}"))) == {}


@given(st.sampled_from(sorted(LEVELS)), st.from_regex(r"x_[a-z]{1,9}", fullmatch=True))
@settings(max_examples=30)
def test_every_other_key_is_noted(level, key):
    separator = "\n" if level == "contract" else ", "
    found = notes(document(LEVELS[level].format(f"{key}: 1{separator}")))
    assert list(found.values()) == ["unknown key"]
    assert next(iter(found)).endswith(key)
