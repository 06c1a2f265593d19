"""What of a drift a draft takes in, and which version that makes."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dc43_core.contracts.model import Contract
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.contracts.safe_yaml import load
from dc43_drift.bump import bumped
from dc43_drift.draft import draft_successor
from dc43_drift.errors import DraftError

TRIPS = """\
# Comments do not survive.
apiVersion: v3.1.0
kind: DataContract
id: trips
version: 1.10
status: active
description: {purpose: "Trips of taxis: 2026-01-15"}
schema:
  - name: trips
    quality:
      - {metric: rowCount, mustBeGreaterThan: 1e2}
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}
      - name: tip
        physicalName: tip_amount
        logicalType: number
        physicalType: "decimal(5,2)"
        required: true
      - {name: seats, logicalType: integer, physicalType: int}
      - {name: code, logicalType: string, logicalTypeOptions: {maxLength: 3}}
      - {name: a.b, logicalType: string}
      - name: place
        logicalType: object
        properties:
          - {name: zone, logicalType: string}
      - name: stops
        logicalType: array
        items:
          logicalType: object
          properties:
            - {name: zone, logicalType: integer, physicalType: smallint}
  - name: others
    properties:
      - {name: id, logicalType: integer}
"""


def fact(column: str, kind: str = "extra", found: Any = None) -> dict[str, Any]:
    told = {"column": column, "kind": kind, "detail": f"is {kind}", "where": None}
    return told | ({"found": found} if found else {})


def draft(*drift: dict[str, Any], **options: Any) -> Any:
    return draft_successor(TRIPS.encode(), drift, object_name="trips", **options)


def read(made: Any) -> Contract:
    return OdcsLoader().parse("draft", made.text)


def declared(made: Any, column: str) -> Any:
    return next((p for p in read(made).objects[0].properties if p.physical_name == column), None)


TEXT = {"logicalType": "string"}
LONG = {"logicalType": "integer"}


def test_a_new_column_is_declared_and_not_required_and_the_version_is_the_next_minor_one():
    made = draft(fact("note", found={"logicalType": "number", "physicalType": "float"}))
    assert (made.contract_id, made.follows, made.version) == ("trips", "1.10", "1.11")
    note = declared(made, "note")
    assert (note.logical_type, note.physical_type, note.required) == ("number", "float", False)
    [change] = made.changes
    assert (change.column, change.what, change.breaking) == (
        "note",
        "is new, number as float, and not required",
        False,
    )


def test_all_else_stays_as_it_was_written():
    made = draft(fact("note"))
    before, after = (load("x", text).plain(as_text=True) for text in (TRIPS.encode(), made.text))
    before |= {"version": "1.11", "status": "draft"}
    before["schema"][0]["properties"].append({"name": "note", **TEXT})
    assert after == before
    assert list(after) == list(before)


def test_a_draft_is_one_by_its_status():
    assert read(draft(fact("note"))).status == "draft"


@pytest.mark.parametrize(
    ("column", "path"),
    [
        ("place.street", ["place", "street"]),
        ("stops[].street", ["stops", "street"]),
        ("place.x.y", ["place", "x.y"]),
        ("a.c", ["a.c"]),
        ("new[]", ["new[]"]),
    ],
)
def test_a_new_part_is_declared_where_it_stands(column, path):
    parts = list(read(draft(fact(column))).objects[0].properties)
    for name in path[:-1]:
        [found] = [p for p in parts if p.name == name]
        parts = list(found.items.properties if found.items else found.properties)
    assert parts[-1].name == path[-1]


def test_a_new_column_with_the_name_that_people_use_for_another_gets_one_of_its_own():
    made = draft(fact("tip"))
    assert (declared(made, "tip").name, declared(made, "tip_amount").name) == ("tip_", "tip")


@pytest.mark.parametrize(
    ("column", "kind", "found", "version"),
    [
        ("seats", "wider", LONG, "1.11"),
        ("seats", "retyped", LONG, "1.11"),
        ("stops[].zone", "retyped", {"logicalType": "integer", "physicalType": "int"}, "1.11"),
        ("seats", "retyped", {"logicalType": "integer", "physicalType": "smallint"}, "2.0"),
        ("seats", "narrowed", TEXT, "2.0"),
        ("code", "retyped", LONG, "2.0"),
    ],
)
def test_a_column_of_another_type_is_declared_as_what_was_found(column, kind, found, version):
    made = draft(fact(column, kind, found))
    assert made.version == version
    assert made.changes[0].breaking is (version == "2.0")
    part = read(made).objects[0].properties
    name, _, inner = column.partition("[].")
    prop = next(p for p in part if p.name == name)
    prop = prop.items.properties[0] if inner and prop.items else prop
    assert prop.logical_type == found["logicalType"]
    assert prop.physical_type == found.get("physicalType")


def test_options_of_the_other_type_are_left_out_and_that_is_told():
    made = draft(fact("code", "retyped", LONG))
    assert "logicalTypeOptions were for the other type" in made.changes[0].what
    assert dict(declared(made, "code").options) == {}


@pytest.mark.parametrize("kind", ["missing", "renamed"])
def test_a_required_column_that_is_gone_is_not_required_and_that_breaks_readers(kind):
    made = draft(fact("tip_amount", kind), fact("tips"))
    assert made.version == "2.0"
    assert not declared(made, "tip_amount").required
    assert declared(made, "tips") is not None


def test_a_part_of_the_key_that_is_gone_is_none_any_more():
    made = draft(fact("id", "missing"))
    assert not declared(made, "id").primary_key
    assert made.changes[0].what == "is not required any more, and no part of the key"


def test_a_column_that_may_be_missing_stays():
    made = draft(fact("code", "missing"), fact("note"))
    assert made.version == "1.11"
    assert declared(made, "code") is not None
    assert made.left == ("column code is missing; it is not required, and stays",)


@pytest.mark.parametrize(
    "one",
    [
        fact("id", "widened", LONG),
        fact("id", "reordered"),
        fact("id", "extra"),
        fact("code.x", "extra"),
        fact("code[].x", "extra"),
        fact("gone", "retyped", LONG),
        fact("id", "retyped"),
        fact("code", "missing"),
    ],
    ids=lambda one: f"{one['kind']} {one['column']}",
)
def test_where_nothing_can_be_taken_in_nothing_is_drafted(one):
    with pytest.raises(DraftError, match=r"contract trips is drafted: 1\.10 would not change: col"):
        draft(one)


def test_an_object_that_is_not_there_is_named():
    with pytest.raises(DraftError, match="no schema object 'trip'"):
        draft_successor(TRIPS.encode(), [fact("x")], object_name="trip")


def test_the_other_object_is_not_touched():
    made = draft_successor(TRIPS.encode(), [fact("x")], object_name="others")
    assert [p.name for p in read(made).objects[1].properties] == ["id", "x"]
    assert read(made).objects[0] == OdcsLoader().parse("x", TRIPS.encode()).objects[0]


@pytest.mark.parametrize(
    ("version", "minor", "major"),
    [
        ("1.2.3", "1.3.0", "2.0.0"),
        ("1", "1.1", "2"),
        ("v1.9", "v1.10", "v2.0"),
        ("0.3.1", "0.4.0", "1.0.0"),
        ("1.2.0-rc1", "1.3.0", "2.0.0"),
        ("1.2.0+7", "1.3.0", "2.0.0"),
        ("1.2.3.4", "1.3.0.0", "2.0.0.0"),
    ],
)
def test_the_next_version(version, minor, major):
    assert bumped(version, breaking=False, contract="c") == minor
    assert bumped(version, breaking=True, contract="c") == major


@pytest.mark.parametrize("version", ["2026-01-15", "draft", "", "1..2"])
def test_a_version_that_has_no_next_needs_one_to_be_named(version):
    with pytest.raises(DraftError, match="say which version the successor has"):
        bumped(version, breaking=False, contract="c")
    text = TRIPS.replace("1.10", f'"{version or "x"}"').encode()
    made = draft_successor(text, [fact("x")], object_name="trips", version="2026-02-01")
    assert read(made).version == "2026-02-01"


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
TYPED = [
    *(None, TEXT, LONG, {"logicalType": "array", "items": LONG}),
    {"logicalType": "object", "properties": [{"name": "x", **TEXT}]},
]
UNTYPED = {"physicalType": "map<string,int>"}
KINDS = ("extra", "wider", "narrowed", "retyped", "missing", "renamed", "widened", "reordered")
COLUMNS = st.sampled_from(["id", "tip_amount", "place.zone", "stops[].zone", "a.b"]) | NAMES


def facts(*found: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    one = st.builds(fact, COLUMNS, st.sampled_from(KINDS), st.sampled_from(found))
    return st.lists(one, max_size=5)


@given(facts(*TYPED, UNTYPED))
def test_every_draft_is_a_contract_whatever_was_found(drift):
    try:
        made = draft(*drift)
    except DraftError:
        return
    contract = read(made)
    assert (contract.id, contract.version, contract.status) == ("trips", made.version, "draft")
    assert len(made.changes) + len(made.left) == len(drift)


PACKAGE = importlib.util.find_spec("open_data_contract_standard")


@pytest.fixture(scope="module")
def standard() -> Any:
    """What the standard's own JSON Schema says of a document."""
    if PACKAGE is None or not PACKAGE.submodule_search_locations:
        pytest.skip("open-data-contract-standard, which has the schema, is not installed")
    schema = Path(PACKAGE.submodule_search_locations[0], "schema.json").read_bytes()
    return jsonschema.Draft201909Validator(json.loads(schema))


# Of a column without a logical type its schema demands `map`, which the standard itself does not.
@settings(max_examples=40, deadline=None)
@given(facts(*TYPED))
def test_every_draft_is_valid_by_the_standard_s_own_schema(standard, drift):
    try:
        made = draft(*drift)
    except DraftError:
        return
    document = json.loads(json.dumps(load("x", made.text).plain(), default=float))
    assert [error.message for error in standard.iter_errors(document)] == []
