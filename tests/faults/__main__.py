"""python3 dev.py faults [--full] [--only SECTION]: break it everywhere, and count what is wrong.

Each section is a module of this package with one function:

    def measure(*, full: bool, say: Callable[[str], None]) -> Iterator[Figure]

The exit code is 1 if a figure is not what is claimed, or a section could not measure.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.faults.figures import Figure

WITHOUT_SPARK = ("simulator", "outbox", "replays")
SECTIONS = (*WITHOUT_SPARK, "crashes", "drifts", "viewfs")
"""In the order of the table. Those without Spark run beside the others, in their own process."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; exit 1 if a figure fails."""
    parser = argparse.ArgumentParser(prog="dev.py faults", description="Measure what faults do.")
    parser.add_argument("--full", action="store_true", help="the long form, for hours at night")
    parser.add_argument(
        "--only", action="append", choices=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS)
    )
    options = parser.parse_args(arguments)
    began = time.monotonic()
    wanted = [section for section in SECTIONS if section in (options.only or SECTIONS)]
    beside = [section for section in wanted if section in WITHOUT_SPARK]
    here = [section for section in wanted if section not in WITHOUT_SPARK]
    # Not forked: the child must not share what Spark opens here.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        pending = pool.submit(collected, beside, full=options.full) if beside and here else None
        figures = collected(here if pending else wanted, full=options.full)
        if pending is not None:
            figures = [*pending.result(), *figures]
    print_table(figures)
    failed = [f for f in figures if not f.ok]
    seconds = time.monotonic() - began
    sys.stdout.write(f"{len(figures)} figures, {len(failed)} not as claimed, {seconds:.0f} s\n")
    return 1 if failed or not figures else 0


def collected(sections: Sequence[str], *, full: bool) -> list[Figure]:
    """Return what sections measure, one after the other."""
    # What is broken on purpose logs by the thousand.
    logging.getLogger("dc43").setLevel(logging.CRITICAL)
    figures: list[Figure] = []
    for section in sections:
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
    print(f"[{section}] {text}", file=sys.stderr, flush=True)


def print_table(figures: Sequence[Figure]) -> None:
    """Print one row a figure."""
    table = Table(box=SIMPLE_HEAD, title="What faults do", title_justify="left")
    for column in ("section", "figure", "value", "", "detail"):
        table.add_column(column, justify="right" if column == "value" else "left", overflow="fold")
    last = ""
    for figure in figures:
        shown = figure.section if figure.section != last else ""
        last = figure.section
        mark = Text("ok", "green") if figure.ok else Text("NO", "bold red")
        # Text, not markup: a fault's message may hold brackets.
        texts = (shown, figure.name, figure.value)
        table.add_row(*map(Text, texts), mark, Text(figure.detail))
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
