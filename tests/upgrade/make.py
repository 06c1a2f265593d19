"""Make the fixture of one format version: `python -m tests.upgrade.make FOLDER`.

Run once for each version of the formats, by a release that writes it, and committed. It is never
made anew: every later release has to read what this one wrote.

Two streams write into one main and one reject sink, and both die in the middle:

- `orders` has committed batch 0, and batch 1 is PREPARED: decided, and nothing of it is visible;
- `returns` has committed batch 0, and batch 1 is BLOCKED, its rows kept.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from dc43_core.errors import BatchBlockedError
from tests.upgrade.stream import HERE, Place, orders


class Crash(BaseException):
    """The process dies here."""


def make(place: Place) -> None:
    """Run both streams until they die."""

    def die(name: str, batch_id: int) -> None:
        if (name, batch_id) == ("prepared", 1):
            raise Crash

    stream = place.start("orders", failpoint=die)
    stream.process(orders(10), 0)
    try:
        stream.process(orders(20), 1)
    except Crash:
        pass
    stream = place.start("returns", blocks=1)
    stream.process(orders(30), 0)
    try:
        stream.process(orders(40), 1)
    except BatchBlockedError:
        pass


def main(target: Path) -> None:
    """Make it in a temporary folder, and copy it with a name in place of that folder's."""
    with tempfile.TemporaryDirectory() as folder:
        place = Place(folder=Path(folder))
        make(place)
        for file in sorted(place.folder.rglob("*")):
            if file.is_file():
                copy = target / file.relative_to(place.folder)
                copy.parent.mkdir(parents=True, exist_ok=True)
                content = file.read_bytes().replace(place.folder.as_uri().encode(), HERE.encode())
                assert folder.encode() not in content, file
                copy.write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
