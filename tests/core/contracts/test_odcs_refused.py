"""What the ODCS loader refuses or notes: nonsense in structures and rules, hostile text."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.contracts.odcs_quality import OPERATORS
from dc43_core.errors import ContractError
from dc43_core.vocabulary import Severity
from tests.core.contracts.odcs_text import (
    HEAD,
    document,
    parse,
    prop,
    refusal,
    rule,
    with_property,
    with_rule,
)

# --------------------------------------------------------- structure that is nonsense


@pytest.mark.parametrize(
    ("body", "path", "part"),
    [
        ("required: maybe", "required", "true or false, not 'maybe'"),
        ("required: yes", "required", "true or false, not 'yes'"),
        ("primaryKeyPosition: first", "primaryKeyPosition", "whole number"),
        ("logicalType: [string]", "logicalType", "text, not a list"),
        ("properties: {}", "properties", "a list, not a mapping"),
        ("properties: [x]", "properties[0]", "a mapping, not 'x'"),
        ("properties: [{}]", "properties[0].name", "missing"),
        ("logicalType: string\nproperties: [{name: x}]", "properties", "needs logicalType object"),
        ("logicalType: string\nitems: {}", "items", "needs logicalType array"),
        ("semanticType: fact", "semanticType", "column, dimension, measure"),
        ("logicalTypeOptions: 3", "logicalTypeOptions", "a mapping, not '3'"),
        ("logicalTypeOptions: {minLength: x}", "logicalTypeOptions.minLength", "whole number"),
        ("logicalTypeOptions: {minLength: -1}", "logicalTypeOptions.minLength", "negative"),
        ("logicalTypeOptions: {multipleOf: 0}", "logicalTypeOptions.multipleOf", "larger than 0"),
        (
            "logicalType: number\nlogicalTypeOptions: {minimum: .nan}",
            "logicalTypeOptions.minimum",
            "a number, not '.nan'",
        ),
        ("logicalTypeOptions: {minimum: true}", "logicalTypeOptions.minimum", "not a boolean"),
        ("enum: []", "enum", "no value"),
        ("enum: [{label: x}]", "enum[0].value", "missing"),
        ("enum: [{value: [1]}]", "enum[0].value", "single value"),
        ("map: {key: {}}", "map.value", "a map has a key and a value"),
        ("quality: {}", "quality", "a list"),
    ],
)
def test_nonsense_in_a_property_names_its_path(body, path, part):
    error = refusal(with_property(body))
    assert error.path == f"schema[0].properties[0].{path}"
    assert part in error.problem
    assert error.line is not None
    assert error.line >= 9


@pytest.mark.parametrize(
    ("body", "path", "part"),
    [
        ("type: magic", "type", "library, text, sql, custom"),
        ("type: library", "metric", "needs `metric`"),
        ("mustBe: 0", "metric", "needs `metric`"),
        ("type: sql", "query", "missing"),
        ("type: custom\nimplementation: {}", "engine", "missing"),
        ("type: custom\nengine: dc43", "implementation", "needs `implementation`"),
        ("metric: nullValues\nseverity: high", "severity", "error, warning, info"),
        ("metric: nullValues\nseverity: warn", "severity", "error, warning, info"),
        ("metric: nullValues\nmustBeNice: 1", "mustBeNice", "known: mustBe, mustNotBe"),
        ("metric: nullValues\nmustBe:", "mustBe", "needs a value"),
        ("metric: nullValues\nmustBeLessThan: '3'", "mustBeLessThan", "a number, not '3'"),
        ("metric: nullValues\nmustBeLessThan: true", "mustBeLessThan", "a number"),
        ("metric: rowCount\nmustBeBetween: [2, 1]", "mustBeBetween", "[low, high]"),
        ("metric: rowCount\nmustBeBetween: [1]", "mustBeBetween", "two numbers"),
        ("metric: rowCount\nmustBeBetween: 1", "mustBeBetween", "a list"),
        ("metric: nullValues\nrule: rowCount", "rule", "differ"),
        ("metric: invalidValues\narguments: [a]", "arguments", "a mapping"),
        ("metric: invalidValues\narguments: {validValues: a}", "arguments.validValues", "a list"),
        (
            "metric: invalidValues\nvalidValues: [a]\narguments: {validValues: [b]}",
            "validValues",
            "keep one",
        ),
    ],
)
def test_nonsense_in_a_rule_names_its_path(body, path, part):
    error = refusal(with_rule(body))
    assert error.path == f"schema[0].properties[0].quality[0].{path}"
    assert part in error.problem


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("- a", None),
        (HEAD.format("v3.1.0").replace("DataContract", "DataProduct"), "kind"),
        (document("schema: {}"), "schema"),
        (document("schema: [{}]"), "schema[0].name"),
        (document("schema: [{name: a}, {name: a}]"), "schema[1].name"),
        (document("slaProperties: [x]"), "slaProperties[0]"),
    ],
)
def test_nonsense_above_the_properties_names_its_path(text, path):
    assert refusal(text).path == path


@pytest.mark.parametrize("second", ["{name: b, physicalName: A}", "{name: A}"])
def test_two_properties_of_one_physical_name_are_an_error(second):
    error = refusal(
        document(f"""
        schema:
          - name: t
            properties:
              - {{name: a, physicalName: A}}
              - {second}
        """)
    )
    assert "physical name 'A'" in error.problem
    assert error.line == 11


def test_two_properties_of_one_name_are_an_error():
    text = document("schema: [{name: t, properties: [{name: a}, {name: a, physicalName: b}]}]")
    assert "two properties are named 'a'" in refusal(text).problem


def test_the_same_name_may_stand_in_different_structs():
    assert (
        prop("""
        logicalType: object
        properties:
          - {name: a, logicalType: object, properties: [{name: id}]}
          - {name: b, logicalType: object, properties: [{name: id}]}
        """)
        .properties[1]
        .properties[0]
        .path
        == "p.b.id"
    )


# ------------------------------------------------------------------------ rules


@pytest.mark.parametrize("operator", [op for op in OPERATORS if "Between" not in op])
def test_every_operator_of_the_standard_is_kept_exactly(operator):
    assert rule(f"metric: rowCount\n{operator}: 0.10").operators == {operator: Decimal("0.10")}


@pytest.mark.parametrize("relation", ["Greater", "Less"])
def test_both_spellings_of_or_equal_are_one_operator(relation):
    found = rule(f"metric: rowCount\nmustBe{relation}ThanOrEqualTo: 1")
    assert found.operators == {f"mustBe{relation}OrEqualTo": 1}


def test_several_operators_are_kept_together():
    found = rule("metric: rowCount\nmustBeGreaterThan: 1\nmustNotBe: 7\nmustBeBetween: [5, 5]")
    assert found.operators == {"mustBeGreaterThan": 1, "mustNotBe": 7, "mustBeBetween": [5, 5]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("metric: nullValues", "library"),
        ("rule: nullCheck", "library"),
        ("query: SELECT 1", "sql"),
        ("engine: soda\nimplementation: x", "custom"),
        ("description: looks right", "text"),
    ],
)
def test_a_rule_without_a_type_has_the_one_that_its_keys_say(body, expected):
    assert rule(body).type == expected


def test_an_sql_rule_keeps_its_query_and_may_compare_with_a_boolean():
    found = rule("type: sql\nquery: SELECT ${x} FROM {object}\nmustBe: true")
    assert found.query == "SELECT ${x} FROM {object}"
    assert found.operators == {"mustBe": True}


@pytest.mark.parametrize("written", ["error", "warning", "info"])
def test_each_severity_is_read(written):
    assert rule(f"metric: nullValues\nseverity: {written}").severity == written


def test_an_unset_severity_is_error():
    assert rule("metric: nullValues").severity is Severity.ERROR


def test_units_are_rows_unless_said_otherwise():
    assert rule("metric: nullValues").unit == "rows"
    assert rule("metric: nullValues\nunit: furlongs").unit == "furlongs"


# ------------------------------------------------------------------ hostile contracts


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_any_bytes_give_a_contract_or_a_contract_error(data):
    head = HEAD.format("v3.1.0").encode()
    for text in (data, head + data, head + b"schema: " + data):
        assert OdcsLoader().accepts("c.yaml", text) in (True, False)
        try:
            parse(text)
        except ContractError as error:
            assert error.source == "c.yaml"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "schema: &a [*a]",
        document("name: " + "${a:-" * 180_000),
        ("kind" + " " * 1000) * 1000,
        "," * 1_000_000,
        document(f"schema: [{{name: t, quality: [{{metric: x, severity: {'e' * 900_000}}}]}}]"),
    ],
    ids=["nesting", "alias", "variables", "kinds", "commas", "long value"],
)
def test_a_hostile_contract_costs_little(text):
    start = time.process_time()
    OdcsLoader().accepts("c.yaml", text.encode())
    try:
        parse(text)
    except ContractError as error:
        assert len(str(error)) < 1000
    assert time.process_time() - start < 0.2
