"""Run by the empty environment: a stream under a third-party rule, then its strategy.

    python -I third_party_flow.py FOLDER STREAM...

A stream is "built-in" or "third-party". Prints what happened as JSON. Three files, one a batch;
batch 0 is good, batches 1 and 2 each hold a product code with a wrong check digit, which no
built-in rule can see.
"""

import json
import os
import sys
from pathlib import Path

from pyspark.errors import StreamingQueryException

from dc43_core import Config, Instance, Runtime
from dc43_integrations.spark.io import read_stream_with_contract, write_stream_with_contract
from dc43_integrations.spark.session import make_session

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: products
version: 1.0.0
status: active
schema:
  - name: products
    properties:
      - {name: id, logicalType: integer, required: true}
      - name: gtin
        logicalType: string
        required: true
        logicalTypeOptions: {minLength: 8, maxLength: 14, pattern: '^[0-9]+$'}
"""
RULE = """\
        quality:
          - {id: check_digit, type: custom, engine: dc43, implementation: {kind: acme-gtin}}
"""
GOOD, WRONG = "4006381333931", "4006381333932"


def stream(folder: Path, name: str, contract: str, strategies: list[str]) -> dict[str, object]:
    """Run one stream over the three files and say what it did."""
    spark = make_session("packaging", {"spark.master": "local[1]"})
    (folder / name).mkdir()
    file = folder / name / "products.odcs.yaml"
    file.write_text(contract)
    config = Config(strategies={"twice": Instance(use="acme-block-after", options={"n": 2})})
    runtime = Runtime(config=config)
    frame, read = read_stream_with_contract(
        spark,
        contract=file,
        format="csv",
        path=str(folder / "in"),
        options={"header": True, "maxFilesPerTrigger": 1},
        runtime=runtime,
    )
    result = write_stream_with_contract(
        df=frame,
        contract=file,
        path=str(folder / name / "main"),
        rejects=str(folder / name / "rejects"),
        reads=[read],
        enforce=True,
        interventions=strategies,
        checkpoint_location=str(folder / name / "checkpoint"),
        trigger="available-now",
        runtime=runtime,
    )
    try:
        result.streaming_queries[0].awaitTermination()
    except StreamingQueryException as error:
        if "BatchBlockedError" not in str(error):
            raise
    return {
        "batches": [
            {key: b[key] for key in ("outcome", "main_count", "reject_count", "intervention")}
            for b in result.streaming_batches
        ],
        "violations": sum(b["violations"] for b in result.streaming_batches),
        "main": spark.read.parquet(str(folder / name / "main")).count(),
        "ledger": runtime.governance.location(),
    }


def main() -> None:
    folder = Path(sys.argv[1])
    (folder / "in").mkdir()
    for batch, codes in enumerate(([GOOD, GOOD], [GOOD, WRONG], [GOOD, WRONG])):
        rows = [f"{batch * 10 + at},{code}" for at, code in enumerate(codes)]
        file = folder / "in" / f"{batch}.csv"
        file.write_text("\n".join(["id,gtin", *rows]) + "\n")
        # Spark takes the oldest file first; written in one instant they have no order.
        os.utime(file, (1_700_000_000 + batch, 1_700_000_000 + batch))
    contracts = {"built-in": (CONTRACT, []), "third-party": (CONTRACT + RULE, ["twice"])}
    print(json.dumps({name: stream(folder, name, *contracts[name]) for name in sys.argv[2:]}))


if __name__ == "__main__":
    main()
