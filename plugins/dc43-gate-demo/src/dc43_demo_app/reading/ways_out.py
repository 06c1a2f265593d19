"""What removes the cause of a block: the ways out that fit its reason, and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dc43_core.data_quality.local import UNREADABLE
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import Verdict

_GROWTH = ("extra", "widened", "wider")
"""Drift that a new version of the contract can take in."""
_NO_SINK = "no reject sink to"


def mends(record: GovernanceRecord) -> list[str]:
    """Return what lets a blocked batch pass at the next start, each way a sentence."""
    reason = record.intervention or ""
    drift = [one for one in record.drift if str(one.get("column")) in reason]
    if drift:
        return _of_drift(record, drift)
    if record.verdict is Verdict.UNKNOWN:
        return ["Remove what kept the batch from being judged; the reason names it."]
    if _NO_SINK in reason:
        return ["Correct the rows at their source, or give the stream a reject sink to take them."]
    return [
        "Correct the data at its source.",
        "If the contract or a strategy asks too much: publish a version of the contract that asks "
        "less, or start with other options.",
    ]


def _of_drift(record: GovernanceRecord, drift: Sequence[Mapping[str, Any]]) -> list[str]:
    kinds = {one.get("kind") for one in drift}
    named = ", ".join(dict.fromkeys(str(one.get("column")) for one in drift))
    if kinds & set(UNREADABLE):
        return [
            "Write the file again under its name, with its columns as the contract has them. "
            "Nothing of it was staged: what would be read is wrong."
        ]
    if kinds <= set(_GROWTH):
        return [f"Publish a version of the contract that takes in {named}, or leave it out."]
    if kinds == {"renamed"}:
        return [f"Correct {named} in the feed, or publish a version of the contract that has it."]
    # A contract without the column would refuse the files that have it.
    where = "file, and keep the file's name" if record.input.get("files") else "source"
    verb = "Restore" if kinds == {"missing"} else "Correct"
    found = [f"{verb} {named} in the {where}."]
    if record.rejects is not None:
        found.append(
            'Or send the rows of such batches to the reject sink: `on_incompatible = "reject"`.'
        )
    return found
