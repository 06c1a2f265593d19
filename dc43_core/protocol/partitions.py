"""Columns whose values stand in the path of a sink's files: `day=2026-11-23/batch-....parquet`."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from dc43_core.protocol.file_store import canonical

PARTITIONED = "_dc43_partitioned"
"""Folder of an attempt below which the path of a staged file is that below the sink."""
NULL = "__HIVE_DEFAULT_PARTITION__"
"""What readers of such paths take for NULL."""


def inside(staged: str) -> str:
    """Return the folders of a staged file below its sink, each with a slash behind; or nothing."""
    _, marker, below = staged.rpartition(f"/{PARTITIONED}/")
    return below[: below.rfind("/") + 1] if marker else ""


def values(path: str, root: str) -> dict[str, str | None]:
    """Return column to value, as text, of what a file's path below its sink says."""
    below = canonical(path).removeprefix(canonical(root).rstrip("/") + "/")
    found: dict[str, str | None] = {}
    for folder in below.split("/")[:-1]:
        name, equals, value = folder.partition("=")
        if equals:
            # Spelt once as a name of a folder, and that name once more as part of a URI.
            found[unquote(name)] = None if value == NULL else unquote(value)
    return found


def layout(files: Sequence[str], root: str) -> tuple[str, ...] | None:
    """Return the columns that a sink is partitioned by; None where it holds no file yet."""
    return tuple(values(files[0], root)) if files else None
