"""What an earlier release left in the middle of its work, this one brings to its end.

Each folder of `fixtures` is what the release of one format version wrote, with a PREPARED and a
BLOCKED batch in flight; `make.py` says how.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from dc43_core.protocol.record import FORMAT_VERSION
from dc43_core.protocol.release import release
from dc43_core.upkeep.checkpoint import read_facts
from dc43_core.vocabulary import Lane, Outcome, Release
from tests.upgrade.make import make
from tests.upgrade.stream import FIXTURES, Place, copied, jsons, orders

VERSIONS = sorted(FIXTURES.iterdir(), key=lambda folder: int(folder.name))


@pytest.fixture(params=VERSIONS, ids=lambda folder: f"format {folder.name}")
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return copied(request.param, tmp_path)


def ids(*firsts: int) -> dict[Lane, list[int]]:
    return {
        Lane.MAIN: sorted(first + n for first in firsts for n in (0, 1)),
        Lane.REJECTS: sorted(first + 2 for first in firsts),
    }


def landed(place: Place) -> dict[Lane, list[int]]:
    return {lane: place.landed(lane) for lane in (Lane.MAIN, Lane.REJECTS)}


def test_every_version_that_was_ever_written_has_its_fixture():
    assert [int(folder.name) for folder in VERSIONS] == list(range(1, FORMAT_VERSION + 1))


def test_nothing_of_what_is_in_flight_is_visible(place):
    assert landed(place) == ids(10, 30)
    assert list(read_facts(place.journal("orders")).pending) == [1]
    assert list(read_facts(place.journal("returns")).blocked) == [1]


def test_the_prepared_batch_is_published_without_being_judged_again(place):
    # Its source is gone by now: whoever asked for the rows again would get none.
    record = place.start("orders").process([], 1)
    assert (record.outcome, record.row_count, record.main_count) == (Outcome.COMMITTED, 3, 2)
    assert landed(place) == ids(10, 20, 30)


@pytest.mark.parametrize(
    ("as_", "main", "rejects"),
    [
        (Release.MAIN, [40, 41, 42], []),
        (Release.REJECTS, [40, 41], [42]),
        (Release.SKIP, [], []),
    ],
)
def test_the_blocked_batch_is_released(place, as_, main, rejects):
    release(place.journal("returns"), 1, as_=as_, reason="seen", by="anna")
    record = place.start("returns").process([], 1)
    assert (record.main_count, record.reject_count) == (len(main), len(rejects))
    expected = ids(10, 30)
    assert landed(place) == {
        Lane.MAIN: sorted([*expected[Lane.MAIN], *main]),
        Lane.REJECTS: sorted([*expected[Lane.REJECTS], *rejects]),
    }


def test_both_streams_go_on(place):
    stream = place.start("orders")
    stream.process([], 1)
    stream.process(orders(50), 2)
    returns = place.start("returns")
    # Judged anew, since nobody has released it.
    returns.process(orders(40), 1)
    returns.process(orders(60), 2)
    assert landed(place) == ids(10, 20, 30, 40, 50, 60)
    for name in ("orders", "returns"):
        facts = read_facts(place.journal(name))
        assert (sorted(facts.committed), facts.pending, facts.blocked) == ([0, 1, 2], {}, {})
    assert not [d for sink in place.sinks().values() for d in sink.defects(deep=True)]


def test_a_committed_batch_is_skipped(place):
    place.start("orders").process(orders(99), 0)
    assert landed(place) == ids(10, 30)


def test_every_file_says_its_version(place):
    versions = {name: found.get("format_version") for name, found in jsons(place.folder).items()}
    assert set(versions.values()) == {1}


def test_this_release_writes_the_files_that_the_newest_fixture_has(tmp_path):
    made = Place(folder=tmp_path / "made")
    make(made)
    names = {_anonymous(name) for name in jsons(made.folder)}
    assert names == {_anonymous(name) for name in jsons(VERSIONS[-1])}


def _anonymous(name: str) -> str:
    """A name without ids of streams."""
    return "/".join("<stream>" if len(part) >= 32 else part for part in name.split("/"))
