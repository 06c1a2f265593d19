"""The feed of a scenario: real days, in order, at a pace."""

from __future__ import annotations

import csv
import time
from pathlib import Path

import pytest

from dc43_demo_app.scenarios.feed import AHEAD, Feed, Feeder, Loss
from dc43_demo_app.scenarios.flights import DAYS, FLIGHTS, prepare

BREAK = Loss(column="tailnum", since=3)


@pytest.fixture
def feed(tmp_path: Path, year: Path) -> Feed:
    return Feed(year=year, folder=tmp_path / "in", memory=tmp_path / "loss.json")


def days(feed: Feed) -> list[Path]:
    """What the stream would read, in its order: the oldest file first."""
    return sorted(feed.folder.glob("*.csv"), key=lambda file: file.stat().st_mtime)


def table(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


class Stream:
    """Takes each day as soon as it is there, and notes how many lay unread at most."""

    def __init__(self, feed: Feed, feeder: Feeder) -> None:
        self.feed, self.feeder, self.taken, self.unread = feed, feeder, 0, 0

    def read(self) -> int:
        while not self.feeder.wait_until_read(0.001):
            self.unread = max(self.unread, self.feed.count() - self.taken)
            if self.feed.count() > self.taken:
                self.feeder.took(self.taken)
                self.taken += 1
        return self.taken


def test_the_year_is_one_file_a_day(year):
    assert prepare(year) == FLIGHTS
    assert len(list(year.glob("*.csv"))) == DAYS


def test_days_come_in_order_and_as_they_were_published(feed, year):
    for number in range(40):
        feed.put(number)
    assert [file.name for file in days(feed)][30:33] == [
        "2013-01-31.csv",
        "2013-02-01.csv",
        "2013-02-02.csv",
    ]
    assert all(file.read_bytes() == (year / file.name).read_bytes() for file in days(feed))


def test_a_lost_column_is_gone_from_its_day_on_and_nothing_else_is(feed, year):
    feed.lose(BREAK)
    for number in range(5):
        feed.put(number)
    for number, file in enumerate(days(feed)):
        rows = table(year / file.name)
        if number >= 3:
            rows = [{k: v for k, v in row.items() if k != "tailnum"} for row in rows]
        assert table(file) == rows


def test_a_restored_column_is_back_in_files_of_the_same_names_and_ages(feed, year):
    feed.lose(BREAK)
    for number in range(5):
        feed.put(number)
    before = [(file.name, file.stat().st_mtime) for file in days(feed)]
    assert feed.restore() == ["2013-01-04.csv", "2013-01-05.csv"]
    feed.put(5)
    assert [(file.name, file.stat().st_mtime) for file in days(feed)][:5] == before
    assert all(file.read_bytes() == (year / file.name).read_bytes() for file in days(feed))
    assert feed.restore() == []


def test_the_feed_never_runs_away_from_the_stream(feed):
    feeder = Feeder(feed, pace=0, least=20, seconds=0)
    stream = Stream(feed, feeder)
    feeder.start()
    assert stream.read() == 20
    assert stream.unread <= AHEAD


def test_it_feeds_until_its_time_is_over(feed):
    feeder = Feeder(feed, pace=0.01, least=1, seconds=0.3)
    feeder.start()
    assert 1 < Stream(feed, feeder).read() < DAYS
    assert not feeder.year_is_over


def test_it_ends_with_the_year_and_goes_on_where_it_ended(feed):
    for number in range(DAYS - 2):
        feed.put(number)
    feeder = Feeder(feed, pace=0, taken=DAYS - 2)
    stream = Stream(feed, feeder)
    stream.taken = DAYS - 2
    feeder.start()
    assert stream.read() == DAYS
    assert feeder.year_is_over
    assert days(feed)[-1].name == "2013-12-31.csv"


def test_a_stopped_feed_writes_no_other_day(feed):
    feeder = Feeder(feed, pace=0)
    feeder.start()
    feeder.stop()
    fed = feed.count()
    feeder.took(10)
    time.sleep(0.05)
    assert feed.count() == fed <= AHEAD


def test_what_goes_wrong_in_its_thread_is_raised_where_it_is_waited_for(feed):
    feed.folder.write_text("a file where the folder should be")
    feeder = Feeder(feed, pace=0)
    feeder.start()
    with pytest.raises(FileExistsError):
        feeder.wait_until_read(30)
