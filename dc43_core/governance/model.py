"""What governance keeps beside the records of micro-batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, evolve, field, frozen

from dc43_core.errors import CorruptFileError
from dc43_core.protocol.clock import seconds_between
from dc43_core.protocol.record import known_facts
from dc43_core.vocabulary import RunOutcome, RunType

RUN_FORMAT_VERSION = 1
SILENT_AFTER = 20.0
"""Seconds after its last heartbeat from which an open run is taken for dead."""


@frozen(kw_only=True)
class SchemaObservation:
    """A schema as a helper found it when it was called.

    Attributes:
        dataset_id: The dataset read or written.
        dataset_version: Its version then.
        direction: `read` or `write`.
        observed_at: UTC, RFC 3339.
        schema: Column name to type.
        contract_id: The contract it was held against.
        contract_version: That contract's version.
        problems: Differences found, as sentences.
        namespace: First part of every key.
    """

    dataset_id: str
    dataset_version: str
    direction: str
    observed_at: str
    schema: Mapping[str, str] = field(factory=dict)
    contract_id: str = ""
    contract_version: str = ""
    problems: tuple[str, ...] = ()
    namespace: str = "default"


@frozen(kw_only=True)
class StopRequest:
    """Someone wants a run to end between two batches.

    Attributes:
        by: Who.
        at: When; UTC, RFC 3339.
        reason: Why, in that person's words.
    """

    by: str
    at: str
    reason: str = ""


@frozen(kw_only=True)
class Run:
    """One start of a stream. Its row is overwritten while it runs; records are not.

    Attributes:
        run_id: As in the records it wrote.
        stream_id: The stream.
        epoch: Number of this start.
        dataset_id: What it writes.
        contract_id: The contract that it is held against.
        contract_version: That contract's version.
        query_name: Name of the query, if it has one.
        run_type: `observe` or `enforce`.
        sink: Where main is; URI.
        checkpoint: Its progress; URI.
        driver: Host and process that run it, for people.
        started_at: UTC, RFC 3339, as all times here.
        heartbeat_at: When it last said that it is alive.
        step: The arrow of the protocol that it passed last; None before the first.
        batch_id: The batch it passed it with.
        ended_at: When it ended; None while it runs, and for good if its process was killed.
        outcome: How it ended.
        reason: Why, where there is more to say.
        stop_request: Who wants it to end; kept apart by the client, and never overwritten.
        namespace: First part of every key.
    """

    run_id: str
    stream_id: str
    epoch: int
    dataset_id: str
    contract_id: str
    contract_version: str
    query_name: str | None = None
    run_type: RunType
    sink: str
    checkpoint: str
    driver: str
    started_at: str
    heartbeat_at: str
    step: str | None = None
    batch_id: int | None = None
    ended_at: str | None = None
    outcome: RunOutcome | None = None
    reason: str | None = None
    stop_request: StopRequest | None = None
    namespace: str = "default"
    format_version: int = RUN_FORMAT_VERSION

    def state(self, now: str) -> str:
        """Return how it ended, else `running`, or `silent` if its heartbeat is old."""
        if self.outcome is not None:
            return self.outcome.value
        silent = seconds_between(self.heartbeat_at, now) > SILENT_AFTER
        return "silent" if silent else "running"

    def payload(self) -> dict[str, Any]:
        """Return plain JSON types, the stop request among them."""
        plain = asdict(self)
        plain["run_type"] = self.run_type.value
        plain["outcome"] = None if self.outcome is None else self.outcome.value
        return plain

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any], source: str) -> Run:
        """Read a run back.

        Raises:
            FormatVersionError: if a newer dc43 wrote it.
            CorruptFileError: if it is not a run.
        """
        facts = known_facts(cls, payload, source, RUN_FORMAT_VERSION)
        try:
            outcome, asked = facts.get("outcome"), facts.get("stop_request")
            return cls(
                **{
                    **facts,
                    "run_type": RunType(facts["run_type"]),
                    "outcome": None if outcome is None else RunOutcome(outcome),
                    "stop_request": None if asked is None else StopRequest(**asked),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CorruptFileError(source, f"not a run: {error}") from error

    def asked_to_stop(self, request: StopRequest | None) -> Run:
        """Return the run with who wants it to end."""
        return evolve(self, stop_request=request)
