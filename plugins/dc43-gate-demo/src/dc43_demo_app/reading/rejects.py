"""Rejected rows as they lie in the reject sink; only the files that are shown are opened."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import frozen

from dc43_core.errors import Dc43Error
from dc43_core.protocol.file_store import LocalFileStore, local_path
from dc43_core.protocol.replays import Replays
from dc43_core.protocol.sink_log import SinkLog
from dc43_demo_app.reading.batch import Batch

_ENVELOPE = "_dc43_"
_FILE = re.compile(r"batch-(?P<stream>[0-9a-f-]+)-(?P<batch>\d{10})-")


class RejectsUnreadableError(Dc43Error, RuntimeError):
    """The rows of a reject sink cannot be shown; the counts of the ledger stand all the same."""

    def __init__(self, place: str, problem: str) -> None:
        self.place, self.problem = place, problem
        super().__init__(f"The reject sink cannot be read: {problem}.")


@frozen(kw_only=True)
class RejectedRow:
    """One row, with the envelope it lies in.

    Attributes:
        values: Column to value, as the sink holds it.
        raw: Column to the text that would not cast.
        replayed: Whether a replay has published it since.
    """

    row_id: str
    batch_id: int
    checks: Sequence[str]
    reasons: Sequence[str]
    values: Mapping[str, Any]
    raw: Mapping[str, str]
    line: str | None
    file: str | None
    replayed: bool

    def failed(self, judged: Mapping[str, Sequence[str]]) -> frozenset[str]:
        """Return the columns to look at.

        Args:
            judged: Check id to the columns it reads; one that is not there may name its column.
        """
        named = {
            column for check in self.checks for column in judged.get(check, [check.split(".")[0]])
        }
        return frozenset(name for name in self.values if name in named) | frozenset(self.raw)


@frozen
class RejectSink:
    """The rejects below one folder of this machine.

    Attributes:
        files: The visible ones by stream and batch.
        left: Rows that a replay has published since.
    """

    files: Mapping[tuple[str, int], Sequence[str]]
    left: Mapping[str, frozenset[int]]

    def rows(self, batch: Batch, check: str | None) -> list[RejectedRow]:
        """Return the rejected rows of one batch.

        Raises:
            RejectsUnreadableError: if a file cannot be read.
        """
        mine = self.files.get((batch.stream_id, batch.batch_id), [])
        return [row for file in mine for row in _read(file, check, self.left)]


def rejected_rows(
    batches: Sequence[Batch], check: str | None, *, offset: int, limit: int
) -> list[RejectedRow]:
    """Return some of the rows that were rejected in these batches, in their order.

    Args:
        batches: Which; records tell how many rows each has, so only the files that hold the
            rows in question are opened.
        check: Only rows that broke this rule.
        offset: How many rows are passed over.
        limit: How many are returned at most.

    Raises:
        RejectsUnreadableError: if the rows cannot be read here.
    """
    sinks: dict[str, RejectSink] = {}
    found: list[RejectedRow] = []
    for batch in batches:
        count = rejected_by(batch, check)
        if offset >= count:
            offset -= count
            continue
        if batch.rejects is None:
            raise RejectsUnreadableError("", f"the record of batch {batch.batch_id} names none")
        if batch.rejects not in sinks:
            sinks[batch.rejects] = open_rejects(batch.rejects)
        rows = sinks[batch.rejects].rows(batch, check)
        found += rows[offset : offset + limit - len(found)]
        offset = 0
        if len(found) >= limit:
            break
    return found


def open_rejects(uri: str) -> RejectSink:
    """Look at a reject sink.

    Raises:
        RejectsUnreadableError: naming what stands in the way.
    """
    if "://" in uri and not uri.startswith("file:"):
        raise RejectsUnreadableError(uri, "it is not on this machine")
    folder = local_path(uri)
    if not folder.is_dir():
        raise RejectsUnreadableError(uri, "the folder is gone")
    if (folder / "_delta_log").is_dir():
        raise RejectsUnreadableError(uri, "it is a Delta table, which only its engine reads")
    store = LocalFileStore()
    found: dict[tuple[str, int], list[str]] = {}
    for path in SinkLog(store, uri).files():
        match = _FILE.search(path.rsplit("/", 1)[-1])
        if match is not None:
            found.setdefault((match["stream"], int(match["batch"])), []).append(path)
    return RejectSink(found, Replays(store, uri).left())


def rejected_by(batch: Batch, check: str | None) -> int:
    """Return how many rows of a batch lie in the rejects, or those of them that broke a rule."""
    if not batch.rejected:
        return 0
    return batch.rejected if check is None else batch.by_check.get(check, 0)


def _read(
    file: str, check: str | None, left: Mapping[str, frozenset[int]]
) -> Iterator[RejectedRow]:
    # Most pages show no rejects, and pyarrow takes a while to be imported.
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(local_path(file), partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise RejectsUnreadableError(file, f"{type(error).__name__} in {file}") from error
    for row in table.to_pylist():
        checks = row[f"{_ENVELOPE}checks"] or []
        if check is not None and check not in checks:
            continue
        row_id = str(row[f"{_ENVELOPE}row_id"])
        batch, _, number = row_id.rpartition("-")
        yield RejectedRow(
            row_id=row_id,
            batch_id=int(row[f"{_ENVELOPE}batch"]),
            checks=checks,
            reasons=row[f"{_ENVELOPE}reasons"] or [],
            values={k: v for k, v in row.items() if not k.startswith(_ENVELOPE)},
            raw=dict(row.get(f"{_ENVELOPE}raw") or ()),
            line=row.get(f"{_ENVELOPE}line"),
            file=row.get(f"{_ENVELOPE}file"),
            replayed=int(number) in left.get(batch, frozenset()),
        )
