"""Log lines of a command: on stderr, one line each.

The library configures no logging; here it is the program, so it does.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dc43_core.cli.text import clean

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# What stops a run is reported once, by the command itself.
_REPORTED = frozenset({"batch.blocked"})


class LogLines(logging.Handler):
    """Writes `dc43: warning: event field=value` to what `sys.stderr` is at that moment."""

    def __init__(self) -> None:
        super().__init__()
        self.traceback = False

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, unless it is of no use to people."""
        ours = record.name.partition(".")[0] == "dc43"
        # What a library logs beside its exceptions, and under no name of its own, tells
        # people nothing: py4j writes pages of it whenever a run is stopped.
        foreign = not ours and (record.levelno < logging.ERROR or record.name == "root")
        if self.traceback or not (foreign or record.getMessage() in _REPORTED):
            sys.stderr.write(self.format(record) + "\n")

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the traceback behind it if that was asked for."""
        fields = {k: v for k, v in vars(record).items() if k not in _STANDARD}
        facts = "".join(f" {name}={clean(value)}" for name, value in fields.items())
        line = f"dc43: {record.levelname.lower()}: {clean(record.getMessage())}{facts}"
        if self.traceback and record.exc_info:
            line += "\n" + logging.Formatter().formatException(record.exc_info)
        return line


@contextmanager
def shown_logs() -> Iterator[LogLines]:
    """Show warnings and errors while a command runs, unless the host has handlers already."""
    root, handler = logging.getLogger(), LogLines()
    if root.handlers:
        yield handler
        return
    root.addHandler(handler)
    try:
        yield handler
    finally:
        root.removeHandler(handler)
