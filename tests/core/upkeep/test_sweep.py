"""What `vacuum` takes for dead, and what it never touches."""

from __future__ import annotations

import pytest

from dc43_core.protocol.writes import Writes
from dc43_core.testing.records import make_record
from dc43_core.upkeep import erasures
from dc43_core.upkeep.erasures import Erasure
from dc43_core.upkeep.sweep import SweepRefusedError, dead_files, remove
from dc43_core.vocabulary import Lane
from tests.core.upkeep.conftest import MAIN, World, orders

HOUR = 3_600_000


class Crash(BaseException):
    """The process dies here."""


def dead(world: World, *, age_hours: float = 48, **options) -> list[str]:
    # Files of the memory store are from 1970.
    found = dead_files(
        world.store, world.sinks(), world.facts(), now=int(age_hours * HOUR), **options
    )
    assert all(one.age_hours == age_hours for one in found)
    return [one.path for one in found]


def die_at(world: World, step: str, batch: int) -> None:
    def die(name: str, batch_id: int) -> None:
        if (name, batch_id) == (step, batch):
            raise Crash

    world.failpoint = die
    with pytest.raises(Crash):
        world.run(*(orders(n) for n in range(batch + 1)))
    world.failpoint = None


def staging(world: World) -> list[str]:
    stream = world.journal().folder.rsplit("/", 1)[-1]
    return [f.path for f in world.store.list(f"{MAIN}/_dc43/staging/{stream}")]


def test_a_stream_that_is_well_has_nothing_to_sweep(world):
    world.run(orders(0), orders(1))
    assert dead(world) == []


@pytest.mark.parametrize("step", ["staged", "decided", "synced"])
def test_an_attempt_that_died_is_dead_at_an_age(world, step):
    die_at(world, step, 1)
    assert dead(world, age_hours=23) == []
    assert dead(world, age_hours=25) == staging(world)
    remove(world.store, dead_files(world.store, world.sinks(), world.facts(), now=25 * HOUR))
    assert staging(world) == []
    world.run(orders(1), first=1)
    assert len(world.landed(Lane.MAIN)) == 3 + 3 + 1


@pytest.mark.parametrize("step", ["prepared", "rejects-published", "main-published"])
def test_what_a_manifest_names_is_never_dead(world, step):
    die_at(world, step, 1)
    assert dead(world, age_hours=10_000, retention_days=0) == []
    world.run(orders(1), first=1)
    assert len(world.landed(Lane.MAIN)) == 3 + 3 + 1


def test_an_attempt_at_a_committed_batch_is_dead_at_once(world):
    world.run(orders(0))
    stream = world.journal().folder.rsplit("/", 1)[-1]
    for batch in (0, 1):
        world.store.write(f"{MAIN}/_dc43/staging/{stream}/{batch}-old/x.jsonl", b"")
    # The attempt at batch 1 may be running.
    assert dead(world, age_hours=0) == [f"{MAIN}/_dc43/staging/{stream}/0-old"]


def test_the_rows_of_a_blocked_batch_are_kept_until_a_retention_says_otherwise(world):
    world.blocks = 0
    world.run(orders(0))
    assert dead(world, age_hours=10_000) == []
    assert dead(world, age_hours=49, retention_days=3) == []
    held = world.journal().held(0)
    assert held is not None
    kept = [f for files in held.staged.files.values() for f in files]
    assert dead(world, age_hours=73, retention_days=3) == kept


def test_raw_text_beyond_the_retention_is_dead(world):
    world.run(orders(0))
    place = f"{world.journal().folder}/uncast/0.json"
    world.store.create_if_absent(place, b'{"rows": []}')
    assert dead(world) == []
    assert dead(world, age_hours=25, retention_days=1) == [place]


def test_an_unlisted_file_of_the_stream_is_dead_at_an_age(world):
    world.run(orders(0))
    stream = world.journal().folder.rsplit("/", 1)[-1]
    own = f"{MAIN}/batch-{stream}-0000000000-00099.jsonl"
    other = f"{MAIN}/batch-{'0' * 32}-0000000000-00000.jsonl"
    world.store.create_if_absent(own, b"")
    world.store.create_if_absent(other, b"")
    assert dead(world, age_hours=23) == []
    # Another stream's file is that stream's to sweep.
    assert dead(world, age_hours=25) == [own]


def test_what_a_batch_write_published_and_is_overwritten_is_dead_at_an_age(world):
    world.run(orders(0))
    write, replay = "b" * 32, "d" * 32
    writes = Writes(world.store, MAIN)
    writes.keep(write, make_record(stream_id=write))
    writes.keep("c" * 32, make_record(stream_id=replay))
    for stream in (write, replay):
        world.store.create_if_absent(f"{MAIN}/batch-{stream}-0000000001-00000.jsonl", b"")
    # A later replay into the same sink may be on its way: it is of the same stream.
    assert dead(world, age_hours=25) == [f"{MAIN}/batch-{write}-0000000001-00000.jsonl"]


def test_files_of_partitions_are_looked_through_as_well(world):
    world.run(orders(0))
    stream = world.journal().folder.rsplit("/", 1)[-1]
    own = f"{MAIN}/day=2024-02-29/batch-{stream}-0000000000-00099.jsonl"
    world.store.create_if_absent(own, b"")
    assert dead(world, age_hours=25) == [own]


def test_a_file_that_never_got_its_name_is_dead_at_an_age(world):
    world.run(orders(0))
    place = f"{world.journal().folder}/prepared/.1.{'a' * 32}.tmp"
    world.store.create_if_absent(place, b"")
    assert dead(world, age_hours=25) == [place]


def test_nothing_is_swept_while_files_cannot_be_read(world):
    world.run(orders(0))
    world.store.create_if_absent(f"{world.journal().folder}/prepared/5", b"{")
    with pytest.raises(SweepRefusedError, match="dc43 doctor"):
        dead(world)


def test_nothing_is_swept_beside_an_erasure_that_was_begun(world):
    world.run(orders(0))
    begun = Erasure(number=1, column="id", by="anna", at="2026-11-23T17:03:12.004Z", replaced=[])
    erasures.begin(world.store, MAIN, begun)
    with pytest.raises(SweepRefusedError, match="run the same `dc43 erase` again"):
        dead(world)
