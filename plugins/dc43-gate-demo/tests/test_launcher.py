"""Starting processes for the pages, and what becomes of them; no Spark, their words are canned."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from attrs import evolve

from dc43_core.errors import UnknownNameError
from dc43_core.governance.memory import MemoryGovernance
from dc43_core.governance.run_log import driver
from dc43_core.protocol import clock
from dc43_core.testing.runs import make_run
from dc43_core.vocabulary import RunType
from dc43_demo_app.launch import Launch
from dc43_demo_app.launches import Launches
from dc43_demo_app.scenarios.flights import DAYS
from dc43_demo_app.scenarios.home import Place
from dc43_demo_app.scenarios.launcher import NotOfScenarioError, ScenarioLauncher

BREAK = "streaming-schema-break"


@pytest.fixture
def launches(tmp_path: Path) -> Launches:
    return Launches(folder=tmp_path / "launches")


def says(text: str, code: int = 0) -> list[str]:
    return [sys.executable, "-c", f"import sys; print({text!r}); sys.exit({code})"]


def ended(launches: Launches, launch_id: str, client: MemoryGovernance) -> Launch:
    """What became of a start once its process is over."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = launches.find(launch_id, client, "default")
        assert found is not None
        if found.problem is not None or found.done is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("its process does not end")


def test_a_process_has_the_variables_that_it_is_given(launches, tmp_path):
    prints = [sys.executable, "-c", "import os; print(os.environ['DC43_CONFIG'])"]
    launch_id = launches.start(
        "replay", prints, cwd=tmp_path, makes_run=False, environment={"DC43_CONFIG": "a.toml"}
    )
    assert ended(launches, launch_id, MemoryGovernance()).done == "a.toml"


def test_a_process_that_ends_without_a_run_is_a_problem_in_its_own_words(launches, tmp_path):
    words = says("dc43: Java 17 or newer was not found", 2)
    launch_id = launches.start("flights", words, cwd=tmp_path, makes_run=True)
    found = ended(launches, launch_id, MemoryGovernance())
    assert (found.title, found.run_id) == ("flights", None)
    assert found.problem == "dc43: Java 17 or newer was not found"


@pytest.mark.parametrize(
    ("words", "problem", "done"),
    [
        (says("2 rows judged: 2 landed in main"), None, "2 rows judged: 2 landed in main"),
        (says("starting\ndc43: no such file", 2), "starting\ndc43: no such file", None),
    ],
)
def test_a_replay_ends_in_its_words(launches, tmp_path, words, problem, done):
    launch_id = launches.start("replay", words, cwd=tmp_path, makes_run=False)
    found = ended(launches, launch_id, MemoryGovernance())
    assert (found.problem, found.done) == (problem, done)


def test_the_run_of_a_process_is_told_from_earlier_ones_of_its_number(launches, tmp_path):
    client = MemoryGovernance()
    launch_id = launches.start("flights", says("batch 0"), cwd=tmp_path, makes_run=True)
    [(pid, process)] = launches._children.items()
    process.wait()
    before = make_run(run_id="before", driver=driver(pid), started_at="2020-01-01T00:00:00.000Z")
    other = make_run(run_id="other", driver=driver(pid + 1), started_at=clock.now())
    for run in (before, other):
        client.save_run(run)
    assert launches.find(launch_id, client, "default").run_id is None
    client.save_run(evolve(before, run_id="mine", started_at=clock.now()))
    assert launches.find(launch_id, client, "default").run_id == "mine"


def test_a_server_that_began_anew_knows_the_starts_of_the_one_before(launches, tmp_path):
    # Started by a process that is gone, as after a restart of the server.
    code = (
        "import sys\nfrom pathlib import Path\nfrom dc43_demo_app.launches import Launches\n"
        f"print(Launches(folder=Path({str(launches.folder)!r})).start('flights',"
        f" {says('dc43: gone', 2)!r}, cwd=Path({str(tmp_path)!r}), makes_run=True))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended(launches, done.stdout.strip(), MemoryGovernance()).problem == "dc43: gone"


@pytest.mark.parametrize("launch_id", ["", "nothing", "../../etc/passwd", "a/b", "è"])
def test_an_id_that_is_none_finds_nothing(launches, launch_id):
    assert launches.find(launch_id, MemoryGovernance(), "default") is None


# -- scenarios -------------------------------------------------------------------------------------


class Noted(Launches):
    """Notes what would be started."""

    noted: tuple
    config: str

    def start(self, title, command, *, cwd, makes_run, environment) -> str:
        self.noted = (title, command[2:], makes_run)
        self.config = environment["DC43_CONFIG"]
        return "noted"


@pytest.fixture
def launcher(home) -> ScenarioLauncher:
    noted = Noted(folder=home.folder)
    return ScenarioLauncher(home=home, runtime=home.runtime(), launches=noted)


@pytest.fixture
def place(home, monkeypatch) -> Place:
    """A stream that was started, as far as a launcher looks."""
    found = home.begin(BREAK, RunType.ENFORCE)
    monkeypatch.setattr(Place, "stream_id", "7f3a20c1")
    return found


def test_a_start_begins_a_new_stream(launcher, home):
    assert launcher.start(BREAK, RunType.OBSERVE) == "noted"
    arguments = [BREAK, "--home", str(home.folder), "--run-type", "observe"]
    assert launcher.launches.noted == (BREAK, ["dc43_demo_app.scenarios", *arguments], True)
    with pytest.raises(UnknownNameError):
        launcher.start("streaming-nothing", RunType.OBSERVE)


def test_a_restart_goes_on_with_its_stream(launcher, place):
    assert launcher.can_restart("7f3a20c1")
    launcher.restart("7f3a20c1")
    assert launcher.launches.noted[1][-2:] == ["--resume", "7f3a20c1"]
    assert "--resume 7f3a20c1" in launcher.command("7f3a20c1")


def test_a_stream_that_has_read_the_year_is_begun_anew(launcher, place, monkeypatch):
    monkeypatch.setattr(Place, "taken", DAYS)
    launcher.restart("7f3a20c1")
    assert "--resume" not in launcher.launches.noted[1]


def test_the_way_out_of_a_lost_column_is_offered_until_it_is_taken(launcher, place):
    assert launcher.way_out("7f3a20c1") == "Restore tailnum in the feed and start again"
    launcher.take_way_out("7f3a20c1")
    assert launcher.launches.noted[1][-3:] == ["--resume", "7f3a20c1", "--restore"]
    place.feed.restore()
    assert launcher.way_out("7f3a20c1") is None


def test_a_replay_is_that_of_the_pipeline_file(launcher, place):
    launcher.replay("7f3a20c1", [38, 39], ["tailnum.pattern"])
    title, command, makes_run = launcher.launches.noted
    assert command == [
        *("dc43_core.cli", "rejects", "replay", str(place.pipeline_file)),
        *("--batch=38", "--batch=39", "--check=tailnum.pattern"),
    ]
    assert (title, makes_run) == (f"replay of {BREAK}", False)
    # Whatever the server was started with: its records go to the ledger of the scenarios.
    assert launcher.launches.config == str(launcher.home.config_file)


def test_a_stream_of_someone_else_is_not_touched(launcher, place):
    assert not launcher.can_restart("other")
    assert (launcher.way_out("other"), launcher.command("other")) == (None, None)
    with pytest.raises(NotOfScenarioError):
        launcher.restart("other")


def test_what_is_missing_is_said_before_anything_starts(launcher, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert launcher.problem().startswith("Java 17 or newer was not found")
