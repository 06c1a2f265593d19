"""Governance records for tests."""

from __future__ import annotations

from typing import Any

from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import Decision, Outcome, RunType, Verdict


def make_record(**overrides: Any) -> GovernanceRecord:
    """Return the record of a committed batch of ten rows, one of them rejected.

    Args:
        overrides: Fields by name. Unless given, `record_id` follows from stream, batch and
            outcome as the protocol forms it, and a batch that was not committed landed nothing.
    """
    blocked = overrides.get("outcome") is Outcome.BLOCKED
    published = overrides.get("outcome", Outcome.COMMITTED) is Outcome.COMMITTED
    values: dict[str, Any] = {
        "namespace": "default",
        "stream_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11",
        "query_name": None,
        "run_id": "run-1",
        "run_type": RunType.ENFORCE,
        "epoch": 1,
        "batch_id": 0,
        "started_at": "2026-11-23T17:03:12.004Z",
        "ended_at": "2026-11-23T17:03:13.254Z",
        "row_count": 10,
        "main_count": 9 if published else 0,
        "valid_count": 9,
        "reject_count": 1 if published else 0,
        "violations": 1,
        "violations_by_check": {"amount.required": 1},
        "verdict": Verdict.BLOCK if blocked else Verdict.WARN,
        "outcome": Outcome.COMMITTED,
        "decision": Decision.BLOCK if blocked else Decision.CONTINUE,
        "intervention": "1 row breaks amount.required" if blocked else None,
        "metrics": {"amount.missing": 1},
        "dataset_id": "orders",
        "dataset_version": "1" if published else None,
        "contract_id": "orders",
        "contract_version": "1.0.0",
        "contract_digest": "sha256:0",
        "sink": "file:/data/orders",
        "rejects": "file:/data/orders.rejects",
        "guarantee": "exactly-once",
        **overrides,
    }
    suffix = "-blocked" if blocked else ""
    values.setdefault("record_id", f"{values['stream_id']}-{values['batch_id']}{suffix}")
    return GovernanceRecord(**values)
