"""What the distribution offers, and that offering it costs nothing."""

import json
import subprocess
import sys


def test_the_hooks_are_imported_without_a_web_server_or_spark() -> None:
    code = (
        "import dc43_demo_app.hooks, json, sys\n"
        "print(json.dumps([m for m in ('pyarrow', 'pyspark', 'starlette', 'uvicorn')"
        " if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == []
