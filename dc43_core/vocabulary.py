"""The words of dc43, one spelling everywhere: in code, records, configuration and pages."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How grave it is when an expectation does not hold."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Scope(StrEnum):
    """What an expectation judges: each row, a micro-batch, the newest ones, or the stream."""

    ROW = "row"
    BATCH = "batch"
    WINDOW = "window"
    DATASET = "dataset"


class Verdict(StrEnum):
    """What validation says of a micro-batch; the order of `rank` is worst last."""

    OK = "ok"
    WARN = "warn"
    BLOCK = "block"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """Position from best to worst, to merge several verdicts by `max`."""
        return list(Verdict).index(self)


class Decision(StrEnum):
    """What an intervention strategy wants; the order of `rank` is most severe last."""

    CONTINUE = "continue"
    WARN = "warn"
    ROUTE = "route"
    BLOCK = "block"

    @property
    def rank(self) -> int:
        """Position from mildest to most severe, to merge several decisions by `max`."""
        return list(Decision).index(self)


class Outcome(StrEnum):
    """What became of a micro-batch."""

    COMMITTED = "committed"
    BLOCKED = "blocked"
    FAILED = "failed"
    SKIPPED = "skipped"


class RunOutcome(StrEnum):
    """How a run ended; one whose process was killed has none."""

    ENDED = "ended"
    STOPPED = "stopped"
    BLOCKED = "blocked"
    FAILED = "failed"


class RunType(StrEnum):
    """`observe` measures and never blocks by itself; `enforce` lets no broken row through."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


class Lane(StrEnum):
    """The two places where a row can land."""

    MAIN = "main"
    REJECTS = "rejects"


class Direction(StrEnum):
    """On which side of a data product a port is: what it reads, or what it offers."""

    INPUT = "input"
    OUTPUT = "output"


class Release(StrEnum):
    """Where the rows of a blocked batch go when someone releases it."""

    MAIN = "main"
    REJECTS = "rejects"
    SKIP = "skip"


class VersionStatus(StrEnum):
    """What a steward says of a published version; without a word it has none."""

    APPROVED = "approved"
    REJECTED = "rejected"


class MeasurementState(StrEnum):
    """How far the measuring of a snapshot has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
