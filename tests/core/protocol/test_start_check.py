"""Which defects a start goes on with, by what it said with `adopt=`."""

from __future__ import annotations

from typing import Any, cast

import pytest

from dc43_core.errors import UnsoundPlaceError
from dc43_core.protocol.defect import Defect
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.start_check import require_sound
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane


def defect(adopt: str | None) -> Defect:
    return Defect(kind=str(adopt), what="is odd", where="memory:/main", way_out="-", adopt=adopt)


class Damaged:
    """A sink with these defects."""

    uri = "memory:/main"

    def __init__(self, *found: Defect) -> None:
        self.found = found

    def defects(self, published: Any = (), *, deep: bool = False) -> tuple[Defect, ...]:
        return self.found


def start(adopt: str | None, *found: str | None) -> list[str]:
    """Start, and return the kinds of what it went on with."""
    sink = cast(Sink, Damaged(*map(defect, found)))
    passed = require_sound(MemoryStore(), "memory:/here", {Lane.MAIN: sink}, adopt)
    return [one.kind for one in passed[Lane.MAIN]]


@pytest.mark.parametrize(
    ("adopt", "found"),
    [
        (None, []),
        ("continue", ["continue"]),
        ("fork", ["fork"]),
        ("fork", ["fork", "continue"]),
    ],
)
def test_a_start_goes_on_with_what_it_said(adopt: str | None, found: list[str]):
    assert start(adopt, *found) == found


@pytest.mark.parametrize(
    ("adopt", "found", "refused"),
    [
        (None, ["continue"], ["continue"]),
        (None, [None], ["None"]),
        ("continue", ["continue", "fork"], ["fork"]),
        ("fork", ["fork", None], ["None"]),
        ("yes", ["continue"], ["continue"]),
    ],
)
def test_a_start_is_refused_for_what_it_did_not_say(
    adopt: str | None, found: list[str | None], refused: list[str]
):
    with pytest.raises(UnsoundPlaceError) as caught:
        start(adopt, *found)
    assert [one.kind for one in caught.value.defects] == refused
    assert caught.value.place == "memory:/main"


def test_a_checkpoint_that_cannot_be_read_is_told_first():
    store = MemoryStore()
    store.create_if_absent("memory:/here/metadata", b"{")
    with pytest.raises(UnsoundPlaceError, match="memory:/here/metadata: not the metadata"):
        require_sound(store, "memory:/here", {}, "fork")
