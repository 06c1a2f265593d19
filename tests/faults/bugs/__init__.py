"""Protocols with one bug each, and the scenario that must find it.

A bug replaces one function of the product, or of the file system below it, by one that does its
work wrongly. It counts as caught only by what it breaks: rows, records, what a reader sees, or a
stream that cannot go on; never by an exception of its own making.
"""

from __future__ import annotations

from tests.faults.bugs import around, batches, files, journal, keys
from tests.faults.bugs.bug import Bug

__all__ = ["BUGS", "Bug"]

BUGS = (*files.BUGS, *journal.BUGS, *batches.BUGS, *around.BUGS, *keys.BUGS)
