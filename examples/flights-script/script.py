"""Three governed streams over real flights, by public names alone.

    python3 dev.py python examples/flights-script/script.py FOLDER

1. Files go into a sink; what breaks the contract goes to its rejects, with reasons.
2. What landed there is read again and written to a port of a data product.
3. A strategy of one's own blocks the third bad batch in a row. The stream ends after the second
   and is started again: it has not forgotten them.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from dc43_core import DecisionContext, Intervention, Runtime, ValidationResult, load_config
from dc43_integrations.spark.io import (
    PortRef,
    read_stream_from_data_product,
    read_stream_with_contract,
    write_stream_to_data_product,
    write_stream_with_contract,
)

HERE = Path(__file__).resolve().parent
FLIGHTS = HERE.parent / "flights-stream"
NOW, LATER = 6, 3
"""Days that are there at once, and days that come before the strategy is started again."""

PRODUCT = """\
apiVersion: v1.0.0
kind: DataProduct
id: departures
name: Departures of New York
version: 1.0.0
status: active
inputPorts:
  - {name: flights, version: 1.0.0, contractId: flights}
outputPorts:
  - {name: daily, version: 1.0.0, contractId: flights}
"""


class ThreeBadBatches:
    """Blocks the third bad batch in a row; needs no plugin."""

    name = "three-bad-batches"

    def decide(self, context: DecisionContext) -> Intervention:
        """Count in `state`, which is committed with the batch and survives a restart."""
        bad = context.state.get("bad", 0) + 1 if context.bad else 0
        if bad < 3:
            return Intervention(state={"bad": bad})
        return Intervention(
            decision="block", reason=f"{bad} bad batches in a row", state={"bad": bad}
        )


def prepare(folder: Path) -> Runtime:
    """Lay out a project: days of flights, their contract, a data product, a configuration."""
    sys.path.insert(0, str(FLIGHTS))
    from prepare import prepare as cut

    cut(folder / "year")
    days = sorted((folder / "year").glob("*.csv"))
    for name, some in (("in", days[:NOW]), ("later", days[NOW : NOW + LATER])):
        (folder / name).mkdir()
        for day in some:
            shutil.move(day, folder / name / day.name)
    shutil.rmtree(folder / "year")
    shutil.copytree(FLIGHTS / "contracts", folder / "contracts")
    (folder / "products").mkdir()
    (folder / "products" / "departures.odps.yaml").write_text(PRODUCT)
    (folder / "dc43.toml").write_text("")
    return Runtime(config=load_config(folder / "dc43.toml"))


def read_days(spark: SparkSession, folder: Path, runtime: Runtime) -> tuple[Any, Any]:
    """Read three days a batch."""
    return read_stream_with_contract(
        spark,
        contract_id="flights",
        format="csv",
        path=str(folder / "in"),
        options={"header": True, "nullValue": "NA", "maxFilesPerTrigger": 3},
        runtime=runtime,
    )


def routed(spark: SparkSession, folder: Path, runtime: Runtime) -> dict[str, Any]:
    """Write valid rows to main and the others to the rejects."""
    frame, read = read_days(spark, folder, runtime)
    result = write_stream_with_contract(
        df=frame,
        contract_id="flights",
        path=str(folder / "main"),
        rejects=str(folder / "rejects"),
        reads=[read],
        interventions=["route-rejects"],
        checkpoint_location=str(folder / "checkpoints" / "routed"),
        trigger="available-now",
        runtime=runtime,
    )
    result.streaming_queries[0].awaitTermination()
    return told(result)


def through_a_product(spark: SparkSession, folder: Path, runtime: Runtime) -> dict[str, Any]:
    """Read what landed by one port, and write it by another."""
    frame, read = read_stream_from_data_product(
        spark,
        data_product_input=PortRef("departures", "flights"),
        path=str(folder / "main"),
        format="parquet",
        runtime=runtime,
    )
    result = write_stream_to_data_product(
        df=frame,
        data_product_output=PortRef("departures", "daily"),
        path=str(folder / "daily"),
        reads=[read],
        checkpoint_location=str(folder / "checkpoints" / "daily"),
        trigger="available-now",
        runtime=runtime,
    )
    result.streaming_queries[0].awaitTermination()
    return {**told(result), "product": result.details["data_product"]}


def strict(spark: SparkSession, folder: Path, runtime: Runtime) -> dict[str, Any]:
    """Let every row land, until the strategy blocks."""
    frame, read = read_days(spark, folder, runtime)
    result = write_stream_with_contract(
        df=frame,
        contract_id="flights",
        path=str(folder / "strict"),
        reads=[read],
        interventions=[ThreeBadBatches()],
        checkpoint_location=str(folder / "checkpoints" / "strict"),
        trigger="available-now",
        runtime=runtime,
    )
    try:
        result.streaming_queries[0].awaitTermination()
    except StreamingQueryException as error:
        if "BatchBlockedError" not in str(error):
            raise
    return told(result)


def told(result: ValidationResult) -> dict[str, Any]:
    """Say in a few words what a run did."""
    return {
        "dataset": (result.dataset_id, result.dataset_version),
        "status": str(result.status),
        "batches": [
            (batch["batch_id"], batch["outcome"], batch["main_count"], batch["reject_count"])
            for batch in result.streaming_batches
        ],
        "reason": result.reason,
    }


def main(folder: Path, spark: SparkSession) -> dict[str, Any]:
    """Run all three and return what each did."""
    runtime = prepare(folder)
    done = {
        "routed": routed(spark, folder, runtime),
        "product": through_a_product(spark, folder, runtime),
        "strict": strict(spark, folder, runtime),
    }
    for day in sorted((folder / "later").glob("*.csv")):
        shutil.move(day, folder / "in" / day.name)
    # Everything anew, as after a restart: nothing is remembered but what lies on disk.
    return {**done, "strict, again": strict(spark, folder, Runtime(config=runtime.config))}


if __name__ == "__main__":
    session = SparkSession.builder.master("local[2]").appName("flights").getOrCreate()
    for name, what in main(Path(sys.argv[1]), session).items():
        sys.stdout.write(f"{name}: {what}\n")
