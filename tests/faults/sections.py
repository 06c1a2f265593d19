"""The sections, and measuring them; importable, so that a process of its own can."""

from __future__ import annotations

import importlib
import logging
import sys
import time
import traceback
from collections.abc import Iterator

from tests.faults.figures import Figure

WITHOUT_SPARK = ("simulator", "outbox", "replays")
SECTIONS = (*WITHOUT_SPARK, "crashes", "drifts", "viewfs")
"""In the order of the table. Those without Spark run beside the others, in their own process."""
_BEGAN = time.monotonic()
"""A section has a process of its own."""


def collected(section: str, *, full: bool) -> list[Figure]:
    """Return what a section measures."""
    # What is broken on purpose logs by the thousand.
    logging.getLogger("dc43").setLevel(logging.CRITICAL)
    figures: list[Figure] = []
    for figure in measured(section, full=full):
        figures.append(figure)
        say(section, f"{figure.name}: {figure.value}{'' if figure.ok else ' - NOT AS CLAIMED'}")
    return figures


def measured(section: str, *, full: bool) -> Iterator[Figure]:
    """Yield what a section measures, and the fault that ends it, if one does."""
    module = importlib.import_module(f"tests.faults.{section}")
    began = time.monotonic()
    try:
        yield from module.measure(full=full, say=lambda text: say(section, text))
    # The other sections' figures are worth having; this one's fault is in the table.
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        yield Figure(
            section=section,
            name="measured to its end",
            value="no",
            ok=False,
            detail=f"{type(error).__name__}: {error}",
        )
    say(section, f"took {time.monotonic() - began:.0f} s")


def say(section: str, text: str) -> None:
    """Show progress; standard output is for the table."""
    seconds = time.monotonic() - _BEGAN
    print(f"[{section} {seconds:4.0f} s] {text}", file=sys.stderr, flush=True)
