"""The protocol on an engine of plain lists, which dies at every point."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dc43_core.config import Config
from dc43_core.runtime import Runtime
from dc43_core.testing.contracts import order_rows
from dc43_core.testing.simulator import crash_plans, fresh_runtime, simulate
from tests.faults.figures import Figure


def measure(*, full: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    """Crash at every point, and at pairs of points."""
    template = Runtime(config=Config())
    batches = order_rows(batches=4, rows=6)
    whole = simulate(frozenset(), batches, lambda: fresh_runtime(template))
    wrong = whole.violations()
    tried = 0
    for plan in crash_plans(whole.points.passed, 20_000 if full else 2_000, seed=43):
        world = simulate(plan, batches, lambda: fresh_runtime(template))
        wrong += [f"crash at {sorted(plan)}: {w}" for w in world.violations()]
        tried += len(plan)
        if tried % 1_000 == 0:
            say(f"{tried} crash points, {len(wrong)} violations")
    yield Figure(section="simulator", name="crash points tried", value=f"{tried:_}", ok=True)
    yield Figure(
        section="simulator",
        name="violations",
        value=str(len(wrong)),
        ok=not wrong,
        detail="; ".join(wrong[:3]),
    )
