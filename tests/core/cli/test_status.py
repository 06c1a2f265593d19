"""`dc43 status` and `dc43 watch`: a ledger read from any process."""

from __future__ import annotations

import json

import pytest

from dc43_core.governance.follow import follow
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.governance.status import streams
from dc43_core.testing.records import make_record
from dc43_core.testing.runs import make_run
from dc43_core.vocabulary import Outcome, RunOutcome, Verdict

NOW = "2026-11-23T17:05:00.000Z"


@pytest.fixture
def governance(project):
    return project.runtime.governance


def started(stream: str, **facts):
    return make_run(
        run_id=f"run-{stream}-{facts.get('epoch', 1)}",
        stream_id=stream,
        **{"heartbeat_at": NOW, "started_at": NOW, **facts},
    )


def states(client: MemoryGovernance) -> dict[str, str]:
    return {one.stream_id: one.state for one in streams(client, "default", NOW)}


def test_each_stream_stands_as_its_newest_run_and_record_say_and_the_worst_comes_first():
    client = MemoryGovernance()
    for stream in ("a", "b", "c", "d", "e"):
        client.record_many([make_record(stream_id=stream)])
    client.record_many([make_record(stream_id="b", batch_id=1, outcome=Outcome.BLOCKED)])
    client.record_many([make_record(stream_id="f")])
    client.save_run(started("a"))
    client.save_run(started("b", ended_at=NOW, outcome=RunOutcome.BLOCKED))
    client.save_run(started("c", heartbeat_at="2026-11-23T17:04:00.000Z"))
    client.save_run(started("d", ended_at=NOW, outcome=RunOutcome.FAILED))
    client.save_run(started("e", epoch=1, ended_at=NOW, outcome=RunOutcome.FAILED))
    client.save_run(started("e", epoch=2, ended_at=NOW, outcome=RunOutcome.ENDED))
    assert list(states(client).items()) == [
        ("d", "failed"),
        ("b", "blocked"),
        ("c", "silent"),
        ("a", "running"),
        ("e", "ended"),
        ("f", "unknown"),
    ]


def test_a_block_that_was_published_since_is_no_block():
    client = MemoryGovernance()
    client.record_many([make_record(stream_id="a", outcome=Outcome.BLOCKED)])
    client.record_many([make_record(stream_id="a")])
    client.save_run(started("a"))
    assert states(client) == {"a": "running"}


def test_a_verdict_that_could_not_be_reached_counts_as_failed():
    client = MemoryGovernance()
    client.record_many([make_record(stream_id="a", verdict=Verdict.UNKNOWN)])
    client.save_run(started("a"))
    assert states(client) == {"a": "failed"}


def test_a_stream_that_has_written_nothing_yet_is_seen():
    client = MemoryGovernance()
    client.save_run(started("a"))
    (only,) = streams(client, "default", NOW)
    assert (only.state, only.newest, only.row_count) == ("running", None, 0)


def test_status_says_of_a_block_why_how_long_and_what_now(project, governance):
    blocked = make_record(
        stream_id="a",
        batch_id=3,
        outcome=Outcome.BLOCKED,
        intervention="too few rows",
        input={"file_count": 2},
    )
    governance.record_many([make_record(stream_id="a", batch_id=2), blocked])
    called = project.dc43("status")
    assert called.code == 0
    assert "blocked orders" in called.out
    assert "batch 3 has been blocked for" in called.out
    assert ": too few rows; 2 source files must stay until then; `dc43 blocked show" in called.out
    assert called.out.endswith("\n1 stream.\n")


def test_status_of_an_empty_ledger_says_when_a_stream_appears(project):
    assert "One appears as soon as a stream starts" in project.dc43("status").out


def test_status_for_machines_is_one_object(project, governance):
    governance.record_many([make_record(stream_id="a")])
    governance.save_run(started("a"))
    facts = project.dc43("status", "--json").json
    (only,) = facts["streams"]
    assert (only["stream_id"], only["row_count"], only["reject_count"]) == ("a", 10, 1)
    assert only["newest"]["record_id"] == "a-0"
    assert only["run"]["run_id"] == "run-a-1"


def test_watch_shows_what_is_there_and_ends_when_told(project, governance):
    governance.record_many([make_record(batch_id=n) for n in range(5)])
    called = project.dc43("watch", "orders", "--newest", "2", "--seconds", "0")
    assert called.code == 0
    assert [line.split("batch ")[1] for line in called.out.splitlines()] == [
        "3: 10 rows, 1 rejected (10.0 %), warn, committed",
        "4: 10 rows, 1 rejected (10.0 %), warn, committed",
    ]


def test_watch_for_machines_is_one_record_a_line(project, governance):
    governance.record_many([make_record()])
    out = project.dc43("watch", "--json", "--seconds", "0").out
    assert [json.loads(line) for line in out.splitlines()] == [make_record().payload()]


def test_a_follower_gets_each_record_once_whenever_it_comes():
    client = MemoryGovernance()
    client.record_many([make_record(batch_id=0)])
    coming = iter([[1, 2], [], [3]])

    def pause() -> bool:
        batches = next(coming, None)
        if batches is None:
            return False
        client.record_many([make_record(batch_id=n) for n in batches])
        return True

    found = [r.batch_id for r in follow(client, "default", "orders", newest=10, pause=pause)]
    assert found == [0, 1, 2, 3]
