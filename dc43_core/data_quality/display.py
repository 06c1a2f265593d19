"""How a `ValidationResult` looks where someone prints it, and in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dc43_core.data_quality.model import ValidationResult

BATCHES, MESSAGES = 10, 5
"""How many of each are shown; the result itself holds more, governance all."""
_COLUMNS = ("batch", "rows", "main", "rejected", "verdict", "outcome", "version")


def as_text(result: ValidationResult) -> str:
    """Return some lines of text: the verdict and why, totals, the newest batches, messages."""
    lines = _headline(result)
    rows = _batches(result)
    if rows:
        table = [_COLUMNS, *rows]
        widths = [max(len(row[i]) for row in table) for i in range(len(_COLUMNS))]
        lines.append("")
        lines += ["  ".join(map(str.rjust, row, widths)).rstrip() for row in table]
    for title, messages in _messages(result):
        lines += ["", f"{title}:", *(f"  {message}" for message in messages)]
    return "\n".join(lines)


def as_html(result: ValidationResult) -> str:
    """Return the same as HTML; nothing of a contract or of data is taken for markup."""
    first, *more = _headline(result)
    parts = [f"<p><strong>{escape(first)}</strong></p>", *(f"<p>{escape(m)}</p>" for m in more)]
    rows = _batches(result)
    if rows:
        head = "".join(f'<th scope="col">{name}</th>' for name in _COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        )
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
    for title, messages in _messages(result):
        items = "".join(f"<li>{escape(message)}</li>" for message in messages)
        parts.append(f"<p>{title}:</p><ul>{items}</ul>")
    return "<div>" + "".join(parts) + "</div>"


def _headline(result: ValidationResult) -> list[str]:
    about = " ".join(filter(None, (result.dataset_id, result.dataset_version)))
    contract = " ".join(filter(None, (result.contract_id, result.contract_version)))
    first = f"{result.status}: {about or 'no dataset'}"
    lines = [one_line(first + (f" under contract {contract}" if contract else ""))]
    if result.reason:
        lines.append(one_line(result.reason))
    count = result.metrics.get("batch_count")
    if count is not None or "main_count" in result.metrics:
        rows, main, rejected = (
            result.metrics.get(name, 0) for name in ("row_count", "main_count", "reject_count")
        )
        # A batch write is one batch.
        batches = "" if count is None else f"{count:,} batch{'' if count == 1 else 'es'}: "
        lines.append(f"{batches}{rows:,} rows, {main:,} in main, {rejected:,} rejected")
    elif result.schema:
        columns = ", ".join(f"{name} {kind}" for name, kind in result.schema.items())
        lines.append(one_line(f"columns: {columns}"))
    return lines


def _batches(result: ValidationResult) -> list[tuple[str, ...]]:
    return [_row(entry) for entry in result.streaming_batches[-BATCHES:]]


def _row(entry: dict[str, Any]) -> tuple[str, ...]:
    counts = (f"{entry[name]:,}" for name in ("row_count", "main_count", "reject_count"))
    words = (entry["verdict"], entry["outcome"], entry["dataset_version"] or "-")
    return (str(entry["batch_id"]), *counts, *map(str, words))


def _messages(result: ValidationResult) -> list[tuple[str, list[str]]]:
    kinds = (("Errors", result.errors), ("Warnings", result.warnings))
    return [(title, _bounded(found)) for title, found in kinds if found]


def _bounded(messages: Sequence[str]) -> list[str]:
    shown = [one_line(message) for message in messages[-MESSAGES:]]
    more = len(messages) - len(shown)
    return [f"({more:,} earlier)", *shown] if more else shown


def one_line(value: object) -> str:
    """Return text on one line, with whatever could steer a terminal spelled out."""
    text = " ".join(str(value).split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
