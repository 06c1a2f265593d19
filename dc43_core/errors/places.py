"""What can be wrong with the places that are read and written, and with what lies there."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dc43_core.errors.base import Dc43Error

if TYPE_CHECKING:
    from dc43_core.protocol.defect import Defect


class UnsoundPlaceError(Dc43Error, RuntimeError):
    """A sink or a checkpoint is not as it was left; nothing is written there until that is settled.

    Attributes:
        place: URI of the folder.
        defects: What is wrong, each with its way out.
    """

    exit_code = 3

    def __init__(self, place: str, defects: Sequence[Defect]) -> None:
        self.place, self.defects = place, tuple(defects)
        super().__init__("; ".join(str(defect) for defect in self.defects))


class FormatVersionError(Dc43Error, ValueError):
    """A file was written by a newer dc43."""

    def __init__(self, path: str, found: object, supported: int) -> None:
        self.path, self.found, self.supported = path, found, supported
        super().__init__(
            f"{path} has format version {found}, this dc43 reads up to {supported}; upgrade dc43"
        )


class CorruptFileError(Dc43Error, ValueError):
    """A file that dc43 wrote is not whole any more."""

    exit_code = 3

    def __init__(self, path: str, problem: str) -> None:
        self.path, self.problem = path, problem
        super().__init__(f"{path}: {problem}; restore it from a copy, `dc43 doctor` says more")


class UnsupportedStoreError(Dc43Error, ValueError):
    """The file system has no way to create a file only if it is absent."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        super().__init__(
            f"{uri}: this file system offers neither conditional creation nor a rename that "
            "refuses an existing target, so batches cannot be published exactly once there; "
            "use a local, HDFS or viewfs path"
        )


class FileAccessError(Dc43Error, OSError):
    """A file system did not do what it was asked; what it was asked for did not happen by half.

    Attributes:
        operation: What was tried, such as `create`.
        path: The file or folder.
        problem: What the system said.
    """

    exit_code = 3

    def __init__(self, operation: str, path: str, problem: str, number: int | None = None) -> None:
        # Found by number on this machine, and by its words where a JVM only hands on a text.
        self.operation, self.path, self.problem = operation, path, problem
        super().__init__(number, problem, path)
        self.remedy = next(
            (way for numbers, words, way in _WAYS_OUT if number in numbers or words in problem),
            "remove the cause",
        )

    def __str__(self) -> str:
        return (
            f"cannot {self.operation} {self.path}: {self.problem}; {self.remedy} and start again: "
            "what was decided of a batch is completed then, and nothing else of it is visible"
        )


_WAYS_OUT = (
    ((errno.ENOSPC, errno.EDQUOT), "No space left", "free space there"),
    ((errno.EFBIG,), "File too large", "raise the limit of file sizes there"),
    ((errno.EROFS,), "Read-only file system", "make it writable"),
    ((errno.EACCES, errno.EPERM), "Permission denied", "let this user write there"),
)


class TargetExistsError(Dc43Error, FileExistsError):
    """A write was to make something new, and something is there."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path} holds data already; use mode='append', or another folder")


class StaleStagingError(Dc43Error, RuntimeError):
    """A staged file that a prepared batch needs is in neither place."""

    exit_code = 3

    def __init__(self, staged: str, final: str) -> None:
        self.staged, self.final = staged, final
        super().__init__(
            f"prepared file {staged} is gone and {final} does not exist; restore the staging folder"
        )


class SourceNotFoundError(Dc43Error, FileNotFoundError):
    """There is nothing to read where the source should be."""

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"{path}: no such file or folder; create it, or mend the source's path")


class TableNotFoundError(Dc43Error, LookupError):
    """The catalog of the session has no such table."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(
            f"there is no table {table!r} in the catalog of the session; create it, or give its "
            "folder as path="
        )
