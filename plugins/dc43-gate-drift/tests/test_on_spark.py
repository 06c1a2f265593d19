"""Batch writes on Spark under one policy after the other, then under a drafted successor."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("pyspark")

from dc43_drift.from_record import draft_from_record
from dc43_drift.strategy import SchemaDrift, SchemaDriftOptions
from dc43_integrations.spark.io import read_with_contract, write_with_contract
from dc43_integrations.testing import runtime, spark

pytestmark = pytest.mark.spark
__all__ = ["runtime", "spark"]

TRIPS = """\
apiVersion: v3.1.0
kind: DataContract
id: trips
version: 1.0.0
status: active
schema:
  - name: trips
    properties:
      - {name: trip, logicalType: integer, physicalType: int, required: true}
"""


def test_a_column_that_is_new_or_wider_is_left_out_or_rejected_until_a_successor_has_it(
    spark, runtime, tmp_path
):
    main, rejects = str(tmp_path / "main"), str(tmp_path / "rejects")
    contract = tmp_path / "trips.odcs.yaml"
    contract.write_text(TRIPS)

    def write(row: str, policy: Any, file: Any = contract) -> Any:
        return write_with_contract(
            df=spark.sql(f"select {row}"),
            contract=file,
            path=main,
            rejects=rejects,
            runtime=runtime,
            interventions=[SchemaDrift(SchemaDriftOptions(policy=policy))],
        )

    warned = write("1L as trip, 1.5D as tip", "warn")
    assert (warned.status, warned.ok) == ("warn", True)
    told = "SchemaDrift: the schema is not the contract's in columns trip, tip"
    assert told in str(warned.warnings)

    write("2 as trip, 2.5D as tip", "reject")
    [row] = spark.read.parquet(rejects).collect()
    assert (row.trip, row["_dc43_checks"]) == (2, ["schema.tip"])
    assert row["_dc43_reasons"] == ["column tip: is not declared; it is left out of main"]

    draft = draft_from_record(runtime, runtime.governance.records()[0], contract_file=contract)
    assert draft.version == "1.1.0"
    successor = tmp_path / "successor.odcs.yaml"
    successor.write_bytes(draft.text.replace(b"status: draft", b"status: active"))
    assert write("3000000000 as trip, 3.5D as tip", "evolve", successor).status == "ok"

    # What landed before is read as the wider type, and has no tip.
    landed, _ = read_with_contract(
        spark, contract=successor, path=main, format="parquet", runtime=runtime
    )
    assert sorted(map(tuple, landed.collect())) == [(1, None), (3_000_000_000, 3.5)]
