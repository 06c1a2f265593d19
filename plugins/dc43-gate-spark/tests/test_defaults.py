"""Contract, frame and path are enough: all else is the process's runtime and its configuration."""

from __future__ import annotations

import json

import pytest

from dc43_core import default_runtime, reset_default_runtime
from dc43_core.errors import ContractNotFoundError, StatusError
from dc43_integrations.spark.io import read_stream_with_contract, write_stream_with_contract

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A working directory with contracts, as a job finds it; its runtime is this process's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DC43_CONFIG", raising=False)
    (tmp_path / "dc43.toml").write_text('namespace = "air"\n')
    (tmp_path / "contracts").mkdir()
    for number, (version, status) in enumerate(
        [("1.0.0", "active"), ("1.2.0", "active"), ("2.0.0", "draft")]
    ):
        document = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "flights",
            "version": version,
            "status": status,
            "schema": [{"name": "flights", "properties": [ID]}],
        }
        # JSON is YAML.
        (tmp_path / "contracts" / f"{number}.odcs.yaml").write_text(json.dumps(document))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_text("id\n1\nx\n")
    reset_default_runtime()
    yield tmp_path
    reset_default_runtime()


def test_a_stream_under_a_version_of_a_contract_with_nothing_else(spark, home):
    df, read = read_stream_with_contract(
        spark,
        contract_id="flights",
        expected_contract_version="==1.0.0",
        format="csv",
        path=str(home / "in"),
        options={"header": True},
    )
    out = {"df": df, "contract_id": "flights", "path": str(home / "out"), "reads": [read]}
    for version, error, match in (
        ("2.0.0", StatusError, "flights 2.0.0 has status 'draft'; accepted: active"),
        ("9.9", ContractNotFoundError, "no contract 'flights' in version 9.9"),
        ("latest", StatusError, "has status 'draft'"),
    ):
        with pytest.raises(error, match=match):
            write_stream_with_contract(**out, expected_contract_version=version)
    with pytest.raises(ContractNotFoundError, match="no contract 'fights'"):
        write_stream_with_contract(**{**out, "contract_id": "fights"})
    assert (spark.streams.active, (home / "out").exists()) == ([], False)

    result = write_stream_with_contract(
        **out, expected_contract_version=">=1.0,<2", trigger="available-now"
    )
    assert result.run.await_termination(120)
    assert result.contract_version == "1.2.0"
    # By default a checkpoint and a ledger beside the configuration, and its namespace.
    assert result.details["checkpoint"].startswith((home / ".dc43" / "checkpoints").as_uri())
    (record,) = default_runtime().governance.records(namespace="air")
    assert record.input["datasets"][0]["contract"]["version"] == "1.0.0"
    told = default_runtime().governance.schema_observations(namespace="air")
    assert [(s.direction, s.contract_version) for s in told] == [
        ("read", "1.0.0"),
        ("write", "1.2.0"),
    ]
    # Without enforce and without rejects every row lands.
    assert spark.read.parquet(str(home / "out")).count() == 2
