"""The main job: a year of real flights through a contract, then the history of what landed.

    python3 dev.py run            go on where the last run ended
    python3 dev.py run --fresh    forget what landed and begin anew

Any further option is passed on to `dc43 run`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from prepare import prepare

HERE = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Prepare the data, run the pipeline, show the history; return `dc43 run`'s exit code."""
    if "--fresh" in arguments:
        arguments.remove("--fresh")
        for folder in ("out", ".dc43"):
            shutil.rmtree(HERE / folder, ignore_errors=True)
    flights = prepare(HERE / "data" / "flights")
    sys.stderr.write(f"{flights:,} flights, one CSV file a day, in data/flights\n")
    sys.stderr.flush()
    # The configuration and the ledger belong to the example, wherever it is started from.
    environment = {**os.environ, "DC43_CONFIG": str(HERE / "dc43.toml")}
    dc43 = [sys.executable, "-m", "dc43_core.cli"]
    run = [*dc43, "run", str(HERE / "pipeline.toml"), *arguments]
    code = subprocess.run(run, env=environment, check=False).returncode
    if "--json" not in arguments and code in (0, 1):
        subprocess.run([*dc43, "history", "flights"], env=environment, check=False)
    return code


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
