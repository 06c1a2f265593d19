"""Processes that were started for the pages, remembered beside what they say.

Nothing is kept in memory that is needed later: a server that began anew finds each start again.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import asdict, define, field, frozen

from dc43_core.governance.interface import GovernanceClient, run_keeper
from dc43_core.governance.run_log import driver
from dc43_core.protocol import clock
from dc43_demo_app.launch import Launch

_NEWEST = 50
"""Runs among which that of a process is looked for."""
_TOLD = 4_000
"""Characters of a process's last words."""


@frozen(kw_only=True)
class Started:
    """A process that was started.

    Attributes:
        title: For people.
        pid: Its number.
        started_at: UTC, RFC 3339.
        makes_run: Whether a run comes of it; nothing but its words comes of a replay.
    """

    title: str
    pid: int
    started_at: str
    makes_run: bool


@define(kw_only=True, eq=False)
class Launches:
    """Starts processes that outlive the server, and says what became of them.

    Attributes:
        folder: Where they are remembered.
    """

    folder: Path
    _children: dict[int, subprocess.Popen[bytes]] = field(factory=dict, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)

    def start(
        self,
        title: str,
        command: Sequence[str],
        *,
        cwd: Path,
        makes_run: bool,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Start a process; return the launch's id.

        Args:
            title: For people.
            command: What is started.
            cwd: Its working folder.
            makes_run: Whether a run comes of it.
            environment: Variables that it has besides those of this process.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        launch_id = clock.new_id()[:12]
        started_at = clock.now()
        with self._log(launch_id).open("wb") as out:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                # It outlives this server, and Ctrl-C in its terminal is not meant for it.
                start_new_session=True,
                cwd=cwd,
                env={**os.environ, **(environment or {})},
            )
        with self._lock:
            self._children[process.pid] = process
        known = Started(title=title, pid=process.pid, started_at=started_at, makes_run=makes_run)
        self._note(launch_id).write_text(json.dumps(asdict(known)), encoding="utf-8")
        return launch_id

    def find(self, launch_id: str, client: GovernanceClient, namespace: str) -> Launch | None:
        """Return what became of a start; None if there was none of this id.

        Args:
            launch_id: As `start` returned it; it may come from a URL.
            client: The ledger that the process writes to.
            namespace: Where its run is.
        """
        if not (launch_id.isascii() and launch_id.isalnum()):
            return None
        try:
            known = Started(**json.loads(self._note(launch_id).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        # Before the ledger is asked: a process that ends in between has told its run by then.
        over = self._is_over(known.pid)
        run_id = self._run_of(known, client, namespace) if known.makes_run else None
        problem = done = None
        if over and run_id is None:
            said = self._log(launch_id).read_text(encoding="utf-8", errors="replace")
            said = said[-_TOLD:].strip()
            failed = said.rpartition("\n")[2].startswith("dc43: ")
            if known.makes_run or failed:
                problem = said or "the process ended without a word"
            else:
                done = said
        return Launch(
            launch_id=launch_id,
            title=known.title,
            started_at=known.started_at,
            run_id=run_id,
            problem=problem,
            done=done,
        )

    def _run_of(self, known: Started, client: GovernanceClient, namespace: str) -> str | None:
        if not run_keeper(client):
            return None
        driven_by = driver(known.pid)
        return next(
            (
                run.run_id
                for run in client.runs(namespace=namespace, newest=_NEWEST)
                if run.driver == driven_by and run.started_at >= known.started_at
            ),
            None,
        )

    def _is_over(self, pid: int) -> bool:
        with self._lock:
            child = self._children.get(pid)
        if child is not None:
            return child.poll() is not None
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            # Someone else's: the number has been given anew.
            return True
        return False

    def _note(self, launch_id: str) -> Path:
        return self.folder / f"{launch_id}.json"

    def _log(self, launch_id: str) -> Path:
        return self.folder / f"{launch_id}.log"
