"""A driver in a process of its own, in another folder, with an empty home and its own ledger.

    python -m tests.faults.crash_child

Reads one order a line, as JSON, and answers each with one line. Killed, it takes its JVM along:
both stand in one process group, as what a machine takes away.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import define

from dc43_core.config import load_config
from dc43_core.runtime import Runtime
from tests.faults.crash_points import Points
from tests.faults.crash_sinks import SINKS
from tests.faults.crash_world import TIMEOUT, World

ROOT = Path(__file__).parents[2]


@define(eq=False)
class Child:
    """The parent's end of one such process."""

    process: subprocess.Popen[str]

    @classmethod
    def spawn(cls, folder: Path) -> Child:
        """Start one; it needs some seconds until it answers."""
        for name in ("home", "work"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
        environment.pop("DC43_CONFIG", None)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.crash_child"],
            cwd=folder / "work",
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        return cls(process)

    def order(self, world: World, do: str = "", at: Sequence[tuple[int, str]] = ()) -> None:
        """Let it drive a stream.

        Args:
            world: The stream.
            do: What it does at the points: `kill` its group, `alone` (Python without its JVM),
                `wait` for `go`, or `tell`.
            at: Batch and point.
        """
        place = {"home": str(world.home), "sink": world.sink.name}
        self._write(json.dumps({**place, "do": do, "at": [list(point) for point in at]}))

    def go(self) -> None:
        """Let it go on."""
        self._write("go")

    def answer(self) -> dict[str, Any] | None:
        """Return its next word; None if it died first."""
        assert self.process.stdout is not None
        watchdog = threading.Timer(TIMEOUT, self.kill)
        watchdog.start()
        try:
            for line in self.process.stdout:
                if line.startswith("{"):
                    found: dict[str, Any] = json.loads(line)
                    return found
            self.process.wait()
            return None
        finally:
            watchdog.cancel()

    def kill(self) -> None:
        """Kill it with its JVM."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def close(self) -> None:
        """Kill it, and let go of it."""
        self.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def _write(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


def main() -> None:
    """Carry out orders until there are none."""
    from dc43_integrations.testing import small_session

    for name in ("dc43", "py4j"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    spark = small_session()
    _say({"ready": True})
    sinks = {sink.name: sink for sink in SINKS}
    # The default ledger, of this process's own folder.
    governance = Runtime(config=load_config()).governance
    for line in iter(sys.stdin.readline, ""):
        order = json.loads(line)
        world = World(spark, sinks[order["sink"]], Path(order["home"]))
        act = {"kill": _kill, "alone": _kill_alone, "wait": _wait, "tell": _tell}
        points = Points(
            act=act.get(order["do"], _tell), at=frozenset(tuple(point) for point in order["at"])
        )
        ended = world.drive(points, governance=governance)
        _say({"ended": True, "error": ended.error, "wrong": world.wrong})


def _kill(batch_id: int, name: str) -> None:
    os.killpg(0, signal.SIGKILL)


def _kill_alone(batch_id: int, name: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _wait(batch_id: int, name: str) -> None:
    _tell(batch_id, name)
    sys.stdin.readline()


def _tell(batch_id: int, name: str) -> None:
    _say({"at": [batch_id, name]})


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
