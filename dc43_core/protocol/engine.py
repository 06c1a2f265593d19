"""What an engine supplies so that the protocol can run on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from attrs import field, frozen

from dc43_core.data_quality.model import ColumnDrift
from dc43_core.data_quality.service_levels import Span
from dc43_core.vocabulary import Lane

Frame_contra = TypeVar("Frame_contra", contravariant=True)


@frozen(kw_only=True)
class BatchFacts:
    """What is known of a batch before it is judged, for the envelope of rejected rows.

    Attributes:
        stream_id: Identity of the stream.
        batch_id: The micro-batch.
        started_at: When it was handed over; UTC, RFC 3339.
        contract_id: The contract it is held against.
        contract_version: That contract's version.
        contract_digest: SHA-256 of that contract's bytes.
        drift: How the batch's schema differs from the contract's.
    """

    stream_id: str
    batch_id: int
    started_at: str
    contract_id: str
    contract_version: str
    contract_digest: str
    drift: tuple[ColumnDrift, ...] = ()


@frozen(kw_only=True)
class KnownKeys:
    """The keys of earlier batches, which no row of a batch may have again.

    A key is kept as the first 16 bytes of a SHA-256 over its rule's prefix and its values.

    Attributes:
        prefixes: Check id to prefix, of the rules whose keys are kept.
        files: Where the keys are, as this engine wrote them.
        folder: An empty place for the keys of this batch.
    """

    prefixes: Mapping[str, str]
    files: Sequence[str]
    folder: str


@frozen(kw_only=True)
class NewKeys:
    """Keys that a stager wrote.

    Attributes:
        files: URIs.
        count: How many keys.
    """

    files: Sequence[str] = ()
    count: int = 0


@frozen(kw_only=True)
class Staged:
    """A micro-batch on disk, classified, invisible.

    Attributes:
        row_count: Rows handed to the batch.
        violating: Rows that break a row rule of severity error.
        uncast: Rows of these with a value that does not fit its type.
        broken: Check id to the number of rows that break it.
        evaluation_errors: Check id to why it could not be judged.
        unjudged: Of these, those that are known row by row: check id to the rows that could not
            be judged and stand among the violating ones for it.
        files: URIs, grouped as the engine likes; opaque to the protocol.
        metrics: Further numbers, by name.
        folder: Where all of it lies.
        rejects_all: Whether drift sent every row to the rejects.
        gone: Files that the batch was to read and that are not there: their rows are in no lane.
        sealed: Whether the violating rows carry their reasons already, so that they can be
            released to the rejects whatever the contract says by then.
        layout: How the files are to be read, in JSON types; opaque to the protocol. A later start,
            which may read its source in another way, finishes what an earlier one has staged.
        unread: Whether the input would have been read wrongly, so that nothing is staged.
        keys: Of rules whose keys are kept, the new ones of rows that break no rule. Not kept with a
            blocked batch.
        spans: Column to its oldest and newest value, of the plan's service levels and over rows
            that break no row rule of severity error. Not kept with a blocked batch, whose record
            says what follows from them.
    """

    row_count: int
    violating: int = 0
    uncast: int = 0
    broken: Mapping[str, int] = field(factory=dict)
    evaluation_errors: Mapping[str, str] = field(factory=dict)
    unjudged: Mapping[str, int] = field(factory=dict)
    files: Mapping[str, Sequence[str]] = field(factory=dict)
    metrics: Mapping[str, Any] = field(factory=dict)
    folder: str
    rejects_all: bool = False
    gone: Sequence[str] = ()
    sealed: bool = False
    layout: Mapping[str, Any] = field(factory=dict)
    unread: bool = False
    keys: NewKeys | None = None
    spans: Mapping[str, Span] = field(factory=dict)


class Stager(Protocol[Frame_contra]):
    """Classifies rows and writes them where nobody sees them yet."""

    def schema(self) -> Mapping[str, str]:
        """Return column name to type of what lands in main."""
        ...

    def input(self, batch_id: int) -> Mapping[str, Any]:
        """Return what the batch reads: dataset, files or offsets, as far as the source tells."""
        ...

    def drift(self, frame: Frame_contra, batch_id: int) -> Sequence[ColumnDrift]:
        """Return how this batch's schema differs from the contract's."""
        ...

    def stage(
        self,
        frame: Frame_contra,
        folder: str,
        batch: BatchFacts,
        *,
        reject_all: bool,
        keys: KnownKeys | None = None,
    ) -> Staged:
        """Classify each row once and write it, reading the source once.

        Key rules are judged here as well, over what was staged.

        Args:
            frame: The micro-batch.
            folder: An empty place, invisible to readers.
            batch: What is known of the batch.
            reject_all: Whether drift sends every row to the rejects.
            keys: Those of earlier batches, where they are kept.
        """
        ...

    def keys_of(self, staged: Staged, keys: KnownKeys) -> NewKeys:
        """Write the keys of staged rows that break no rule; of a batch that is released.

        Only asked where keys are kept.
        """
        ...

    def merge_keys(self, files: Sequence[str], count: int, folder: str) -> Sequence[str]:
        """Write the keys of several files into as few as is sensible, and return these.

        Only asked where keys are kept.

        Args:
            files: As this engine wrote them.
            count: How many keys they hold.
            folder: An empty place.
        """
        ...

    def finish(
        self, staged: Staged, violating_to: Lane, batch: BatchFacts
    ) -> Mapping[Lane, Sequence[str]]:
        """Return the files of each lane, ready to be published.

        Main files hold exactly the contract's columns, and there is always at least one (an
        empty one if need be), since it marks the batch in the sink's log. Reject files hold
        these columns and the envelope; there may be none.
        """
        ...
