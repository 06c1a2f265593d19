"""What an outage of governance does to a governed stream, on an engine of plain lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import define, field

from dc43_core.config import Config, OutboxConfig
from dc43_core.errors import GovernanceDownError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.plugin_manager import load_plugins
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.sink_log import FileSink
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS, order_rows
from dc43_core.testing.fake_engine import FakeStager
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane, RunType

PLUGINS = load_plugins(allowed=())
BATCHES = order_rows(batches=6, rows=3)
BLOCK = OutboxConfig(on_outage="block", retries=1, first_wait=0.001, longest_wait=0.001)


class Away(MemoryGovernance):
    """Takes nothing while it is down."""

    down = False

    def record_many(self, records: Sequence[GovernanceRecord]) -> int:
        if self.down:
            raise ConnectionError("no route to governance")
        return super().record_many(records)

    def records(self, **filters: Any) -> Sequence[GovernanceRecord]:
        if self.down:
            raise ConnectionError("no route to governance")
        return super().records(**filters)

    def health(self) -> str | None:
        return "no route to governance" if self.down else None


@define
class Place:
    """What survives a start."""

    client: Away = field(factory=Away)
    config: OutboxConfig = field(factory=lambda: OutboxConfig(first_wait=3_600, longest_wait=3_600))
    store: MemoryStore = field(factory=MemoryStore)

    def start(self) -> GovernedStream[Any]:
        config = Config(outbox=self.config)
        runtime = Runtime(config=config, plugins=PLUGINS, governance=self.client)
        plan = runtime.plan(runtime.contracts().parse("orders.odcs.yaml", ORDERS.encode()))
        return open_stream(
            runtime=runtime,
            plan=plan,
            stager=FakeStager(store=self.store, plan=plan, kinds=runtime.kinds),
            store=self.store,
            checkpoint="memory:/checkpoint",
            sinks={
                Lane.MAIN: FileSink(self.store, "memory:/main", ".jsonl"),
                Lane.REJECTS: FileSink(self.store, "memory:/rejects", ".jsonl"),
            },
            policy=Policy(run_type=RunType.ENFORCE),
        )

    def landed(self) -> int:
        return FileSink(self.store, "memory:/main", ".jsonl").newest() + 1

    def known(self) -> list[int]:
        return [r.batch_id for r in self.client.records()]


def feed(stream: GovernedStream[Any], *batches: int) -> None:
    for batch in batches:
        stream.process(BATCHES[batch], batch)


def test_the_data_goes_on_and_the_depth_shows():
    place = Place()
    stream = place.start()
    assert stream.result.details["outbox_depth"] == 0
    feed(stream, 0)
    place.client.down = True
    feed(stream, 1, 2)
    assert place.landed() == 3
    assert stream.result.details["outbox_depth"] == 2
    assert stream.result.details["outbox_error"] == "no route to governance"
    assert stream.failure is None


def test_the_end_of_the_stream_sends_the_rest_and_clears_the_depth():
    place = Place()
    stream = place.start()
    place.client.down = True
    feed(stream, 0, 1)
    place.client.down = False
    stream.end()
    assert place.known() == [0, 1]
    assert stream.result.details["outbox_depth"] == 0
    assert "outbox_error" not in stream.result.details


def test_a_stream_starts_during_an_outage_and_the_next_start_fills_it_up():
    place = Place()
    feed(place.start(), 0)
    place.client.down = True
    stream = place.start()
    feed(stream, 1, 2)
    assert place.landed() == 3
    place.client.down = False
    assert place.known() == [0]
    place.start()
    assert place.known() == [0, 1, 2]


def test_block_starts_no_stream_while_governance_is_down():
    place = Place(config=BLOCK)
    place.client.down = True
    with pytest.raises(GovernanceDownError, match="after 2 attempts: no route to governance"):
        place.start()


def test_block_begins_no_batch_while_governance_is_down():
    place = Place(config=BLOCK)
    stream = place.start()
    feed(stream, 0)
    place.client.down = True
    with pytest.raises(GovernanceDownError):
        feed(stream, 1)
    assert place.landed() == 1
    assert isinstance(stream.failure, GovernanceDownError)
    assert not stream.result.ok


def test_block_goes_on_where_it_stopped():
    place = Place(config=BLOCK)
    feed(place.start(), 0)
    place.client.down = True
    with pytest.raises(GovernanceDownError):
        place.start()
    place.client.down = False
    feed(place.start(), 1, 2)
    assert place.known() == [0, 1, 2]
    assert place.landed() == 3
