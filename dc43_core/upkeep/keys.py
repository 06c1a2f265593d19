"""Whether the keys that a stream keeps are there, and agree with its manifests."""

from __future__ import annotations

from collections.abc import Iterator

from dc43_core.errors import Dc43Error
from dc43_core.protocol.keys import BATCH, KeyLog, KeyState
from dc43_core.upkeep.checkpoint import Facts
from dc43_core.upkeep.diagnosis import Diagnosis, Level, fine, wrong
from dc43_core.vocabulary import Outcome

AREA = "keys"
_LOOKED_AT = 100
_RESTORE = "restore the checkpoint from a copy; without them rows with these keys land again"


def check_keys(facts: Facts) -> Iterator[Diagnosis]:
    """Look at the keys of a stream; nothing is said where it keeps none."""
    log = KeyLog(facts.journal)
    try:
        if not log.newest():
            return
        # What a replay has begun and not decided counts here: its files are needed.
        state = log.state(lambda _: True)
        problems = [*_missing(log, state), *_disagreeing(log, facts), *_unknown(log, facts)]
    except (Dc43Error, OSError) as error:
        yield wrong(AREA, error, _RESTORE)
        return
    yield from problems
    if not any(one.level is Level.ERROR for one in problems):
        count = sum(part.count for part in state.parts)
        yield fine(AREA, f"keys known: {count:,}, in {len(state.parts)} parts")


def _missing(log: KeyLog, state: KeyState) -> Iterator[Diagnosis]:
    gone = [file for file in log.uris(state.parts) if log.store.status(file) is None]
    if gone:
        what = f"files of keys are gone: {len(gone):,}, the first is {gone[0]}"
        yield Diagnosis(area=AREA, level=Level.ERROR, what=what, way_out=_RESTORE)


def _disagreeing(log: KeyLog, facts: Facts) -> Iterator[Diagnosis]:
    """Compare the newest manifests with the steps that they name."""
    for batch_id in sorted(facts.journal.numbers("prepared"))[-_LOOKED_AT:]:
        manifest = facts.journal.prepared(batch_id)
        if manifest is None or manifest.keys is None:
            continue
        step = log.read(manifest.keys)
        if (step.by, step.batch_id) != (BATCH, batch_id):
            yield Diagnosis(
                area=AREA,
                level=Level.ERROR,
                what=f"batch {batch_id} names step {step.number} of the keys, which is of another",
                way_out=_RESTORE,
            )


def _unknown(log: KeyLog, facts: Facts) -> Iterator[Diagnosis]:
    """Find batches that landed since keys are kept and whose keys are not known."""
    first = log.read(1).batch_id or 0
    unknown = []
    for batch_id in sorted(facts.committed)[-_LOOKED_AT:]:
        landed = facts.committed[batch_id].outcome is Outcome.COMMITTED and batch_id > first
        manifest = facts.journal.prepared(batch_id) if landed else None
        if manifest is not None and manifest.keys is None:
            unknown.append(batch_id)
    if unknown:
        yield Diagnosis(
            area=AREA,
            level=Level.WARNING,
            what=f"{len(unknown)} batches, the first is {unknown[0]}, landed without their keys "
            "being kept",
            way_out="nothing brings them back; start the stream with retain_keys each time",
        )
