"""What every governance client promises, as tests that a plugin's own test class inherits.

```python
class TestMyGovernance(GovernanceClientConformance):
    @pytest.fixture
    def client(self) -> MyGovernance:
        return MyGovernance(...)
```
"""

# ruff: noqa: D102 - the name of a test says what it claims.

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from dc43_core.governance.interface import GovernanceClient
from dc43_core.governance.model import SchemaObservation
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Outcome

_THREADS = 8


class GovernanceClientConformance(ABC):
    """Subclass it, give it the fixture `client`, and pytest runs the tests below."""

    @pytest.fixture
    @abstractmethod
    def client(self) -> GovernanceClient:
        """Return a client that keeps nothing yet and has not been opened."""

    @pytest.fixture
    def opened(self, client: GovernanceClient) -> Iterator[GovernanceClient]:
        """The client between `open` and `close`."""
        client.open()
        yield client
        client.close()

    def test_what_is_recorded_comes_back_equal_and_in_order(self, opened: GovernanceClient) -> None:
        # Neither by id nor by time: in the order in which they were kept.
        records = [make_record(batch_id=number) for number in (3, 20, 1)]
        assert opened.record_many(records[:1]) == 1
        assert opened.record_many(records[1:]) == 2
        assert _payloads(opened.records()) == _payloads(records)

    def test_keeping_nothing_keeps_nothing(self, opened: GovernanceClient) -> None:
        assert opened.record_many([]) == 0
        assert list(opened.records()) == []

    def test_recording_twice_keeps_once_and_the_first(self, opened: GovernanceClient) -> None:
        first = make_record(batch_id=1, row_count=10)
        opened.record_many([first])
        again = [make_record(batch_id=1, row_count=99), make_record(batch_id=2)]
        assert opened.record_many([*again, *again]) == 1
        assert _payloads(opened.records()) == _payloads([first, again[1]])

    def test_concurrent_threads_lose_nothing(self, opened: GovernanceClient) -> None:
        def write(thread: int) -> int:
            kept = 0
            for number in range(5):
                own = make_record(stream_id=f"stream-{thread}", batch_id=number)
                common = make_record(stream_id="stream-common", batch_id=number)
                kept += opened.record_many([own, common])
            return kept

        with ThreadPoolExecutor(_THREADS) as pool:
            kept = sum(pool.map(write, range(_THREADS)))
        found = [r.record_id for r in opened.records()]
        assert len(found) == len(set(found)) == kept == (_THREADS + 1) * 5
        for thread in range(_THREADS):
            own = opened.records(stream_id=f"stream-{thread}")
            assert [r.batch_id for r in own] == [0, 1, 2, 3, 4]

    def test_filters_select_and_combine(self, opened: GovernanceClient) -> None:
        places: list[dict[str, Any]] = [
            {"namespace": "default", "dataset_id": "orders", "stream_id": "a"},
            {"namespace": "default", "dataset_id": "orders", "stream_id": "b"},
            {"namespace": "default", "dataset_id": "flights", "stream_id": "c"},
            {"namespace": "team", "dataset_id": "orders", "stream_id": "d"},
        ]
        opened.record_many([make_record(**place) for place in places])

        def streams(**filters: Any) -> list[str]:
            return [r.stream_id for r in opened.records(**filters)]

        assert streams() == ["a", "b", "c"]
        assert streams(namespace="team") == ["d"]
        assert streams(namespace="nobody") == []
        assert streams(dataset_id="orders") == ["a", "b"]
        assert streams(namespace="team", dataset_id="flights") == []
        assert streams(stream_id="b") == ["b"]
        assert streams(dataset_id="flights", stream_id="b") == []
        assert streams(dataset_id="") == []

    @pytest.mark.parametrize(
        ("newest", "expected"), [(None, [0, 1, 2]), (2, [1, 2]), (9, [0, 1, 2]), (0, []), (-1, [])]
    )
    def test_the_newest_come_oldest_first(
        self, opened: GovernanceClient, newest: int | None, expected: list[int]
    ) -> None:
        opened.record_many([make_record(batch_id=number) for number in range(3)])
        opened.record_many([make_record(stream_id="other")])
        stream_id = make_record().stream_id
        found = opened.records(stream_id=stream_id, newest=newest)
        assert [r.batch_id for r in found] == expected

    def test_schema_observations_come_back_in_order(self, opened: GovernanceClient) -> None:
        seen = [
            SchemaObservation(
                dataset_id="orders",
                dataset_version="schema-1",
                direction="read",
                observed_at="2026-11-23T17:03:12.004Z",
                schema={"state": "string", "amount": "decimal(9,2)"},
                contract_id="orders",
                contract_version="1.0.0",
                problems=("column 'größe' is extra",),
            ),
            SchemaObservation(
                dataset_id="flights",
                dataset_version="schema-2",
                direction="write",
                observed_at="2026-11-23T17:03:11.004Z",
            ),
            SchemaObservation(
                dataset_id="orders",
                dataset_version="schema-3",
                direction="read",
                observed_at="2026-11-23T17:03:10.004Z",
                namespace="team",
            ),
        ]
        for observation in seen:
            opened.observe_schema(observation)
        assert list(opened.schema_observations()) == seen[:2]
        assert list(opened.schema_observations()[0].schema) == ["state", "amount"]
        assert list(opened.schema_observations(dataset_id="flights")) == [seen[1]]
        assert list(opened.schema_observations(namespace="team")) == [seen[2]]

    def test_a_batch_blocked_and_later_committed_keeps_both_records(
        self, opened: GovernanceClient
    ) -> None:
        opened.record_many([make_record(batch_id=7, outcome=Outcome.BLOCKED)])
        opened.record_many([make_record(batch_id=7)])
        found = [(r.batch_id, r.outcome) for r in opened.records()]
        assert found == [(7, Outcome.BLOCKED), (7, Outcome.COMMITTED)]

    @pytest.mark.parametrize(
        "text",
        [
            "größe 数量 🧾 \u202e",
            "'; DROP TABLE records; --",
            "a\x00b\x1f\r\n",
            "\ud800",
            "x" * 10_240,
        ],
        ids=["unicode", "quotes", "control characters", "half a surrogate pair", "10 KB"],
    )
    def test_text_survives_as_it_is(self, opened: GovernanceClient, text: str) -> None:
        record = make_record(
            errors=[text],
            details={text: [text]},
            violations_by_check={text: 3},
            metrics={text: 0.1},
        )
        opened.record_many([record])
        assert _payloads(opened.records()) == _payloads([record])

    def test_neither_side_can_change_what_was_recorded(self, opened: GovernanceClient) -> None:
        record = make_record(details={"files": ["a"]})
        before = record.payload()
        opened.record_many([record])
        opened.records()[0].payload()["details"]["files"].append("b")
        assert record.payload() == before
        assert _payloads(opened.records()) == [before]

    def test_closing_twice_is_fine(self, client: GovernanceClient) -> None:
        client.open()
        client.close()
        client.close()

    def test_an_open_client_is_well_and_says_where_it_is(self, opened: GovernanceClient) -> None:
        assert opened.health() is None
        assert opened.location()


def _payloads(records: Sequence[GovernanceRecord]) -> list[dict[str, Any]]:
    # A record that came back has lists where the protocol had tuples.
    return [record.payload() for record in records]
