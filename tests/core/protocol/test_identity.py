"""Who a stream is, and what is refused unless `adopt=` says otherwise (design: streaming)."""

from __future__ import annotations

from typing import Any

import pytest

from dc43_core.errors import CorruptFileError, FormatVersionError, StreamIdentityError
from dc43_core.protocol.identity import StreamIdentity, identify
from dc43_core.protocol.record import decode, encode
from dc43_core.testing.memory_store import MemoryStore

HERE, THERE = "memory:/here", "memory:/there"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def start(store: MemoryStore, **changed: Any) -> StreamIdentity:
    usual = {
        "namespace": "default",
        "checkpoint": HERE,
        "sink": "memory:/sink",
        "contract_id": "orders",
        "query_name": "q",
    }
    return identify(store, store, **{**usual, **changed})


def copy(store: MemoryStore, source: str, target: str) -> None:
    """Copy the checkpoint's files to another place."""
    path = "dc43/stream.json"
    store.create_if_absent(f"{target}/{path}", store.read(f"{source}/{path}"))


def move(store: MemoryStore, source: str, target: str) -> None:
    copy(store, source, target)
    store.delete(source)


def test_a_restart_is_the_same_stream(store: MemoryStore):
    assert start(store) == start(store)


def test_a_new_stream_is_written_beside_checkpoint_and_sink(store: MemoryStore):
    found = start(store)
    for path in (f"{HERE}/dc43/stream.json", f"memory:/sink/_dc43/streams/{found.stream_id}.json"):
        assert decode(store.read(path), path) == found.payload()


def test_two_starts_of_a_new_stream_at_once_agree(store: MemoryStore):
    def second_start_comes_first(operation: str, path: str) -> None:
        if operation == "create" and path.endswith("stream.json"):
            store.before = lambda operation, path: None
            others.append(start(store))

    others: list[StreamIdentity] = []
    store.before = second_start_comes_first
    mine = start(store)
    assert [mine] == others


# One test for each row of the table.


def test_a_wiped_checkpoint_is_refused(store: MemoryStore):
    start(store)
    store.delete(HERE)
    with pytest.raises(StreamIdentityError, match=r"land twice; .*adopt='fork'"):
        start(store)


def test_a_new_checkpoint_on_a_known_sink_is_refused_as_wiped(store: MemoryStore):
    start(store)
    with pytest.raises(StreamIdentityError, match="already writes to memory:/sink"):
        start(store, checkpoint=THERE)


def test_a_wiped_checkpoint_may_fork_but_not_continue(store: MemoryStore):
    first = start(store)
    store.delete(HERE)
    with pytest.raises(StreamIdentityError):
        start(store, adopt="continue")
    assert start(store, adopt="fork").stream_id != first.stream_id


def test_a_moved_checkpoint_is_refused(store: MemoryStore):
    start(store)
    move(store, HERE, THERE)
    with pytest.raises(StreamIdentityError, match=r"moved here from memory:/here.*'continue'"):
        start(store, checkpoint=THERE)


def test_a_moved_checkpoint_may_continue_as_the_same_stream_but_not_fork(store: MemoryStore):
    first = start(store)
    move(store, HERE, THERE)
    with pytest.raises(StreamIdentityError):
        start(store, checkpoint=THERE, adopt="fork")
    adopted = start(store, checkpoint=THERE, adopt="continue")
    assert (adopted.stream_id, adopted.checkpoint) == (first.stream_id, THERE)


def test_a_copied_checkpoint_is_refused(store: MemoryStore):
    start(store)
    copy(store, HERE, THERE)
    with pytest.raises(StreamIdentityError, match=r"copy of memory:/here.*adopt='fork'"):
        start(store, checkpoint=THERE)


def test_a_copied_checkpoint_may_fork_but_not_continue(store: MemoryStore):
    first = start(store)
    copy(store, HERE, THERE)
    with pytest.raises(StreamIdentityError):
        start(store, checkpoint=THERE, adopt="continue")
    assert start(store, checkpoint=THERE, adopt="fork").stream_id != first.stream_id


def test_another_sink_is_refused(store: MemoryStore):
    start(store)
    with pytest.raises(StreamIdentityError, match=r"belongs to sink memory:/sink, not memory:/new"):
        start(store, sink="memory:/new")


def test_another_sink_may_be_continued_to(store: MemoryStore):
    first = start(store)
    adopted = start(store, sink="memory:/new", adopt="continue")
    assert (adopted.stream_id, adopted.sink) == (first.stream_id, "memory:/new")


def test_another_sink_may_be_forked_to(store: MemoryStore):
    first = start(store)
    assert start(store, sink="memory:/new", adopt="fork").stream_id != first.stream_id


@pytest.mark.parametrize(
    "other", [{"query_name": "r"}, {"contract_id": "flights"}, {"namespace": "team"}]
)
def test_another_stream_on_a_known_sink_needs_no_adopting(
    store: MemoryStore, other: dict[str, str]
):
    first = start(store)
    assert start(store, checkpoint=THERE, **other).stream_id != first.stream_id


# What follows from it.


def test_what_was_adopted_needs_no_adopting_again(store: MemoryStore):
    start(store)
    move(store, HERE, THERE)
    adopted = start(store, checkpoint=THERE, adopt="continue")
    assert start(store, checkpoint=THERE) == adopted


def test_adopt_left_in_place_changes_nothing_at_the_next_start(store: MemoryStore):
    start(store)
    store.delete(HERE)
    forked = start(store, adopt="fork")
    assert start(store, adopt="fork") == forked


def test_an_unknown_wish_is_refused(store: MemoryStore):
    with pytest.raises(StreamIdentityError, match="adopt='contnue' is not known"):
        start(store, adopt="contnue")


def test_a_crash_between_the_two_files_heals(store: MemoryStore):
    found = start(store)
    mark = f"memory:/sink/_dc43/streams/{found.stream_id}.json"
    store.delete(mark)
    assert start(store) == found
    assert store.status(mark) is not None


def test_the_ledger_is_not_asked(store: MemoryStore):
    first = start(store)
    fresh = MemoryStore()
    for path in (f"{HERE}/dc43/stream.json",):
        fresh.create_if_absent(path, store.read(path))
    assert start(fresh) == first


def test_an_identity_of_a_newer_dc43_is_refused_by_name(store: MemoryStore):
    payload = {**start(store).payload(), "format_version": 2}
    store.delete(f"{HERE}/dc43/stream.json")
    store.create_if_absent(f"{HERE}/dc43/stream.json", encode(payload))
    with pytest.raises(FormatVersionError, match=r"stream\.json has format version 2"):
        start(store)


def test_a_torn_identity_is_named(store: MemoryStore):
    store.create_if_absent(f"{HERE}/dc43/stream.json", b"{")
    with pytest.raises(CorruptFileError, match=r"/here/dc43/stream\.json: not JSON"):
        start(store)
