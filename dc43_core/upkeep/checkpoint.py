"""What dc43 keeps beside a checkpoint: is it whole, and does it fit the sink."""

from __future__ import annotations

import os
from collections.abc import Iterator

from attrs import frozen

from dc43_core.errors import Dc43Error, FormatVersionError
from dc43_core.protocol.checkpoint_check import spark_defects
from dc43_core.protocol.file_store import FileStore, local_path
from dc43_core.protocol.identity import StreamIdentity, misfit, stream_of
from dc43_core.protocol.journal import Journal, Manifest
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.upkeep.diagnosis import Diagnosis, Level, defective, fine, wrong

AREA = "checkpoint"


@frozen(kw_only=True)
class Facts:
    """What a stream's files say, as far as they can be read.

    Attributes:
        journal: Of the stream.
        committed: Record by batch.
        pending: Manifest by batch, of prepared batches that are not committed.
        blocked: Newest record by batch, of blocked batches without a way out so far.
        broken: Why files cannot be read.
    """

    journal: Journal
    committed: dict[int, GovernanceRecord]
    pending: dict[int, Manifest]
    blocked: dict[int, GovernanceRecord]
    broken: list[Diagnosis]


def read_facts(journal: Journal) -> Facts:
    """Read every record, and the manifests of batches that are on their way."""
    facts = Facts(journal=journal, committed={}, pending={}, blocked={}, broken=[])
    kinds = {kind: journal.numbers(kind) for kind in ("prepared", "committed", "blocked")}
    for batch_id in sorted(kinds["committed"]):
        with _told(facts.broken):
            record = journal.committed(batch_id)
            if record is not None:
                facts.committed[batch_id] = record
    for batch_id in sorted(kinds["prepared"] - kinds["committed"]):
        with _told(facts.broken):
            manifest = journal.prepared(batch_id)
            if manifest is not None:
                facts.pending[batch_id] = manifest
    for batch_id in sorted(kinds["blocked"] - kinds["prepared"]):
        with _told(facts.broken):
            blocked = journal.blocked(batch_id)
            if blocked is not None:
                facts.blocked[batch_id] = blocked
    for batch_id in sorted(journal.numbers("resolutions")):
        with _told(facts.broken):
            journal.resolution(batch_id)
    return facts


class _told:  # noqa: N801 - reads as a statement
    """Turns an error about one file into a diagnosis; the others are still read."""

    def __init__(self, broken: list[Diagnosis]) -> None:
        self._broken = broken

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, FormatVersionError):
            self._broken.append(wrong(AREA, error))
        elif isinstance(error, Dc43Error | OSError):
            remedy = "restore it from a copy; it is never deleted by dc43, nor guessed"
            self._broken.append(wrong(AREA, error, remedy))
        else:
            return False
        return True


def check_checkpoint(
    store: FileStore, wanted: StreamIdentity
) -> tuple[list[Diagnosis], Facts | None]:
    """Look at identity and facts of the stream that a pipeline would start.

    Args:
        store: Where the checkpoint lies.
        wanted: Who the pipeline says it is; its stream id is not looked at.
    """
    found: list[Diagnosis] = []
    try:
        found += [defective(AREA, defect) for defect in spark_defects(store, wanted.checkpoint)]
        known = stream_of(store, wanted.checkpoint)
        found += _identity(store, wanted)
    except (Dc43Error, OSError) as error:
        return [wrong(AREA, error)], None
    if known is None:
        if not found:
            found.append(fine(AREA, f"{wanted.checkpoint}: no start so far"))
        return found, None
    facts = read_facts(Journal(store, wanted.checkpoint, str(known["stream_id"])))
    return [*found, *facts.broken, *_states(facts)], facts


def _identity(store: FileStore, wanted: StreamIdentity) -> Iterator[Diagnosis]:
    problem = misfit(store, store, wanted)
    if problem is not None:
        yield Diagnosis(area=AREA, level=Level.ERROR, what=problem.problem, way_out=problem.remedy)


def _states(facts: Facts) -> Iterator[Diagnosis]:
    newest = max(facts.committed, default=None)
    stream = facts.journal.folder.rsplit("/", 1)[-1]
    yield fine(
        AREA,
        f"stream {stream}: batches committed: {len(facts.committed):,}"
        + (f", the last is {newest}" if newest is not None else ""),
    )
    for batch_id in facts.pending:
        yield Diagnosis(
            area=AREA,
            level=Level.NOTE,
            what=f"batch {batch_id} is prepared and not committed",
            way_out="nothing: whoever starts next, or runs now, completes it",
        )
    for batch_id, record in facts.blocked.items():
        resolution = facts.journal.resolution(batch_id)
        if resolution is not None:
            yield Diagnosis(
                area=AREA,
                level=Level.NOTE,
                what=f"batch {batch_id} is released as {resolution.release} by {resolution.by}",
                way_out="start the stream to carry it out",
            )
            continue
        yield Diagnosis(
            area=AREA,
            level=Level.ERROR,
            what=f"batch {batch_id} has been blocked since {record.ended_at}: "
            f"{record.intervention}",
            way_out="mend the data or the contract, or release the batch; "
            f"its rows are in {record.details.get('staging') or 'the source alone'}",
        )


def check_place(uri: str, area: str = AREA) -> Iterator[Diagnosis]:
    """Look whether a place on this machine can be read and written, as far as its rights tell."""
    if not uri.startswith("file:"):
        return
    place = local_path(uri)
    while not place.exists() and place != place.parent:
        place = place.parent
    for right, word in ((os.R_OK, "read"), (os.W_OK, "written")):
        if not os.access(place, right):
            yield Diagnosis(
                area=area,
                level=Level.ERROR,
                what=f"{place} cannot be {word} by this account",
                way_out="give the account the right, or run as one that has it",
            )
    if not place.is_dir():
        yield Diagnosis(
            area=area,
            level=Level.ERROR,
            what=f"{place} is a file, and a folder is needed",
            way_out="move it away, or choose another place",
        )
