"""What the ODCS loader makes of contracts, and of what is none."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import time
from decimal import Decimal
from pathlib import Path
from textwrap import dedent, indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dc43_core.contracts.model import Contract, Property, QualityRule
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.contracts.odcs_quality import OPERATORS
from dc43_core.errors import ContractError
from dc43_core.vocabulary import Severity

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "odcs"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no example contracts in {CORPUS}")

HEAD = "apiVersion: {}\nkind: DataContract\nid: flights\nversion: 1.0.0\nstatus: active\n"


def parse(text: str | bytes) -> Contract:
    return OdcsLoader().parse("c.yaml", text.encode() if isinstance(text, str) else text)


def refusal(text: str) -> ContractError:
    with pytest.raises(ContractError) as caught:
        parse(text)
    return caught.value


def document(body: str, api_version: str = "v3.1.0") -> str:
    return HEAD.format(api_version) + dedent(body)


def with_property(body: str, api_version: str = "v3.1.0") -> str:
    """A contract of one object `t` with one property `p`, whose other keys are given."""
    inner = indent(dedent(body), "        ")
    return document("schema:\n  - name: t\n    properties:\n      - name: p\n", api_version) + inner


def with_rule(body: str, api_version: str = "v3.1.0") -> str:
    inner = indent(dedent(body).strip(), "    ").replace("    ", "  - ", 1)
    return with_property("quality:\n" + inner, api_version)


def prop(body: str, api_version: str = "v3.1.0") -> Property:
    return parse(with_property(body, api_version)).objects[0].properties[0]


def rule(body: str, api_version: str = "v3.1.0") -> QualityRule:
    contract = parse(with_rule(body, api_version))
    return contract.objects[0].properties[0].quality[0]


def notes(text: str) -> dict[str, str]:
    return {note.path: note.reason for note in parse(text).notes}


# ------------------------------------------------------------------ the corpus


def corpus(name: str) -> Contract:
    path = CORPUS / f"{name}.odcs.yaml"
    return OdcsLoader().parse(str(path), path.read_bytes())


@needs_corpus
@pytest.mark.parametrize("path", sorted(CORPUS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_official_example_is_accepted_and_read(path):
    data = path.read_bytes()
    assert OdcsLoader().accepts(str(path), data)
    contract = OdcsLoader().parse(str(path), data)
    assert contract.digest == hashlib.sha256(data).hexdigest()
    assert contract.source == str(path)
    assert not [note for note in contract.notes if note.reason == "unknown key"]


@needs_corpus
@pytest.mark.parametrize("path", sorted(CORPUS.parent.rglob("odps/*.yaml")), ids=lambda p: p.stem)
def test_data_products_are_not_contracts(path):
    assert not OdcsLoader().accepts(str(path), path.read_bytes())


@needs_corpus
def test_the_full_example_of_3_1_reads_as_written():
    contract = corpus("all/full-example")
    assert (contract.api_version, contract.version, contract.status) == (
        "v3.1.0",
        "1.1.0",
        "active",
    )
    assert contract.description == "Views built on top of the seller tables."
    tbl, receivers = contract.objects
    assert (tbl.name, tbl.physical_name) == ("tbl", "tbl_1")
    first, rcvr_id, country = tbl.properties
    assert (first.name, first.physical_name) == ("transaction_reference_date", "txn_ref_dt")
    assert first.path == "transaction_reference_date"
    assert (rcvr_id.primary_key, rcvr_id.primary_key_position) == (True, 1)
    assert rcvr_id.physical_type == "varchar(18)"
    assert [(q.path, q.metric, q.operators) for q in country.quality] == [
        ("rcvr_cntry_code.quality[0]", "nullValues", {"mustBe": 0})
    ]
    assert [(q.path, q.metric, q.operators) for q in tbl.quality] == [
        ("quality[0]", "rowCount", {"mustBeGreaterThan": 1000000})
    ]
    assert tbl.relationships[0]["to"] == ["receivers.id", "receivers.country_code"]
    assert [p.name for p in receivers.properties if p.primary_key] == ["id", "country_code"]
    found = {note.path: note.reason for note in contract.notes}
    assert found["tbl.relationships"] == "not enforced: relationships"
    assert [
        (one.property, one.value, one.unit, one.element) for one in contract.service_levels
    ] == [
        ("latency", 4, "d", "tab1.txn_ref_dt"),
        ("retention", 3, "y", "tab1.txn_ref_dt"),
        ("frequency", 1, "d", "tab1.txn_ref_dt"),
    ]
    assert {path: reason for path, reason in found.items() if path.startswith("slaProperties")} == {
        **{
            f"slaProperties[{place}]": f"SLA '{name}': not measured, no data shows it"
            for place, name in (
                (1, "generalAvailability"),
                (2, "endOfSupport"),
                (3, "endOfLife"),
                (6, "timeOfAvailability"),
                (7, "timeOfAvailability"),
            )
        },
        "slaProperties[5].valueExt": "SLA frequency: only `value` and `unit` are compared",
    }


@needs_corpus
def test_the_data_types_of_3_0_2_read_as_written():
    properties = {p.name: p for p in corpus("data-types/all-data-types").objects[0].properties}
    assert properties["account_id"].options == {
        "minLength": 11,
        "maxLength": 11,
        "pattern": "ACC[0-9]{8}",
    }
    assert properties["txn_ref_date"].options["exclusiveMinimum"] == "2020-01-01"
    assert properties["txn_timestamp_tz"].options["timezone"] is True
    assert properties["age"].options == {"minimum": 18, "exclusiveMaximum": 100, "format": "i64"}
    assert properties["latest_txns"].options["uniqueItems"] is True
    assert properties["customer_details"].options["required"] == ["num_children", "date_of_birth"]


@needs_corpus
def test_the_nested_properties_of_3_0_2_have_paths():
    contract = corpus("schema/all-schema-types")
    assert [each.name for each in contract] == ["tbl", "AnObject", "AnotherObject"]
    lines = contract.objects[1].properties[0].items
    assert lines is not None
    assert (lines.path, lines.logical_type) == ("street_lines[]", "string")
    inner = contract.objects[2].properties[0].items
    assert inner is not None
    assert [p.path for p in inner.properties] == ["x[].id", "x[].zip"]


@needs_corpus
def test_metric_is_understood_under_3_0_2_too():
    (found,) = corpus("quality/column-completeness").objects[0].properties[0].quality
    assert (found.type, found.metric, found.operators) == ("library", "nullValues", {"mustBe": 0})


@needs_corpus
def test_a_percent_rule_of_3_1_reads_as_written():
    (found,) = corpus("quality/column-validity").objects[0].properties[0].quality
    assert found.arguments == {"validValues": ["", None, "n/a"]}
    assert (found.unit, found.operators) == ("percent", {"mustBeLessOrEqualTo": 5})


@needs_corpus
def test_custom_rules_of_3_1_keep_their_implementation():
    text, mapping = corpus("quality/column-custom").objects[0].properties[0].quality
    assert text.implementation.startswith("type: duplicate_percent\n")
    assert mapping.engine == "soda"
    assert mapping.implementation["must_be_less_than"] == Decimal("1.0")


# ------------------------------------------------------------- a contract of ours


FLIGHTS = r"""
    schema:
      - name: flights
        physicalName: nyc_flights
        properties:
          - name: carrier
            logicalType: string
            required: true
            quality:
              - metric: invalidValues
                arguments:
                  validValues: [AA, NO, on, "01"]
                mustBe: 0
          - name: tail number
            physicalName: tailnum
            logicalType: string
            logicalTypeOptions:
              pattern: ^N\d{1,5}[A-Z]*$
          - name: air_time
            logicalType: integer
            quality:
              - id: air-time-plausible
                type: custom
                engine: dc43
                implementation: {kind: range, maximum: 720}
                severity: warning
"""


def test_a_contract_of_flights_reads_as_meant():
    contract = parse(document(FLIGHTS))
    (flights,) = contract.objects
    carrier, tail, air_time = flights.columns
    assert contract.notes == ()
    assert carrier.required
    assert carrier.quality == (
        QualityRule(
            path="carrier.quality[0]",
            metric="invalidValues",
            arguments={"validValues": ["AA", "NO", "on", "01"]},
            operators={"mustBe": 0},
        ),
    )
    assert (tail.path, tail.physical_name) == ("tail number", "tailnum")
    assert tail.options == {"pattern": r"^N\d{1,5}[A-Z]*$"}
    (plausible,) = air_time.quality
    assert plausible.check_id == "air-time-plausible"
    assert (plausible.type, plausible.engine) == ("custom", "dc43")
    assert plausible.implementation == {"kind": "range", "maximum": 720}
    assert plausible.severity is Severity.WARNING


# --------------------------------------------------------------------- versions


@pytest.mark.parametrize("written", ["v3.0.0", "3.0.2", "v3.1.0", "3.1", "v3.2.0", "3.2.7"])
def test_every_odcs_3_0_to_3_2_is_read(written):
    assert parse(document("", written)).api_version == f"v{written.removeprefix('v')}"


@pytest.mark.parametrize(
    ("written", "way_out"),
    [
        ("v2.2.2", "rewrite the contract as v3.1.0"),
        ("v3.3.0", "upgrade dc43"),
        ("v4.0.0", "upgrade dc43"),
        ("latest", "such as v3.1.0"),
    ],
)
def test_another_odcs_version_shows_the_way_out(written, way_out):
    error = refusal(document("", written))
    assert way_out in error.problem
    assert (error.line, error.path) == (1, "apiVersion")
    assert OdcsLoader().accepts("c.yaml", document("", written).encode())


@pytest.mark.parametrize("key", ["apiVersion", "kind", "id", "version"])
@pytest.mark.parametrize("instead", ["", "{}:\n", "{}: ''\n"])
def test_what_every_contract_needs_is_asked_for(key, instead):
    lines = HEAD.format("v3.1.0").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f"{key}:")]
    error = refusal("".join(kept) + instead.format(key))
    assert error.path == key
    assert f"`{key}` is missing" in error.problem
    assert error.line is not None


def test_status_may_be_missing():
    assert parse(HEAD.format("v3.2.0").replace("status: active\n", "")).status is None


@pytest.mark.parametrize("written", ["1.10", "0123", "1e3", "2024-01-15", "true", "1.0.0"])
def test_ids_and_versions_stay_text_as_written(written):
    text = HEAD.format("v3.1.0").replace("1.0.0", written).replace("id: flights", f"id: {written}")
    contract = parse(text)
    assert (contract.id, contract.version) == (written, written)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("kind: DataContract", True),
        ('{"id": 1, "kind": "DataContract"}', True),
        ("kind: DataContract\n\t: [broken", True),
        ("apiVersion: v3.1.0\nid: x", True),
        ("apiVersion: v1.0.0\nkind: DataProduct", False),
        ("apiVersion: v3\nkind: Deployment", False),
        ("engine: spark", False),
        ("", False),
        ("kind: DataContractish", False),
    ],
)
def test_a_contract_is_known_by_its_kind_even_if_it_is_broken(text, accepted):
    assert OdcsLoader().accepts("c.yaml", text.encode()) is accepted


# ------------------------------------------------------------ 3.0 is brought to 3.1


def test_exclusive_bounds_become_values():
    assert prop(
        """
        logicalType: integer
        logicalTypeOptions:
          minimum: 0
          exclusiveMinimum: true
          maximum: 10
          exclusiveMaximum: false
        """,
        "v3.0.2",
    ).options == {"exclusiveMinimum": 0, "maximum": 10}


def test_an_exclusive_bound_without_a_bound_is_an_error():
    error = refusal(with_property("logicalTypeOptions: {exclusiveMaximum: true}", "v3.0.0"))
    assert error.path == "schema[0].properties[0].logicalTypeOptions.exclusiveMaximum"
    assert "`maximum`" in error.problem


@pytest.mark.parametrize(
    ("written", "metric", "operators"),
    [
        ("nullCheck", "nullValues", {"mustBe": 0}),
        ("uniqueCheck", "duplicateValues", {"mustBe": 0}),
        ("duplicateCount\nmustBeLessThan: 10", "duplicateValues", {"mustBeLessThan": 10}),
        ("rowCount\nmustBeBetween: [100, 120]", "rowCount", {"mustBeBetween": [100, 120]}),
        ("countCheck\nmustBeGreaterThan: 0", "rowCount", {"mustBeGreaterThan": 0}),
        ("nullCheck\nmustBeLessThan: 5", "nullValues", {"mustBeLessThan": 5}),
        ("duplicateCount", "duplicateValues", {}),
        ("houseRule", "houseRule", {}),
    ],
)
def test_rule_becomes_metric(written, metric, operators):
    found = rule(f"rule: {written}", "v3.0.2")
    assert (found.type, found.metric, found.operators) == ("library", metric, operators)


def test_valid_values_beside_the_rule_become_arguments():
    found = rule("rule: validValues\nvalidValues: [pounds, kg]", "v3.0.2")
    assert found.metric == "invalidValues"
    assert found.arguments == {"validValues": ["pounds", "kg"]}
    assert found.operators == {"mustBe": 0}


def test_a_pattern_beside_the_metric_becomes_an_argument():
    # As in the example of the standard's own page on data quality.
    found = rule("metric: invalidValues\nmustBe: 0\narguments:\npattern: '^[A-Z]{2}$'")
    assert found.arguments == {"pattern": "^[A-Z]{2}$"}


def test_valid_values_of_a_property_are_its_enum():
    assert prop("validValues: [a, b]", "v3.0.2").enum == ("a", "b")


# ------------------------------------------------------------------------- 3.2


def test_an_enum_keeps_its_values():
    body = "logicalType: integer\nenum: [{value: 1, label: One}, {value: 2}]"
    assert prop(body, "v3.2.0").enum == (1, 2)


def test_values_of_a_text_column_are_text_as_written():
    body = "logicalType: string\nenum: [{value: 1.10}, {value: true}, {value: null}, 007]"
    assert prop(body, "v3.2.0").enum == ("1.10", "true", None, "007")


def test_a_map_keeps_key_and_value():
    found = prop(
        """
        logicalType: map
        map:
          key: {logicalType: string}
          value:
            logicalType: object
            properties:
              - {name: price, logicalType: number}
        """,
        "v3.2.0",
    ).options["map"]
    assert (found["key"].path, found["key"].logical_type) == ("p.key", "string")
    assert found["value"].properties[0].path == "p.value.price"


def test_a_vector_keeps_its_dimensions():
    body = "logicalType: vector\nlogicalTypeOptions: {dimensions: 384, distanceMetric: cosine}"
    assert prop(body, "v3.2.0").options == {"dimensions": 384}


def test_a_measure_is_noted_and_no_column():
    text = with_property("semanticType: measure\nlogicalType: number", "v3.2.0")
    assert parse(text).objects[0].columns == ()
    assert "no physical column" in notes(text)["t.p"]


def test_runtime_variables_are_kept_as_text_and_noted():
    text = with_property("physicalName: ${PREFIX:-x}_p\ndescription: costs ${MONEY}", "v3.2.0")
    assert parse(text).objects[0].properties[0].physical_name == "${PREFIX:-x}_p"
    assert notes(text) == {"t.p.physicalName": "runtime variable '${PREFIX:-x}' is kept as text"}


# ------------------------------------------------------- nothing is dropped in silence


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
