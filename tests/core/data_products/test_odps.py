"""What the ODPS loader makes of data products, and of what is none."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.contracts.safe_yaml import YamlLimits
from dc43_core.data_products.errors import DataProductError
from dc43_core.data_products.model import DataProduct
from dc43_core.data_products.odps import OdpsLoader
from dc43_core.vocabulary import Direction

CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "odps"
needs_corpus = pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no example products in {CORPUS}")

DEPARTURES = """\
apiVersion: v1.0.0
kind: DataProduct
id: departures
name: Departures of New York
version: 1.10
status: active
domain: aviation
tenant: airport
description:
  purpose: Which flights left, and when.
  limitations: 2013 only.
tags: [flights]
inputPorts:
  - name: schedule
    version: 1.0.0
    contractId: timetable
  - name: schedule
    version: 2.0.0
    contractId: timetable
outputPorts:
  - name: flights
    description: Every flight.
    type: tables
    version: 1.0.0
    contractId: flights
    inputContracts:
      - {id: timetable, version: 1.0.0}
      - {contractId: weather, version: 3.1.0}
    sbom: [{type: external, url: "https://example.org/sbom"}]
  - name: delays
    version: 0.3.0
managementPorts: [{name: updates, content: dictionary, type: topic}]
team: {name: Tower, members: [{username: ada}]}
"""


def parse(text: str | bytes) -> DataProduct:
    return OdpsLoader().parse("p.yaml", text.encode() if isinstance(text, str) else text)


def refusal(text: str | bytes) -> DataProductError:
    with pytest.raises(DataProductError) as refused:
        parse(text)
    return refused.value


def product(**changes: Any) -> str:
    """A product as JSON, its keys changed; None takes a key away."""
    document = {"apiVersion": "v1.0.0", "kind": "DataProduct", "id": "p", "status": "active"}
    return json.dumps({k: v for k, v in {**document, **changes}.items() if v is not None})


def test_a_product_reads_as_written():
    found = parse(DEPARTURES)
    assert (found.id, found.version, found.api_version, found.status) == (
        "departures",
        "1.10",
        "v1.0.0",
        "active",
    )
    assert (found.name, found.domain, found.tenant) == (
        "Departures of New York",
        "aviation",
        "airport",
    )
    assert found.description == "Which flights left, and when."
    assert found.digest == hashlib.sha256(DEPARTURES.encode()).hexdigest()
    assert found.source == "p.yaml"
    assert not found.notes
    assert found.label == "departures (Departures of New York) 1.10"


def test_ports_read_as_written():
    found = parse(DEPARTURES)
    assert [str(port) for port in found.inputs] == ["input schedule 1.0.0", "input schedule 2.0.0"]
    flights, delays = found.outputs
    assert flights.key == (Direction.OUTPUT, "flights", "1.0.0")
    assert (flights.contract_id, flights.type) == ("flights", "tables")
    assert flights.input_contracts == (("timetable", "1.0.0"), ("weather", "3.1.0"))
    assert delays.contract_id is None


@pytest.mark.parametrize(
    ("written", "read"),
    [("v0.9.0", "v0.9.0"), ("1.0", "v1.0"), ("v1.0.0", "v1.0.0"), ("v1.1.0", "v1.1.0")],
)
def test_versions_of_the_standard_that_are_read(written, read):
    assert parse(product(apiVersion=written)).api_version == read


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("v0.8.0", "too old: rewrite the product as v1.0.0"),
        ("v1.2.0", "newer than v1.1, the newest that this dc43 reads; upgrade dc43"),
        ("v2.0.0", "newer than"),
        ("latest", "'latest' is no ODPS version"),
        (None, "`apiVersion` is missing or empty"),
    ],
)
def test_other_versions_are_refused_with_the_way_out(written, problem):
    assert problem in str(refusal(product(apiVersion=written)))


def test_what_1_1_added_is_read():
    text = product(
        apiVersion="v1.1.0",
        status=None,
        deprecated=True,
        type="aggregate",
        synonyms=[{"synonym": "leavings"}],
        outputPorts=[{"name": "flights", "deprecated": True, "context": {}}],
    )
    found = parse(text)
    assert (found.status, found.deprecated, found.notes) == (None, True, ())
    [port] = found.outputs
    assert (str(port), port.version, port.deprecated) == ("output flights", None, True)


def test_a_product_may_be_json_with_a_byte_order_mark():
    text = b"\xef\xbb\xbf" + product(inputPorts=[{"name": "a"}]).encode()
    assert OdpsLoader().accepts("p.json", text)
    assert [port.name for port in parse(text).ports] == ["a"]


@pytest.mark.parametrize(
    ("text", "line", "path", "problem"),
    [
        (product(id=""), 1, "id", "`id` is missing or empty"),
        (product(kind="DataContract"), 1, "kind", "must be DataProduct, not 'DataContract'"),
        (product(inputPorts={}), 1, "inputPorts", "must be a list, not a mapping"),
        (product(outputPorts=[{"version": "1"}]), 1, "outputPorts[0]", "`name` is missing"),
        (product(deprecated="yes"), 1, "deprecated", "must be true or false, not 'yes'"),
        ("kind: DataProduct\nid: a\nid: b\n", 3, "id", "key 'id' stands in line 2 already"),
        ("kind: DataProduct\na: &x 1\nb: *x\n", 3, "b", "alias *x is refused"),
        ("[kind, DataProduct]", 1, None, "is no data product: not a mapping"),
        ("", None, None, "is empty"),
    ],
)
def test_a_fault_is_told_with_its_place(text, line, path, problem):
    error = refusal(text)
    assert error.problem.startswith(problem)
    assert error.line == line
    assert error.path in (path, f"{path}.name")
    assert str(error).startswith("p.yaml")


def test_a_port_s_name_and_version_are_its_key():
    error = refusal(
        dedent("""\
        apiVersion: v1.0.0
        kind: DataProduct
        id: p
        outputPorts:
          - {name: a, version: 1.0.0, contractId: x}
          - {name: a, version: 2.0.0, contractId: x}
          - {name: a, version: 1.0.0, contractId: y}
        """)
    )
    assert (error.line, error.path) == (7, "outputPorts[2].name")
    assert "output a 1.0.0 stands here a second time" in error.problem


def test_a_port_may_have_the_name_of_one_on_the_other_side():
    port = {"name": "a", "version": "1", "contractId": "x"}
    assert len(parse(product(inputPorts=[port], outputPorts=[port])).ports) == 2


def test_an_unknown_key_is_noted_and_a_variable_stays_text():
    text = product(colour="red", outputPorts=[{"name": "a", "contractId": "${ID}", "colour": 1}])
    found = parse(text)
    assert found.outputs[0].contract_id == "${ID}"
    assert {(note.path, note.reason) for note in found.notes} == {
        ("colour", "unknown key"),
        ("outputPorts[0].colour", "unknown key"),
        ("outputPorts[0].contractId", "runtime variable '${ID}' is kept as text"),
    }


def test_a_file_beyond_the_limits_is_refused():
    loader = OdpsLoader(limits=YamlLimits(max_nodes=5))
    with pytest.raises(DataProductError, match="more than 5 values"):
        loader.parse("p.yaml", DEPARTURES.encode())


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"kind: DataContract\nid: DataProduct\n",
        b"a: 'kind: DataProduct'\n",
        b"# kind: DataProduct\n",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"schema: https://opendataproducts.org/v4.0/schema/odps.yaml\nproduct: {}\n",
    ],
)
def test_what_does_not_say_so_is_no_product(text):
    assert not OdpsLoader().accepts("p.yaml", text)


@given(st.integers(0, len(DEPARTURES)), st.binary(max_size=3))
def test_whatever_the_bytes_are_the_error_is_a_data_product_error(place, other):
    text = DEPARTURES.encode()
    for changed in (text[:place], text[:place] + other + text[place:]):
        try:
            parse(changed)
        except DataProductError as error:
            assert error.source == "p.yaml"


@needs_corpus
@pytest.mark.parametrize("path", sorted(CORPUS.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_official_example_is_accepted_and_read(path):
    text = path.read_bytes()
    assert OdpsLoader().accepts(str(path), text)
    found = OdpsLoader().parse(str(path), text)
    assert found.ports
    assert not found.notes


@needs_corpus
def test_the_customer_example_reads_as_written():
    path = CORPUS / "customer-data-product.odps.yaml"
    found = OdpsLoader().parse(str(path), path.read_bytes())
    assert (found.status, found.version) == ("draft", None)
    assert [str(port) for port in found.inputs] == [
        "input payments 1.0.0",
        "input payments 2.0.0",
        "input onlinetransactions 1.0.0",
        "input onlinetransactions 1.1.0",
    ]
    raw = found.outputs[1]
    assert (str(raw), len(raw.input_contracts)) == ("output rawtransactions 2.0.0", 2)


@needs_corpus
@pytest.mark.parametrize("path", sorted(CORPUS.parent.glob("odcs/**/*.yaml")), ids=str)
def test_contracts_are_not_data_products(path):
    assert not OdpsLoader().accepts(str(path), path.read_bytes())
