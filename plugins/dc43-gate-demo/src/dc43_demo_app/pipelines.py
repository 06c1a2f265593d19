"""Streams of pipeline files: started again by `dc43 run`, in processes of their own."""

from __future__ import annotations

import shlex
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import define, field, frozen

from dc43_core.errors import Dc43Error
from dc43_core.governance.interface import run_keeper
from dc43_core.pipeline_file import PipelineFile, load_pipeline
from dc43_core.protocol import clock
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.identity import stream_of
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import RunType
from dc43_demo_app.launch import Launch, Scenario

_TOLD = 4_000
"""Characters of a process's last words."""


class NotStartableError(Dc43Error, LookupError):
    """These pages do not know how to start a stream."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(
            f"{what} is of no pipeline file that this server was given; start it as it was started"
        )


@frozen(kw_only=True)
class _Process:
    process: subprocess.Popen[bytes]
    title: str
    started_at: str
    stream_id: str | None
    log: Path
    is_replay: bool


@define(kw_only=True, eq=False)
class PipelineLauncher:
    """Starts the streams of some pipeline files.

    Attributes:
        files: The pipelines.
        runtime: Whose ledger tells what became of a start.
        logs: Folder for what the processes say.
    """

    files: Sequence[PipelineFile]
    runtime: Runtime
    logs: Path
    _started: dict[str, _Process] = field(factory=dict, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    @classmethod
    def of(cls, paths: Sequence[Path], runtime: Runtime) -> PipelineLauncher:
        """Read the pipeline files.

        Raises:
            ConfigurationError: if one cannot be used.
        """
        logs = runtime.config.folder / ".dc43" / "ui"
        return cls(files=[load_pipeline(path) for path in paths], runtime=runtime, logs=logs)

    @property
    def contract_folders(self) -> list[Path]:
        """Where the contracts of the pipelines lie."""
        paths = [Path(f.resolve(f.contract.path)) for f in self.files if f.contract.path]
        return list(dict.fromkeys(path.parent for path in paths))

    def scenarios(self) -> Sequence[Scenario]:
        """A user's own streams are on the page of streams."""
        return []

    def problem(self) -> str | None:
        """Whether Spark is there, the process that needs it says."""
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
        return self._start(stream_id, file.name, ["run", str(file.file)])

    def replay(self, stream_id: str, batches: Sequence[int], checks: Sequence[str]) -> str:
        """Replay the pipeline's rejects; return the launch's id."""
        file = self._known(stream_id)
        options = [f"--batch={batch}" for batch in batches] + [f"--check={c}" for c in checks]
        command = ["rejects", "replay", str(file.file), *options]
        return self._start(stream_id, f"replay of {file.name}", command, is_replay=True)

    def command(self, stream_id: str) -> str | None:
        """Return `dc43 run` with its file."""
        file = self._file(stream_id)
        return None if file is None else f"dc43 run {shlex.quote(str(file.file))}"

    def launch(self, launch_id: str) -> Launch | None:
        """Say what became of a start of this server."""
        with self._lock:
            found = self._started.get(launch_id)
        if found is None:
            return None
        code = found.process.poll()
        run_id = self._run_of(found)
        problem = None
        if code is not None and run_id is None:
            said = found.log.read_text(errors="replace")[-_TOLD:].strip()
            problem = None if found.is_replay and code == 0 else said or f"it ended with {code}"
        return Launch(
            launch_id=launch_id,
            title=found.title,
            started_at=found.started_at,
            run_id=run_id,
            problem=problem,
            done=said_of(found, code),
        )

    def _start(
        self, stream_id: str, title: str, command: Sequence[str], *, is_replay: bool = False
    ) -> str:
        self.logs.mkdir(parents=True, exist_ok=True)
        launch_id = clock.new_id()[:12]
        log = self.logs / f"{launch_id}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "dc43_core.cli", *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                # It outlives this server, and Ctrl-C in its terminal is not meant for it.
                start_new_session=True,
                cwd=self.runtime.config.folder,
            )
        with self._lock:
            self._started[launch_id] = _Process(
                process=process,
                title=title,
                started_at=clock.now(),
                stream_id=stream_id,
                log=log,
                is_replay=is_replay,
            )
        return launch_id

    def _run_of(self, found: _Process) -> str | None:
        client = self.runtime.governance
        if found.is_replay or not run_keeper(client):
            return None
        namespace = self.runtime.config.namespace
        runs = client.runs(namespace=namespace, stream_id=found.stream_id, newest=1)
        ends = f"process {found.process.pid}"
        return next((r.run_id for r in runs if r.driver.endswith(ends)), None)

    def _known(self, stream_id: str) -> PipelineFile:
        file = self._file(stream_id)
        if file is None:
            raise NotStartableError(f"stream {stream_id}")
        return file

    def _file(self, stream_id: str) -> PipelineFile | None:
        return self._by_stream().get(stream_id)

    def _by_stream(self) -> Mapping[str, PipelineFile]:
        found = {}
        for file in self.files:
            known = stream_of(LocalFileStore(), file.checkpoint)
            if known is not None:
                found[str(known["stream_id"])] = file
        return found


def said_of(found: _Process, code: int | None) -> str | None:
    """Return what a replay that ended well said, which is all that comes of it."""
    if not found.is_replay or code != 0:
        return None
    return found.log.read_text(errors="replace")[-_TOLD:].strip()
