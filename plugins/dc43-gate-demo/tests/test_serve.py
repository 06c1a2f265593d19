"""Addresses, names, commands, and starting pipelines again."""

from __future__ import annotations

import socket

import pytest
from browsing import until
from feeds import end, feed, run_id
from test_actions import post

from dc43_core.cli import main
from dc43_demo_app.pipelines import NotStartableError, PipelineLauncher
from dc43_demo_app.web.serve import PortTakenError, bind, host_names, is_loopback

PIPELINE = """\
name = "daily-flights"
engine = "no-such-engine"
[source]
format = "csv"
path = "in"
[contract]
path = "contracts/flights.odcs.yaml"
[sink]
path = "daily-flights/main"
[run]
checkpoint = "daily-flights/checkpoint"
"""


@pytest.mark.parametrize(
    ("host", "is_it"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_what_only_this_machine_reaches(host, is_it):
    assert is_loopback(host) is is_it


def test_the_names_a_server_answers_for():
    assert host_names("127.0.0.1") == {"localhost", "127.0.0.1", "[::1]"}
    assert host_names("10.0.0.7", ["Pages.Example"]) == {"10.0.0.7", "pages.example"}
    assert host_names("fd00::7") == {"[fd00::7]"}
    assert socket.gethostname().lower() in host_names("0.0.0.0")


def test_a_port_that_is_taken_is_named_with_the_way_out():
    taken = bind("127.0.0.1", 0)
    with taken.listener:
        port = taken.listener.getsockname()[1]
        taken.listener.listen()
        with pytest.raises(PortTakenError, match=f"127.0.0.1:{port}.*--port 0"):
            bind("127.0.0.1", port)


def test_ui_makes_no_ledger_only_to_look_into_it(tmp_path, monkeypatch, capsys):
    (tmp_path / "dc43.toml").write_text("")
    monkeypatch.setenv("DC43_CONFIG", str(tmp_path / "dc43.toml"))
    assert main(["ui", "--port", "0"]) == 2
    assert "there is no ledger at" in capsys.readouterr().err
    assert not (tmp_path / ".dc43").exists()


@pytest.fixture
def launcher(world):
    file = world.folder / "pipeline.toml"
    file.write_text(PIPELINE)
    return PipelineLauncher.of([file], world.runtime)


def test_a_pipeline_is_started_again_in_a_process_and_its_error_is_shown(world, browse, launcher):
    stream = feed(world.stream(), [0])
    end(stream)
    client = browse(launcher=launcher)
    text = client.get(f"/runs/{run_id(stream)}").text
    assert "Run again" in text
    answer = post(client, f"/runs/{run_id(stream)}/again")
    until(lambda: "did not start" in client.get(answer.headers["location"]).text, 60)
    assert "no-such-engine" in client.get(answer.headers["location"]).text


def test_streams_of_other_files_are_not_started(world, launcher):
    stream = feed(world.stream("another"), [0])
    stream_id = stream.protocol.identity.stream_id
    assert not launcher.can_restart(stream_id)
    assert launcher.command(stream_id) is None
    with pytest.raises(NotStartableError, match="of no pipeline file"):
        launcher.restart(stream_id)


def test_contracts_of_pipelines_are_found_beside_them(launcher, world):
    assert launcher.contract_folders == [world.folder / "contracts"]
