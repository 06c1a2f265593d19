"""What foreign code around a batch may do: fail, interrupt, meddle; and what is seen of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from attrs import define, field, frozen

from dc43_core.config import Config
from dc43_core.data_quality.local import LocalDataQuality
from dc43_core.data_quality.model import Finding, ValidationResult
from dc43_core.errors import BatchBlockedError, described
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.interventions.model import DecisionContext, Intervention
from dc43_core.pipeline import GovernedStream, OnBatch, open_stream
from dc43_core.plugin_manager import Plugins, load_plugins
from dc43_core.protocol.disposition import Policy
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.sink_log import FileSink
from dc43_core.protocol.steps import FAILPOINTS
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_engine import FakeStager, Row, read_rows
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.vocabulary import Lane, Outcome, RunType, Verdict

CHECKPOINT, MAIN, REJECTS = "memory:/checkpoint", "memory:/main", "memory:/rejects"
PLUGINS: list[Plugins] = []


class Custom(BaseException):
    """Somebody's own."""


class UnspeakableError(Exception):
    """Its message cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class UnspeakableExit(SystemExit):
    def __str__(self) -> str:
        raise RuntimeError("no words")


INTERRUPTIONS = (KeyboardInterrupt, SystemExit, GeneratorExit, Custom, UnspeakableExit)
FAULTS = (StopIteration, UnspeakableError, RuntimeError, StopAsyncIteration)


@frozen
class Raises:
    """Every role of foreign code at once: whatever it is asked for, it raises."""

    what: type[BaseException]

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise self.what

    decide = findings = export = record_many = __call__


class FailingGovernance(MemoryGovernance):
    def __init__(self, what: type[BaseException]) -> None:
        super().__init__()
        self.record_many = Raises(what)  # type: ignore[method-assign]


@define(eq=False)
class World:
    """What outlives a driver."""

    store: MemoryStore = field(factory=MemoryStore)
    governance: MemoryGovernance = field(factory=MemoryGovernance)

    def start(
        self,
        *,
        run_type: RunType = RunType.ENFORCE,
        strategy: Any = None,
        data_quality: Any = None,
        governance: Any = None,
        exporter: Any = None,
        on_batch: OnBatch | None = None,
        failpoint: Callable[[str, int], None] | None = None,
        gone: Sequence[str] = (),
    ) -> GovernedStream[Sequence[Row]]:
        if not PLUGINS:
            PLUGINS.append(load_plugins(allowed=()))
        runtime = Runtime(
            config=Config(),
            plugins=PLUGINS[0],
            governance=governance or self.governance,
            data_quality=data_quality or LocalDataQuality(),
        )
        plan = runtime.plan(runtime.contracts().parse("orders", ORDERS.encode()))
        stager = FakeStager(store=self.store, plan=plan, kinds=runtime.kinds, gone=gone)
        stream = open_stream(
            runtime=runtime,
            plan=plan,
            stager=stager,
            store=self.store,
            checkpoint=CHECKPOINT,
            sinks={
                Lane.MAIN: FileSink(self.store, MAIN, ".jsonl"),
                Lane.REJECTS: FileSink(self.store, REJECTS, ".jsonl"),
            },
            policy=Policy(run_type=run_type),
            strategies=[NamedStrategy(name="s", strategy=strategy)] if strategy else [],
            on_batch=on_batch,
            failpoint=failpoint,
        )
        if exporter is not None:
            stream.exporters = [("e", exporter)]
        return stream

    def ids(self) -> list[Any]:
        files = FileSink(self.store, MAIN, ".jsonl").log.files()
        return [row["id"] for path in files for row in read_rows(self.store, path)]


@pytest.fixture
def world() -> World:
    return World()


def order(number: int) -> dict[str, Any]:
    return {"id": number, "amount": 1, "state": "open"}


ROWS = [order(1), order(2)]


def one(role: str, foreign: object) -> dict[str, Any]:
    return {role: foreign}


# -- interrupted -----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", INTERRUPTIONS)
@pytest.mark.parametrize(
    "role", ["on_batch", "strategy", "data_quality", "exporter", "governance", "failpoint"]
)
def test_an_interruption_anywhere_is_raised_seen_and_made_good_by_the_next_start(
    world: World, role: str, what: type[BaseException]
) -> None:
    foreign = FailingGovernance(what) if role == "governance" else Raises(what)
    stream = world.start(**one(role, foreign))

    with pytest.raises(what):
        stream.process(ROWS, 0)
    result = stream.result
    assert (result.ok, result.status) == (False, Verdict.UNKNOWN)
    assert result.reason == f"batch 0 failed: {what.__name__}"
    assert result.details["outcome"] == Outcome.FAILED
    assert isinstance(stream.failure, what)
    decided = role in ("on_batch", "exporter", "governance")
    assert world.ids() == ([1, 2] if decided else [])

    again = world.start()
    again.process(ROWS, 0)
    assert (world.ids(), again.result.ok) == ([1, 2], True)
    assert [r.batch_id for r in world.governance.records()] == [0]


@pytest.mark.parametrize("point", [p for p in FAILPOINTS if p != "blocked"])
def test_an_interruption_at_any_step_leaves_no_ok_behind(world: World, point: str) -> None:
    def failpoint(name: str, batch_id: int) -> None:
        if name == point:
            raise KeyboardInterrupt

    stream = world.start(failpoint=failpoint)
    with pytest.raises(KeyboardInterrupt):
        stream.process(ROWS, 0)
    assert (stream.result.ok, stream.result.details["outcome"]) == (False, Outcome.FAILED)


def test_an_interrupted_listener_of_a_blocked_batch_leaves_it_blocked(world: World) -> None:
    stream = world.start(on_batch=Raises(KeyboardInterrupt), strategy=Blocks())
    with pytest.raises(KeyboardInterrupt):
        stream.process(ROWS, 0)
    assert not stream.result.ok
    with pytest.raises(BatchBlockedError, match="as I said"):
        world.start(strategy=Blocks()).process(ROWS, 0)
    assert world.ids() == []


# -- failed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("role", ["on_batch", "exporter"])
def test_a_listener_that_fails_is_counted_whatever_it_raises(
    world: World, role: str, what: type[BaseException]
) -> None:
    stream = world.start(**one(role, Raises(what)))
    for batch_id in (0, 1):
        stream.process([order(batch_id)], batch_id)
    who = {"on_batch": "on_streaming_batch", "exporter": "exporter e"}[role]
    assert stream.result.details["listener_failures"] == {who: 2}
    assert (stream.result.ok, world.ids()) == (True, [0, 1])


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("role", ["strategy", "data_quality"])
def test_a_judge_that_fails_blocks_in_enforce_whatever_it_raises(
    world: World, role: str, what: type[BaseException]
) -> None:
    stream = world.start(**one(role, Raises(what)))
    with pytest.raises(BatchBlockedError, match=what.__name__) as caught:
        stream.process(ROWS, 0)
    assert caught.value.record_id in str(caught.value)
    assert stream.result.details["record_id"] == caught.value.record_id
    assert (stream.result.status, stream.result.ok) == (Verdict.UNKNOWN, False)
    assert what.__name__ in str(stream.result.reason)
    assert world.ids() == []


@pytest.mark.parametrize("what", FAULTS)
@pytest.mark.parametrize("role", ["strategy", "data_quality"])
def test_a_judge_that_fails_in_observe_leaves_no_verdict(
    world: World, role: str, what: type[BaseException]
) -> None:
    stream = world.start(run_type=RunType.OBSERVE, **one(role, Raises(what)))
    record = stream.process(ROWS, 0)
    assert (record.verdict, stream.result.ok) == (Verdict.UNKNOWN, False)
    assert world.ids() == [1, 2]


@pytest.mark.parametrize("what", FAULTS)
def test_governance_that_is_down_stops_nothing_whatever_it_raises(
    world: World, what: type[BaseException]
) -> None:
    stream = world.start(governance=FailingGovernance(what))
    stream.process(ROWS, 0)
    assert (world.ids(), stream.outbox.depth) == ([1, 2], 1)


class Lazy:
    """Answers with a generator, which fails only where it is read."""

    def findings(self, *_: Any) -> Iterator[Finding]:
        yield from LocalDataQuality().findings(*_)
        raise RuntimeError("too late")


class Rubbish:
    def findings(self, *_: Any) -> list[str]:
        return ["fine"]


@pytest.mark.parametrize("client", [Lazy(), Rubbish()])
def test_an_answer_that_is_none_is_no_verdict(world: World, client: Any) -> None:
    with pytest.raises(BatchBlockedError, match="data-quality client"):
        world.start(data_quality=client).process(ROWS, 0)
    assert world.ids() == []


def test_an_error_without_words_is_described_all_the_same() -> None:
    assert described(UnspeakableError()) == "UnspeakableError"
    assert described(ValueError("no")) == "ValueError: no"
    assert described(KeyboardInterrupt()) == "KeyboardInterrupt"


# -- meddled with ----------------------------------------------------------------------------------


class Blocks:
    def decide(self, context: DecisionContext) -> str:
        return "as I said"


@define
class Looks:
    """Keeps what it was shown of the batches before."""

    seen: list[Any] = field(factory=list)

    def decide(self, context: DecisionContext) -> Intervention:
        self.seen = [dict(entry) for entry in context.history]
        return Intervention()


class Meddles:
    """Empties everything that can be emptied."""

    def __call__(self, batch: dict[str, Any]) -> None:
        for value in batch.values():
            if isinstance(value, (dict, list)):
                value.clear()
        batch.clear()

    def export(self, record: GovernanceRecord) -> None:
        for name in ("metrics", "violations_by_check", "input", "details"):
            getattr(record, name).clear()


def test_listeners_that_meddle_with_what_they_get_change_nothing(world: World) -> None:
    strategy = Looks()
    plain = World()
    for where, listener in ((world, Meddles()), (plain, None)):
        stream = where.start(strategy=strategy, on_batch=listener, exporter=listener)
        for batch_id in (0, 1):
            stream.process([order(batch_id), {**order(9), "amount": None}], batch_id)
            if listener is not None:
                stream.result.streaming_batches[-1]["violations_by_check"].clear()
        (entry,) = strategy.seen
        assert entry["violations_by_check"] == {"amount.required": 1}
        (first, second) = where.governance.records()
        assert first.metrics["row_count"] == second.metrics["row_count"] == 2
        assert first == stream.protocol.journal.committed(0)
    assert world.ids() == plain.ids()


# -- the result ------------------------------------------------------------------------------------


@frozen
class Query:
    fault: Any

    def exception(self) -> Any:
        if isinstance(self.fault, type):
            raise self.fault
        return self.fault


@pytest.mark.parametrize("fault", [ValueError("disk full\nmore"), "disk full", ConnectionError])
def test_a_query_that_fails_between_batches_is_seen_on_the_result(fault: Any) -> None:
    result = ValidationResult(streaming_queries=[Query(None), Query(fault)])
    assert not result.ok
    assert result.status is Verdict.UNKNOWN
    assert result.reason is not None
    assert result.reason.startswith("the stream stopped: ")
    assert result.details == {"outcome": "failed"}
    assert (result.errors, "\n" in result.reason) == ([result.reason], False)


@pytest.mark.parametrize("name", ["status", "reason", "details"])
def test_it_is_seen_wherever_one_looks_first(name: str) -> None:
    result = ValidationResult(streaming_queries=[Query("disk full")])
    assert "ok" not in repr(getattr(result, name)).lower().split()
    assert not result.ok


def test_a_query_that_runs_or_was_stopped_changes_nothing() -> None:
    result = ValidationResult(streaming_queries=[Query(None)])
    assert (result.ok, result.status, result.reason, result.details) == (True, "ok", None, {})


def test_an_error_that_tells_of_a_stop_is_no_fault(world: World) -> None:
    stream = world.start(failpoint=Raises(InterruptedError))
    stream.is_stop = lambda error: isinstance(error, InterruptedError)
    with pytest.raises(InterruptedError):
        stream.process(ROWS, 0)
    assert (stream.result.ok, stream.result.details["outcome"]) == (True, "stopped")
    assert world.ids() == []


# -- input that is gone ----------------------------------------------------------------------------


def test_a_batch_whose_files_are_gone_blocks_and_says_which(world: World) -> None:
    stream = world.start(gone=["memory:/in/7.csv", "memory:/in/8.csv"])
    with pytest.raises(BatchBlockedError, match=r"memory:/in/7\.csv and 1 more .*put it back"):
        stream.process(ROWS, 0)
    assert world.ids() == []
    world.start().process(ROWS, 0)
    assert world.ids() == [1, 2], "it was put back"


def test_in_observe_what_is_left_lands_without_a_verdict(world: World) -> None:
    stream = world.start(run_type=RunType.OBSERVE, gone=["memory:/in/7.csv"])
    record = stream.process(ROWS, 0)
    assert (record.verdict, world.ids()) == (Verdict.UNKNOWN, [1, 2])
    assert "memory:/in/7.csv is gone" in record.errors[0]
