"""Where the scenarios live: one ledger, and a folder for each stream."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from attrs import frozen
from platformdirs import user_data_path

from dc43_core.config import load_config
from dc43_core.errors import Dc43Error
from dc43_core.pipeline_file import PipelineFile, load_pipeline
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import Journal
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import RunType
from dc43_demo_app.scenarios.catalogue import PLOTS, Plot, find_plot
from dc43_demo_app.scenarios.feed import Feed
from dc43_demo_app.scenarios.flights import prepare

_NAME = re.compile(rf"(?P<run_type>{'|'.join(RunType)})-(?P<number>[0-9]+)")
_CONFIG = """\
# The scenarios of dc43; delete this folder to begin anew.
[governance.ledger]
use = "sql"
path = ".dc43/ledger.db"
"""
_PIPELINE = """\
# One stream of the scenario {name}; its feed is written while it runs.
name = "{name}"
engine = "spark"

[engine_options]
"spark.sql.shuffle.partitions" = 2

[source]
format = "csv"
path = "in/flights"
options = {{ header = true, nullValue = "NA" }}
files_per_trigger = 1

[contract]
id = "{contract}"

[sink]
path = "out/main"

[rejects]
path = "out/rejects"

[run]
type = "{run_type}"
checkpoint = "checkpoint"
trigger = "200 milliseconds"
strategies = [{strategies}]
"""


_FURNITURE = ("contracts", "products")
"""Folders of this package that each home has, so that what is in them can be changed there."""


class StreamBusyError(Dc43Error, RuntimeError):
    """Another process runs this stream."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(
            f"another process runs the stream in {folder}; stop that run, or start the scenario "
            "anew beside it"
        )


@frozen(kw_only=True)
class Place:
    """The folder of one stream of a scenario.

    Attributes:
        plot: What happens in it.
        run_type: How it is run.
        folder: Its feed, sinks, checkpoint and pipeline file.
        year: The flights, one file a day.
    """

    plot: Plot
    run_type: RunType
    folder: Path
    year: Path

    @property
    def pipeline_file(self) -> Path:
        """Where the pipeline is described; `dc43` commands take it."""
        return self.folder / "pipeline.toml"

    @property
    def pipeline(self) -> PipelineFile:
        """The pipeline."""
        return load_pipeline(self.pipeline_file)

    @property
    def feed(self) -> Feed:
        """What the stream reads."""
        return Feed(
            year=self.year, folder=self.folder / "in" / "flights", memory=self.folder / "loss.json"
        )

    @property
    def stream_id(self) -> str | None:
        """The stream; None before its first start."""
        found = stream_of(LocalFileStore(), self.pipeline.checkpoint)
        return None if found is None else str(found["stream_id"])

    @property
    def taken(self) -> int:
        """How many days the stream is through with: one batch is one day."""
        stream_id = self.stream_id
        if stream_id is None:
            return 0
        journal = Journal(LocalFileStore(), self.pipeline.checkpoint, stream_id)
        return max((n.batch_id for n in journal.names() if n.published), default=-1) + 1

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the stream for this process; a process that dies lets go of it.

        Raises:
            StreamBusyError: if another one holds it.
        """
        with (self.folder / "held").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StreamBusyError(self.folder) from None
            yield


@frozen
class Home:
    """The folder of all scenarios, made when it is first needed.

    Attributes:
        folder: Where; by default `DC43_DEMO_HOME`, else the user's folder for data.
    """

    folder: Path

    @classmethod
    def at(cls, folder: str | Path | None) -> Home:
        """Return the home in a folder, or the default one."""
        given = folder or os.environ.get("DC43_DEMO_HOME")
        return cls((Path(given) if given else user_data_path("dc43-demo")).absolute())

    @property
    def config_file(self) -> Path:
        """The configuration, which names the ledger."""
        return self.folder / "dc43.toml"

    def runtime(self) -> Runtime:
        """Return a runtime with this home's ledger and contracts."""
        self._furnish()
        return Runtime(config=load_config(self.config_file))

    def begin(self, scenario: str, run_type: RunType) -> Place:
        """Make the folder of a new stream.

        Raises:
            UnknownNameError: if there is no such scenario.
            FlightsNotFoundError: if the flights are not installed.
        """
        plot = find_plot(scenario)
        self._furnish()
        prepare(self._year)
        place = self._claim(plot, run_type)
        place.feed.folder.mkdir(parents=True)
        if plot.loss is not None:
            place.feed.lose(plot.loss)
        # Last: a folder without it was never begun.
        place.pipeline_file.write_text(
            _PIPELINE.format(
                name=scenario,
                contract=plot.contract,
                run_type=run_type.value,
                strategies=", ".join(f'"{one}"' for one in plot.strategies),
            ),
            encoding="utf-8",
        )
        return place

    def newest(self, scenario: str, run_type: RunType) -> Place | None:
        """Return the stream of a scenario that was begun last."""
        plot = find_plot(scenario)
        places = [place for place in self._places(plot) if place.run_type is run_type]
        return places[-1] if places else None

    def find(self, stream_id: str) -> Place | None:
        """Return the place of a stream."""
        return self.streams().get(stream_id)

    def streams(self) -> dict[str, Place]:
        """Return the places of all streams that were started, by the id of the stream."""
        places = [place for plot in PLOTS.values() for place in self._places(plot)]
        found = {place.stream_id: place for place in places}
        return {stream_id: place for stream_id, place in found.items() if stream_id is not None}

    @property
    def _year(self) -> Path:
        return self.folder / "data" / "flights"

    def _furnish(self) -> None:
        for name in _FURNITURE:
            packaged = resources.files("dc43_demo_app") / name
            (self.folder / name).mkdir(parents=True, exist_ok=True)
            for file in packaged.iterdir():
                _put(self.folder / name / file.name, file.read_text(encoding="utf-8"))
        _put(self.config_file, _CONFIG)

    def _places(self, plot: Plot) -> list[Place]:
        """Return the places of a scenario, the oldest of each run type first."""
        found = []
        for file in (self.folder / "streams" / plot.scenario.name).glob("*/pipeline.toml"):
            # A copy that someone made beside it is none of ours.
            if named := _NAME.fullmatch(file.parent.name):
                place = self._place(plot, RunType(named["run_type"]), file.parent)
                found.append((int(named["number"]), place))
        return [place for _, place in sorted(found, key=lambda pair: pair[0])]

    def _place(self, plot: Plot, run_type: RunType, folder: Path) -> Place:
        return Place(plot=plot, run_type=run_type, folder=folder, year=self._year)

    def _claim(self, plot: Plot, run_type: RunType) -> Place:
        """Make the next folder, which two processes never share."""
        above = self.folder / "streams" / plot.scenario.name
        above.mkdir(parents=True, exist_ok=True)
        number = 1
        while True:
            folder = above / f"{run_type.value}-{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1
                continue
            return self._place(plot, run_type, folder)


def _put(file: Path, text: str) -> None:
    """Write a file that is not there yet; another process may do so at the same time."""
    if file.is_file():
        return
    hidden = file.with_name(f".{file.name}.{os.getpid()}")
    hidden.write_text(text, encoding="utf-8")
    hidden.replace(file)
