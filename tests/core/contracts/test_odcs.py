"""What the ODCS loader makes of contracts of every version."""

from __future__ import annotations

import hashlib
from decimal import Decimal

import pytest

from dc43_core.contracts.model import Contract, QualityRule
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.vocabulary import Severity
from tests.core.contracts.odcs_text import (
    CORPUS,
    HEAD,
    document,
    needs_corpus,
    notes,
    parse,
    prop,
    refusal,
    rule,
    with_property,
)

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


@pytest.mark.parametrize(
    ("team", "owner"),
    [
        (
            "team: {name: The flight desk, members: [{username: ann, role: owner}]}",
            "The flight desk",
        ),
        ("team: {members: [{username: ann, role: Owner}, {username: ben}]}", "ann"),
        ("team: [{username: ann, name: Ann, role: owner}, {username: bo, role: owner}]", "Ann, bo"),
        ("team: [{username: ben, role: reader}]", None),
        ("team: nobody", None),
        ("", None),
    ],
)
def test_a_contract_is_owned_by_its_team_else_by_the_owners_in_it(team, owner):
    assert parse(f"{HEAD.format('v3.1.0')}{team}\n").owner == owner
