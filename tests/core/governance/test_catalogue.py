"""Datasets and versions, as the records tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dc43_core.errors import UnknownDatasetError, UnknownVersionError
from dc43_core.governance.catalogue import (
    all_datasets,
    find_version,
    known_ids,
    latest_record,
    lineage,
    published,
)
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.governance.model import SchemaObservation
from dc43_core.testing.catalogue import make_approval
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Outcome, VersionStatus

UPSTREAM, DOWNSTREAM = "a" * 32, "b" * 32
READ = {
    "dataset_id": "main.input",
    "path": "file:///data/orders",
    "contract": {"id": "orders", "version": "1.0.0", "digest": "sha256:0"},
}


class WithoutCatalogue:
    """A client of the interface that every client has, and no more."""

    def __init__(self, kept: MemoryGovernance) -> None:
        self.records, self.schema_observations = kept.records, kept.schema_observations
        self.location = kept.location


@pytest.fixture
def client() -> MemoryGovernance:
    return MemoryGovernance()


def record(number: int, **facts):
    at = {"ended_at": f"2026-11-23T17:{number:02d}:00.000Z", "batch_id": number}
    return make_record(**{"dataset_version": str(number), **at, **facts})


def told(client, **wanted) -> list[tuple[str, str | None]]:
    found = published(client, "default", "orders", **wanted)
    return [(one.version, one.previous) for one in found]


def test_each_version_is_one_record_and_knows_the_one_before_it(client):
    blocked = record(1, outcome=Outcome.BLOCKED, dataset_version=None)
    client.record_many([record(0), blocked, record(2), record(3)])
    assert told(client) == [("0", None), ("2", "0"), ("3", "2")]
    assert told(client, newest=2) == [("2", "0"), ("3", "2")]
    assert told(client, newest=1) == [("3", "2")]
    assert told(client, newest=0) == []


def test_of_several_hundred_the_newest_are_found_without_their_place_changing(client):
    blocked = [
        record(59, outcome=Outcome.BLOCKED, dataset_version=None, stream_id=f"s{n}")
        for n in range(150)
    ]
    client.record_many([record(0), record(1), *blocked])
    assert told(client, newest=1) == [("1", "0")]
    assert latest_record(client, "default", "orders", "0") is not None
    assert latest_record(client, "default", "orders", "7") is None


def test_versions_of_two_sinks_are_told_apart(client):
    there = "file:///elsewhere"
    client.record_many([record(0), record(1, sink=there, dataset_version="0"), record(2)])
    assert told(client) == [("0", None), ("0", None), ("2", "0")]
    assert told(client, sink="file:/elsewhere") == [("0", None)]
    with pytest.raises(UnknownVersionError, match="several sinks: file:///elsewhere, file:/data"):
        find_version(client, "default", "orders", "0")
    assert find_version(client, "default", "orders", "0", sink=there).record.sink == there


def test_a_ledger_that_was_rebuilt_stream_by_stream_tells_the_same_order(client):
    client.record_many([record(1, stream_id="b"), record(0), record(2)])
    assert told(client) == [("0", None), ("1", "0"), ("2", "1")]


def test_the_newest_word_is_the_status_and_all_are_kept(client):
    one = record(0)
    client.record_many([one])
    words = [
        make_approval(record_id=one.record_id),
        make_approval(record_id=one.record_id, number=2, status=VersionStatus.REJECTED),
    ]
    client.add_approvals(words[::-1])
    found = find_version(client, "default", "orders", "0")
    assert found.status is VersionStatus.REJECTED
    assert list(found.approvals) == words
    told = json.loads(json.dumps(found.payload(), ensure_ascii=True))
    assert [word["status"] for word in told["approvals"]] == ["approved", "rejected"]


def test_what_is_not_there_is_said_with_what_is(client):
    client.record_many([record(0), record(1)])
    with pytest.raises(UnknownVersionError, match="its newest: 0, 1"):
        find_version(client, "default", "orders", "7")
    with pytest.raises(UnknownDatasetError, match="datasets there: orders"):
        find_version(client, "default", "flights", "0")


def test_what_a_version_was_made_of_is_named_down_to_the_versions_that_were_read(client):
    up = [
        record(n, stream_id=UPSTREAM, dataset_id="raw", sink="file:/data/orders") for n in range(3)
    ]
    files = [f"file:///data/orders/batch-{UPSTREAM}-{n:010d}-00000.parquet" for n in (1, 2)]
    strange = ["file:///data/orders/part-1.parquet", f"file:///other/batch-{UPSTREAM}-0000000000-0"]
    down = record(0, stream_id=DOWNSTREAM, input={"datasets": [READ], "files": files + strange})
    client.record_many([*up, down])
    (made_of,) = lineage(client, find_version(client, "default", "orders", "0"))
    assert (made_of.dataset_id, made_of.path) == ("main.input", "file:///data/orders")
    assert made_of.versions == [("raw", "1"), ("raw", "2")]
    assert made_of.payload()["versions"][0] == {"dataset_id": "raw", "dataset_version": "1"}


def test_a_source_that_names_nothing_has_no_lineage(client):
    client.record_many([record(0)])
    assert lineage(client, find_version(client, "default", "orders", "0")) == []


def test_the_list_holds_what_is_written_its_rejects_and_what_is_read(client):
    client.record_many([record(0, input={"datasets": [READ]}), record(1, rejects=None)])
    client.record_many([record(2, input={"datasets": [READ]})])
    seen = SchemaObservation(
        dataset_id="days.input", dataset_version="schema-1", direction="read", observed_at="2026"
    )
    client.observe_schema(seen)
    found = {one.dataset_id: one for one in all_datasets(client, "default")}
    roles = {name: one.role for name, one in found.items()}
    assert roles == {
        "days.input": "input",
        "main.input": "input",
        "orders": "output",
        "orders.rejects": "rejects",
    }
    orders = found["orders"]
    assert orders.version is not None
    assert (orders.version.version, orders.version.previous) == ("2", "1")
    assert (orders.inputs, orders.rejects) == (["main.input"], "orders.rejects")
    assert found["main.input"].place == READ["path"]
    json.dumps([one.payload() for one in found.values()])


def test_a_dataset_of_which_every_batch_was_blocked_has_no_version(client):
    client.record_many([record(0, outcome=Outcome.BLOCKED, dataset_version=None)])
    [orders, _] = all_datasets(client, "default")
    assert orders.version is None
    assert orders.newest is not None
    assert orders.newest.outcome is Outcome.BLOCKED


def test_a_client_without_a_catalogue_is_read_all_the_same(client):
    client.record_many([record(0), record(1)])
    plain: Any = WithoutCatalogue(client)
    assert known_ids(plain, "default") == ["orders"]
    assert [one.status for one in published(plain, "default", "orders")] == [None, None]
