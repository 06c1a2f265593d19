"""What the outbox promises: in order, each at least once, none forgotten."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from dc43_core.governance.memory import MemoryGovernance
from dc43_core.governance.outbox import Outbox
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.testing.records import make_record


class Unreliable(MemoryGovernance):
    """Takes a call if the next of `answers` says so, and every call after the last."""

    def __init__(self, *answers: bool) -> None:
        super().__init__()
        self.answers = list(answers)
        self.calls: list[int] = []

    def record_many(self, records: Sequence[GovernanceRecord]) -> int:
        self.calls.append(len(records))
        if self.answers and not self.answers.pop(0):
            raise ConnectionError("governance is down")
        return super().record_many(records)


class LosesAnswers(MemoryGovernance):
    """Keeps the records of its first call, and fails before it can say so."""

    failed = False

    def record_many(self, records: Sequence[GovernanceRecord]) -> int:
        kept = super().record_many(records)
        if not self.failed:
            self.failed = True
            raise TimeoutError("no answer")
        return kept


def batches(*numbers: int) -> list[GovernanceRecord]:
    return [make_record(batch_id=number) for number in numbers]


def kept(client: MemoryGovernance) -> list[int]:
    return [r.batch_id for r in client.records()]


def test_records_arrive_in_the_order_in_which_they_were_given():
    client = MemoryGovernance()
    outbox = Outbox(client)
    outbox.backfill(batches(4, 2))
    assert outbox.relay(batches(9, 1))
    assert kept(client) == [4, 2, 9, 1]
    assert outbox.depth == 0


def test_nothing_waiting_is_no_call():
    client = Unreliable()
    assert Outbox(client).relay()
    assert client.calls == []


def test_an_outage_raises_nothing_and_keeps_everything():
    outbox = Outbox(Unreliable(False, False))
    assert not outbox.relay(batches(0))
    assert not outbox.relay(batches(1, 2))
    assert outbox.depth == 3


def test_after_an_outage_everything_arrives_in_order():
    client = Unreliable(False, False)
    outbox = Outbox(client)
    outbox.relay(batches(0))
    outbox.relay(batches(1))
    assert outbox.relay(batches(2))
    assert kept(client) == [0, 1, 2]
    assert outbox.depth == 0


def test_backfill_sends_nothing_by_itself():
    client = Unreliable()
    outbox = Outbox(client)
    outbox.backfill(batches(0, 1))
    assert client.calls == []
    assert outbox.depth == 2


def test_a_long_backfill_goes_in_portions():
    client = Unreliable()
    assert Outbox(client).relay(batches(*range(1201)))
    assert client.calls == [500, 500, 201]
    assert kept(client) == list(range(1201))


def test_an_outage_between_portions_keeps_the_rest_only():
    client = Unreliable(True, False)
    outbox = Outbox(client)
    assert not outbox.relay(batches(*range(1201)))
    assert outbox.depth == 701
    assert outbox.relay()
    assert kept(client) == list(range(1201))


def test_records_the_client_has_already_are_not_doubled():
    client = MemoryGovernance()
    client.record_many(batches(0, 1))
    outbox = Outbox(client)
    outbox.backfill(batches(0, 1, 2))
    assert outbox.relay(batches(2, 3))
    assert kept(client) == [0, 1, 2, 3]


def test_a_lost_answer_means_sent_again_and_kept_once():
    client = LosesAnswers()
    outbox = Outbox(client)
    assert not outbox.relay(batches(0, 1))
    assert outbox.relay(batches(2))
    assert kept(client) == [0, 1, 2]


@given(
    answers=st.lists(st.booleans(), max_size=8),
    sizes=st.lists(st.integers(0, 3), max_size=8),
)
def test_whenever_it_fails_the_order_holds_and_none_is_lost(answers, sizes):
    client = Unreliable(*answers)
    outbox = Outbox(client)
    given_out = 0
    for size in sizes:
        delivered = outbox.relay(batches(*range(given_out, given_out + size)))
        given_out += size
        assert delivered == (outbox.depth == 0)
        assert kept(client) == list(range(given_out - outbox.depth))
    client.answers.clear()
    assert outbox.relay()
    assert kept(client) == list(range(given_out))
