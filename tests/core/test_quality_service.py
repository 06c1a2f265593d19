"""The data-quality service: verdicts from the records, and measuring in the background."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from dc43_core import DataQualityService
from dc43_core.config import Config
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.data_quality.model import Observations
from dc43_core.errors import (
    ConfigurationError,
    ContractNotFoundError,
    ServiceClosedError,
    UnknownMeasurementError,
)
from dc43_core.governance import measuring
from dc43_core.governance.approvals import Approval
from dc43_core.governance.measurements import Measurement
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.governance.model import SchemaObservation
from dc43_core.plugin_manager import load_plugins
from dc43_core.protocol import clock
from dc43_core.runtime import Runtime
from dc43_core.testing.catalogue import make_approval, make_measurement
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.data_quality import DataQualityClientConformance
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import MeasurementState, Outcome, Verdict, VersionStatus

COUNTS = Observations(row_count=10, broken={"primaryKey": 2}, violating=2)


@define
class Counted:
    """A snapshot whose counts are known, and that is counted when the test says so."""

    counts: Observations = COUNTS
    error: BaseException | None = None
    may_go: threading.Event = field(factory=threading.Event)
    begun: threading.Event = field(factory=threading.Event)
    times: int = 0

    def observe(self, plan: Any) -> Observations:
        self.times += 1
        self.begun.set()
        assert self.may_go.wait(10)
        if self.error is not None:
            raise self.error
        return self.counts


def ready(**facts: Any) -> Counted:
    found = Counted(**facts)
    found.may_go.set()
    return found


class WithoutCatalogue:
    """A client that keeps records and no catalogue."""

    def __init__(self) -> None:
        kept = MemoryGovernance()
        for name in ("open", "close", "location", "records", "record_many", "schema_observations"):
            setattr(self, name, getattr(kept, name))


@pytest.fixture
def governance() -> MemoryGovernance:
    return MemoryGovernance()


@pytest.fixture
def runtime(tmp_path: Path, governance: MemoryGovernance) -> Runtime:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "orders.odcs.yaml").write_text(ORDERS)
    (tmp_path / "dc43.toml").touch()
    config = Config(source=tmp_path / "dc43.toml")
    return Runtime(config=config, plugins=load_plugins(allowed=[]), governance=governance)


@pytest.fixture
def service(runtime: Runtime) -> Iterator[DataQualityService]:
    with DataQualityService(runtime) as made:
        yield made


class TestAsClient(DataQualityClientConformance):
    @pytest.fixture
    def client(self, service: DataQualityService) -> DataQualityService:
        return service


# -- describing and evaluating ---------------------------------------------------------------------


def test_a_contract_is_described_by_id_as_itself_and_as_its_plan(service, runtime):
    contract = OdcsLoader().parse("orders.odcs.yaml", ORDERS.encode())
    told = [service.describe_expectations(one) for one in ("orders", contract)]
    told.append(service.describe_expectations(runtime.plan(contract)))
    assert told[0] == told[1] == told[2]
    assert {"path": "primaryKey", "state": "enforced"}.items() <= told[0][-1].items()
    with pytest.raises(ContractNotFoundError):
        service.describe_expectations("nothing")


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ({}, Verdict.WARN),
        ({"run_type": "enforce"}, Verdict.BLOCK),
        ({"run_type": "enforce", "has_rejects": True}, Verdict.WARN),
    ],
)
def test_counts_are_judged_as_those_of_a_batch(service, facts, verdict):
    result = service.evaluate("orders", COUNTS, **facts)
    assert result.status is verdict
    assert result.metrics["violations_by_check"] == {"primaryKey": 2}
    assert [f.check_id for f in result.findings] == ["primaryKey"]
    assert service.evaluate("orders", Observations(row_count=3)).status is Verdict.OK


def test_a_run_type_that_is_none_is_refused(service):
    with pytest.raises(ConfigurationError, match="observe, enforce"):
        service.evaluate("orders", COUNTS, run_type="perhaps")


# -- the latest verdict ----------------------------------------------------------------------------


def test_nothing_is_said_of_what_nobody_knows(service):
    assert service.verdict("orders") is None
    assert service.verdict("orders", "3") is None


def test_the_latest_verdict_is_that_of_the_newest_batch_and_of_each_version_its_own(
    service, governance
):
    governance.record_many(
        [
            make_record(batch_id=0, dataset_version="0", verdict=Verdict.OK),
            make_record(batch_id=1, dataset_version="1", warnings=["late"]),
            make_record(batch_id=2, outcome=Outcome.BLOCKED),
        ]
    )
    newest = service.verdict("orders")
    assert (newest.verdict, newest.outcome, newest.dataset_version) == ("block", "blocked", None)
    assert not newest.ok
    assert newest.reason == "1 row breaks amount.required"
    assert service.verdict("orders", "0").verdict is Verdict.OK
    one = service.verdict("orders", "1")
    assert (one.verdict, one.reason, one.row_count, one.source) == ("warn", "late", 10, "batch")
    assert json.loads(json.dumps(one.payload()))["outcome"] == "committed"
    assert service.verdict("orders", namespace="team") is None


def test_a_read_s_version_is_known_by_its_schema(service, governance):
    for problems in ((), ("column 'x' is missing",)):
        seen = SchemaObservation(
            dataset_id="days.input",
            dataset_version="schema-1",
            direction="read",
            observed_at=clock.now(),
            problems=problems,
        )
        governance.observe_schema(seen)
        told = service.verdict("days.input", "schema-1")
        assert (told.source, told.verdict) == ("schema", "warn" if problems else "ok")
        assert told.errors == problems
    assert service.verdict("days.input", "schema-2") is None


def test_a_steward_s_word_stands_beside_the_verdict_and_does_not_change_it(service, governance):
    record = make_record(dataset_version="0")
    governance.record_many([record])
    word: Approval = make_approval(record_id=record.record_id, status=VersionStatus.REJECTED)
    governance.add_approvals([word])
    told = service.verdict("orders", "0")
    assert (told.verdict, told.status) == (Verdict.WARN, VersionStatus.REJECTED)


def test_a_measurement_since_the_batch_counts_and_one_before_it_does_not(service, governance):
    def measured(at: str, **facts: Any) -> Measurement:
        done = {"state": MeasurementState.DONE, "verdict": Verdict.WARN, "row_count": 99}
        return make_measurement(**{**done, "requested_at": at, "measurement_id": at, **facts})

    record = make_record(dataset_version="3", verdict=Verdict.OK)
    governance.record_many([record])
    governance.save_measurement(measured("2026-11-23T17:00:00.000Z"))
    governance.save_measurement(measured("2027-01-01T00:00:00.000Z", dataset_version="2"))
    failed = measured("2027-01-01T00:00:01.000Z", state=MeasurementState.FAILED)
    governance.save_measurement(failed)
    assert service.verdict("orders", "3").source == "batch"
    governance.save_measurement(measured(record.ended_at))
    for told in (service.verdict("orders", "3"), service.verdict("orders")):
        assert (told.source, told.verdict, told.row_count) == ("measurement", "warn", 99)
    governance.record_many([make_record(batch_id=1, outcome=Outcome.BLOCKED)])
    assert service.verdict("orders").outcome is Outcome.BLOCKED


# -- measuring -------------------------------------------------------------------------------------


def test_a_measurement_goes_from_waiting_over_running_to_done(service, governance, runtime):
    first, second = Counted(), ready(counts=Observations(row_count=7))
    asked = service.measure(first, "orders", dataset_version="3")
    behind = service.measure(second, "orders", dataset_version="4")
    assert first.begun.wait(10)
    assert service.measurement(asked.measurement_id).state is MeasurementState.RUNNING
    assert service.measurement(behind.measurement_id).state is MeasurementState.WAITING
    first.may_go.set()
    done = service.wait(asked.measurement_id, timeout=10)
    assert (done.state, done.verdict, done.row_count) == ("done", Verdict.WARN, 10)
    assert done.violations_by_check == {"primaryKey": 2}
    assert done.errors == ("id must be unique: broken by 2 of 10 rows",)
    assert service.wait(behind.measurement_id, timeout=10).verdict is Verdict.OK
    # Any other process sees the same in the ledger.
    with DataQualityService(runtime) as elsewhere:
        assert elsewhere.measurement(asked.measurement_id) == done
        assert [m.state for m in elsewhere.measurements("orders")] == ["done", "done"]
        latest = elsewhere.verdict("orders", "3")
        assert latest is not None
        assert latest.reference == asked.measurement_id


def test_the_same_is_not_measured_twice_at_once(service):
    snapshot = Counted()
    asked = service.measure(snapshot, "orders", dataset_version="3")
    assert service.measure(ready(), "orders", dataset_version="3").measurement_id == (
        asked.measurement_id
    )
    snapshot.may_go.set()
    service.wait(asked.measurement_id, timeout=10)
    again = service.measure(ready(), "orders", dataset_version="3")
    assert again.measurement_id != asked.measurement_id
    assert (snapshot.times, len(service.measurements())) == (1, 2)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("customer 4711"), "ValueError"),
        (SystemExit(1), "SystemExit"),
        (ConfigurationError("scratch", ["is missing"]), "scratch: is missing"),
    ],
)
def test_a_measurement_that_fails_says_so_and_quotes_no_rows(service, governance, error, reason):
    asked = service.measure(ready(error=error), "orders", dataset_version="3")
    ended = service.wait(asked.measurement_id, timeout=10)
    assert (ended.state, ended.verdict, ended.reason) == ("failed", None, reason)
    assert ended.ended_at is not None
    assert list(governance.measurements()) == [ended]
    assert service.verdict("orders", "3") is None


def test_a_measurement_whose_process_is_gone_is_silent_and_one_that_is_long_is_not(
    service, governance, monkeypatch
):
    monkeypatch.setattr(measuring, "HEARTBEAT_SECONDS", 0.01)
    snapshot = Counted()
    asked = service.measure(snapshot, "orders", dataset_version="3")
    beat = threading.Event()
    for _ in range(500):
        (row,) = governance.measurements()
        if row.heartbeat_at > asked.heartbeat_at and row.state is MeasurementState.RUNNING:
            break
        beat.wait(0.01)
    assert row.heartbeat_at > asked.heartbeat_at
    assert row.status(row.heartbeat_at) == "running"
    assert row.status("2099-01-01T00:00:00.000Z") == "silent"
    snapshot.may_go.set()
    ended = service.wait(asked.measurement_id, timeout=10)
    assert ended.status("2099-01-01T00:00:00.000Z") == "done"


def test_closing_waits_for_what_is_measured_and_fails_what_waits(runtime, governance):
    service = DataQualityService(runtime)
    first = Counted()
    running = service.measure(first, "orders", dataset_version="3")
    waiting = service.measure(ready(), "orders", dataset_version="4")
    assert first.begun.wait(10)
    threading.Timer(0.05, first.may_go.set).start()
    service.close()
    assert service.measurement(running.measurement_id).state is MeasurementState.DONE
    ended = service.measurement(waiting.measurement_id)
    assert (ended.state, ended.reason) == ("failed", "the service was closed before its turn")
    assert list(governance.measurements())[1] == ended
    with pytest.raises(ServiceClosedError, match="make another"):
        service.measure(ready(), "orders", dataset_version="5")
    service.close()


def test_a_ledger_that_is_down_stops_no_measurement(service, governance, monkeypatch):
    def down(row: Measurement) -> None:
        raise ConnectionError

    monkeypatch.setattr(governance, "save_measurement", down)
    asked = service.measure(ready(), "orders", dataset_version="3")
    assert service.wait(asked.measurement_id, timeout=10).state is MeasurementState.DONE


def test_a_client_without_a_catalogue_leaves_measurements_to_their_process(runtime):
    plain: Any = WithoutCatalogue()
    runtime = Runtime(config=runtime.config, plugins=runtime.plugins, governance=plain)
    with DataQualityService(runtime) as service, DataQualityService(runtime) as elsewhere:
        asked = service.measure(ready(), "orders", dataset_version="3")
        service.wait(asked.measurement_id, timeout=10)
        latest = service.verdict("orders", "3")
        assert latest is not None
        assert latest.source == "measurement"
        with pytest.raises(UnknownMeasurementError, match=asked.measurement_id):
            elsewhere.measurement(asked.measurement_id)
        with pytest.raises(UnknownMeasurementError, match="this process"):
            elsewhere.wait(asked.measurement_id)


def test_a_process_remembers_a_bounded_number_and_the_ledger_all(service, governance, monkeypatch):
    monkeypatch.setattr(measuring, "KEPT", 2)
    for number in range(5):
        asked = service.measure(ready(), "orders", dataset_version=str(number))
        service.wait(asked.measurement_id, timeout=10)
    assert len(service._measuring.rows()) == 2
    assert len(service.measurements("orders")) == 5
