"""The governance record: what is kept of one micro-batch for good."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import AttrsInstance, asdict, field, fields, frozen

from dc43_core.errors import CorruptFileError, FormatVersionError
from dc43_core.protocol.clock import seconds_between
from dc43_core.vocabulary import Decision, Outcome, RunType, Verdict

FORMAT_VERSION = 1


def _texts(messages: Iterable[str]) -> tuple[str, ...]:
    # JSON has lists only, and a record that is read back equals the one that was written.
    return tuple(messages)


@frozen(kw_only=True)
class GovernanceRecord:
    """One micro-batch, as it was judged and as it landed. Append-only.

    Attributes:
        record_id: `<stream>-<batch>`; of a blocked batch with `-blocked` behind it, because
            the batch may be published later, which is a record of its own.
        stream_id: Identity of the stream: the checkpoint's uuid.
        run_id: The start of the stream that wrote the record.
        epoch: Number of that start.
        started_at: When the batch was handed over; UTC, RFC 3339.
        ended_at: When it was committed or blocked.
        row_count: Rows handed to the batch.
        main_count: Rows that landed in main.
        valid_count: Rows that break no row rule of severity error.
        reject_count: Rows that landed in rejects.
        violations: Broken rules summed over rows.
        violations_by_check: Check id to rows; only rules that were broken.
        dataset_version: Sequence number of the sink's entry; None when nothing was published.
        rejects_version: Number of the reject sink's entry; None where nothing was rejected, or
            where a write died between main and its record.
        input: What the batch read: dataset, files or offsets, as far as the source tells.
        strategies: Instance name to the state that the strategy wants back.
        details: Further facts by name.
    """

    record_id: str
    namespace: str
    stream_id: str
    query_name: str | None
    run_id: str
    run_type: RunType
    epoch: int
    batch_id: int
    started_at: str
    ended_at: str
    row_count: int
    main_count: int
    valid_count: int
    reject_count: int
    violations: int
    violations_by_check: Mapping[str, int]
    verdict: Verdict
    outcome: Outcome
    decision: Decision
    intervention: str | None
    metrics: Mapping[str, Any] = field(factory=dict)
    errors: Sequence[str] = field(default=(), converter=_texts)
    warnings: Sequence[str] = field(default=(), converter=_texts)
    dataset_id: str
    dataset_version: str | None
    contract_id: str
    contract_version: str
    contract_digest: str
    sink: str
    rejects: str | None
    rejects_version: str | None = None
    guarantee: str
    input: Mapping[str, Any] = field(factory=dict)
    drift: Sequence[Mapping[str, Any]] = ()
    strategies: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    details: Mapping[str, Any] = field(factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def sequence(self) -> int:
        """Number of the sink's entry that published it; -1 where nothing was.

        A version with a name of its own leaves the number in the details.
        """
        number = str(self.details.get("sequence", self.dataset_version))
        return int(number) if number.isdigit() else -1

    def payload(self) -> dict[str, Any]:
        """Return the record as plain JSON types: a new dict at each call.

        The same value is an entry of `streaming_batches`, what `on_streaming_batch` is called
        with, and what the file beside the checkpoint holds.
        """
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        plain["timestamp"] = self.ended_at
        plain["duration"] = seconds_between(self.started_at, self.ended_at)
        return plain

    def copy(self) -> GovernanceRecord:
        """Return an equal record that shares no mapping with this one."""
        return self.from_payload(self.payload(), self.record_id)

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> GovernanceRecord:
        """Read a record back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not a record.
        """
        facts = known_facts(cls, payload, source, FORMAT_VERSION)
        try:
            return cls(
                **{
                    **facts,
                    "run_type": RunType(facts["run_type"]),
                    "verdict": Verdict(facts["verdict"]),
                    "outcome": Outcome(facts["outcome"]),
                    "decision": Decision(facts["decision"]),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFileError(source, f"not a governance record: {error}") from error


def require_known_format(
    payload: Mapping[str, Any],
    source: str,
    known: int = FORMAT_VERSION,
    *,
    unmarked: int | None = 1,
) -> None:
    """Refuse a file of ours that a newer dc43 wrote.

    Args:
        payload: What the file holds.
        source: The file, for messages.
        known: The newest version that is read here.
        unmarked: The version of a file that says none; None where every one says it.

    Raises:
        FormatVersionError: naming the file and both versions.
    """
    found = payload.get("format_version", unmarked)
    if not isinstance(found, int) or found > known:
        raise FormatVersionError(source, found, known)


def known_facts(
    kind: type[AttrsInstance], payload: Mapping[str, Any], source: str, known: int
) -> dict[str, Any]:
    """Return what a file of ours says of a class's attributes; what it does not know is left out.

    Args:
        kind: The class.
        payload: What the file holds.
        source: The file, for messages.
        known: The newest version that is read here.

    Raises:
        FormatVersionError: if a newer dc43 wrote it, or it says no version.
    """
    require_known_format(payload, source, known, unmarked=None)
    names = {one.name for one in fields(kind)}
    return {key: value for key, value in payload.items() if key in names}


def encode(payload: Mapping[str, Any]) -> bytes:
    """Return the bytes of a JSON file of ours."""
    return (json.dumps(payload, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def decode(data: bytes, source: str) -> dict[str, Any]:
    """Read a JSON file of ours.

    Raises:
        CorruptFileError: if it is not whole.
    """
    try:
        value = json.loads(data)
    except ValueError as error:
        raise CorruptFileError(source, f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CorruptFileError(source, "not a JSON object")
    return value
