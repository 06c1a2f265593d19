"""The tests of the file sink once more, with every path on `viewfs://`.

A mount table is configuration alone, no jar, and Python's own `os` sees nothing behind it: whatever
opens a file of source, staging, sink, rejects or checkpoint past `FileStore` fails here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults.figures import Figure

ROOT = Path(__file__).resolve().parents[2]
SPARK = "plugins/dc43-gate-spark/tests"
SHORT = {
    "log and sharing of the sink, restarts, rejects": [
        *(f"{SPARK}/test_{name}.py" for name in ("sink_log", "shared_sinks", "streams")),
        "-k",
        "sink_log or shared_sinks or restart or wiped or share or listener",
    ],
}
LONG = {
    "every test of the Spark plugin": [SPARK],
    "killed twice with SIGKILL": ["tests/flow/test_kill.py"],
}


def measure(*, full: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    """Run the tests, one process a row."""
    for name, files in (LONG if full else SHORT).items():
        say(name)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files],
            cwd=ROOT,
            env={**os.environ, "DC43_TEST_FILE_SYSTEM": "viewfs"},
            capture_output=True,
            text=True,
            check=False,
        )
        found = re.search(r"(\d+) passed", done.stdout)
        failed = re.findall(r"^(?:FAILED|ERROR) \S*?([\w.]+::\S+)", done.stdout, re.MULTILINE)
        ok = done.returncode == 0 and found is not None
        yield Figure(
            section="viewfs",
            name=name,
            value=f"{found[1] if found else 0} passed",
            ok=ok,
            detail="" if ok else ", ".join(failed[:5]) or done.stdout[-300:] + done.stderr[-300:],
        )
