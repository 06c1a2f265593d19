"""One micro-batch from hand-over to publication, on the engine of plain lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dc43_core.config import Config
from dc43_core.data_quality.local import LocalDataQuality
from dc43_core.errors import BatchBlockedError, SupersededError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.pipeline import GovernedStream, open_stream
from dc43_core.plugin_manager import Plugins, load_plugins
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.sink_log import FileSink
from dc43_core.protocol.steps import FAILPOINTS
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import CHECKS, FakeStager, Row, read_rows
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Decision, Lane, Outcome, RunType, Verdict

CHECKPOINT, MAIN, REJECTS = "memory:/checkpoint", "memory:/main", "memory:/rejects"
ENFORCE, OBSERVE = Policy(run_type=RunType.ENFORCE), Policy(run_type=RunType.OBSERVE)
PLUGINS: list[Plugins] = []


class Crash(BaseException):
    """The process dies here."""


class World:
    """What outlives a driver: the files."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def start(
        self,
        policy: Policy = ENFORCE,
        *strategies: Any,
        rejects: bool = True,
        contract: str = ORDERS,
        data_quality: Any = None,
        failpoint: Callable[[str, int], None] = lambda name, batch_id: None,
        explicit: bool = True,
    ) -> GovernedStream[Sequence[Row]]:
        """Start a driver."""
        if not PLUGINS:
            PLUGINS.append(load_plugins(allowed=()))
        runtime = Runtime(
            config=Config(),
            plugins=PLUGINS[0],
            governance=MemoryGovernance(),
            data_quality=data_quality or LocalDataQuality(),
        )
        plan = runtime.plan(runtime.contracts().parse("orders", contract.encode()))
        sinks = {Lane.MAIN: FileSink(self.store, MAIN, ".jsonl")}
        if rejects:
            sinks[Lane.REJECTS] = FileSink(self.store, REJECTS, ".jsonl")
        return open_stream(
            runtime=runtime,
            plan=plan,
            stager=FakeStager(store=self.store, plan=plan, kinds=runtime.kinds),
            store=self.store,
            checkpoint=CHECKPOINT,
            sinks=sinks,
            policy=policy,
            strategies=[
                NamedStrategy(name=type(s).__name__, strategy=s, explicit=explicit)
                for s in strategies
            ],
            failpoint=failpoint,
        )

    def landed(self, uri: str = MAIN) -> list[dict[str, Any]]:
        """What readers of a sink see."""
        sink = FileSink(self.store, uri, ".jsonl")
        return [row for path in sink.log.files() for row in read_rows(self.store, path)]

    def ids(self, uri: str = MAIN) -> list[Any]:
        return [row["id"] for row in self.landed(uri)]

    def staged(self) -> list[str]:
        found = []
        for stream in self.store.list(f"{MAIN}/_dc43/staging"):
            found += [attempt.name for attempt in self.store.list(stream.path)]
        return found


@pytest.fixture
def world() -> World:
    return World()


def order(id_: Any, amount: Any = 1, state: Any = "open") -> dict[str, Any]:
    return {"id": id_, "amount": amount, "state": state}


GOOD = [order(1), order(2)]
BAD = [order(3), order(4, None)]
OPTIONAL_AMOUNT = ORDERS.replace("required: true, ", "").replace("1.0.0", "1.1.0")


def crash_at(point: str) -> Callable[[str, int], None]:
    def failpoint(name: str, batch_id: int) -> None:
        if name == point:
            raise Crash

    return failpoint


def blocked(stream: GovernedStream[Sequence[Row]], rows: Sequence[Row], batch_id: int = 0) -> Any:
    with pytest.raises(BatchBlockedError) as caught:
        stream.process(rows, batch_id)
    return caught.value


# Landing


def test_good_rows_land_in_main_and_broken_ones_in_rejects(world: World):
    record = world.start().process(GOOD + BAD, 0)
    assert (world.ids(), world.ids(REJECTS)) == ([1, 2, 3], [4])
    assert (record.outcome, record.verdict) == (Outcome.COMMITTED, Verdict.WARN)


def test_rejects_keep_the_ids_of_what_they_broke(world: World):
    world.start().process([order(4, None, "lost")], 0)
    assert [row[CHECKS] for row in world.landed(REJECTS)] == [["amount.required", "state.enum"]]


def test_main_holds_the_contract_s_columns_alone(world: World):
    world.start().process([{**order(1), "colour": "blue"}], 0)
    assert [set(row) for row in world.landed()] == [{"id", "amount", "state"}]


def test_observe_lets_broken_rows_pass_and_counts_them(world: World):
    record = world.start(OBSERVE, rejects=False).process(BAD, 0)
    assert sorted(world.ids()) == [3, 4]
    assert (record.main_count, record.valid_count, record.reject_count) == (2, 1, 0)
    assert record.violations_by_check == {"amount.required": 1}


def test_the_first_row_of_a_key_wins_and_a_rejected_row_occupies_none(world: World):
    rows = [order(1, None), order(1, 5), order(1, 6), order(None, 7)]
    world.start().process(rows, 0)
    assert world.landed() == [order(1, 5)]
    assert {row["amount"] for row in world.landed(REJECTS)} == {None, 6, 7}


def test_the_dataset_version_is_the_sink_s_number(world: World):
    stream = world.start()
    assert [stream.process(GOOD, n).dataset_version for n in (0, 1)] == ["0", "1"]


def test_a_batch_of_rejects_alone_marks_main_with_an_empty_file(world: World):
    record = world.start().process([order(4, None)], 0)
    assert (world.ids(), world.ids(REJECTS)) == ([], [4])
    assert (record.main_count, record.reject_count, record.dataset_version) == (0, 1, "0")
    assert len(FileSink(world.store, MAIN, ".jsonl").log.files()) == 1


def test_an_empty_batch_is_committed(world: World):
    record = world.start().process([], 0)
    assert (record.outcome, record.verdict, record.row_count) == (
        Outcome.COMMITTED,
        Verdict.OK,
        0,
    )


def test_rejects_are_visible_before_main(world: World):
    stream = world.start(failpoint=crash_at("rejects-published"))
    with pytest.raises(Crash):
        stream.process(BAD, 0)
    assert (world.ids(), world.ids(REJECTS)) == ([], [4])


def test_the_failpoints_are_passed_in_their_order(world: World):
    passed: list[str] = []
    stream = world.start(failpoint=lambda name, batch_id: passed.append(name))
    stream.process(BAD, 0)
    assert passed == [name for name in FAILPOINTS if name != "blocked"]


VALUES = st.one_of(
    st.none(), st.integers(-3, 3), st.floats(allow_nan=True), st.booleans().map(lambda b: 10 + b)
)
ROWS = st.lists(
    st.builds(
        order,
        st.none() | st.integers(0, 3),
        VALUES,
        st.sampled_from(["open", "paid", "lost", "", None]),
    ),
    max_size=6,
)


def spelt(rows: Sequence[Mapping[str, Any]]) -> Counter[str]:
    columns = ("id", "amount", "state")
    return Counter(repr([row[name] for name in columns]) for row in rows)


@settings(max_examples=50)
@given(batches=st.lists(ROWS, max_size=3), run_type=st.sampled_from(RunType))
def test_each_row_handed_over_lands_once_and_the_counts_say_so(
    batches: list[list[Row]], run_type: RunType
):
    world = World()
    stream = world.start(Policy(run_type=run_type))
    for batch_id, rows in enumerate(batches):
        before = len(world.landed()), len(world.landed(REJECTS))
        record = stream.process(rows, batch_id)
        after = len(world.landed()), len(world.landed(REJECTS))
        assert (before[0] + record.main_count, before[1] + record.reject_count) == after
        assert record.row_count == len(rows)
    handed_over = [row for rows in batches for row in rows]
    assert spelt(handed_over) == spelt(world.landed() + world.landed(REJECTS))


# Replay


def test_a_committed_batch_is_skipped_whatever_comes(world: World):
    first = world.start().process(GOOD, 0)
    assert world.start().process([order(9)], 0).payload() == first.payload()
    assert world.ids() == [1, 2]


@pytest.mark.parametrize("point", ["prepared", "rejects-published", "main-published"])
def test_a_prepared_batch_rolls_forward_without_judging_again(world: World, point: str):
    with pytest.raises(Crash):
        world.start(failpoint=crash_at(point)).process(BAD, 0)
    world.store.crash()
    # A source that was rewritten meanwhile, and a contract that asks otherwise, change nothing.
    record = world.start(contract=OPTIONAL_AMOUNT).process([order(9)], 0)
    assert (world.ids(), world.ids(REJECTS)) == ([3], [4])
    assert record.contract_version == "1.0.0"


@pytest.mark.parametrize("point", ["staged", "decided", "finished", "synced"])
def test_a_batch_that_was_not_prepared_is_taken_afresh(world: World, point: str):
    with pytest.raises(Crash):
        world.start(failpoint=crash_at(point)).process(BAD, 0)
    world.store.crash()
    world.start().process(GOOD, 0)
    assert (world.ids(), world.ids(REJECTS)) == ([1, 2], [])


def test_staging_is_swept_when_the_batch_is_committed(world: World):
    with pytest.raises(Crash):
        world.start(failpoint=crash_at("staged")).process(BAD, 0)
    assert world.staged() != []
    world.start().process(BAD, 0)
    assert world.staged() == []


def test_the_staging_of_a_later_batch_is_not_swept(world: World):
    stream = world.start()
    folder = f"{MAIN}/_dc43/staging/{stream.protocol.identity.stream_id}/1-other"
    world.store.write(f"{folder}/file", b"")
    stream.process(GOOD, 0)
    assert world.staged() == ["1-other"]


def test_a_fault_of_the_engine_leaves_nothing_visible(world: World):
    def disk_full(operation: str, path: str) -> None:
        if operation == "write":
            raise OSError("No space left on device")

    stream = world.start()
    world.store.before = disk_full
    with pytest.raises(OSError, match="No space"):
        stream.process(GOOD, 0)
    assert world.ids() == []
    assert stream.protocol.journal.prepared(0) is None


# Blocking


def test_a_blocked_batch_leaves_no_trace_and_names_its_record(world: World):
    stream = world.start(rejects=False)
    error = blocked(stream, BAD)
    record = stream.protocol.journal.blocked(0)
    assert record is not None
    assert error.record_id == record.record_id
    assert record.record_id in str(error)
    assert (record.main_count, record.reject_count, record.dataset_version) == (0, 0, None)
    assert FileSink(world.store, MAIN, ".jsonl").newest() == -1
    assert stream.protocol.journal.prepared(0) is None


def test_a_blocked_batch_keeps_its_staging_and_its_record_says_where(world: World):
    stream = world.start(rejects=False)
    blocked(stream, BAD)
    record = stream.protocol.journal.blocked(0)
    assert record is not None
    assert world.store.list(record.details["staging"])


def test_the_reason_is_durable_before_it_is_raised(world: World):
    with pytest.raises(Crash):
        world.start(rejects=False, failpoint=crash_at("blocked")).process(BAD, 0)
    world.store.crash()
    record = world.start(rejects=False).protocol.journal.blocked(0)
    assert record is not None
    assert record.intervention is not None
    assert "amount must not be missing" in record.intervention


def test_a_restart_of_a_blocked_batch_makes_no_second_record(world: World):
    first = blocked(world.start(rejects=False), BAD)
    stream = world.start(rejects=False)
    second = blocked(stream, BAD)
    assert first.record_id == second.record_id
    assert len(list(stream.protocol.journal.records())) == 1
    assert len(world.staged()) == 1


def test_a_blocked_batch_is_published_under_a_new_version_of_the_contract(world: World):
    blocked(world.start(rejects=False), BAD)
    stream = world.start(rejects=False, contract=OPTIONAL_AMOUNT)
    record = stream.process(BAD, 0)
    assert world.ids() == [3, 4]
    assert (record.contract_version, record.outcome) == ("1.1.0", Outcome.COMMITTED)
    assert [r.outcome for r in stream.protocol.journal.records()] == [
        Outcome.BLOCKED,
        Outcome.COMMITTED,
    ]
    assert world.staged() == []


def test_a_missing_required_column_blocks_in_enforce(world: World):
    error = blocked(world.start(), [{"id": 1, "state": "open"}])
    assert "column amount: is missing and required" in error.reason


def test_a_missing_required_column_is_an_error_in_observe(world: World):
    record = world.start(OBSERVE).process([{"id": 1, "state": "open"}], 0)
    assert record.errors == ("column amount: is missing and required",)
    assert world.ids(REJECTS) == [1]


def test_drift_may_send_the_whole_batch_to_rejects(world: World):
    policy = Policy(run_type=RunType.ENFORCE, on_incompatible="reject")
    record = world.start(policy).process([{"id": 1, "state": "open"}], 0)
    assert (world.ids(), world.ids(REJECTS)) == ([], [1])
    assert (record.outcome, record.verdict) == (Outcome.COMMITTED, Verdict.WARN)


# Those who judge and decide


class BadBatches:
    """Counts bad batches, and tells what it was told."""

    def __init__(self, block_at: int = 99) -> None:
        self.block_at = block_at
        self.told: list[tuple[int, dict[str, Any], list[int]]] = []

    def decide(self, context: DecisionContext) -> Intervention:
        known = [entry["batch_id"] for entry in context.history]
        self.told.append((context.batch_id, dict(context.state), known))
        count = context.state.get("count", 0) + context.bad
        block = count >= self.block_at
        return Intervention(
            decision=Decision.BLOCK if block else Decision.CONTINUE,
            reason=f"{count} bad batches" if block else None,
            state={"count": count},
        )


def test_a_strategy_s_state_survives_a_restart(world: World):
    world.start(OBSERVE, BadBatches()).process(BAD, 0)
    strategy = BadBatches()
    world.start(OBSERVE, strategy).process(BAD, 1)
    assert strategy.told == [(1, {"count": 1}, [0])]


def test_a_replayed_batch_does_not_count_twice(world: World):
    world.start(OBSERVE, BadBatches(block_at=2)).process(BAD, 0)
    for _ in range(2):
        strategy = BadBatches(block_at=2)
        blocked(world.start(OBSERVE, strategy), BAD, 1)
        assert strategy.told == [(1, {"count": 1}, [0])]


def test_a_batch_that_was_blocked_and_published_is_one_batch_before(world: World):
    blocked(world.start(OBSERVE, BadBatches(block_at=1)), BAD, 0)
    world.start(OBSERVE, BadBatches()).process(BAD, 0)
    strategy = BadBatches()
    world.start(OBSERVE, strategy).process(GOOD, 1)
    assert strategy.told == [(1, {"count": 1}, [0])]


def test_the_state_is_committed_with_the_batch(world: World):
    with pytest.raises(Crash):
        world.start(OBSERVE, BadBatches(), failpoint=crash_at("synced")).process(BAD, 0)
    strategy = BadBatches()
    world.start(OBSERVE, strategy).process(BAD, 0)
    assert strategy.told == [(0, {}, [])]


class Answer:
    """Always answers the same."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def decide(self, context: DecisionContext) -> Any:
        return self.answer


def test_a_plain_text_means_block(world: World):
    assert blocked(world.start(OBSERVE, Answer("too hot")), GOOD).reason == "Answer: too hot"


def test_a_decision_may_be_a_plain_word(world: World):
    word: Any = "block"
    answer = Answer(Intervention(decision=word, reason="too hot"))
    assert blocked(world.start(OBSERVE, answer), GOOD).reason == "Answer: too hot"


def test_no_answer_means_continue(world: World):
    assert world.start(ENFORCE, Answer(None)).process(GOOD, 0).decision is Decision.CONTINUE


def test_a_configured_strategy_cannot_block_what_is_observed(world: World):
    record = world.start(OBSERVE, Answer("too hot"), explicit=False).process(GOOD, 0)
    assert (record.verdict, record.warnings) == (Verdict.WARN, ("Answer: too hot",))


class Failing:
    """A data-quality client and a strategy that fails."""

    def findings(self, *arguments: object) -> Any:
        raise OSError("no route to host")

    decide = findings


class Wrong:
    """A data-quality client and a strategy that answers nonsense."""

    def decide(self, context: DecisionContext) -> Any:
        return 42


class Misspelt:
    """A strategy that knows no such word."""

    def decide(self, context: DecisionContext) -> Any:
        word: Any = "blok"
        return Intervention(decision=word, reason="too hot")


NO_JSON = Answer(Intervention(state={"seen": {1, 2}}))
FAULTS = [
    pytest.param((), Failing(), "data-quality client: OSError: no route", id="data-quality-client"),
    pytest.param((Failing(),), None, "strategy Failing: OSError: no route", id="strategy"),
    pytest.param((Wrong(),), None, "strategy Wrong: TypeError: .*42", id="nonsense"),
    pytest.param((Misspelt(),), None, "strategy Misspelt: ValueError: 'blok'", id="misspelt"),
    pytest.param((NO_JSON,), None, "strategy Answer: TypeError: .* set", id="no-json"),
]


@pytest.mark.parametrize(("strategies", "client", "told"), FAULTS)
def test_without_a_verdict_the_batch_is_blocked_in_enforce(
    world: World, strategies: Sequence[Any], client: Any, told: str
):
    stream = world.start(ENFORCE, *strategies, data_quality=client)
    with pytest.raises(BatchBlockedError, match=told):
        stream.process(GOOD, 0)
    record = stream.protocol.journal.blocked(0)
    assert record is not None
    assert record.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("strategies", "client", "told"), FAULTS)
def test_without_a_verdict_the_batch_is_recorded_as_unknown_in_observe(
    world: World, strategies: Sequence[Any], client: Any, told: str
):
    stream = world.start(OBSERVE, *strategies, data_quality=client)
    record = stream.process(GOOD, 0)
    assert (record.outcome, record.verdict) == (Outcome.COMMITTED, Verdict.UNKNOWN)
    assert world.ids() == [1, 2]
    assert not stream.result.ok


def test_a_client_that_finds_nothing_cannot_pass_broken_rows_as_ok(world: World):
    class Lenient(LocalDataQuality):
        def findings(self, *arguments: object) -> Any:
            return []

    record = world.start(ENFORCE, data_quality=Lenient()).process(BAD, 0)
    assert (record.verdict, world.ids()) == (Verdict.WARN, [3])
    blocked(world.start(ENFORCE, data_quality=Lenient(), rejects=False), BAD, 1)


# Two drivers


def test_a_superseded_driver_stops(world: World):
    old = world.start()
    world.start()
    with pytest.raises(SupersededError, match="start 1, the newest is 2"):
        old.process(GOOD, 0)
    assert world.ids() == []


def test_a_driver_superseded_while_it_stages_publishes_nothing(world: World):
    def start_another(name: str, batch_id: int) -> None:
        if name == "synced":
            world.start()

    with pytest.raises(SupersededError):
        world.start(failpoint=start_another).process(GOOD, 0)
    assert world.ids() == []


def race(second: Sequence[Row], at: int) -> World | None:
    """Let a second driver take the batch at one file operation of the first; None past the last."""
    world, passed = World(), 0

    def at_operation(operation: str, path: str) -> None:
        nonlocal passed
        passed += 1
        if passed == at + 1:
            world.store.before = lambda operation, path: None
            world.start().process(second, 0)

    first = world.start()
    world.store.before = at_operation
    try:
        first.process(GOOD + BAD, 0)
    except (SupersededError, FileNotFoundError, KeyError):
        # It saw the other, or missed the staged files that the other swept.
        pass
    return world if passed > at else None


def test_two_drivers_that_race_on_one_batch_land_it_once():
    races = 0
    while (world := race(GOOD + BAD, races)) is not None:
        assert (sorted(world.ids()), world.ids(REJECTS)) == ([1, 2, 3], [4]), races
        races += 1
    assert races > 10


def test_the_driver_that_prepares_first_decides_what_lands():
    races, outcomes = 0, set()
    while (world := race([order(9)], races)) is not None:
        outcomes.add((tuple(sorted(world.ids())), tuple(world.ids(REJECTS))))
        races += 1
    assert outcomes == {((1, 2, 3), (4,)), ((9,), ())}
