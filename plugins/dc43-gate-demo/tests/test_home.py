"""Where the scenarios live: a folder a stream, one ledger for all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dc43_core.errors import UnknownNameError
from dc43_core.vocabulary import RunType
from dc43_demo_app.scenarios.catalogue import PLOTS
from dc43_demo_app.scenarios.home import Home, StreamBusyError

REJECTS = "streaming-dq-rejects"


@pytest.mark.parametrize("name", PLOTS)
@pytest.mark.parametrize("run_type", RunType)
def test_a_stream_is_described_by_a_pipeline_file(home, name, run_type):
    place = home.begin(name, run_type)
    pipeline = place.pipeline
    runtime = home.runtime()
    assert pipeline.name == name
    assert pipeline.run.type is run_type
    assert pipeline.source.files_per_trigger == 1
    assert runtime.contracts().get(str(pipeline.contract.id)).version == "1.0.0"
    assert [runtime.strategy(one).name for one in pipeline.strategies] == [*PLOTS[name].strategies]
    assert runtime.ledger.endswith(str(home.folder / ".dc43" / "ledger.db"))


def test_each_stream_has_a_folder_of_its_own_and_the_newest_is_found(home):
    begun = [home.begin(REJECTS, RunType.OBSERVE) for _ in range(11)]
    other = home.begin(REJECTS, RunType.ENFORCE)
    assert len({place.folder for place in begun}) == 11
    assert home.newest(REJECTS, RunType.OBSERVE) == begun[-1]
    assert home.newest(REJECTS, RunType.ENFORCE) == other
    assert home.newest("streaming-valid", RunType.OBSERVE) is None


def test_a_copy_of_a_stream_is_not_taken_for_one(home):
    place = home.begin(REJECTS, RunType.OBSERVE)
    shutil.copytree(place.folder, place.folder.with_name("observe-1 (copy)"))
    assert home.newest(REJECTS, RunType.OBSERVE) == place


def test_a_stream_that_was_never_started_has_taken_nothing(home):
    place = home.begin(REJECTS, RunType.OBSERVE)
    assert (place.stream_id, place.taken, home.streams()) == (None, 0, {})


def test_a_stream_is_run_by_one_process_at_a_time(home):
    place = home.begin(REJECTS, RunType.OBSERVE)
    with place.held(), pytest.raises(StreamBusyError, match="another process runs"), place.held():
        pass
    with place.held():
        pass


def test_only_one_scenario_loses_a_column(home):
    lost = {name: home.begin(name, RunType.ENFORCE).feed.loss for name in PLOTS}
    assert [name for name, loss in lost.items() if loss] == ["streaming-schema-break"]


def test_the_contracts_stand_behind_the_ports_of_a_data_product(home):
    runtime = home.runtime()
    [product] = runtime.products().all()
    found = {runtime.resolve_port(product, port.name).contract.id for port in product.ports}
    assert found == {plot.contract for plot in PLOTS.values()}


def test_what_is_changed_in_a_home_stays(home):
    home.runtime()
    contract = home.folder / "contracts" / "flights.odcs.yaml"
    contract.write_text(contract.read_text().replace("version: 1.0.0", "version: 1.1.0"))
    assert home.runtime().contracts().get("flights").version == "1.1.0"


def test_an_unknown_scenario_is_refused_with_those_there_are(home):
    with pytest.raises(UnknownNameError, match="streaming-dq-rejects"):
        home.begin("streaming-nothing", RunType.OBSERVE)


def test_a_home_is_named_by_the_environment_else_by_the_user_s_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("DC43_DEMO_HOME", str(tmp_path))
    assert Home.at(None).folder == tmp_path
    assert Home.at(tmp_path / "other").folder == tmp_path / "other"
    monkeypatch.delenv("DC43_DEMO_HOME")
    assert Home.at(None).folder.is_relative_to(Path.home())
