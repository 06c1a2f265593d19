"""`dc43` on the command line.

Exit codes: 0 the data is ok or warns, 1 data was blocked, 2 wrong use or configuration, 3 a
fault, or a verdict that could not be reached; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dc43_core.runtime import Runtime

_NEEDS = ("typer", "click", "rich")


def main(
    arguments: Sequence[str] | None = None, *, runtime: Callable[[], Runtime] | None = None
) -> int:
    """Run one command and return its exit code.

    Args:
        arguments: What stands behind `dc43`; None takes the process's own.
        runtime: Makes the runtime when a command first needs it; None builds it from the
            configuration. Tests and programs that embed the command line give their own.
    """
    try:
        from dc43_core.cli.app import execute
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDS:
            raise
        sys.stderr.write("dc43: the command line needs typer and rich; install dc43-gate[cli]\n")
        return 2
    return execute(sys.argv[1:] if arguments is None else arguments, runtime)
