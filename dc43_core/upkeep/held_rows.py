"""A blocked batch that has lost rows: what is held of it from then on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from attrs import evolve

from dc43_core.protocol.held import Held
from dc43_core.upkeep.erasures import Erasure, Replacement
from dc43_core.upkeep.interface import RowEraser


def without(
    held: Held,
    parts: Sequence[Replacement],
    erasure: Erasure,
    incident: int,
    rows: RowEraser,
) -> Held:
    """Return the block as one more incident, whose files and counts lack the rows."""
    instead = {one.old: one.staged for one in parts}
    removed = Counter[str]()
    for one in parts:
        removed[str(one.group)] += one.rows
    gone = rows.held_counts(removed)
    staged = evolve(
        held.staged,
        row_count=held.staged.row_count - gone.rows,
        violating=held.staged.violating - gone.violating,
        uncast=held.staged.uncast - gone.uncast,
        files={
            group: [instead.get(file, file) for file in files]
            for group, files in held.staged.files.items()
        },
    )
    record = held.record
    first = f"{record.stream_id}-{record.batch_id}-blocked"
    return evolve(
        held,
        staged=staged,
        incident=incident,
        record=evolve(
            record,
            record_id=f"{first}-{incident}",
            row_count=staged.row_count,
            valid_count=staged.row_count - staged.violating,
            ended_at=erasure.at,
            details={**record.details, "erasure": erasure.number},
        ),
    )
