"""What governance calls a dataset and its versions, where the caller says so."""

from __future__ import annotations

from typing import Any

import pytest

from dc43_core.errors import ConfigurationError
from dc43_core.protocol.naming import DatasetFacts, Versions, named
from dc43_core.protocol.steps import FAILPOINTS

GOOD = {"id": 1, "amount": 1, "state": "open"}
FACTS = DatasetFacts(
    dataset_id="orders", contract_id="orders", contract_version="1.0.0", namespace="default"
)


def good(number: int) -> list[dict[str, Any]]:
    return [{**GOOD, "id": number}]


def test_a_name_is_a_text_a_function_of_the_facts_or_what_there_is_otherwise():
    assert named("dataset_id", None, "orders", FACTS) == "orders"
    assert named("dataset_id", "sales", "orders", FACTS) == "sales"
    by_contract = lambda facts: f"{facts.contract_id}@{facts.contract_version}"  # noqa: E731
    assert named("dataset_id", by_contract, "orders", FACTS) == "orders@1.0.0"


@pytest.mark.parametrize("wanted", ["", " ", 7, lambda facts: None])
def test_what_is_no_name_is_refused(wanted):
    with pytest.raises(ConfigurationError, match=r"dataset_id: .* is no name"):
        named("dataset_id", wanted, "orders", FACTS)


def test_one_version_for_every_batch_of_a_stream_is_refused_at_its_start(drivers):
    with pytest.raises(TypeError, match=r"name every batch of the stream alike; write \{batch\}"):
        drivers.start(version="2026-11-23")
    with pytest.raises(ConfigurationError, match=r"\{day\} is not one of \{batch\}, \{sequence\}"):
        drivers.start(version="{day}-{batch}")
    assert drivers.store.list(drivers.checkpoint) == []


def test_versions_of_a_template_are_those_of_records_and_of_the_live_result(drivers):
    stream = drivers.start(version="day-{batch}.{sequence}")
    for batch in (0, 1):
        stream.process(good(batch), batch)
    assert [r.dataset_version for r in drivers.governance.records()] == ["day-0.0", "day-1.1"]
    assert [r.details["sequence"] for r in drivers.governance.records()] == ["0", "1"]
    assert stream.result.dataset_version == "day-1.1"
    assert drivers.start(version="day-{batch}.{sequence}").result.dataset_version == "day-1.1"


def test_a_function_gets_the_facts_of_the_batch(drivers):
    seen: list[DatasetFacts] = []

    def version(facts: DatasetFacts) -> str:
        seen.append(facts)
        return f"{facts.dataset_id}-{facts.batch_id}-{facts.row_count}"

    drivers.start(version=version).process(good(1), 4)
    (record,) = drivers.governance.records()
    assert record.dataset_version == "orders-4-1"
    (facts,) = seen
    assert (facts.stream_id, facts.timestamp) == (record.stream_id, record.started_at)


def test_two_batches_of_one_name_are_refused_and_the_second_leaves_no_trace(drivers):
    stream = drivers.start(version=lambda facts: "always")
    stream.process(good(0), 0)
    with pytest.raises(ConfigurationError, match="'always' for batch 1, and batch 0 is called so"):
        stream.process(good(1), 1)
    assert drivers.ids() == [0]


@pytest.mark.parametrize("point", [point for point in FAILPOINTS if point != "blocked"])
def test_a_version_is_fixed_once_the_batch_is_prepared(drivers, point: str):
    asked: list[int] = []

    def version(facts: DatasetFacts) -> str:
        asked.append(len(asked))
        return f"attempt-{len(asked)}"

    with pytest.raises(BaseException) as died:
        drivers.start(version=version, crash_at=point).process(good(0), 0)
    assert type(died.value).__name__ == "Crash"
    drivers.store.crash()
    # Whoever completes it need not be asked.
    drivers.start().process(good(0), 0)
    (record,) = drivers.governance.records()
    prepared = FAILPOINTS.index(point) >= FAILPOINTS.index("prepared")
    assert record.dataset_version == ("attempt-1" if prepared else "0")
    assert drivers.ids() == [0]


def test_a_record_without_a_planned_time_takes_that_of_its_start(drivers):
    drivers.start(version="{timestamp}").process(good(0), 0)
    (record,) = drivers.governance.records()
    assert record.dataset_version == record.started_at


def test_a_batch_may_be_called_by_a_constant():
    assert Versions(wanted="2026-11-23").wanted == "2026-11-23"
