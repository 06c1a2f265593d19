"""What an engine measured on a micro-batch, and what validation says of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from attrs import define, field, frozen

from dc43_core.data_quality.display import as_html, as_text
from dc43_core.errors import described
from dc43_core.vocabulary import Outcome, Severity, Verdict


@frozen(kw_only=True)
class ColumnDrift:
    """One difference between the schema that was read and the contract's.

    Attributes:
        column: Physical name of the column.
        kind: `missing`, `extra`, `renamed`, `widened` (the type found is smaller than the declared
            one), `wider` (it is larger, and values are cast one by one), `narrowed` (they are
            not), `reordered` or `retyped`; where one of the last two is, the engine would read
            wrong values, or none.
        detail: What was found and what was expected, as a clause.
        incompatible: Whether rows cannot be read as the contract asks.
        where: The file it was found in, where that is known.
        found: The type that was found, as ODCS would declare it (`logicalType`, `physicalType`,
            `properties`, `items`); None where it is not known.
    """

    column: str
    kind: str
    detail: str
    incompatible: bool
    where: str | None = None
    # What it says in words, `detail` says as well.
    found: Mapping[str, Any] | None = field(default=None, eq=False)

    def payload(self) -> dict[str, Any]:
        """Return what a record keeps of it."""
        kept = {name: getattr(self, name) for name in ("column", "kind", "detail", "where")}
        return kept if self.found is None else {**kept, "found": dict(self.found)}


@frozen(kw_only=True)
class Observations:
    """Facts counted on what was staged: the only input of a verdict.

    Attributes:
        row_count: Rows handed to the batch.
        broken: Check id to the number of rows that break it (of key rules: rows beyond the
            first of each key).
        violating: Rows that break at least one row rule of severity error.
        uncast: Rows of these with a value that does not fit its declared type.
        drift: Differences between the schema read and the contract's.
        evaluation_errors: Check id to why it could not be judged.
        unjudged: Of these, check id to the rows that could not be judged and count as violating.
        metrics: Further numbers, by name.
        earlier: Of rules that look back, check id to what the earlier batches of their window
            add: rows that broke it, and rows.
    """

    row_count: int
    broken: Mapping[str, int] = field(factory=dict)
    violating: int = 0
    uncast: int = 0
    drift: tuple[ColumnDrift, ...] = ()
    evaluation_errors: Mapping[str, str] = field(factory=dict)
    unjudged: Mapping[str, int] = field(factory=dict)
    metrics: Mapping[str, Any] = field(factory=dict)
    earlier: Mapping[str, tuple[int, int]] = field(factory=dict)


_NOT_ON_ROWS = ("drift", "unreadable")


@frozen(kw_only=True)
class Finding:
    """One expectation that does not hold in a batch.

    Attributes:
        check_id: The expectation, or `schema.<column>` for drift.
        rows: Rows that break it, or cannot be judged by it and count as violating; 0 where it
            judges the batch as a whole.
        message: A sentence for people.
        threshold: Whether it is a bound over the batch rather than a rule on rows.
        kind: Its expectation kind, `drift`, `unreadable` or `evaluation_error`.
    """

    check_id: str
    kind: str
    severity: Severity
    message: str
    rows: int = 0
    threshold: bool = False

    @property
    def on_rows(self) -> bool:
        """Whether it is about single rows, which can go to the rejects."""
        if self.kind == "evaluation_error":
            return self.rows > 0
        return not self.threshold and self.kind not in _NOT_ON_ROWS


@define(kw_only=True, eq=False)
class ValidationResult:
    """What is known about the data behind one read, write or micro-batch.

    The result of a batch is complete when it is handed over. The one that a streaming helper
    returns is live: batches are added while the query runs.

    Attributes:
        status: The verdict; of a stream the worst so far.
        errors: Messages of error findings that landed in main or blocked the batch.
        warnings: Messages of all other findings.
        metrics: Numbers by name.
        schema: Column name to type, as read or written.
        reason: Why the verdict is what it is, as a sentence; None when it is ok.
        details: Further facts by name.
        findings: The findings behind errors and warnings.
        dataset_id: The dataset as governance knows it.
        dataset_version: Its version as governance knows it.
        contract_id: The contract it was held against.
        contract_version: That contract's version.
        streaming_batches: One entry a micro-batch, newest last, bounded.
        streaming_queries: The queries behind it; each has a method `exception`.
        run: Of a streaming write, one handle over all of them: `stop()`, `finish(reason)`,
            `await_termination(timeout)`, `exception()`, `summary()`.
        binding: Of a read, what a write of the same data needs to know; opaque.
    """

    _status: Verdict = field(default=Verdict.OK)
    errors: list[str] = field(factory=list)
    warnings: list[str] = field(factory=list)
    metrics: dict[str, Any] = field(factory=dict)
    schema: dict[str, str] = field(factory=dict)
    _reason: str | None = field(default=None)
    _details: dict[str, Any] = field(factory=dict)
    findings: list[Finding] = field(factory=list, repr=False)
    dataset_id: str = ""
    dataset_version: str = ""
    contract_id: str = ""
    contract_version: str = ""
    streaming_batches: list[dict[str, Any]] = field(factory=list, repr=False)
    streaming_queries: list[Any] = field(factory=list, repr=False)
    run: Any = field(default=None, repr=False)
    binding: Any = field(default=None, repr=False)
    lock: Any = field(factory=threading.RLock, repr=False, init=False)

    @property
    def ok(self) -> bool:
        """No error landed or blocked, and the verdict could be reached."""
        return self.status not in (Verdict.UNKNOWN, Verdict.BLOCK) and not self.errors

    @property
    def status(self) -> Verdict:
        """The verdict; of a stream the worst so far."""
        self._look()
        return self._status

    @status.setter
    def status(self, verdict: Verdict) -> None:
        self._status = verdict

    @property
    def reason(self) -> str | None:
        """Why the verdict is what it is, as a sentence; None when it is ok."""
        self._look()
        return self._reason

    @reason.setter
    def reason(self, sentence: str | None) -> None:
        self._reason = sentence

    @property
    def details(self) -> dict[str, Any]:
        """Further facts by name; `outcome` once a stream was blocked or failed."""
        self._look()
        return self._details

    def _look(self) -> None:
        """Take over how the queries ended: one may fail where no batch is being processed."""
        if "outcome" in self._details:
            return
        for query in self.streaming_queries:
            fault = _fault(query)
            with self.lock:
                if fault is not None and "outcome" not in self._details:
                    self._status = Verdict.UNKNOWN
                    self._reason = f"the stream stopped: {fault}"
                    self.errors.append(self._reason)
                    self._details["outcome"] = Outcome.FAILED.value

    def __str__(self) -> str:
        with self.lock:
            return as_text(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        with self.lock:
            return as_html(self)


def _fault(query: Any) -> str | None:
    """Return what ended a query, in a line; None if it runs or was stopped."""
    try:
        fault = query.exception()
    # A boundary to foreign code: an engine that cannot be asked any more has not done well.
    except Exception as error:  # noqa: BLE001
        fault = error
    if fault is None:
        return None
    text = described(fault) if isinstance(fault, BaseException) else str(fault)
    return text.strip().splitlines()[0]
