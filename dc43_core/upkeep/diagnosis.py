"""What `dc43 doctor` found out about one thing that it looked at."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from dc43_core.errors import Dc43Error
from dc43_core.protocol.defect import Defect


class Level(StrEnum):
    """How grave a diagnosis is; the order of `rank` is worst last."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"
    """A stream cannot start, or what readers see is wrong."""

    @property
    def rank(self) -> int:
        """Position from best to worst."""
        return list(Level).index(self)


@frozen(kw_only=True)
class Diagnosis:
    """One thing that was looked at.

    Attributes:
        area: `python`, `java`, `spark`, `plugins`, `configuration`, `pipeline`, `checkpoint`,
            `ledger`, `runs`, `main`, `rejects`, `agreement`, or what an engine calls its own.
        level: How grave it is.
        what: What was found, as a sentence.
        way_out: What to do about it; empty where nothing has to be done.
    """

    area: str
    level: Level
    what: str
    way_out: str = ""


def fine(area: str, what: str) -> Diagnosis:
    """Return that a thing is as it should be."""
    return Diagnosis(area=area, level=Level.OK, what=what)


def wrong(area: str, error: Exception, way_out: str = "") -> Diagnosis:
    """Return an error, with what to do about it.

    Args:
        area: What was looked at.
        error: An error of ours says the way out itself, behind its last semicolon.
        way_out: What to do where the error does not say.
    """
    what = str(error)
    if isinstance(error, Dc43Error) and not way_out and "; " in what:
        what, _, way_out = what.rpartition("; ")
    if isinstance(error, OSError) and not way_out:
        way_out = "see that it is there, of the right kind, and that this account may read it"
    return Diagnosis(area=area, level=Level.ERROR, what=what, way_out=way_out)


def defective(area: str, defect: Defect) -> Diagnosis:
    """Return what is wrong with a place."""
    return Diagnosis(
        area=area,
        level=Level.ERROR,
        what=f"{defect.where}: {defect.what}",
        way_out=defect.way_out,
    )
