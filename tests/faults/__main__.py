"""python3 dev.py faults [--full] [--only SECTION]: break it everywhere, and count what is wrong.

Each section is a module of this package with one function:

    def measure(*, full: bool, say: Callable[[str], None]) -> Iterator[Figure]

The exit code is 1 if a figure is not what is claimed, or a section could not measure.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.faults.figures import Figure
from tests.faults.sections import SECTIONS, WITHOUT_SPARK, collected


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
    # Each section in a process of its own, that none works in what another left; not forked, since
    # a child must not share what Spark opens.
    with ExitStack() as stack:
        lanes = [
            stack.enter_context(
                ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1)
            )
            for _ in range(2)
        ]
        pending = [
            lanes[section in WITHOUT_SPARK].submit(collected, section, full=options.full)
            for section in wanted
        ]
        figures = [figure for one in pending for figure in one.result()]
    print_table(figures)
    failed = [f for f in figures if not f.ok]
    seconds = time.monotonic() - began
    sys.stdout.write(f"{len(figures)} figures, {len(failed)} not as claimed, {seconds:.0f} s\n")
    return 1 if failed or not figures else 0


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
