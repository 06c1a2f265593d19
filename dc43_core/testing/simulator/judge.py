"""What is right, by row ids: each row once, whole batches, records that say what landed."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from dc43_core.errors import Dc43Error
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.testing.fake_engine import Row, read_rows
from dc43_core.testing.simulator.feed import BLOCKED, Feed, Scene, journal_of, sinks
from dc43_core.testing.simulator.state import Ledger, World
from dc43_core.vocabulary import Lane, Outcome, Release

Landed = dict[tuple[int, int], dict[Lane, list[Row]]]


def seen(world: World, scene: Scene) -> list[str]:
    """Say what is wrong with what a reader sees at this moment, in whatever state all is."""
    try:
        landed = _landed(world)
    # A reader fails where the log lists what is not there.
    except (Dc43Error, FileNotFoundError, ValueError) as error:
        return [f"unreadable: {type(error).__name__}: {error}"]
    wrong: list[str] = []
    feeds = {feed.number: feed for feed in scene.feeds}
    for (number, batch), lanes in landed.items():
        feed = feeds[number]
        released = feed.released(batch)
        wrong += _broken(lanes[Lane.MAIN], feed, batch)
        # Rejects come first: main alone is never right, rejects alone may be.
        taken = _taken(landed, feed, batch)
        if lanes[Lane.MAIN] and not _is_attempt(lanes, feed, batch, released, taken):
            wrong.append(f"partial: batch {batch} of {feed.name} is not whole: {_ids(lanes)}")
    return wrong


def ended(world: World, scene: Scene) -> list[str]:
    """Say what is wrong when all streams are done."""
    wrong = seen(world, scene)
    if wrong:
        return wrong
    landed = _landed(world)
    for feed in scene.feeds:
        found = journal_of(world, feed)
        if len(found) != 1:
            wrong.append(f"identity: {feed.name} has {len(found)} journals")
            continue
        records = list(found[0].records())
        wrong += _records(records, feed, landed)
        wrong += _rows(feed, landed)
        wrong += _governance(world.ledger, records, found[0].stream_id)
    versions = Counter(
        r.dataset_version
        for feed in scene.feeds
        for journal in journal_of(world, feed)
        for r in journal.records()
        if r.dataset_version is not None
    )
    wrong += [f"version: {v} was given {n} times" for v, n in versions.items() if n > 1]
    return wrong


def _landed(world: World) -> Landed:
    landed: Landed = defaultdict(lambda: {Lane.MAIN: [], Lane.REJECTS: []})
    for lane, sink in sinks(world).items():
        for path in sink.log.files():
            for row in read_rows(world.store, path):
                landed[_origin(row)][lane].append(row)
    return landed


def _origin(row: Row) -> tuple[int, int]:
    number, batch = divmod(int(row["id"]) // 1_000, 10_000)
    return number, batch


def _ids(lanes: dict[Lane, list[Row]]) -> list[int]:
    return sorted(int(row["id"]) for rows in lanes.values() for row in rows)


def _broken(main: list[Row], feed: Feed, batch: int) -> list[str]:
    if feed.released(batch) is Release.MAIN:
        return []
    return [f"broken: row {row} is in main" for row in main if row.get("amount") is None]


def _taken(landed: Landed, feed: Feed, batch: int) -> set[str]:
    """Return the codes of good rows that earlier batches landed in main, and that are known."""
    first = batch - 1 if feed.forgets else 0
    rows = [
        row
        for (number, earlier), lanes in landed.items()
        if number == feed.number and first <= earlier < batch and feed.keys
        for row in lanes[Lane.MAIN]
    ]
    return {row["code"] for row in feed.good(rows, ())}


def _is_attempt(
    lanes: dict[Lane, list[Row]],
    feed: Feed,
    batch: int,
    released: Release | None,
    taken: set[str],
) -> bool:
    """Whether exactly the rows of one attempt have landed, each in its lane."""
    if released is Release.SKIP:
        return not _ids(lanes)
    found = {lane: sorted(int(row["id"]) for row in rows) for lane, rows in lanes.items()}
    for attempt in feed.attempts(batch):
        good = sorted(row["id"] for row in feed.good(attempt, taken))
        every = sorted(row["id"] for row in attempt)
        bad = sorted(set(every) - set(good))
        wanted = {Lane.MAIN: good, Lane.REJECTS: bad}
        if released is Release.MAIN:
            wanted = {Lane.MAIN: every, Lane.REJECTS: []}
        if found == wanted:
            return True
    return False


def _rows(feed: Feed, landed: Landed) -> list[str]:
    wrong = []
    for batch in range(_published(feed)):
        lanes = landed.get((feed.number, batch), {Lane.MAIN: [], Lane.REJECTS: []})
        taken = _taken(landed, feed, batch)
        if not _is_attempt(lanes, feed, batch, feed.released(batch), taken):
            wrong.append(f"rows: batch {batch} of {feed.name} landed as {_ids(lanes)}")
    late = [batch for number, batch in landed if number == feed.number]
    if max(late, default=-1) >= _published(feed):
        wrong.append(f"rows: batch {max(late)} of {feed.name} landed and is blocked")
    return wrong


def _published(feed: Feed) -> int:
    """Return how many batches are published in the end."""
    return BLOCKED if feed.is_stuck else feed.batches


def _records(records: list[GovernanceRecord], feed: Feed, landed: Landed) -> list[str]:
    blocked = [r.batch_id for r in records if r.outcome is Outcome.BLOCKED]
    published = [r for r in records if r.outcome is not Outcome.BLOCKED]
    wrong = []
    # Other rows are another incident, equal ones are not.
    once = blocked if feed.source == "steady" else sorted(set(blocked))
    if once != ([BLOCKED] if feed.blocks else []):
        wrong.append(f"record: batches {blocked} are recorded as blocked")
    if [r.batch_id for r in published] != list(range(_published(feed))):
        wrong.append(f"record: batches {[r.batch_id for r in published]} are recorded")
    for record in published:
        lanes = landed.get((feed.number, record.batch_id), {Lane.MAIN: [], Lane.REJECTS: []})
        counts = (len(lanes[Lane.MAIN]), len(lanes[Lane.REJECTS]))
        if (record.main_count, record.reject_count) != counts:
            wrong.append(f"record: batch {record.batch_id} counts other rows than landed: {counts}")
        if sum(counts) != record.row_count and record.outcome is not Outcome.SKIPPED:
            wrong.append(f"record: batch {record.batch_id} was handed {record.row_count} rows")
    versions = [int(r.dataset_version) for r in published if r.dataset_version is not None]
    if versions != sorted(set(versions)):
        wrong.append(f"version: {versions} are not in order")
    return wrong


def _governance(ledger: Ledger, records: list[GovernanceRecord], stream_id: str) -> list[str]:
    known = [r for r in ledger.everything() if r.stream_id == stream_id]
    if [r.record_id for r in known] != [r.record_id for r in records]:
        ids = [r.record_id.removeprefix(stream_id) for r in known]
        return [f"governance: holds {ids}, in this order"]
    other: list[Any] = [r.record_id for r, k in zip(records, known, strict=True) if r != k]
    return [f"governance: record {other[0]} differs from the journal's"] if other else []
