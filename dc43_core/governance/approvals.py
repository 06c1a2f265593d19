"""What stewards say of published versions: appended beside the sink, never changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from attrs import asdict, evolve, frozen

from dc43_core.errors import ApprovalRefusedError, CorruptFileError
from dc43_core.protocol import clock
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.record import GovernanceRecord, decode, encode, known_facts
from dc43_core.protocol.sink_log import OURS
from dc43_core.vocabulary import VersionStatus

APPROVAL_FORMAT_VERSION = 1


@frozen(kw_only=True)
class Approval:
    """One word of one steward about one version. A later one counts; none is ever removed.

    Attributes:
        record_id: The record that published the version.
        dataset_id: The dataset.
        dataset_version: Its version.
        sink: Where the version lies; URI.
        number: From 1, in the order in which words about this version were given.
        status: `approved` or `rejected`.
        by: Who.
        at: When; UTC, RFC 3339.
        reason: Why, in that person's words.
        namespace: First part of every key.
    """

    record_id: str
    dataset_id: str
    dataset_version: str
    sink: str
    number: int
    status: VersionStatus
    by: str
    at: str
    reason: str
    namespace: str = "default"
    format_version: int = APPROVAL_FORMAT_VERSION

    @property
    def approval_id(self) -> str:
        """What a ledger keeps it by."""
        return f"{self.record_id}-approval-{self.number}"

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "status": self.status.value}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> Approval:
        """Read an approval back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not an approval.
        """
        facts = known_facts(cls, payload, source, APPROVAL_FORMAT_VERSION)
        try:
            return cls(**{**facts, "status": VersionStatus(facts["status"])})
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFileError(source, f"not an approval: {error}") from error


class Approvals:
    """The approvals of one sink, one small file each: `_dc43/approvals/<version>-<number>`."""

    def __init__(self, store: FileStore, sink: str) -> None:
        self.store = store
        self.folder = join(sink, OURS, "approvals")

    def all(self) -> list[Approval]:
        """Return every approval, oldest first."""
        found = [self._read(file.path) for file in self.store.list(self.folder)]
        return sorted(found, key=lambda a: (a.at, a.dataset_version, a.number))

    def of(self, version: str) -> list[Approval]:
        """Return what was said of one version, oldest first."""
        found: list[Approval] = []
        while self.store.status(path := self._path(version, len(found) + 1)) is not None:
            found.append(self._read(path))
        return found

    def add(self, wanted: Approval) -> Approval:
        """Append a word; it gets the next number.

        The same word of the same person, with nothing said since, is said once.
        """
        while True:
            found = self.of(wanted.dataset_version)
            if found and _same(found[-1], wanted):
                return found[-1]
            numbered = evolve(wanted, number=len(found) + 1)
            path = self._path(wanted.dataset_version, numbered.number)
            # Another steward may take the number: then there is one more word before this.
            if self.store.create_if_absent(path, encode(numbered.payload())):
                return numbered

    def _read(self, path: str) -> Approval:
        return Approval.from_payload(decode(self.store.read(path), path), path)

    def _path(self, version: str, number: int) -> str:
        # Versions may be texts of a template, and no two of them may share a file. Stores of
        # URIs decode what is spelt with %.
        spelt = quote(version, safe="").replace("%", "=")
        return join(self.folder, f"{spelt}-{number}")


def give_status(
    store: FileStore,
    record: GovernanceRecord,
    *,
    status: VersionStatus,
    reason: str,
    by: str,
    now: Callable[[], str] = clock.now,
) -> Approval:
    """Approve or reject the version that a record published; readers see it as before.

    The word is durable beside the sink when this returns; a ledger is told by the caller.

    Args:
        store: Where the sink lies.
        record: Of the version.
        status: `approved` or `rejected`.
        reason: Why; it is kept for good.
        by: Who.

    Raises:
        ApprovalRefusedError: if the record published nothing, or there is no reason.
    """
    version = record.dataset_version
    if version is None:
        raise ApprovalRefusedError(
            record.dataset_id, "-", f"batch {record.batch_id} published none", "name a version"
        )
    if not reason.strip():
        raise ApprovalRefusedError(
            record.dataset_id, version, "it needs a reason", "give one in a few words"
        )
    wanted = Approval(
        record_id=record.record_id,
        dataset_id=record.dataset_id,
        dataset_version=version,
        sink=record.sink,
        number=1,
        status=status,
        by=by,
        at=now(),
        reason=reason.strip(),
        namespace=record.namespace,
    )
    return Approvals(store, record.sink).add(wanted)


def by_record(approvals: Iterable[Approval]) -> dict[str, Sequence[Approval]]:
    """Return approvals by the record they are about, in the order in which they were given."""
    found: dict[str, list[Approval]] = {}
    for approval in approvals:
        found.setdefault(approval.record_id, []).append(approval)
    return {key: sorted(words, key=lambda a: a.number) for key, words in found.items()}


def _same(one: Approval, other: Approval) -> bool:
    said = (one.record_id, one.status, one.by, one.reason)
    return said == (other.record_id, other.status, other.by, other.reason)
