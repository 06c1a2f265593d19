"""What landed against what was given: rows, records and files, by every reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import Outcome
from tests.faults.crash_world import COLUMNS, World, is_good


def violations(world: World) -> list[str]:
    """Compare what landed with what was given, row by row, by each reader."""
    given = [row for batch in world.given for row in batch]
    good = Counter(row for row in given if is_good(row))
    # A text that would not cast is NULL; its raw text stands in the envelope.
    bad = Counter((row[0], row[2]) for row in given if not is_good(row))
    wrong = list(world.wrong)
    records = list(world.journal().records())
    for who, read in world.sink.readers.items():
        main, rejects = read(world.spark, world.main), read(world.spark, world.rejects)
        if any(set(row) != set(COLUMNS) for row in main):
            wrong.append(f"{who} finds other columns than the contract's in main")
        found = Counter((str(r["id"]), str(r["amount"]), r["note"]) for r in main)
        wrong += _differ(f"{who}, main", good, found)
        refused = Counter((str(r["id"]), r["note"]) for r in rejects)
        wrong += _differ(f"{who}, rejects", bad, refused)
        wrong += _miscounted(who, records, main, rejects)
    return [*wrong, *_records_wrong(world, records), *_left_over(world)]


def _differ(where: str, given: Counter[Any], found: Counter[Any]) -> list[str]:
    lost, more = given - found, found - given
    return [f"{where}: lost {dict(lost)}, too many {dict(more)}"] if lost or more else []


def _miscounted(
    who: str,
    records: Sequence[GovernanceRecord],
    main: Sequence[Mapping[str, Any]],
    rejects: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    landed = Counter(int(row["id"]) // 100 for row in main)
    refused = Counter(int(row["id"]) // 100 for row in rejects)
    for record in records:
        n = record.batch_id
        said = (record.main_count, record.reject_count, record.row_count)
        found = (landed[n], refused[n], landed[n] + refused[n])
        if record.outcome is not Outcome.BLOCKED and said != found:
            yield f"batch {n}: main, rejects, rows are {said} in the record, {found} to {who}"


def _records_wrong(world: World, records: Sequence[GovernanceRecord]) -> Iterator[str]:
    done = [r for r in records if r.outcome is not Outcome.BLOCKED]
    if [r.batch_id for r in done] != list(range(len(world.given))):
        yield f"records of batches {[r.batch_id for r in done]}, {len(world.given)} were given"
    ids = Counter(r.record_id for r in records)
    if len(ids) != len(records):
        yield f"records twice: {[name for name, n in ids.items() if n > 1]}"
    versions = [int(r.dataset_version) for r in done if r.dataset_version is not None]
    if versions != sorted(set(versions)):
        yield f"dataset versions {versions}"
    known = Counter(r.record_id for r in world.governance.records())
    if known != ids:
        yield f"governance holds other records than the journal: {known - ids}, {ids - known}"


def _left_over(world: World) -> Iterator[str]:
    left = [f for f in (world.main / "_dc43" / "staging").rglob("*") if f.is_file()]
    if left:
        yield f"left in staging: {[f.name for f in left]}"
