"""Streams of pipeline files: started again by `dc43 run`, in processes of their own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import define

from dc43_core.errors import Dc43Error
from dc43_core.pipeline_file import PipelineFile, load_pipeline
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.identity import stream_of
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import RunType
from dc43_demo_app.launch import Launch, Scenario
from dc43_demo_app.launches import Launches


class NotStartableError(Dc43Error, LookupError):
    """These pages do not know how to start a stream."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            f"{what} is of no pipeline file that this server was given; start it as it was started"
        )


@define(kw_only=True, eq=False)
class PipelineLauncher:
    """A `Launcher` over some pipeline files.

    Attributes:
        files: The pipelines.
        runtime: Whose ledger tells what became of a start.
        launches: The processes.
    """

    files: Sequence[PipelineFile]
    runtime: Runtime
    launches: Launches

    @classmethod
    def of(cls, paths: Sequence[Path], runtime: Runtime) -> PipelineLauncher:
        """Read the pipeline files.

        Raises:
            ConfigurationError: if one cannot be used.
        """
        launches = Launches(folder=runtime.config.folder / ".dc43" / "launches")
        return cls(files=[load_pipeline(p) for p in paths], runtime=runtime, launches=launches)

    @property
    def contract_folders(self) -> list[Path]:
        """Where the contracts of the pipelines lie."""
        paths = [Path(f.resolve(f.contract.path)) for f in self.files if f.contract.path]
        return list(dict.fromkeys(path.parent for path in paths))

    def scenarios(self) -> Sequence[Scenario]:
        """A user's own streams are on the page of streams."""
        return []

    def problem(self) -> str | None:
        """Whether the engine is there, the process that needs it says."""
        return None

    def start(self, scenario: str, run_type: RunType) -> str:
        """There are no scenarios here.

        Raises:
            NotStartableError: always.
        """
        raise NotStartableError(f"scenario {scenario!r}")

    def can_restart(self, stream_id: str) -> bool:
        """Say whether a pipeline file is known of this stream."""
        return self._file(stream_id) is not None

    def restart(self, stream_id: str) -> str:
        """Run the pipeline once more; return the launch's id."""
        file = self._known(stream_id)
        return self._launch(file.name, ["run", str(file.file)], makes_run=True)

    def way_out(self, stream_id: str) -> str | None:
        """A user's feed is mended where it is made."""
        return None

    def take_way_out(self, stream_id: str) -> str:
        """There is no feed of ours that could be mended.

        Raises:
            NotStartableError: always.
        """
        raise NotStartableError(f"the feed of stream {stream_id}")

    def replay(self, stream_id: str, batches: Sequence[int], checks: Sequence[str]) -> str:
        """Replay the pipeline's rejects; return the launch's id."""
        file = self._known(stream_id)
        options = [f"--batch={batch}" for batch in batches] + [f"--check={c}" for c in checks]
        command = ["rejects", "replay", str(file.file), *options]
        return self._launch(f"replay of {file.name}", command, makes_run=False)

    def command(self, stream_id: str) -> str | None:
        """Return `dc43 run` with its file."""
        file = self._file(stream_id)
        return None if file is None else f"dc43 run {shlex.quote(str(file.file))}"

    def launch(self, launch_id: str) -> Launch | None:
        """Say what became of a start, also of one of an earlier server."""
        runtime = self.runtime
        return self.launches.find(launch_id, runtime.governance, runtime.config.namespace)

    def _launch(self, title: str, command: Sequence[str], *, makes_run: bool) -> str:
        return self.launches.start(
            title,
            [sys.executable, "-m", "dc43_core.cli", *command],
            cwd=self.runtime.config.folder,
            makes_run=makes_run,
        )

    def _known(self, stream_id: str) -> PipelineFile:
        file = self._file(stream_id)
        if file is None:
            raise NotStartableError(f"stream {stream_id}")
        return file

    def _file(self, stream_id: str) -> PipelineFile | None:
        for file in self.files:
            known = stream_of(LocalFileStore(), file.checkpoint)
            if known is not None and known["stream_id"] == stream_id:
                return file
        return None
