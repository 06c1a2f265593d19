"""Starting scenarios for the pages: each start is a process of its own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from attrs import define

from dc43_core.errors import Dc43Error
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import RunType
from dc43_demo_app.launch import Launch, Scenario
from dc43_demo_app.launches import Launches
from dc43_demo_app.scenarios.catalogue import PLOTS, Plot, find_plot
from dc43_demo_app.scenarios.flights import DAYS, archive
from dc43_demo_app.scenarios.home import Home, Place


class NotOfScenarioError(Dc43Error, LookupError):
    """A stream is not one of the scenarios'."""

    def __init__(self, stream_id: str) -> None:
        self.stream_id = stream_id
        super().__init__(
            f"stream {stream_id} is of no scenario in this folder; start it as it was started"
        )


@define(kw_only=True, eq=False)
class ScenarioLauncher:
    """A `Launcher` over the scenarios of a home.

    Attributes:
        home: Where they live.
        runtime: Whose ledger tells what became of a start.
        launches: The processes.
    """

    home: Home
    runtime: Runtime
    launches: Launches

    @classmethod
    def of(cls, home: Home, runtime: Runtime) -> ScenarioLauncher:
        """Return the launcher of a home, with the home's runtime."""
        return cls(home=home, runtime=runtime, launches=Launches(folder=home.folder / "launches"))

    def scenarios(self) -> Sequence[Scenario]:
        """Return all of them."""
        return [plot.scenario for plot in PLOTS.values()]

    def problem(self) -> str | None:
        """Return what Spark or the flights lack, as a sentence, or None."""
        try:
            from dc43_integrations.spark.session import require_java

            require_java()
            archive()
        except ModuleNotFoundError as error:
            return f"The scenarios need the module {error.name}; install dc43-gate-demo[scenarios]."
        except Dc43Error as error:
            return f"{error}. `dc43 doctor` says more."
        return None

    def start(self, scenario: str, run_type: RunType) -> str:
        """Start a scenario anew: a stream of its own, on sinks of its own."""
        plot = find_plot(scenario)
        return self._launch(scenario, self._anew(plot, run_type), makes_run=True)

    def can_restart(self, stream_id: str) -> bool:
        """Say whether the stream is one of the scenarios'."""
        return self.home.find(stream_id) is not None

    def restart(self, stream_id: str) -> str:
        """Start a stream again, where it ended."""
        return self._resume(self._known(stream_id))

    def way_out(self, stream_id: str) -> str | None:
        """Return the words for a feed that has lost a column, or None."""
        place = self.home.find(stream_id)
        loss = place.feed.loss if place else None
        return f"Restore {loss.column} in the feed and start again" if loss else None

    def take_way_out(self, stream_id: str) -> str:
        """Give the feed its lost column back, and start the stream again."""
        return self._resume(self._known(stream_id), "--restore")

    def replay(self, stream_id: str, batches: Sequence[int], checks: Sequence[str]) -> str:
        """Judge rejects again by `dc43 rejects replay`."""
        place = self._known(stream_id)
        options = [f"--batch={batch}" for batch in batches] + [f"--check={c}" for c in checks]
        command = ["dc43_core.cli", "rejects", "replay", str(place.pipeline_file), *options]
        title = f"replay of {place.plot.scenario.name}"
        return self._launch(title, command, makes_run=False)

    def command(self, stream_id: str) -> str | None:
        """Return the command that starts a stream again."""
        place = self.home.find(stream_id)
        if place is None:
            return None
        return shlex.join(["python", "-m", *self._again(place)])

    def launch(self, launch_id: str) -> Launch | None:
        """Return what became of a start, also of one of an earlier server."""
        runtime = self.runtime
        return self.launches.find(launch_id, runtime.governance, runtime.config.namespace)

    def _known(self, stream_id: str) -> Place:
        place = self.home.find(stream_id)
        if place is None:
            raise NotOfScenarioError(stream_id)
        return place

    def _resume(self, place: Place, *options: str) -> str:
        if place.taken >= DAYS:
            # There is nothing left for it to read.
            return self.start(place.plot.scenario.name, place.run_type)
        command = [*self._again(place), *options]
        return self._launch(place.plot.scenario.name, command, makes_run=True)

    def _again(self, place: Place) -> list[str]:
        return [*self._anew(place.plot, place.run_type), "--resume", str(place.stream_id)]

    def _anew(self, plot: Plot, run_type: RunType) -> list[str]:
        where = ["--home", str(self.home.folder), "--run-type", run_type.value]
        return ["dc43_demo_app.scenarios", plot.scenario.name, *where]

    def _launch(self, title: str, command: Sequence[str], *, makes_run: bool) -> str:
        """Start a module under the home's configuration, whatever this process was given."""
        return self.launches.start(
            title,
            [sys.executable, "-m", *command],
            cwd=self.home.folder,
            makes_run=makes_run,
            environment={"DC43_CONFIG": str(self.home.config_file)},
        )
