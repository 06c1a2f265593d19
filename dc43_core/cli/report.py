"""What `dc43 run` says at the end, for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dc43_core.cli.summary import IDLE, STOPPED, Tally, ranked
from dc43_core.cli.text import clean, console, count, duration, number, place, print_table, share
from dc43_core.protocol.clock import seconds_between
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.vocabulary import Outcome

BATCHES = 20
"""How many batches the table shows."""

_BATCH = (
    ("batch", "right"),
    ("rows", "right"),
    ("main", "right"),
    ("rejected", "right"),
    ("broken rules", "right"),
    ("verdict", "left"),
    ("duration", "right"),
)
_CHECK = (("violated check", "left"), ("rows", "right"), ("share", "right"))


def print_report(
    *,
    newest: Sequence[GovernanceRecord],
    tally: Tally,
    this_run: Mapping[str, Any],
    total: Mapping[str, Any],
    ledger: str | None,
    history: str | None,
    way_out: Sequence[str] = (),
) -> None:
    """Print tables, a sentence and the places.

    Args:
        newest: The last batches that this start took to their end.
        tally: All that it took to their end.
        this_run: Its numbers.
        total: The stream's numbers so far.
        ledger: Where the ledger is.
        history: The command that shows more; None if there is nothing yet.
        way_out: What can be done about a blocked batch.
    """
    out = console()
    if newest:
        print_table(out, _BATCH, [_batch_row(record) for record in newest])
        left_out = tally.handled - len(newest)
        if left_out:
            out.print(f"{count(left_out, 'earlier batch', 'earlier batches')} not shown.")
        out.print()
    if tally.handled_by_check:
        rows = tally.handled_rows
        by_check = ranked(tally.handled_by_check)
        cells = [(check, number(n), share(n, rows)) for check, n in by_check.items()]
        print_table(out, _CHECK, cells)
        out.print()
    for line in sentences(this_run, total):
        out.print(line, soft_wrap=True)
    out.print()
    for name in ("sink", "rejects"):
        out.print(f"{'main' if name == 'sink' else name:<8} {place(total[name])}", soft_wrap=True)
    if ledger is not None:
        out.print(f"{'ledger':<8} {place(ledger)}", soft_wrap=True)
    for at, line in enumerate(_next(this_run["outcome"], history, way_out)):
        out.print(f"{'' if at else 'next':<8} {line}", soft_wrap=True)


def _batch_row(record: GovernanceRecord) -> tuple[str, ...]:
    return (
        str(record.batch_id),
        number(record.row_count),
        number(record.main_count),
        number(record.reject_count),
        number(record.violations),
        record.verdict.value,
        duration(seconds_between(record.started_at, record.ended_at)),
    )


def sentences(this_run: Mapping[str, Any], total: Mapping[str, Any]) -> list[str]:
    """Return what happened, and where the stream stands if that is more."""
    batches = this_run["batch_count"]
    published = f"{count(batches, 'batch', 'batches')} published: {_rows(this_run)}."
    before = (
        f"{count(batches, 'batch', 'batches')} of this start before it "
        f"{'is' if batches == 1 else 'are'} published and complete."
        if batches
        else "This start published nothing."
    )
    match this_run["outcome"]:
        case Outcome.BLOCKED.value:
            batch = this_run["blocked_batches"][-1]
            lines = [f"Batch {batch} was blocked: nothing of it was published. {before}"]
        case Outcome.FAILED.value:
            lines = [f"The run failed. {before.replace('before it', 'before that')}"]
        case outcome if outcome == STOPPED:
            lines = [f"Stopped. {published if batches else before}"]
        case outcome if outcome == IDLE:
            lines = ["No new data: nothing was published."]
        case _:
            lines = [published]
    lines += [
        f"Batch {batch} was released as skip: none of its rows landed."
        for batch in this_run["skipped_batches"]
    ]
    if total["batch_count"] > batches:
        in_all = count(total["batch_count"], "batch", "batches")
        lines.append(f"The stream so far: {in_all}, {_rows(total)}.")
    return lines


def _rows(summary: Mapping[str, Any]) -> str:
    name = clean(summary["dataset_id"] or "main")
    text = f"{count(summary['main_count'], 'row')} in {name}"
    if summary["rejects"] is None:
        return text
    rejected = summary["reject_count"]
    text += f", {number(rejected)} rejected"
    return f"{text} ({share(rejected, summary['row_count'])})" if rejected else text


def _next(outcome: str, history: str | None, way_out: Sequence[str]) -> list[str]:
    match outcome:
        case Outcome.BLOCKED.value:
            todo = ["mend the data or the contract and start again: the batch is tried anew"]
            todo += way_out
        case Outcome.FAILED.value:
            todo = ["remove the cause and start again: what is published is not written twice"]
        case outcome if outcome == STOPPED:
            todo = ["start again to go on"]
        case outcome if outcome == IDLE:
            todo = ["start again when the source has more"]
        case _:
            todo = []
    return [*todo, *([f"{history} shows the batches"] if history else [])]
