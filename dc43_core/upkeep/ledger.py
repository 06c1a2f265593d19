"""The ledger: can it be reached, and does it say what the files beside the checkpoint say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attrs import evolve, frozen

from dc43_core.errors import Dc43Error
from dc43_core.governance.approvals import Approvals
from dc43_core.governance.interface import GovernanceClient, catalogue_keeper, run_keeper
from dc43_core.protocol import clock
from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.runtime import Runtime
from dc43_core.upkeep.checkpoint import Facts
from dc43_core.upkeep.diagnosis import Diagnosis, Level, fine, wrong

AREA = "ledger"


@frozen(kw_only=True)
class Ledger:
    """What was found of the ledger.

    Attributes:
        client: Ready to be asked; None where it cannot be.
        found: What there is to say.
    """

    client: GovernanceClient | None
    found: Sequence[Diagnosis]


def look_at_ledger(runtime: Runtime, *, given: bool) -> Ledger:
    """Get the ledger ready to be read, as it is.

    Args:
        runtime: Whose ledger.
        given: Whether the runtime came with a client that is open already.
    """
    try:
        client = runtime.unopened_governance()
        location = client.location()
        look = getattr(client, "open_as_it_is", None)
        if given:
            return Ledger(client=client, found=[fine(AREA, location)])
        if look is None:
            client.open()
            return Ledger(client=client, found=[fine(AREA, location)])
        lacks = look()
    except Dc43Error as error:
        return Ledger(client=None, found=[wrong(AREA, error)])
    # A boundary to foreign code: what a client raises when it is opened is the finding.
    except Exception as error:  # noqa: BLE001
        told = Diagnosis(
            area=AREA,
            level=Level.WARNING,
            what=f"it cannot be opened: {type(error).__name__}: {error}",
            way_out="see to the ledger; batches go on without it, and it is filled later",
        )
        return Ledger(client=None, found=[told])
    if lacks is not None:
        note = Diagnosis(area=AREA, level=Level.NOTE, what=f"{location}: {lacks}")
        return Ledger(client=None, found=[note])
    return Ledger(client=client, found=[fine(AREA, location)])


def check_reach(runtime: Runtime, checkpoint: str) -> Iterator[Diagnosis]:
    """Warn of the default ledger where the checkpoint is shared."""
    if runtime.config.governance or checkpoint.startswith("file:"):
        return
    yield Diagnosis(
        area=AREA,
        level=Level.WARNING,
        what=f"the default ledger is a file of this machine, and the checkpoint is {checkpoint}: "
        "a driver elsewhere has another ledger",
        way_out="configure one that the team shares, as [governance.ledger] with a url",
    )


def check_ledger(client: GovernanceClient, facts: Facts, namespace: str) -> Iterator[Diagnosis]:
    """Compare the ledger with the files of one stream."""
    stream_id = facts.journal.folder.rsplit("/", 1)[-1]
    try:
        kept = list(client.records(namespace=namespace, stream_id=stream_id))
    except Dc43Error as error:
        yield wrong(AREA, error)
        return
    ledger = {record.record_id: record for record in kept}
    files = {record.record_id: record for record in facts.journal.records()}
    missing = [key for key in files if key not in ledger]
    if missing:
        yield Diagnosis(
            area=AREA,
            level=Level.WARNING,
            what=f"{len(missing):,} of {len(files):,} records beside the checkpoint are not in it",
            way_out="`dc43 ledger rebuild` or the next start puts them there",
        )
    strange = [key for key in ledger if key not in files]
    if strange:
        yield Diagnosis(
            area=AREA,
            level=Level.ERROR,
            what=f"it has {len(strange):,} records that do not lie beside the checkpoint "
            f"({strange[0]}, ...): files of the checkpoint are gone, or it is an older copy",
            way_out="restore the checkpoint from its newest copy",
        )
    other = [key for key in files if key in ledger and not _same(files[key], ledger[key])]
    if other:
        yield Diagnosis(
            area=AREA,
            level=Level.ERROR,
            what=f"{len(other):,} records have other counts or versions in it ({other[0]}, ...)",
            way_out="the files count: move the ledger away and `dc43 ledger rebuild` it",
        )
    if not (missing or strange or other):
        yield fine(AREA, f"it agrees with all {len(files):,} records beside the checkpoint")


def _same(one: GovernanceRecord, other: GovernanceRecord) -> bool:
    return _numbers(one) == _numbers(other)


def _numbers(record: GovernanceRecord) -> tuple[object, ...]:
    counts = (record.row_count, record.main_count, record.reject_count, record.violations)
    return (record.outcome, record.dataset_version, *counts)


def check_approvals(client: GovernanceClient, store: FileStore, sink: str) -> Iterator[Diagnosis]:
    """Compare what stewards said of a sink's versions with what the ledger has of it."""
    if not catalogue_keeper(client):
        return
    try:
        words = Approvals(store, sink).all()
        kept = {
            a.approval_id
            for name in {w.namespace for w in words}
            for a in client.approvals(namespace=name)
        }
    except Dc43Error as error:
        # It stops no stream, and shows no reader wrong data.
        yield evolve(wrong(AREA, error), level=Level.WARNING)
        return
    missing = [word for word in words if word.approval_id not in kept]
    if missing:
        yield Diagnosis(
            area=AREA,
            level=Level.WARNING,
            what=f"{len(missing):,} of {len(words):,} approvals beside the sink are not in it",
            way_out="`dc43 ledger rebuild` or the next start puts them there",
        )
    elif words:
        yield fine(AREA, f"it has every approval beside the sink: {len(words):,}")


def check_runs(client: GovernanceClient, facts: Facts, namespace: str) -> Iterator[Diagnosis]:
    """Say which starts of a stream run, and which ended without a word."""
    if not run_keeper(client):
        return
    stream_id = facts.journal.folder.rsplit("/", 1)[-1]
    now = clock.now()
    newest = max(facts.journal.numbers("epochs"), default=0)
    for run in client.runs(namespace=namespace, stream_id=stream_id):
        state = run.state(now)
        if state == "running":
            at = f", at batch {run.batch_id}, {run.step}" if run.step else ""
            yield fine("runs", f"run {run.run_id} is running on {run.driver}{at}")
        elif state == "silent" and run.epoch == newest:
            yield Diagnosis(
                area="runs",
                level=Level.WARNING,
                what=f"run {run.run_id} on {run.driver} has no end, and its last heartbeat is "
                f"from {run.heartbeat_at}: it was killed, or cannot reach the ledger",
                way_out="start the stream again: it goes on where that one was",
            )
