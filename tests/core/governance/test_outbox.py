"""What the outbox promises: in order, each at least once, none forgotten, memory bounded."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.config import OutboxConfig
from dc43_core.errors import ConfigurationError, CorruptFileError, GovernanceDownError
from dc43_core.governance.interface import GovernanceClient
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.governance.outbox import PATIENCE, Outbox
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Outcome

STREAM = "5f0c7e0e2f544f0f9d640c1f5c1f7a11"


class Unreliable(MemoryGovernance):
    """Takes a call if the next of `answers` says so, and every call after the last."""

    def __init__(self, *answers: bool) -> None:
        super().__init__()
        self.answers = list(answers)
        self.calls: list[int] = []
        self.problem: Exception = ConnectionError("governance is down")

    def record_many(self, records: Sequence[GovernanceRecord]) -> int:
        self.calls.append(len(records))
        if self.answers and not self.answers.pop(0):
            raise self.problem
        return super().record_many(records)


class LosesAnswers(MemoryGovernance):
    """Keeps the records of each second call, and fails before it can say so."""

    failed = False

    def record_many(self, records: Sequence[GovernanceRecord]) -> int:
        kept = super().record_many(records)
        self.failed = not self.failed
        if self.failed:
            raise TimeoutError("no answer")
        return kept


class RefusedError(Exception):
    """What a client raises that knows that waiting will not help."""

    retryable = False


@define
class Time:
    """Passes when someone waits, or says so."""

    now: float = 0.0
    slept: list[float] = field(factory=list)
    on_sleep: Callable[[], None] = lambda: None

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.on_sleep()


@define
class Stream:
    """Records beside a checkpoint, as a stream writes them: first the file, then the outbox."""

    client: GovernanceClient
    config: OutboxConfig = field(factory=OutboxConfig)
    time: Time = field(factory=Time)
    journal: Journal = field(factory=lambda: Journal(MemoryStore(), "memory:/checkpoint", STREAM))
    connect: Callable[[], GovernanceClient] | None = None

    def start(self) -> Outbox:
        return Outbox(
            self.connect or (lambda: self.client),
            self.journal,
            config=self.config,
            clock=self.time.clock,
            sleep=self.time.sleep,
        )

    def keep(self, *numbers: int) -> list[GovernanceRecord]:
        made = [make_record(stream_id=STREAM, batch_id=number) for number in numbers]
        return [self.journal.keep("committed", record) for record in made]


def kept(client: MemoryGovernance) -> list[int]:
    return [r.batch_id for r in client.records()]


# -- an outage that the data does not notice -------------------------------------------------------


def test_records_arrive_in_the_order_in_which_they_came_about():
    client = MemoryGovernance()
    stream = Stream(client)
    outbox = stream.start()
    assert outbox.relay(*stream.keep(0, 1))
    assert outbox.relay(*stream.keep(2))
    assert kept(client) == [0, 1, 2]
    assert outbox.depth == 0


def test_nothing_waiting_is_no_call():
    client = Unreliable()
    assert Stream(client).start().relay()
    assert client.calls == []


def test_an_outage_raises_nothing_keeps_everything_and_says_why():
    stream = Stream(Unreliable(False))
    outbox = stream.start()
    assert not outbox.relay(*stream.keep(0))
    assert not outbox.relay(*stream.keep(1, 2))
    assert outbox.depth == 3
    assert str(outbox.failure) == "governance is down"


def test_an_outage_is_waited_out_without_a_call_and_without_waiting():
    client = Unreliable(*[False] * 4)
    stream = Stream(client)
    outbox = stream.start()
    for number in range(100):
        outbox.relay(*stream.keep(number))
    assert len(client.calls) == 1
    assert stream.time.slept == []


def test_the_waits_double_up_to_the_longest():
    client = Unreliable(*[False] * 20)
    stream = Stream(client, OutboxConfig(first_wait=1, longest_wait=5))
    outbox = stream.start()
    outbox.relay(*stream.keep(0))
    tried = [stream.time.now]
    while len(tried) < 6:
        stream.time.now += 0.5
        before = len(client.calls)
        outbox.relay()
        if len(client.calls) > before:
            tried.append(stream.time.now)
    assert [b - a for a, b in itertools.pairwise(tried)] == [1, 2, 4, 5, 5]


def test_an_attempt_that_fails_slowly_is_waited_out_longer():
    """A client that hangs for 30 s at each attempt must not take half of the stream's time."""
    stream = Stream(Unreliable())

    def hang() -> GovernanceClient:
        stream.time.now += 30
        raise TimeoutError("no route")

    stream.connect = hang
    outbox = stream.start()
    outbox.relay(*stream.keep(0))
    stream.time.now += PATIENCE * 30 - 1
    before = stream.time.now
    outbox.relay(*stream.keep(1))
    assert stream.time.now == before
    stream.time.now += 1
    outbox.relay(*stream.keep(2))
    assert stream.time.now == before + 31


def test_success_forgets_the_waits():
    client = Unreliable(False, False, False, True, False, True)
    stream = Stream(client)
    outbox = stream.start()
    outbox.relay(*stream.keep(0))
    for _ in range(3):
        stream.time.now += 60
        outbox.relay()
    assert outbox.depth == 0
    assert outbox.failure is None
    outbox.relay(*stream.keep(1))
    stream.time.now += 1
    assert outbox.relay()


def test_after_an_outage_everything_arrives_in_order():
    client = Unreliable(False)
    stream = Stream(client)
    outbox = stream.start()
    outbox.relay(*stream.keep(0))
    outbox.relay(*stream.keep(1))
    stream.time.now += 1
    assert outbox.relay(*stream.keep(2))
    assert kept(client) == [0, 1, 2]


def test_the_end_of_a_stream_does_not_wait_for_its_turn():
    client = Unreliable(False)
    stream = Stream(client)
    outbox = stream.start()
    outbox.relay(*stream.keep(0))
    assert outbox.flush()
    assert kept(client) == [0]


def test_an_error_that_nobody_waits_away_is_tried_at_the_longest_wait():
    client = Unreliable(False)
    client.problem = RefusedError("no such tenant")
    stream = Stream(client)
    outbox = stream.start()
    outbox.relay(*stream.keep(0))
    stream.time.now += 59
    assert not outbox.relay()
    stream.time.now += 1
    assert outbox.relay()


def test_a_lost_answer_means_sent_again_and_kept_once():
    client = LosesAnswers()
    stream = Stream(client)
    outbox = stream.start()
    assert not outbox.relay(*stream.keep(0, 1))
    stream.time.now += 1
    assert outbox.relay(*stream.keep(2))
    assert kept(client) == [0, 1, 2]


def test_a_batch_that_is_told_again_is_not_sent_again():
    client = Unreliable()
    stream = Stream(client)
    outbox = stream.start()
    outbox.relay(*stream.keep(0, 1))
    assert outbox.relay(*stream.keep(1))
    assert client.calls == [2]


def test_a_blocked_batch_and_its_release_are_two_records_in_order():
    client = MemoryGovernance()
    stream = Stream(client)
    blocked = make_record(
        stream_id=STREAM,
        batch_id=0,
        outcome=Outcome.BLOCKED,
        details={},
    )
    outbox = stream.start()
    outbox.relay(stream.journal.keep("blocked", blocked))
    outbox.relay(*stream.keep(0))
    assert [r.outcome for r in client.records()] == [Outcome.BLOCKED, Outcome.COMMITTED]


# -- the bound -------------------------------------------------------------------------------------


def test_memory_is_bounded_and_the_rest_comes_from_the_files():
    client = Unreliable(False)
    stream = Stream(client, OutboxConfig(bound=7))
    outbox = stream.start()
    for number in range(100):
        outbox.relay(*stream.keep(number))
        assert len(outbox._waiting) <= 7
    assert outbox.depth == 100
    stream.time.now += 1
    assert outbox.relay()
    assert kept(client) == list(range(100))
    assert outbox.depth == 0


def test_an_outage_between_two_portions_keeps_the_rest_only():
    client = Unreliable(True, False)
    stream = Stream(client, OutboxConfig(bound=500))
    outbox = stream.start()
    assert not outbox.relay(*stream.keep(*range(1201)))
    assert outbox.depth == 701
    stream.time.now += 1
    assert outbox.relay(*stream.keep(1201))
    assert kept(client) == list(range(1202))


@given(
    answers=st.lists(st.booleans(), max_size=8),
    sizes=st.lists(st.integers(0, 3), max_size=8),
    bound=st.integers(1, 4),
    restarts=st.sets(st.integers(0, 8)),
)
def test_whenever_it_fails_the_order_holds_and_none_is_lost(answers, sizes, bound, restarts):
    client = Unreliable(*answers)
    stream = Stream(client, OutboxConfig(bound=bound))
    outbox = stream.start()
    given_out = 0
    for step, size in enumerate(sizes):
        if step in restarts:
            outbox = stream.start()
            outbox.open()
        stream.time.now += 1_000
        delivered = outbox.relay(*stream.keep(*range(given_out, given_out + size)))
        given_out += size
        assert delivered == (outbox.depth == 0)
        assert kept(client) == list(range(given_out - outbox.depth))
    client.answers.clear()
    assert outbox.flush()
    assert kept(client) == list(range(given_out))


# -- a start ---------------------------------------------------------------------------------------


def test_a_start_sends_what_the_ledger_lacks_and_no_more():
    client = Unreliable()
    stream = Stream(client)
    records = stream.keep(*range(10))
    MemoryGovernance.record_many(client, [r for r in records if r.batch_id not in {3, 8}])
    outbox = stream.start()
    outbox.open()
    assert client.calls == [2]
    assert sorted(kept(client)) == list(range(10))


def test_a_start_during_an_outage_counts_all_until_the_ledger_can_be_asked():
    down = True

    def connect() -> GovernanceClient:
        if down:
            raise ConnectionError("no route")
        return client

    client = Unreliable()
    stream = Stream(client, connect=connect)
    client.record_many(stream.keep(0, 1))
    stream.keep(2)
    outbox = stream.start()
    outbox.open()
    assert outbox.depth == 3
    outbox.relay(*stream.keep(3))
    assert outbox.depth == 4
    down = False
    stream.time.now += 60
    assert outbox.relay()
    assert kept(client) == [0, 1, 2, 3]


def test_a_start_refuses_a_client_that_waiting_does_not_mend():
    def connect() -> GovernanceClient:
        raise ConfigurationError("dc43.toml", ["governance.ledger: no such option"])

    with pytest.raises(ConfigurationError):
        Stream(MemoryGovernance(), connect=connect).start().open()


def test_a_record_that_cannot_be_read_is_no_outage():
    stream = Stream(MemoryGovernance())
    stream.journal.store.create_if_absent(stream.journal.path("committed", 0), b"{")
    with pytest.raises(CorruptFileError):
        stream.start().open()


@pytest.mark.parametrize("kind", [MemoryGovernance, LosesAnswers])
@pytest.mark.parametrize("restarts", [False, True], ids=["same start", "at a restart"])
def test_500_batches_of_outage_arrive_whole_and_in_order(
    kind: type[MemoryGovernance], restarts: bool
):
    down = True
    client = kind()

    def connect() -> GovernanceClient:
        if down:
            raise ConnectionError("no route")
        return client

    stream = Stream(client, OutboxConfig(bound=60), connect=connect)
    outbox = stream.start()
    for number in range(500):
        assert not outbox.relay(*stream.keep(number))
    down = False
    if restarts:
        outbox = stream.start()
    while not outbox.flush():
        pass
    assert kept(client) == list(range(500))
    assert outbox.depth == 0


# -- an outage that stops the data -----------------------------------------------------------------

BLOCK = OutboxConfig(on_outage="block", retries=3, first_wait=1, longest_wait=60)


def test_block_waits_for_governance_and_goes_on_when_it_is_back():
    client = Unreliable(False, False)
    stream = Stream(client, BLOCK)
    outbox = stream.start()
    outbox.relay(*stream.keep(0))
    outbox.require()
    assert stream.time.slept == [2]
    assert kept(client) == [0]


def test_block_gives_up_after_the_retries_with_one_error():
    stream = Stream(Unreliable(*[False] * 9), BLOCK)
    outbox = stream.start()
    outbox.relay(*stream.keep(0))
    with pytest.raises(GovernanceDownError, match="after 4 attempts: governance is down") as caught:
        outbox.require()
    assert stream.time.slept == [2, 4, 8]
    assert (caught.value.waiting, caught.value.exit_code) == (1, 3)


def test_block_asks_how_governance_is_even_when_nothing_waits():
    class Unwell(MemoryGovernance):
        def health(self) -> str | None:
            return "its tables are gone"

    with pytest.raises(GovernanceDownError, match="its tables are gone"):
        Stream(Unwell(), BLOCK).start().require()


def test_block_does_not_wait_for_what_waiting_does_not_mend():
    client = Unreliable(False, False)
    client.problem = RefusedError("no such tenant")
    stream = Stream(client, BLOCK)
    outbox = stream.start()
    outbox.relay(*stream.keep(0))
    with pytest.raises(GovernanceDownError, match="after 1 attempts"):
        outbox.require()
    assert stream.time.slept == []


def test_outbox_never_requires_anything():
    stream = Stream(Unreliable(False))
    outbox = stream.start()
    outbox.relay(*stream.keep(0))
    outbox.require()
    assert outbox.depth == 1
