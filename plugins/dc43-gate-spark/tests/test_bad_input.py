"""What is wrong with what a caller names is one error before a query is started."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from dc43_core.config import load_config
from dc43_core.data_products.errors import AmbiguousNameError, PortNotFoundError
from dc43_core.errors import (
    ConfigurationError,
    ContractNotFoundError,
    Dc43Error,
    StatusError,
    StrategyError,
    UnknownNameError,
)
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.runtime import Runtime
from dc43_integrations.spark.io import (
    PortRef,
    read_stream_with_contract,
    write_stream_with_contract,
)

pytestmark = pytest.mark.spark

COLUMNS = [{"name": "value", "logicalType": "integer"}]


class Mute:
    """A strategy that decides nothing."""

    name = "mute"


def contract(folder: Path, name: str, version: str, status: str = "active") -> None:
    document = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": name,
        "version": version,
        "status": status,
        "schema": [{"name": "rows", "properties": COLUMNS}],
    }
    (folder / f"{name}-{version}.odcs.yaml").write_text(json.dumps(document))


@pytest.fixture
def shop(tmp_path: Path) -> Runtime:
    contracts, products = tmp_path / "contracts", tmp_path / "products"
    contracts.mkdir()
    products.mkdir()
    contract(contracts, "orders", "1.0.0")
    contract(contracts, "orders", "1.1.0")
    contract(contracts, "ideas", "0.1.0", status="draft")
    port = {"name": "daily", "contractId": "orders"}
    product = {
        "apiVersion": "v1.0.0",
        "kind": "DataProduct",
        "id": "shop",
        "version": "1.0.0",
        "status": "active",
        "outputPorts": [{**port, "version": version} for version in ("1.0.0", "1.1.0")],
    }
    (products / "shop.odps.yaml").write_text(json.dumps(product))
    (tmp_path / "dc43.toml").write_text("")
    config = load_config(tmp_path / "dc43.toml")
    return Runtime(config=config, governance=MemoryGovernance())


@pytest.fixture(scope="module")
def ticks(spark: SparkSession) -> DataFrame:
    return spark.readStream.format("rate").load().select("value")


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        (
            {"contract_id": "oders"},
            ContractNotFoundError,
            ["'oders'", "found: ideas 0.1.0, orders 1.0.0, orders 1.1.0"],
        ),
        (
            {"contract_id": "orders", "expected_contract_version": ">=2"},
            ContractNotFoundError,
            ["orders", ">=2", "orders 1.0.0, orders 1.1.0"],
        ),
        ({"contract_id": "ideas"}, StatusError, ["ideas", "draft", "accepted_status"]),
        (
            {"data_product_output": PortRef("shop", "daily")},
            AmbiguousNameError,
            ["daily 1.0.0, output daily 1.1.0", "shop.odps.yaml", "version="],
        ),
        (
            {"data_product_output": PortRef("shop", "weekly")},
            PortNotFoundError,
            ["weekly", "shop.odps.yaml", "daily"],
        ),
        ({"data_product_output": "shop/daily"}, ConfigurationError, ["'shop/daily'", "PortRef("]),
        (
            {"contract_id": "orders", "interventions": [Mute()]},
            StrategyError,
            ["Mute", "test_bad_input", "no method decide(context)"],
        ),
        (
            {"contract_id": "orders", "interventions": ["blok-after"]},
            UnknownNameError,
            ["'blok-after'", "block-after"],
        ),
    ],
    ids=[
        "contract",
        "version",
        "draft",
        "ambiguous",
        "port",
        "port as text",
        "no decide",
        "strategy",
    ],
)
def test_a_write_names_what_is_wrong_and_starts_nothing(
    spark: SparkSession,
    ticks: DataFrame,
    shop: Runtime,
    tmp_path: Path,
    options: dict[str, Any],
    error: type[Dc43Error],
    told: list[str],
) -> None:
    checkpoint = tmp_path / "checkpoint"
    with pytest.raises(error) as raised:
        write_stream_with_contract(
            df=ticks,
            path=str(tmp_path / "main"),
            checkpoint_location=str(checkpoint),
            runtime=shop,
            **options,
        )

    assert [part for part in told if part not in str(raised.value)] == [], str(raised.value)
    assert not spark.streams.active
    assert not checkpoint.exists()
    assert not (tmp_path / "main").exists()


@pytest.mark.parametrize(
    ("options", "error", "told"),
    [
        (
            {"contract_id": "oders"},
            ContractNotFoundError,
            ["'oders'", "found: ideas 0.1.0, orders 1.0.0, orders 1.1.0"],
        ),
        ({"contract_id": "ideas"}, StatusError, ["ideas", "draft", "accepted_status"]),
        (
            {"contract_id": "orders", "format": "jsn"},
            ConfigurationError,
            ["format: 'jsn'", "csv, json, orc, parquet"],
        ),
    ],
    ids=["contract", "draft", "format"],
)
def test_a_read_names_what_is_wrong(
    spark: SparkSession,
    shop: Runtime,
    tmp_path: Path,
    options: dict[str, Any],
    error: type[Dc43Error],
    told: list[str],
) -> None:
    with pytest.raises(error) as raised:
        read_stream_with_contract(
            spark, **{"format": "parquet", "path": str(tmp_path), "runtime": shop, **options}
        )

    assert [part for part in told if part not in str(raised.value)] == [], str(raised.value)
