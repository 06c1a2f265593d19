"""What governance calls a dataset and its versions, where the caller wants a name of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen

from dc43_core.data_quality.lookback import own_time
from dc43_core.errors import ConfigurationError
from dc43_core.protocol.record import GovernanceRecord

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_KNOWN = ("batch", "sequence", "timestamp")
SEQUENCE = "{sequence}"


@frozen(kw_only=True)
class DatasetFacts:
    """What a name can be made of.

    Attributes:
        dataset_id: What the dataset is called otherwise; for a version, its name.
        dataset_version: Of a read, what its version is called otherwise.
        contract_id: The contract it is read or written under.
        contract_version: That contract's version.
        namespace: First part of every key.
        stream_id: Identity of the stream; None before there is one.
        batch_id: The micro-batch that is to be named; None where it is no batch.
        timestamp: The batch's own time, the same at each attempt at it; UTC, RFC 3339.
        row_count: Rows handed to the batch.
    """

    dataset_id: str
    dataset_version: str | None = None
    contract_id: str
    contract_version: str
    namespace: str
    stream_id: str | None = None
    batch_id: int | None = None
    timestamp: str | None = None
    row_count: int | None = None


Name = str | Callable[[DatasetFacts], str]
"""A name, or what makes one of facts."""


def named(what: str, wanted: Name | None, otherwise: str, facts: DatasetFacts) -> str:
    """Return the name that is wanted, or the one there is otherwise.

    Raises:
        ConfigurationError: if it is no name.
    """
    if wanted is None:
        return otherwise
    name = wanted(facts) if callable(wanted) else wanted
    # A function of the caller may give anything.
    if not (isinstance(name, str) and name.strip()):  # type: ignore[redundant-expr]
        who = "its function gave" if callable(wanted) else "found"
        raise ConfigurationError(what, [f"{who} {name!r}, which is no name; give a text"])
    return name


@frozen(kw_only=True)
class Versions:
    """Names the versions that a write makes.

    Attributes:
        wanted: A function of the facts, or a text with `{batch}`, `{sequence}` (the number of the
            sink's entry) and `{timestamp}` (the batch's own time).
    """

    wanted: Name

    def __attrs_post_init__(self) -> None:
        if callable(self.wanted):
            return
        strange = sorted({*_PLACEHOLDER.findall(self.wanted)} - {*_KNOWN})
        if strange:
            known = ", ".join(f"{{{name}}}" for name in _KNOWN)
            said = ", ".join(f"{{{name}}}" for name in strange)
            raise ConfigurationError("dataset_version", [f"{said} is not one of {known}"])

    def require_distinct(self) -> None:
        """Refuse one name for all batches of a stream.

        Raises:
            TypeError: if it is a constant.
        """
        if not callable(self.wanted) and not _PLACEHOLDER.search(self.wanted):
            raise TypeError(
                f"dataset_version={self.wanted!r} would name every batch of the stream alike; "
                "write {batch}, {sequence} or {timestamp} into it, or give a function of the facts"
            )

    def prepared(self, record: GovernanceRecord, history: Sequence[Mapping[str, Any]] = ()) -> str:
        """Return the version of a batch, in which only `{sequence}` may still be open.

        Args:
            record: Of the batch, as it was decided.
            history: The newest records of the stream.

        Raises:
            ConfigurationError: if it is no name, or that of another batch.
        """
        facts = DatasetFacts(
            dataset_id=record.dataset_id,
            contract_id=record.contract_id,
            contract_version=record.contract_version,
            namespace=record.namespace,
            stream_id=record.stream_id,
            batch_id=record.batch_id,
            timestamp=own_time(record.input, record.started_at),
            row_count=record.row_count,
        )
        text = named("dataset_version", self.wanted, "", facts)
        text = text.replace("{batch}", str(facts.batch_id))
        text = text.replace("{timestamp}", str(facts.timestamp))
        for earlier in history:
            if earlier["dataset_version"] == text and earlier["batch_id"] != record.batch_id:
                raise ConfigurationError(
                    "dataset_version",
                    [
                        f"its function gave {text!r} for batch {record.batch_id}, and batch "
                        f"{earlier['batch_id']} is called so; no two versions may have one name"
                    ],
                )
        return text


def published(prepared: str | None, sequence: str | None) -> str | None:
    """Return the version of a batch that is out.

    Args:
        prepared: What it is to be called; None for its sequence number.
        sequence: Number of the sink's entry; None where nothing was published.
    """
    if prepared is None or (sequence is None and SEQUENCE in prepared):
        return sequence
    return prepared.replace(SEQUENCE, str(sequence))
