"""The feed of a scenario: the year's files appear one after the other, in order."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
from pathlib import Path

from attrs import frozen

from dc43_demo_app.scenarios.flights import DAYS, write_whole

AHEAD = 2
"""Days that may lie unread: a feed that ran away would be read long after it was stopped."""
_LOOK_SECONDS = 0.05


@frozen(kw_only=True)
class Loss:
    """A column that a feed loses.

    Attributes:
        column: Its name.
        since: The first day without it; 0 is the first of January.
    """

    column: str
    since: int


@frozen(kw_only=True)
class Feed:
    """The folder that a stream reads, and the year that its files come from.

    Attributes:
        year: One file a day, as published.
        folder: Where the stream reads.
        memory: A file that says which column is lost; absent while none is.
    """

    year: Path
    folder: Path
    memory: Path

    @property
    def loss(self) -> Loss | None:
        """The column that is lost, until it is restored."""
        if not self.memory.is_file():
            return None
        return Loss(**json.loads(self.memory.read_text(encoding="utf-8")))

    def lose(self, loss: Loss) -> None:
        """Leave a column out of the days from one on."""
        self.memory.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"column": loss.column, "since": loss.since})
        self.memory.write_text(text, encoding="utf-8")

    def restore(self) -> list[str]:
        """Write the days that lack a column anew and whole; return their names.

        They keep their names and their age, so that a stream which was blocked on one reads it
        again, and none twice.
        """
        loss = self.loss
        if loss is None:
            return []
        names = self._days()[loss.since : self.count()]
        for number, name in enumerate(names, loss.since):
            self._write(name, number, None)
        # Last: whoever is interrupted before restores again.
        self.memory.unlink()
        return names

    def count(self) -> int:
        """Return how many days lie in the folder; the next one is the first that does not."""
        return sum(1 for _ in self.folder.glob("*.csv"))

    def put(self, number: int) -> None:
        """Let a day appear."""
        loss = self.loss
        lost = loss.column if loss is not None and number >= loss.since else None
        self._write(self._days()[number], number, lost)

    def _days(self) -> list[str]:
        return sorted(file.name for file in self.year.glob("*.csv"))

    def _write(self, name: str, number: int, lost: str | None) -> None:
        text = (self.year / name).read_text(encoding="utf-8")
        if lost is not None:
            text = without(text, lost)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / name, text, number)


def without(text: str, column: str) -> str:
    """Return CSV without one of its columns."""
    rows = list(csv.reader(io.StringIO(text)))
    place = rows[0].index(column)
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(row[:place] + row[place + 1 :] for row in rows)
    return out.getvalue()


class Feeder:
    """Lets the days of a feed appear at a pace, in a thread of its own.

    Args:
        feed: The feed; it goes on after the last day that is there.
        pace: Seconds from one day to the next, at least.
        taken: Days that the stream is through with.
        seconds: How long it feeds; None until the year is over.
        least: Days that it feeds however long that takes.

    Attributes:
        failure: What went wrong in the thread.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        pace: float,
        taken: int = 0,
        seconds: float | None = None,
        least: int = 0,
    ) -> None:
        self.failure: Exception | None = None
        self._feed, self._pace, self._seconds = feed, pace, seconds
        self._fed, self._taken = feed.count(), taken
        self._due = self._fed + least
        self._changed = threading.Condition()
        self._stopped = self._finished = False
        self._thread = threading.Thread(target=self._run, name="dc43-feeder", daemon=True)

    @property
    def year_is_over(self) -> bool:
        """Whether the last day has been fed."""
        return self._fed >= DAYS

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End as soon as the day at hand is written, and wait for that."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def took(self, number: int) -> None:
        """Hear that the stream is through with a day."""
        with self._changed:
            self._taken = max(self._taken, number + 1)
            self._changed.notify_all()

    def wait_until_read(self, seconds: float) -> bool:
        """Wait so long for the end of the feed and for the stream to be through with it.

        Raises:
            Exception: what went wrong in the thread.
        """
        with self._changed:
            self._changed.wait_for(self._is_read, seconds)
            if self.failure is not None:
                raise self.failure
            return self._is_read()

    def _is_read(self) -> bool:
        return self._finished and (self.failure is not None or self._taken >= self._fed)

    def _run(self) -> None:
        try:
            self._go()
        # Not lost in the thread: whoever waits for the feed gets it.
        except Exception as error:  # noqa: BLE001
            self.failure = error
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def _go(self) -> None:
        begun = time.monotonic()
        until = None if self._seconds is None else begun + self._seconds
        while self._fed < DAYS and self._may_go_on(until):
            self._feed.put(self._fed)
            with self._changed:
                self._fed += 1
                self._changed.wait_for(lambda: self._stopped, self._pace)

    def _may_go_on(self, until: float | None) -> bool:
        """Wait until the stream is near; say whether the next day is to come then."""
        with self._changed:
            while not self._stopped:
                late = until is not None and time.monotonic() >= until
                if late and self._fed >= self._due:
                    return False
                if self._fed - self._taken < AHEAD:
                    return True
                self._changed.wait(_LOOK_SECONDS)
            return False
