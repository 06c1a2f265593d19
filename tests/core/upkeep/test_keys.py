"""Keys that a stream keeps: erased with their rows, swept, and compared with the manifests."""

from __future__ import annotations

from typing import Any

import pytest

from dc43_core.protocol.keys import KeyLog, KeyState
from dc43_core.upkeep.diagnosis import Level
from dc43_core.upkeep.erase import KEY_POINTS
from dc43_core.upkeep.interface import Key
from dc43_core.upkeep.keys import check_keys
from dc43_core.upkeep.sweep import dead_files, remove
from dc43_core.vocabulary import Lane
from tests.core.upkeep.conftest import World, orders

SEVEN = Key(column="id", value="7")


def state(world: World) -> KeyState:
    return KeyLog(world.journal()).state(lambda _: False)


def count(world: World) -> int:
    return sum(part.count for part in state(world).parts)


def ids(world: World) -> list[Any]:
    return world.landed(Lane.MAIN)


def test_an_erased_key_is_forgotten_and_can_be_taken_again(keeping: World):
    keeping.run(orders(0), orders(1))
    assert (count(keeping), ids(keeping).count(7)) == (7, 1)
    erased = keeping.eraser().erase(SEVEN, by="anna")
    assert (erased["main"], erased["keys"], count(keeping)) == (1, 1, 6)
    assert keeping.eraser().erase(SEVEN, by="anna") == {}
    keeping.run(orders(2), first=2)
    keeping.run([orders(0)[0], *orders(4)], first=3)
    # 7 has come again once; 10 is known still.
    assert (ids(keeping).count(7), ids(keeping).count(10)) == (1, 1)


def test_a_key_is_erased_by_another_column_of_its_row(keeping: World):
    keeping.run(orders(0))
    assert keeping.eraser().erase(Key(column="state", value="paid"), by="anna")["keys"] == 1
    assert count(keeping) == 3


def test_a_key_whose_row_is_a_reject_stays(keeping: World):
    keeping.run(orders(0))
    keeping.run([{"id": 10, "amount": 4, "state": "paid"}], first=1)
    erased = keeping.eraser().erase(Key(column="amount", value="4"), by="anna")
    assert erased == {"rejects": 1}
    assert count(keeping) == 4


def test_a_stream_that_runs_beside_an_erasure_judges_again(keeping: World):
    keeping.run(orders(0), orders(1))
    stream = keeping.start()
    done: list[str] = []

    def meanwhile(operation: str, path: str) -> None:
        if operation == "write" and "/keys/parts/2-" in path and not done:
            done.append(path)
            keeping.eraser().erase(SEVEN, by="anna")

    keeping.store.before = meanwhile
    stream.process(orders(2), 2)
    keeping.store.before = lambda operation, path: None
    assert done
    assert ids(keeping).count(7) == 1
    assert check(keeping) == [Level.OK]


@pytest.mark.parametrize("point", KEY_POINTS)
def test_an_erasure_that_dies_over_the_keys_is_run_again(keeping: World, point: str):
    keeping.run(orders(0))

    def die(name: str) -> None:
        if name == point:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keeping.eraser(die).erase(SEVEN, by="anna")
    # The rows are there until the keys are gone, so the same call finds both.
    assert ids(keeping).count(7) == 1
    keeping.eraser().erase(SEVEN, by="anna")
    assert (ids(keeping).count(7), count(keeping)) == (0, 3)
    remove(keeping.store, dead_files(keeping.store, keeping.sinks(), keeping.facts(), hours=0))
    assert check(keeping) == [Level.OK]


def test_what_no_step_names_is_swept_and_what_one_names_stays(keeping: World):
    keeping.run(orders(0), orders(1))
    log = KeyLog(keeping.journal())
    keeping.store.write(log.place("2-dead") + "/keys.jsonl", b"{}")
    keeping.store.write(log.place("1-dead") + "/keys.jsonl", b"{}")

    def names(hours: float) -> list[str]:
        found = dead_files(keeping.store, keeping.sinks(), keeping.facts(), now=0, hours=hours)
        return [one.path.rsplit("/", 1)[-1] for one in found if "/keys/" in one.path]

    assert names(24) == ["1-dead"]
    assert names(0) == ["1-dead", "2-dead"]


def check(world: World) -> list[Level]:
    return [one.level for one in check_keys(world.facts())]


def test_the_doctor_looks_whether_keys_are_there_and_agree(keeping: World):
    keeping.run(orders(0), orders(1))
    assert [one.what for one in check_keys(keeping.facts())] == ["keys known: 7, in 2 parts"]
    journal = keeping.journal()
    manifest = keeping.store.read(journal.path("prepared", 1))
    keeping.store.delete(journal.path("prepared", 1))
    keeping.store.create_if_absent(
        journal.path("prepared", 1), manifest.replace(b'"keys": 2', b'"keys": 1')
    )
    assert check(keeping) == [Level.ERROR]
    keeping.store.delete(journal.path("prepared", 1))
    keeping.store.create_if_absent(
        journal.path("prepared", 1), manifest.replace(b'"keys": 2', b'"keys": null')
    )
    assert check(keeping) == [Level.WARNING, Level.OK]
    [gone, *_] = KeyLog(journal).uris(state(keeping).parts)
    keeping.store.delete(gone)
    assert Level.ERROR in check(keeping)


def test_the_doctor_says_nothing_where_no_keys_are_kept(world: World):
    world.run(orders(0))
    assert check(world) == []
