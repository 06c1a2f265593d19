"""What a governance client that keeps runs promises besides, as tests that a plugin inherits.

```python
class TestRunsOfMine(RunKeeperConformance):
    @pytest.fixture
    def client(self) -> MyGovernance:
        return MyGovernance(...)
```
"""

# ruff: noqa: D102 - the name of a test says what it claims.

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve

from dc43_core.governance.interface import RunKeeper, run_keeper
from dc43_core.governance.model import Run, StopRequest
from dc43_core.vocabulary import RunOutcome, RunType

ASKED = StopRequest(by="anna", at="2026-11-23T17:05:00.000Z", reason="größe 🧾")


def make_run(**facts: Any) -> Run:
    """Return a run that has just begun, with the given attributes."""
    values: dict[str, Any] = {
        "run_id": "run-1",
        "stream_id": "5f0c7e0e2f544f0f9d640c1f5c1f7a11",
        "epoch": 1,
        "dataset_id": "orders",
        "contract_id": "orders",
        "contract_version": "1.0.0",
        "run_type": RunType.ENFORCE,
        "sink": "file:/data/orders",
        "checkpoint": "file:/data/checkpoint",
        "driver": "host, process 43",
        "started_at": "2026-11-23T17:03:12.004Z",
        "heartbeat_at": "2026-11-23T17:03:12.004Z",
    }
    return Run(**{**values, **facts})


class RunKeeperConformance(ABC):
    """Subclass it, give it the fixture `client`, and pytest runs the tests below."""

    @pytest.fixture
    @abstractmethod
    def client(self) -> Any:
        """Return a client that keeps nothing yet and has not been opened."""

    @pytest.fixture
    def opened(self, client: Any) -> Iterator[RunKeeper]:
        """The client between `open` and `close`."""
        client.open()
        yield client
        client.close()

    def test_it_is_known_to_keep_runs(self, opened: RunKeeper) -> None:
        assert run_keeper(opened)

    def test_a_run_comes_back_equal(self, opened: RunKeeper) -> None:
        run = make_run(step="staged", batch_id=7, query_name="größe '; --", reason="\x00\ud800")
        assert opened.save_run(run) is None
        assert list(opened.runs()) == [run]

    def test_a_run_is_overwritten_and_keeps_its_place(self, opened: RunKeeper) -> None:
        first = make_run()
        opened.save_run(first)
        opened.save_run(make_run(run_id="run-2"))
        ended = evolve(
            first,
            heartbeat_at="2026-11-23T17:04:00.000Z",
            ended_at="2026-11-23T17:04:00.000Z",
            outcome=RunOutcome.BLOCKED,
        )
        opened.save_run(ended)
        assert list(opened.runs()) == [ended, make_run(run_id="run-2")]

    def test_a_stop_request_outlives_what_the_run_says(self, opened: RunKeeper) -> None:
        run = make_run()
        opened.save_run(run)
        assert opened.request_stop(run.run_id, ASKED)
        assert opened.save_run(run) == ASKED
        assert opened.save_run(evolve(run, step="staged")) == ASKED
        assert opened.runs()[0].stop_request == ASKED

    def test_the_first_stop_request_counts(self, opened: RunKeeper) -> None:
        opened.save_run(make_run())
        assert opened.request_stop("run-1", ASKED)
        assert opened.request_stop("run-1", evolve(ASKED, by="ben"))
        assert opened.save_run(make_run()) == ASKED

    def test_a_run_that_is_not_known_cannot_be_asked_to_stop(self, opened: RunKeeper) -> None:
        assert not opened.request_stop("run-1", ASKED)
        assert opened.save_run(make_run()) is None

    def test_filters_of_runs_select_and_combine(self, opened: RunKeeper) -> None:
        opened.save_run(make_run(run_id="a"))
        opened.save_run(make_run(run_id="b", dataset_id="flights", stream_id="s"))
        opened.save_run(make_run(run_id="c", namespace="team"))

        def ids(**filters: Any) -> list[str]:
            return [run.run_id for run in opened.runs(**filters)]

        assert ids() == ["a", "b"]
        assert ids(namespace="team") == ["c"]
        assert ids(dataset_id="flights") == ["b"]
        assert ids(stream_id="s", dataset_id="orders") == []
        assert ids(run_id="a") == ["a"]
        assert ids(run_id="c") == []

    @pytest.mark.parametrize(
        ("newest", "expected"), [(1, ["run-2"]), (9, ["run-1", "run-2"]), (0, []), (-1, [])]
    )
    def test_the_newest_runs_come_oldest_first(
        self, opened: RunKeeper, newest: int, expected: list[str]
    ) -> None:
        opened.save_run(make_run())
        opened.save_run(make_run(run_id="run-2"))
        assert [run.run_id for run in opened.runs(newest=newest)] == expected
