"""Stop, start again, replay: what a button does, and what a page says that has none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from attrs import define, field
from feeds import end, feed, run_id
from test_security import token

from dc43_core.errors import StopRequestedError
from dc43_core.vocabulary import RunOutcome, RunType
from dc43_demo_app.launch import Launch, Scenario
from dc43_demo_app.web.security import FIELD


@define
class Noted:
    """A launcher that notes what it is asked; `launched` is what came of it."""

    told: list[Any] = field(factory=list)
    launched: Launch | None = None
    lack: str | None = None

    def scenarios(self) -> Sequence[Scenario]:
        return [
            Scenario(
                name="streaming-valid",
                sentence="A healthy stream.",
                look_for="verdicts",
                run_type=RunType.OBSERVE,
                pace="A day a batch.",
            )
        ]

    def problem(self) -> str | None:
        return self.lack

    def start(self, scenario: str, run_type: RunType) -> str:
        self.told.append(("start", scenario, run_type))
        return "launch1"

    def can_restart(self, stream_id: str) -> bool:
        return True

    def restart(self, stream_id: str) -> str:
        self.told.append(("restart", stream_id))
        return "launch1"

    def way_out(self, stream_id: str) -> str | None:
        return "Restore tailnum"

    def take_way_out(self, stream_id: str) -> str:
        self.told.append(("way out", stream_id))
        return "launch1"

    def replay(self, stream_id: str, batches: Sequence[int], checks: Sequence[str]) -> str:
        self.told.append(("replay", stream_id, list(batches), list(checks)))
        return "launch1"

    def command(self, stream_id: str) -> str | None:
        return "dc43 run pipeline.toml"

    def launch(self, launch_id: str) -> Launch | None:
        return self.launched


def post(client, path, **fields):
    return client.post(path, data={FIELD: token(client), **fields}, follow_redirects=False)


def test_a_run_is_asked_to_stop_once_it_is_certain(world, browse):
    stream = feed(world.stream(), range(2))
    client, path = browse(user="anna"), f"/runs/{run_id(stream)}"
    asked = post(client, f"{path}/stop")
    assert "Stop daily-flights?" in asked.text
    assert world.runtime.governance.runs()[0].stop_request is None

    answer = post(client, f"{path}/stop", sure="yes")
    assert answer.headers["location"] == path
    assert "Stopping" in client.get(path).text
    stream.run_log.beat()
    with pytest.raises(StopRequestedError, match="anna"):
        feed(stream, [2])
    text = client.get(path).text
    assert "stopped on request of anna: from the web page" in text
    assert "What is published stays" in text


def test_a_scenario_is_started_with_its_run_type(browse):
    launcher = Noted()
    answer = post(browse(launcher=launcher), "/scenarios/streaming-valid/start", run_type="enforce")
    assert answer.headers["location"] == "/launches/launch1"
    assert launcher.told == [("start", "streaming-valid", RunType.ENFORCE)]


@pytest.mark.parametrize(
    ("name", "run_type", "code"), [("none", "observe", 404), ("streaming-valid", "always", 400)]
)
def test_what_is_no_scenario_is_not_started(browse, name, run_type, code):
    launcher = Noted()
    answer = post(browse(launcher=launcher), f"/scenarios/{name}/start", run_type=run_type)
    assert (answer.status_code, launcher.told) == (code, [])


def test_where_java_is_missing_the_page_says_so_and_starts_nothing(browse):
    launcher = Noted(lack="Java 17 or newer was not found.")
    client = browse(launcher=launcher)
    assert "Java 17 or newer was not found." in client.get("/").text
    answer = post(client, "/scenarios/streaming-valid/start", run_type="observe")
    assert (answer.status_code, launcher.told) == (409, [])


def test_a_start_becomes_its_run(world, browse):
    launcher = Noted()
    client = browse(launcher=launcher)
    at = "2026-11-28T16:00:00.000Z"
    launcher.launched = Launch(launch_id="launch1", title="streaming-valid", started_at=at)
    waiting = client.get("/launches/launch1").text
    assert "Waiting for Spark" in waiting
    assert 'http-equiv="refresh"' in waiting
    launcher.launched = Launch(
        launch_id="launch1", title="streaming-valid", started_at=at, run_id="abc"
    )
    answer = client.get("/launches/launch1", follow_redirects=False)
    assert answer.headers["location"] == "/runs/abc"


def test_a_start_that_fails_says_why(browse):
    launcher = Noted()
    launcher.launched = Launch(
        launch_id="launch1",
        title="streaming-valid",
        started_at="2026-11-28T16:00:00.000Z",
        problem="dc43: no space left",
    )
    text = browse(launcher=launcher).get("/launches/launch1").text
    assert "It did not start." in text
    assert "no space left" in text
    assert "http-equiv" not in text


def test_a_run_that_ended_is_started_again(world, browse):
    stream = feed(world.stream(), [0])
    end(stream)
    launcher = Noted()
    client, path = browse(launcher=launcher), f"/runs/{run_id(stream)}"
    assert "Run again" in client.get(path).text
    post(client, f"{path}/again")
    assert launcher.told == [("restart", stream.protocol.identity.stream_id)]


def test_the_way_out_of_a_block_is_a_button(world, browse):
    stream = feed(world.stream(), [0])
    end(stream, RunOutcome.BLOCKED)
    launcher = Noted()
    post(browse(launcher=launcher), f"/runs/{run_id(stream)}/way-out")
    assert launcher.told == [("way out", stream.protocol.identity.stream_id)]


def test_chosen_rejects_are_replayed(world, browse):
    stream = feed(world.stream(), range(3), bad=2)
    launcher = Noted()
    client = browse(launcher=launcher)
    path = "/rejects/flights?batch=1&check=tailnum.pattern"
    assert "Replay 1 row" in client.get(path).text
    stream_id = stream.protocol.identity.stream_id
    post(client, "/rejects/flights/replay", stream=stream_id, batch="1", check="tailnum.pattern")
    assert launcher.told == [("replay", stream_id, [1], ["tailnum.pattern"])]


def test_a_replay_of_what_one_run_rejected_says_that_it_takes_all_of_the_stream(world, browse):
    end(feed(world.stream(), range(2), bad=2))
    second = feed(world.stream(), [2], bad=3)
    text = browse(launcher=Noted()).get(f"/rejects/flights?run={run_id(second)}").text
    assert "3 rows rejected" in text
    assert "It takes the rejects of all runs of this stream." in text
    assert "Replay 7 rows" in text


def test_where_nothing_can_be_started_the_page_shows_the_command(world, browse):
    stream = feed(world.stream(), [0])
    end(stream)
    client = browse()
    assert "dc43 rejects replay PIPELINE.toml" in client.get("/rejects/flights").text
    answer = post(client, f"/runs/{run_id(stream)}/again")
    assert answer.status_code == 409
    assert "Start it the way it was started." in answer.text
