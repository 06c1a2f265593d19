"""The protocol on an engine of plain lists: crashed, failed and raced at every point.

Scenarios and bugs run in processes of their own, as many as there are processors.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed

from dc43_core.testing.simulator.crashes import Tally
from dc43_core.testing.simulator.scenarios import SCENARIOS, Effort
from tests.faults.bugs import BUGS
from tests.faults.figures import Figure

SECTION = "simulator"


def measure(*, full: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    """Run every scenario and every bug."""
    effort = Effort.FULL if full else Effort.SHORT
    began = time.monotonic()
    tallies: dict[str, Tally] = {}
    found: dict[str, tuple[bool, str]] = {}
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context, initializer=_quiet) as pool:
        # What takes long goes first.
        work = {pool.submit(drive, s.name, effort): s.name for s in reversed(SCENARIOS)}
        hunts = {pool.submit(hunt, bug.wrong.__name__): bug.wrong.__name__ for bug in BUGS}
        for done in as_completed(work):
            tally = tallies[work[done]] = done.result()
            say(
                f"{work[done]}: {tally.crashes:,} crashes, {tally.turns:,} turns, "
                f"{tally.failures:,} failures, {tally.violation_count} violations"
            )
        for hunted, name in hunts.items():
            found[name] = hunts_result(hunted)
    yield from _figures(list(tallies.values()), full=full, seconds=time.monotonic() - began)
    missed = [f"{name}: {what}" for name, (caught, what) in found.items() if not caught]
    yield Figure(
        section=SECTION,
        name="seeded bugs caught",
        value=f"{len(found) - len(missed)} of {len(BUGS)}",
        ok=not missed and len(BUGS) >= 20,
        detail="; ".join(missed[:3]),
    )


def drive(name: str, effort: Effort) -> Tally:
    """Run one scenario."""
    [scenario] = [each for each in SCENARIOS if each.name == name]
    tally = Tally()
    scenario.run(tally, effort)
    # Only numbers and texts are of use to another process.
    tally.done.clear()
    return tally


def hunt(name: str) -> tuple[bool, str]:
    """Look for one bug; return whether it was caught, and by what."""
    [bug] = [each for each in BUGS if each.wrong.__name__ == name]
    what = bug.found()
    return bug.is_caught_by(what), what or "found by nothing"


def hunts_result(done: Future[tuple[bool, str]]) -> tuple[bool, str]:
    """Return what a hunt found; a bug that broke the simulation instead was not caught."""
    error = done.exception()
    return done.result() if error is None else (False, f"{type(error).__name__}: {error}")


def _quiet() -> None:
    # What is broken on purpose logs by the thousand.
    logging.getLogger("dc43").setLevel(logging.CRITICAL)


def _figures(tallies: list[Tally], *, full: bool, seconds: float) -> Iterator[Figure]:
    crashes = sum(t.crashes for t in tallies)
    runs = sum(t.runs for t in tallies)
    wanted = 500_000 if full else 50_000
    violations = [text for t in tallies for text in t.violations]
    yield Figure(
        section=SECTION,
        name="crash points tried",
        value=f"{crashes:,}",
        ok=crashes >= wanted,
        detail=f"at least {wanted:,}; alone, in pairs{' and in threes' if full else ''}; "
        f"killed, power cut, torn; {crashes / seconds:,.0f} a second",
    )
    yield Figure(
        section=SECTION,
        name="runs to the end",
        value=f"{runs:,}",
        ok=runs > 0,
        detail="each from a state of its own: crashes that leave equal files share one",
    )
    yield Figure(
        section=SECTION,
        name="turns of two drivers",
        value=f"{sum(t.turns for t in tallies):,}",
        ok=all(t.turns for t in tallies if t.turns) and any(t.turns for t in tallies),
        detail="of one stream, on a replayed or released batch, of two streams into one sink",
    )
    yield Figure(
        section=SECTION,
        name="failed operations",
        value=f"{sum(t.failures for t in tallies):,}",
        ok=any(t.failures for t in tallies),
        detail="refused, done with the reply lost, governance away; then crashes",
    )
    yield Figure(
        section=SECTION,
        name="violations",
        value=f"{sum(t.violation_count for t in tallies):,}",
        ok=not violations,
        detail="; ".join(violations[:3]),
    )
