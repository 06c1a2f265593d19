"""The catalogue: datasets and their versions, read from the records while streams run.

Nothing of it is kept: a version is what one record published, the version before it is that of the
record before, and where its rows came from stands in the record's `input`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import asdict, field, frozen

from dc43_core.errors import UnknownDatasetError, UnknownVersionError
from dc43_core.governance.approvals import Approval, by_record
from dc43_core.governance.interface import GovernanceClient, catalogue_keeper
from dc43_core.protocol.file_store import canonical
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import VersionStatus

_PAGE = 100
"""Records asked for at first; most questions are about the newest."""
_PUBLISHED_BY = re.compile(r"/batch-([0-9a-f]{32})-(\d{10})-[^/]*$")
"""Names of files that dc43 publishes: the stream and the batch."""


@frozen(kw_only=True)
class DatasetVersion:
    """One version of a dataset: what one record published.

    Attributes:
        record: That record.
        previous: The version before it in the same sink; None for the first.
        approvals: What was said of it, oldest first.
    """

    record: GovernanceRecord
    previous: str | None = None
    approvals: Sequence[Approval] = ()

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.record.dataset_version)

    @property
    def status(self) -> VersionStatus | None:
        """What the newest word of a steward says; None if there is none."""
        return self.approvals[-1].status if self.approvals else None

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "dataset_id": self.record.dataset_id,
            "dataset_version": self.version,
            "previous_version": self.previous,
            "status": None if self.status is None else self.status.value,
            "approvals": [a.payload() for a in self.approvals],
            "record": self.record.payload(),
        }


@frozen(kw_only=True)
class Dataset:
    """A dataset as it stands.

    Attributes:
        role: `output`: batches write it; `rejects`: rows that left an output; `input`: it is read.
        place: Where it lies; of several places that of the newest record.
        contract_id: The contract it is held against; empty for rejects.
        contract_version: That contract's version.
        newest: Its newest record, blocked ones too; None for rejects and inputs.
        version: Its newest published version.
        inputs: Datasets that its newest record names as read.
        rejects: The dataset of its rejects, if there is a reject sink.
        entry: Of rejects, the newest entry of their sink among the newest 100 batches.
        seen_at: Of an input, when a helper last read it; of rejects, when that entry was made.
    """

    dataset_id: str
    role: str
    place: str | None = None
    contract_id: str = ""
    contract_version: str = ""
    newest: GovernanceRecord | None = None
    version: DatasetVersion | None = None
    inputs: Sequence[str] = ()
    rejects: str | None = None
    entry: str | None = None
    seen_at: str | None = None

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        plain = asdict(self, recurse=False)
        plain["inputs"] = list(self.inputs)
        plain["newest"] = None if self.newest is None else self.newest.payload()
        plain["version"] = None if self.version is None else self.version.payload()
        return plain


@frozen(kw_only=True)
class Input:
    """What a version was made of: one dataset that was read.

    Attributes:
        dataset_id: As the read calls it.
        path: Where it was read.
        contract: Id, version and digest of the contract it was read under.
        versions: The versions of a dataset of dc43 whose files were read, as `<dataset> <version>`.
    """

    dataset_id: str
    path: str | None = None
    contract: Mapping[str, str] = field(factory=dict)
    versions: Sequence[tuple[str, str]] = ()

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types."""
        named = [{"dataset_id": d, "dataset_version": v} for d, v in self.versions]
        return {**asdict(self), "contract": dict(self.contract), "versions": named}


def all_datasets(client: GovernanceClient, namespace: str) -> list[Dataset]:
    """Return every dataset of a namespace: those written, their rejects, those read.

    Args:
        client: Where records are kept.
        namespace: Only this namespace.
    """
    written = [
        d for name in known_ids(client, namespace) if (d := _output(client, namespace, name))
    ]
    found = {one.dataset_id: one for one in written}
    for output in written:
        newest = output.newest
        assert newest is not None
        if output.rejects:
            found.setdefault(output.rejects, _rejects(client, output.rejects, newest))
        for read in newest.input.get("datasets", ()):
            found.setdefault(read["dataset_id"], _read(read, newest.started_at))
    for seen in client.schema_observations(namespace=namespace):
        known_as = found.get(seen.dataset_id)
        older = known_as is not None and (known_as.seen_at or "") < seen.observed_at
        if known_as is None or (known_as.role == "input" and older):
            found[seen.dataset_id] = Dataset(
                dataset_id=seen.dataset_id,
                role="input" if seen.direction == "read" else "output",
                place=known_as.place if known_as else None,
                contract_id=seen.contract_id,
                contract_version=seen.contract_version,
                seen_at=seen.observed_at,
            )
    return sorted(found.values(), key=lambda one: one.dataset_id)


def published(
    client: GovernanceClient,
    namespace: str,
    dataset_id: str,
    *,
    newest: int | None = None,
    sink: str | None = None,
) -> list[DatasetVersion]:
    """Return the published versions of a dataset, oldest first.

    Args:
        client: Where records are kept.
        namespace: Only this namespace.
        dataset_id: The dataset.
        newest: Only the last so many.
        sink: Only those in this place.
    """
    # One more than wanted: the version before the oldest of them.
    wanted = None if newest is None else max(newest, 0) + 1

    def here(records: Sequence[GovernanceRecord]) -> list[GovernanceRecord]:
        found = [r for r in records if r.dataset_version is not None]
        return [r for r in found if sink is None or canonical(r.sink) == canonical(sink)]

    def enough(records: Sequence[GovernanceRecord]) -> bool:
        return wanted is not None and len(here(records)) >= wanted

    # By time: what a rebuilt ledger holds of several streams comes one stream after the other.
    records = sorted(here(_newest(client, namespace, dataset_id, enough)), key=_published_at)
    words = approvals_of(client, namespace, dataset_id)
    before: dict[str, str | None] = {}
    made = []
    for record in records:
        made.append(
            DatasetVersion(
                record=record,
                previous=before.get(record.sink),
                approvals=words.get(record.record_id, ()),
            )
        )
        before[record.sink] = record.dataset_version
    return made if newest is None else made[max(len(made) - max(newest, 0), 0) :]


def find_version(
    client: GovernanceClient,
    namespace: str,
    dataset_id: str,
    version: str,
    *,
    sink: str | None = None,
) -> DatasetVersion:
    """Return one version of a dataset.

    Raises:
        UnknownDatasetError: if nothing is known of the dataset.
        UnknownVersionError: if it has no such version, or one in several sinks.
    """
    all_of_it = published(client, namespace, dataset_id, sink=sink)
    found = [one for one in all_of_it if one.version == version]
    if len(found) == 1:
        return found[0]
    if found:
        places = ", ".join(sorted({one.record.sink for one in found}))
        raise UnknownVersionError(
            dataset_id, version, f"is in several sinks: {places}", "say which with --sink"
        )
    if not all_of_it and not client.records(namespace=namespace, dataset_id=dataset_id, newest=1):
        raise UnknownDatasetError(
            dataset_id, namespace, client.location(), known_ids(client, namespace)
        )
    there = ", ".join(one.version for one in all_of_it[-5:]) or "none"
    raise UnknownVersionError(dataset_id, version, "is not there", f"its newest: {there}")


def lineage(client: GovernanceClient, version: DatasetVersion) -> list[Input]:
    """Return what a version was made of.

    Where the files that were read are those of a dataset of dc43, its versions are named: a file's
    name tells the stream and the batch that published it.

    Args:
        client: Where records are kept.
        version: Whose.
    """
    record = version.record
    files = [str(file) for file in record.input.get("files", ())]
    return [
        Input(
            dataset_id=read["dataset_id"],
            path=read.get("path"),
            contract=read.get("contract", {}),
            versions=_publishers(client, record.namespace, _below(files, read.get("path"))),
        )
        for read in record.input.get("datasets", ())
    ]


def known_ids(client: GovernanceClient, namespace: str) -> list[str]:
    """Return the id of every dataset that governance has heard of, sorted."""
    if catalogue_keeper(client):
        return list(client.dataset_ids(namespace=namespace))
    seen = {one.dataset_id for one in client.records(namespace=namespace)}
    seen |= {one.dataset_id for one in client.schema_observations(namespace=namespace)}
    return sorted(seen)


def approvals_of(
    client: GovernanceClient, namespace: str, dataset_id: str
) -> Mapping[str, Sequence[Approval]]:
    """Return the approvals of a dataset's versions, by record; none where none are kept."""
    if not catalogue_keeper(client):
        return {}
    return by_record(client.approvals(namespace=namespace, dataset_id=dataset_id))


def _newest(
    client: GovernanceClient,
    namespace: str,
    dataset_id: str,
    enough: Callable[[Sequence[GovernanceRecord]], bool],
) -> Sequence[GovernanceRecord]:
    """Return the newest records, as many as it takes."""
    size = _PAGE
    while True:
        found = client.records(namespace=namespace, dataset_id=dataset_id, newest=size)
        if len(found) < size or enough(found):
            return found
        size *= 4


def latest_record(
    client: GovernanceClient, namespace: str, dataset_id: str, version: str | None
) -> GovernanceRecord | None:
    """Return the newest record of a dataset, or of one version of it; None if there is none."""
    if version is None:
        found = client.records(namespace=namespace, dataset_id=dataset_id, newest=1)
        return found[-1] if found else None

    def of_version(records: Sequence[GovernanceRecord]) -> list[GovernanceRecord]:
        return [r for r in records if r.dataset_version == version]

    records = _newest(client, namespace, dataset_id, lambda found: bool(of_version(found)))
    found = of_version(records)
    return found[-1] if found else None


def _output(client: GovernanceClient, namespace: str, dataset_id: str) -> Dataset | None:
    newest = latest_record(client, namespace, dataset_id, None)
    if newest is None:
        return None
    found = published(client, namespace, dataset_id, newest=1)
    return Dataset(
        dataset_id=dataset_id,
        role="output",
        place=newest.sink,
        contract_id=newest.contract_id,
        contract_version=newest.contract_version,
        newest=newest,
        version=found[-1] if found else None,
        inputs=[read["dataset_id"] for read in newest.input.get("datasets", ())],
        rejects=f"{dataset_id}.rejects" if newest.rejects else None,
    )


def _rejects(client: GovernanceClient, dataset_id: str, newest: GovernanceRecord) -> Dataset:
    seen = client.records(namespace=newest.namespace, dataset_id=newest.dataset_id, newest=_PAGE)
    last = next((r for r in reversed(seen) if r.rejects_version is not None), None)
    return Dataset(
        dataset_id=dataset_id,
        role="rejects",
        place=newest.rejects,
        entry=None if last is None else last.rejects_version,
        seen_at=None if last is None else last.ended_at,
    )


def _read(read: Mapping[str, Any], at: str) -> Dataset:
    contract = read.get("contract", {})
    return Dataset(
        dataset_id=read["dataset_id"],
        role="input",
        place=read.get("path"),
        contract_id=contract.get("id", ""),
        contract_version=contract.get("version", ""),
        seen_at=at,
    )


def _publishers(
    client: GovernanceClient, namespace: str, files: Sequence[str]
) -> list[tuple[str, str]]:
    batches: dict[str, set[int]] = {}
    for file in files:
        if found := _PUBLISHED_BY.search(file):
            batches.setdefault(found[1], set()).add(int(found[2]))
    return [
        (record.dataset_id, record.dataset_version)
        for stream_id, numbers in batches.items()
        for record in client.records(namespace=namespace, stream_id=stream_id)
        if record.batch_id in numbers and record.dataset_version is not None
    ]


def _below(files: Sequence[str], path: str | None) -> list[str]:
    if path is None:
        return []
    folder = canonical(path).rstrip("/") + "/"
    return [file for file in files if canonical(file).startswith(folder)]


def _published_at(record: GovernanceRecord) -> tuple[str, str, int]:
    return (record.ended_at, record.stream_id, record.batch_id)
