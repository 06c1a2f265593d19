"""What a governance client that keeps a catalogue promises besides, as tests to inherit.

```python
class TestCatalogueOfMine(CatalogueKeeperConformance):
    @pytest.fixture
    def client(self) -> MyGovernance:
        return MyGovernance(...)
```
"""

# ruff: noqa: D102 - the name of a test says what it claims.

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from attrs import evolve

from dc43_core.governance.approvals import Approval
from dc43_core.governance.interface import catalogue_keeper
from dc43_core.governance.measurements import Measurement
from dc43_core.governance.model import SchemaObservation
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import MeasurementState, Verdict, VersionStatus

NOW = "2026-11-23T17:05:00.000Z"


def make_approval(**facts: Any) -> Approval:
    """Return the first word about version 0 of orders, with the given attributes."""
    values: dict[str, Any] = {
        "record_id": make_record().record_id,
        "dataset_id": "orders",
        "dataset_version": "0",
        "sink": "file:/data/orders",
        "number": 1,
        "status": VersionStatus.APPROVED,
        "by": "anna",
        "at": NOW,
        "reason": "größe 🧾 '; --\x00\ud800",
    }
    return Approval(**{**values, **facts})


def make_measurement(**facts: Any) -> Measurement:
    """Return a measurement that waits, with the given attributes."""
    values: dict[str, Any] = {
        "measurement_id": "measurement-1",
        "dataset_id": "orders",
        "dataset_version": "3",
        "contract_id": "orders",
        "contract_version": "1.0.0",
        "driver": "host, process 43",
        "requested_at": NOW,
        "heartbeat_at": NOW,
    }
    return Measurement(**{**values, **facts})


class CatalogueKeeperConformance(ABC):
    """Subclass it, give it the fixture `client`, and pytest runs the tests below."""

    @pytest.fixture
    @abstractmethod
    def client(self) -> Any:
        """Return a client that keeps nothing yet and has not been opened."""

    @pytest.fixture
    def opened(self, client: Any) -> Iterator[Any]:
        """The client between `open` and `close`."""
        client.open()
        yield client
        client.close()

    def test_it_is_known_to_keep_a_catalogue(self, opened: Any) -> None:
        assert catalogue_keeper(opened)

    def test_datasets_are_those_with_a_record_or_a_schema(self, opened: Any) -> None:
        opened.record_many([make_record(), make_record(batch_id=1)])
        opened.record_many([make_record(dataset_id="flights", stream_id="b", namespace="team")])
        seen = SchemaObservation(
            dataset_id="in", dataset_version="schema-1", direction="read", observed_at=NOW
        )
        opened.observe_schema(seen)
        opened.observe_schema(seen)
        assert list(opened.dataset_ids()) == ["in", "orders"]
        assert list(opened.dataset_ids(namespace="team")) == ["flights"]
        assert list(opened.dataset_ids(namespace="nobody")) == []

    def test_an_approval_comes_back_equal_and_in_order(self, opened: Any) -> None:
        words = [
            make_approval(),
            make_approval(number=2, status=VersionStatus.REJECTED),
            make_approval(record_id="other", dataset_id="flights"),
            make_approval(record_id="elsewhere", namespace="team"),
        ]
        assert opened.add_approvals(words[:1]) == 1
        assert opened.add_approvals(words[1:]) == 3
        assert list(opened.approvals()) == words[:3]
        assert list(opened.approvals(dataset_id="orders")) == words[:2]
        assert list(opened.approvals(namespace="team")) == [words[3]]
        assert opened.add_approvals([]) == 0

    def test_an_approval_is_kept_once_and_never_overwritten(self, opened: Any) -> None:
        first = make_approval()
        opened.add_approvals([first])
        again = [evolve(first, by="ben"), make_approval(number=2)]
        assert opened.add_approvals([*again, *again]) == 1
        assert list(opened.approvals()) == [first, again[1]]

    def test_a_measurement_is_overwritten_and_keeps_its_place(self, opened: Any) -> None:
        waiting = make_measurement()
        opened.save_measurement(waiting)
        opened.save_measurement(make_measurement(measurement_id="measurement-2"))
        done = evolve(
            waiting,
            state=MeasurementState.DONE,
            ended_at=NOW,
            verdict=Verdict.WARN,
            row_count=10,
            violations_by_check={"größe": 1},
            errors=("1 row: \x00\ud800",),
            metrics={"row_count": 10, "share": 0.1},
            reason="'; DROP TABLE measurements; --",
        )
        opened.save_measurement(done)
        found = list(opened.measurements())
        assert found == [done, make_measurement(measurement_id="measurement-2")]

    def test_filters_of_measurements_select_and_combine(self, opened: Any) -> None:
        opened.save_measurement(make_measurement(measurement_id="a"))
        opened.save_measurement(make_measurement(measurement_id="b", dataset_id="flights"))
        opened.save_measurement(make_measurement(measurement_id="c", namespace="team"))

        def ids(**filters: Any) -> list[str]:
            return [one.measurement_id for one in opened.measurements(**filters)]

        assert ids() == ["a", "b"]
        assert ids(namespace="team") == ["c"]
        assert ids(dataset_id="flights") == ["b"]
        assert ids(measurement_id="a", dataset_id="flights") == []
        assert ids(newest=1) == ["b"]
        assert ids(newest=9) == ["a", "b"]
        assert ids(newest=0) == ids(newest=-1) == []

    def test_threads_that_approve_at_once_lose_nothing(self, opened: Any) -> None:
        words = [make_approval(record_id=f"record-{number}") for number in range(16)]
        with ThreadPoolExecutor(4) as pool:
            kept = sum(pool.map(lambda word: opened.add_approvals([word]), [*words, *words]))
        assert kept == 16
        assert {one.record_id for one in opened.approvals()} == {w.record_id for w in words}
