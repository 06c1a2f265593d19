"""A small contract and rows for it, for tests of engines and protocols."""

from __future__ import annotations

from typing import Any

ORDERS = """\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, primaryKey: true, primaryKeyPosition: 1}
      - {name: amount, logicalType: number, required: true, logicalTypeOptions: {minimum: 0}}
      - {name: state, logicalType: string, enum: [{value: open}, {value: paid}]}
"""
"""Three columns: a key, a required amount of at least 0, a state of two values."""


def order_rows(*, batches: int, rows: int) -> list[list[dict[str, Any]]]:
    """Return batches of rows with ids that never repeat; every third amount is missing."""
    return [
        [
            {
                "id": batch * rows + row,
                "amount": None if (batch + row) % 3 == 0 else row,
                "state": "open",
            }
            for row in range(rows)
        ]
        for batch in range(batches)
    ]
