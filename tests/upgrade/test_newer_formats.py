"""A file of a newer release is refused by its name, and nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dc43_core.errors import FormatVersionError
from dc43_core.protocol.file_store import local_path
from dc43_core.protocol.release import release
from dc43_core.protocol.replays import Replays
from dc43_core.protocol.writes import Writes
from dc43_core.testing.fake_engine import FakeEraser
from dc43_core.upkeep import erasures
from dc43_core.upkeep.checkpoint import read_facts
from dc43_core.upkeep.erase import Eraser
from dc43_core.upkeep.interface import Key
from dc43_core.upkeep.lost import dropped_names
from dc43_core.vocabulary import Lane, Release
from tests.upgrade.stream import FIXTURES, Files, Place, copied

NEWER = 99


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = copied(FIXTURES / "1", tmp_path)
    release(made.journal("returns"), 1, as_=Release.MAIN, reason="seen", by="anna")
    return made


def next_batch(name: str, batch_id: int) -> Callable[[Place], object]:
    return lambda place: place.start(name).process([], batch_id)


def erase(place: Place) -> object:
    store = Files()
    return Eraser(
        store=store,
        sinks=place.sinks(),
        facts=lambda: read_facts(place.journal("orders")),
        rows=FakeEraser(store=store),  # type: ignore[arg-type]
    ).erase(Key(column="id", value="1"), by="me")


def replays(place: Place) -> object:
    return Replays(Files(), place.sinks()[Lane.REJECTS].uri).left()


def writes(place: Place) -> object:
    return Writes(Files(), place.sinks()[Lane.MAIN].uri).records()


def dropped(place: Place) -> object:
    return dropped_names(Files(), place.sinks()[Lane.MAIN].uri)


@pytest.mark.parametrize(
    ("pattern", "act"),
    [
        ("checkpoints/orders/dc43/stream.json", next_batch("orders", 1)),
        ("main/_dc43/streams/*.json", lambda place: place.start("other")),
        ("checkpoints/orders/dc43/*/epochs/1", next_batch("orders", 1)),
        ("checkpoints/orders/dc43/*/committed/0", next_batch("orders", 0)),
        ("checkpoints/orders/dc43/*/prepared/1", next_batch("orders", 1)),
        ("checkpoints/returns/dc43/*/blocked/1", next_batch("returns", 1)),
        ("checkpoints/returns/dc43/*/resolutions/1", next_batch("returns", 1)),
        ("main/_dc43/accepted/1", next_batch("orders", 1)),
        ("rejects/_dc43/replayed/1", replays),
        ("main/_dc43/writes/w/record", writes),
        ("main/_dc43/erasures/1", erase),
        ("main/_dc43/dropped/1", dropped),
    ],
)
def test_a_file_of_a_newer_release_is_refused_by_name(place, pattern, act):
    found = sorted(place.folder.glob(pattern)) or [place.folder / pattern]
    for file in found:
        file.parent.mkdir(parents=True, exist_ok=True)
        content = json.loads(file.read_text()) if file.exists() else {}
        file.write_text(json.dumps({**content, "format_version": NEWER}))
    before = data(place)
    with pytest.raises(FormatVersionError) as caught:
        act(place)
    assert caught.value.found == NEWER
    assert local_path(caught.value.path) in found
    assert "upgrade dc43" in str(caught.value)
    assert data(place) == before


def data(place: Place) -> dict[str, bytes]:
    """Everything but the count of starts, which is taken before a batch is looked at."""
    files = (f for f in place.folder.rglob("*") if f.is_file() and f.parent.name != "epochs")
    return {str(file): file.read_bytes() for file in files}


def test_raw_text_of_a_newer_release_is_refused_by_name(place):
    place.start("orders").process([], 1)
    folder = place.folder / "checkpoints/orders/dc43" / place.journal("orders").folder[-32:]
    file = folder / "uncast" / "0.json"
    file.parent.mkdir()
    file.write_text(json.dumps({"format_version": NEWER, "rows": []}))
    with pytest.raises(FormatVersionError, match=r"0\.json has format version 99"):
        erase(place)
    assert erasures.unfinished(Files(), place.sinks()[Lane.MAIN].uri) == []
