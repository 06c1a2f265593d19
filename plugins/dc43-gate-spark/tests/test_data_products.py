"""Streams at the ports of data products, and where a contract says that its data is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attrs import evolve
from pyspark.sql import DataFrame

from dc43_core.config import Config
from dc43_core.data_products.errors import PortNotFoundError, ServerError
from dc43_core.data_quality.local import LocalDataQuality
from dc43_core.errors import ConfigurationError, Dc43Error
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.runtime import Runtime
from dc43_integrations.spark.io import (
    PortRef,
    read_from_contract,
    read_from_data_product,
    read_stream_from_contract,
    read_stream_from_data_product,
    read_stream_with_contract,
    write_stream_to_data_product,
    write_stream_with_contract,
    write_to_data_product,
)

pytestmark = pytest.mark.spark

COLUMNS = [
    {"name": "id", "logicalType": "integer", "required": True},
    {"name": "state", "logicalType": "string"},
]
DAILY = PortRef("shop", "daily")


@pytest.fixture
def shop(tmp_path: Path, runtime: Runtime) -> Runtime:
    """A configuration with a product `shop`: orders come in, and leave checked."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("id,state\n1,open\n,paid\n")
    for name, folder, kind in (("raw-orders", "in", "csv"), ("orders", "out", "json")):
        server = {"server": "lake", "type": "local", "format": kind}
        document = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": name,
            "version": "1.2.0",
            "status": "active",
            "servers": [{**server, "path": str(tmp_path / folder)}],
            "schema": [{"name": "orders", "properties": COLUMNS}],
        }
        _put(tmp_path / "contracts" / f"{name}.odcs.yaml", document)
    port = {"version": "1.2.0"}
    product = {
        "apiVersion": "v1.0.0",
        "kind": "DataProduct",
        "id": "shop",
        "version": "3.0.0",
        "status": "active",
        "inputPorts": [{"name": "raw", "contractId": "raw-orders", **port}],
        "outputPorts": [{"name": "daily", "contractId": "orders", **port}],
    }
    _put(tmp_path / "products" / "shop.odps.yaml", product)
    config = evolve(Config(), source=tmp_path / "dc43.toml")
    return Runtime(config=config, plugins=runtime.plugins, governance=MemoryGovernance())


def _put(path: Path, document: object) -> None:
    path.parent.mkdir(exist_ok=True)
    # JSON is YAML.
    path.write_text(json.dumps(document))


def test_a_stream_from_port_to_port_names_both_in_its_record(spark, shop, tmp_path):
    frame, read = read_stream_from_data_product(
        spark,
        data_product_input={"product": "shop", "port": "raw"},
        options={"header": True},
        runtime=shop,
    )
    result = write_stream_to_data_product(
        df=frame,
        reads=[read],
        data_product_output=DAILY,
        rejects=str(tmp_path / "rejects"),
        checkpoint_location=str(tmp_path / "checkpoint"),
        trigger="available-now",
        runtime=shop,
    )
    assert result.streaming_queries[0].awaitTermination(120)
    (record,) = shop.governance.records(dataset_id="orders")
    output = {"product": "shop", "product_version": "3.0.0", "port": "daily"}
    assert record.details["data_product"] == {
        **output,
        "port_version": "1.2.0",
        "direction": "output",
    }
    (source,) = record.input["datasets"]
    assert source["data_product"]["port"] == "raw"
    assert source["data_product"]["direction"] == "input"
    assert (record.contract_id, record.contract_version) == ("orders", "1.2.0")
    assert result.details["data_product"] == record.details["data_product"]
    rows = spark.read.schema("id int, state string").json(str(tmp_path / "out")).collect()
    assert [tuple(row) for row in rows] == [(1, "open")]
    assert record.reject_count == 1


class Judge(LocalDataQuality):
    """Judges as dc43 does, and counts how often it was asked."""

    asked = 0

    def findings(self, plan, observations):
        self.asked += 1
        return super().findings(plan, observations)


def test_a_batch_from_port_to_port_by_services_that_are_handed_in(spark, shop, runtime, tmp_path):
    judge, governance = Judge(), MemoryGovernance()
    given = {
        "runtime": runtime,
        "contract_service": shop.contracts(),
        "data_product_service": shop.products(),
        "governance_service": governance,
    }
    frame, read = read_from_data_product(
        spark,
        data_product_input={"product": "shop", "port": "raw"},
        options={"header": True},
        **given,
    )
    result = write_to_data_product(
        df=frame,
        reads=[read],
        data_product_output=DAILY,
        rejects=str(tmp_path / "rejects"),
        data_quality_service=judge,
        **given,
    )
    (record,) = governance.records()
    assert (record.main_count, record.reject_count, judge.asked) == (1, 1, 1)
    assert result.details["data_product"]["port"] == "daily"
    assert [s.direction for s in governance.schema_observations()] == ["read", "write"]
    assert (list(runtime.governance.records()), list(shop.governance.records())) == ([], [])
    rows = read_from_contract(spark, contract_id="orders", return_status=False, runtime=shop)
    assert [row.asDict()["id"] for row in rows.collect()] == [1]


def test_read_and_write_each_tell_governance_of_one_schema(spark, shop, tmp_path):
    frame = read_stream_with_contract(
        spark,
        data_product_input=PortRef("shop", "raw"),
        options={"header": True},
        return_status=False,
        uncast="null",
        runtime=shop,
    )
    result = write_stream_with_contract(
        df=frame,
        data_product_output=DAILY,
        checkpoint_location=str(tmp_path / "checkpoint"),
        trigger="available-now",
        runtime=shop,
    )
    result.streaming_queries[0].awaitTermination(120)
    told = [(s.direction, s.dataset_id) for s in shop.governance.schema_observations()]
    assert told == [("read", "in.input"), ("write", "orders")]


def test_a_contract_says_where_its_data_is(spark, shop):
    frame, read = read_stream_from_contract(
        spark, contract_id="raw-orders", options={"header": True}, runtime=shop
    )
    assert frame.isStreaming
    assert read.contract_id == "raw-orders"
    alone = read_stream_from_contract(
        spark, contract_id="raw-orders", return_status=False, runtime=shop
    )
    assert isinstance(alone, DataFrame)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"data_product_input": PortRef("shop", "weekly")}, PortNotFoundError, "daily"),
        ({"data_product_input": PortRef("shop", "raw", version="9.0.0")}, PortNotFoundError, "9"),
        ({"data_product_input": PortRef("store", "raw")}, Dc43Error, "shop"),
        ({"data_product_input": {"product": "shop"}}, ConfigurationError, "port is missing"),
        ({"data_product_input": {"produkt": "x"}}, ConfigurationError, "produkt is not known"),
        ({"contract_id": "orders", "server": "desk"}, ServerError, "lake"),
        ({"contract_id": "unheard-of"}, Dc43Error, "raw-orders"),
        ({}, TypeError, "contract= or contract_id="),
    ],
)
def test_what_is_not_there_is_named_with_what_there_is(spark, shop, options, error, match):
    with pytest.raises(error, match=match):
        read_stream_with_contract(spark, runtime=shop, **options)
