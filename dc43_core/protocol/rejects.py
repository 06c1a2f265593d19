"""What an engine supplies so that its rejects can be looked at and judged again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from attrs import field, frozen

from dc43_core.errors import ReplayRefusedError
from dc43_core.protocol.engine import KnownKeys, NewKeys
from dc43_core.protocol.record import GovernanceRecord

RowNumbers = Mapping[str, frozenset[int]]
"""`<stream>-<batch>` to numbers: together the ids of rows."""


@frozen(kw_only=True)
class Chosen:
    """Which rejects are meant; those that have left already never are.

    Attributes:
        streams: Streams that write into the main sink.
        batches: Numbers of batches; none means all.
        checks: Rows that broke one of these rules when they were rejected; none means all.
    """

    streams: frozenset[str] = frozenset()
    batches: tuple[int, ...] = ()
    checks: tuple[str, ...] = ()


@frozen(kw_only=True)
class Restaged:
    """Rejects that were judged again, those that pass staged.

    Attributes:
        judged: How many rows were.
        passed: Ids of those that pass.
        files: URIs of files with exactly these, as main holds them.
        broken: Check id to rows that break it and so stay.
        warned: Check id to rows that pass and break it, which is a warning.
        keys: Where keys are kept, those of the rows that pass.
    """

    judged: int
    passed: RowNumbers = field(factory=dict)
    files: Sequence[str] = ()
    broken: Mapping[str, int] = field(factory=dict)
    warned: Mapping[str, int] = field(factory=dict)
    keys: NewKeys | None = None

    @property
    def count(self) -> int:
        """How many rows pass."""
        return sum(map(len, self.passed.values()))


@frozen(kw_only=True)
class Replayed:
    """What a replay did.

    Attributes:
        record: Its record; None if no row passes.
        restaged: What was judged.
    """

    record: GovernanceRecord | None
    restaged: Restaged

    def with_more(self, other: Replayed) -> Replayed:
        """Return what two replays did together; the record is the newer one's."""
        one, two = self.restaged, other.restaged
        return Replayed(
            record=other.record or self.record,
            restaged=Restaged(
                judged=one.judged + two.judged,
                passed={**one.passed, **two.passed},
                files=(*one.files, *two.files),
                broken=Counter(one.broken) + Counter(two.broken),
                warned=Counter(one.warned) + Counter(two.warned),
            ),
        )


@frozen(kw_only=True)
class RejectBatch:
    """The rejects of one micro-batch.

    Attributes:
        rows: Rows that were rejected.
        staying: Those that no replay has published.
        by_check: Check id to rows that broke it.
        staying_by_check: The same, of those that stay.
    """

    stream_id: str
    batch_id: int
    rejected_at: str
    contract_version: str
    rows: int
    staying: int
    by_check: Mapping[str, int]
    staying_by_check: Mapping[str, int]


class Rejects(Protocol):
    """The rejects of a pipeline, through its engine's eyes."""

    def batches(self) -> Sequence[RejectBatch]:
        """Return each batch that has rejects, oldest first."""
        ...

    def rows(
        self, *, newest: int, batches: Sequence[int] = (), checks: Sequence[str] = ()
    ) -> Sequence[Mapping[str, Any]]:
        """Return rejects that no replay has published, newest first, with their envelope."""
        ...

    def replay(self, *, batches: Sequence[int] = (), checks: Sequence[str] = ()) -> Replayed:
        """Judge rejects again, and publish those that pass; each leaves once.

        Raises:
            ReplayRefusedError: if more is chosen than one replay may judge, or a rule throws.
        """
        ...


class Replayer(Protocol):
    """What an engine supplies so that its rejects can be judged again."""

    def restage(
        self,
        files: Sequence[str],
        left: RowNumbers,
        chosen: Chosen,
        folder: str,
        limit: int,
        *,
        keys: KnownKeys | None = None,
    ) -> Restaged:
        """Judge rows of reject files under the contract of today, and stage what passes.

        Text that would not cast is cast anew. Key rules are judged among the rows that pass, and
        against the keys that are known.

        Args:
            files: URIs of the visible reject files.
            left: Rows that left them.
            chosen: Which of the others.
            folder: An empty place, invisible to readers.
            limit: How many rows at most.
            keys: Those of rows that landed, where they are kept.

        Raises:
            ReplayRefusedError: if there are more, or a rule throws on one.
        """
        ...


def too_many(found: int, limit: int) -> ReplayRefusedError:
    """Return the error for more rows than one replay may judge."""
    return ReplayRefusedError(
        f"{found:,} rows are more than limits.replay_rows ({limit:,})",
        "choose some with --batch or --check, or raise the limit",
    )


def rule_throws(faults: Mapping[str, str]) -> ReplayRefusedError:
    """Return the error for rows that rules of today throw on.

    Args:
        faults: Check id to what it throws.
    """
    told = "; ".join(f"{check}: {error}" for check, error in sorted(faults.items()))
    return ReplayRefusedError(
        f"a rule throws on rows that were chosen, and what cannot be judged is not published "
        f"({told})",
        "correct the rule in the contract, or choose rows that it can judge with --batch or "
        "--check",
    )
