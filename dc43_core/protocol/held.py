"""What is kept of a blocked batch so that it can be released without a second look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, frozen

from dc43_core.data_quality.model import ColumnDrift
from dc43_core.errors import CorruptFileError
from dc43_core.protocol.engine import BatchFacts, Staged
from dc43_core.protocol.record import GovernanceRecord


@frozen(kw_only=True)
class Held:
    """A blocked batch: its record, and its rows as they were staged.

    Attributes:
        record: The record of the block.
        staged: Files and counts; the files are kept until the batch has a way out.
        facts: What was known of the batch.
        schema: Column name to type of the staged files.
    """

    record: GovernanceRecord
    staged: Staged
    facts: BatchFacts
    schema: Mapping[str, str]

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types: the record, and beside it what is held."""
        held = {
            "staged": asdict(self.staged),
            "facts": asdict(self.facts),
            "schema": dict(self.schema),
        }
        return {**self.record.payload(), "held": held}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> Held:
        """Read a blocked batch back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not a blocked batch.
        """
        record = GovernanceRecord.from_payload(payload, source)
        try:
            held = payload["held"]
            facts = {**held["facts"], "drift": _drift(held["facts"]["drift"])}
            return cls(
                record=record,
                staged=Staged(**held["staged"]),
                facts=BatchFacts(**facts),
                schema=held["schema"],
            )
        except (KeyError, TypeError) as error:
            raise CorruptFileError(source, f"not a blocked batch: {error!r}") from error


def _drift(found: list[dict[str, Any]]) -> tuple[ColumnDrift, ...]:
    return tuple(ColumnDrift(**one) for one in found)
