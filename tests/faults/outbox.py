"""Five hundred batches while governance is away, and what it knows afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define

from dc43_core.errors import GovernanceDownError
from dc43_core.testing.simulator import judge
from dc43_core.testing.simulator.feed import Feed, Scene, drive
from dc43_core.testing.simulator.state import NOTHING, World
from tests.faults.figures import Figure

SECTION = "outbox"
BATCHES = 500
_STARTS = 5
"""An answer that is lost ends an attempt; each start after the outage makes two."""


@define
class Outage:
    """Governance is away from the first batch until it is mended; then answers may be lost."""

    mended: bool = False
    loses: bool = False
    calls: int = 0

    def before(self, name: str) -> None:
        """Refuse."""
        if "governance" in name and not self.mended:
            raise ConnectionError("no route to governance")

    def after(self, name: str) -> None:
        """Keep the records, and lose every second answer."""
        if "governance" not in name:
            return
        self.calls += 1
        if self.loses and self.calls % 2:
            raise TimeoutError("no answer from governance")


def measure(*, full: bool, say: Callable[[str], None]) -> Iterator[Figure]:
    """Let the outage end in four ways."""
    for how in ("in the same start", "at a restart"):
        for loses in (False, True):
            answers = ", every second answer lost" if loses else ""
            say(f"{BATCHES} batches, the outage ends {how}{answers}")
            kept, wrong = backfill(restart=how == "at a restart", loses=loses)
            yield Figure(
                section=SECTION,
                name=f"back-fill {how}{answers}",
                value=f"{kept} of {BATCHES}",
                ok=kept == BATCHES and not wrong,
                detail="; ".join(wrong) or "in order, each once, equal to the journal",
            )
    begun = blocked()
    yield Figure(
        section=SECTION,
        name='batches begun under on_outage = "block"',
        value=str(begun),
        ok=begun == 0,
        detail="GovernanceDownError, exit code 3",
    )


def backfill(*, restart: bool, loses: bool, batches: int = BATCHES) -> tuple[int, list[str]]:
    """Run all batches of a stream while governance is away; return what it knows in the end.

    Returns:
        How many records governance holds, and what is wrong.
    """
    feed = Feed(batches=batches, bound=100)
    world, outage = World.of(NOTHING), Outage(loses=loses)
    world.done = outage.after

    def at_point(name: str) -> None:
        if not restart and name == f"engine commits {batches - 2}":
            outage.mended = True
        outage.before(name)

    world.at_point = at_point
    drive(world, feed)
    held_back = len(world.ledger.everything()) == 0
    outage.mended = True
    for _ in range(_STARTS):
        drive(world, feed)
    wrong = judge.ended(world, Scene(feeds=[feed]))
    if restart and not held_back:
        wrong.append("governance was not away")
    return len(world.ledger.everything()), wrong


def blocked() -> int:
    """Return how many batches a stream begins that governance is to block."""
    world, outage = World.of(NOTHING), Outage()
    begun: list[str] = []

    def at_point(name: str) -> None:
        if name.startswith("handed-over"):
            begun.append(name)
        outage.before(name)

    world.at_point = at_point
    try:
        drive(world, Feed(on_outage="block"))
    except GovernanceDownError as error:
        assert error.exit_code == 3
        return len(begun)
    raise AssertionError("the stream ran to its end without governance")
