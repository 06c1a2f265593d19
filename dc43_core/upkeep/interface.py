"""What an engine offers so that its streams can be looked after without being run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Protocol

from attrs import frozen

from dc43_core.pipeline_file import PipelineFile
from dc43_core.protocol.engine import NewKeys
from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.keys import Columns
from dc43_core.protocol.sink import Sink
from dc43_core.runtime import Runtime
from dc43_core.upkeep.diagnosis import Diagnosis
from dc43_core.vocabulary import Lane


@frozen(kw_only=True, repr=False)
class Key:
    """Which rows are to be erased. The value shows itself nowhere.

    Attributes:
        column: A column of the contract, or one that rejected rows have besides.
        value: The text of its value.
    """

    column: str
    value: str

    def __repr__(self) -> str:
        return f"Key(column={self.column!r}, value=***)"


@frozen(kw_only=True)
class Removed:
    """What rows that were erased from a blocked batch had been counted as."""

    rows: int
    violating: int
    uncast: int


class RowEraser(Protocol):
    """Finds rows in data files, and writes files anew without them.

    A row is meant if its value of the column equals the key's, as text or as the column's type,
    or if text that would not cast and was kept in its place equals it, or if a column that the
    contract did not declare was kept with a rejected row and is written so.
    """

    def find(self, files: Sequence[str], key: Key, *, staged: bool = False) -> Mapping[str, int]:
        """Return by URI, as it was given, the number of such rows, of files that have any.

        Args:
            files: URIs of files with the same or similar columns.
            key: Which rows.
            staged: Whether they are files as the engine stages them.
        """
        ...

    def columns(self, files: Sequence[str], *, staged: bool = False) -> Set[str] | None:
        """Return what a key's column may be in these files; None if they do not tell.

        That includes columns that a contract did not declare, and that rejected rows keep.
        """
        ...

    def without(self, file: str, key: Key, folder: str, *, staged: bool = False) -> str:
        """Write all other rows of a file, with its columns, into a new file.

        Args:
            file: URI.
            key: Which rows are left out.
            folder: A folder of its own, which readers do not see.
            staged: Whether it is a file as the engine stages it.

        Returns:
            URI of the one new file; it has no rows if none are left.
        """
        ...

    def keys_without(
        self,
        parts: Sequence[Sequence[str]],
        rules: Mapping[str, Columns],
        files: Sequence[str],
        key: Key,
        folder: str,
    ) -> Sequence[NewKeys | None]:
        """Write keys that a stream keeps anew, without those of the rows that are meant.

        Args:
            parts: Files of keys, part by part.
            rules: By prefix, name and type of each column of a rule's key.
            files: URIs of the rows that landed.
            key: Which rows.
            folder: An empty place.

        Returns:
            For each part what it has now; None where it has no such key.
        """
        ...

    def held_counts(self, removed: Mapping[str, int]) -> Removed:
        """Say what rows were counted as when their batch was staged.

        Args:
            removed: Rows by group of `Staged.files`.
        """
        ...


class Upkeep(Protocol):
    """One pipeline's places, through its engine's eyes."""

    def store(self) -> FileStore:
        """Return where checkpoint and sinks lie."""
        ...

    def sinks(self) -> Mapping[Lane, Sink]:
        """Return the sinks of the pipeline; nothing is written."""
        ...

    def eraser(self) -> RowEraser:
        """Return who rewrites files of the sinks."""
        ...

    def checkpoint(self) -> Sequence[Diagnosis]:
        """Look at the engine's own files in the checkpoint."""
        ...


class Tended(Protocol):
    """What a pipeline runner may have besides `run`."""

    def environment(self) -> Sequence[Diagnosis]:
        """Look at what the engine needs of this machine."""
        ...

    def upkeep(self, pipeline: PipelineFile, runtime: Runtime) -> Upkeep:
        """Return the places of a pipeline."""
        ...
