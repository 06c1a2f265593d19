"""Bugs around the steps: of the engine, of a start, and on the way to governance."""

from __future__ import annotations

from typing import Any

from dc43_core import pipeline
from dc43_core.errors import BatchBlockedError
from dc43_core.governance.outbox import Outbox
from dc43_core.pipeline import GovernedStream
from dc43_core.protocol.file_store import join
from dc43_core.protocol.identity import identify
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.testing.fake_engine import FakeStager
from dc43_core.vocabulary import Lane
from tests.faults.bugs.bug import Bug

FINISH = FakeStager.finish
STREAM_PROCESS = GovernedStream.process
IDENTIFY = identify


def keep_in_main(self: FakeStager, staged: Any, violating_to: Lane, batch: Any) -> Any:
    """Broken rows stay where they are."""
    return FINISH(self, staged, Lane.MAIN, batch)


def swallow_the_block(self: GovernedStream[Any], frame: Any, batch_id: int) -> Any:
    """A block does not reach the engine, which takes the batch for done."""
    try:
        return STREAM_PROCESS(self, frame, batch_id)
    except BatchBlockedError:
        return None


def found_anew(store: Any, sink_store: Any, *, new_id: Any, **facts: Any) -> Any:
    """Each start is a stream of its own."""
    store.delete(join(facts["checkpoint"], "dc43", "stream.json"))
    facts["adopt"] = "fork"
    return IDENTIFY(store, sink_store, new_id=new_id, **facts)


def send_to_nobody(self: Outbox, portion: list[GovernanceRecord]) -> Exception | None:
    """A record that was sent counts as kept, whatever came back."""
    try:
        self._connect().record_many(portion)
    except OSError:
        pass
    for _ in portion:
        self._waiting.popleft()
    return None


def compare_nothing(self: Outbox, *, probe: bool) -> Exception | None:
    """A start takes for granted that governance has what lies in the files."""
    self._behind, self._known = 0, frozenset()
    return None


def newest_first(self: Outbox, portion: list[GovernanceRecord]) -> Exception | None:
    """What waited is sent from its end."""
    self._connect().record_many(portion[::-1])
    for _ in portion:
        self._waiting.popleft()
    return None


BUGS = (
    Bug.of(keep_in_main, FakeStager, "finish", "crashes", "broken"),
    Bug.of(swallow_the_block, GovernedStream, "process", "released as main", "rows", "record"),
    Bug.of(found_anew, pipeline, "identify", "crashes", "identity", "rows"),
    Bug.of(send_to_nobody, Outbox, "_send", "failures", "governance"),
    Bug.of(compare_nothing, Outbox, "_compare", "crashes", "governance"),
    Bug.of(newest_first, Outbox, "_send", "failures", "governance"),
)
