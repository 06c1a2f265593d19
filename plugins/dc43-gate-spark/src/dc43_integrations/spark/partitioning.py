"""Main, written out below the folders of its partitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from dc43_core.errors import ConfigurationError, CorruptFileError
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.partitions import NULL, PARTITIONED, layout
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_log import FileSink
from dc43_integrations.spark.data_files import write_files
from dc43_integrations.spark.sinks.interface import SinkFormat

_TYPES = (
    T.StringType,
    T.ByteType,
    T.ShortType,
    T.IntegerType,
    T.LongType,
    T.BooleanType,
    T.DateType,
    T.DecimalType,
)
"""What a path can hold so that every reader reads it back."""


def require_partitions(by: Sequence[str], target: T.StructType, sink: SinkFormat) -> None:
    """Refuse what main cannot be partitioned by.

    Raises:
        ConfigurationError: listing all of it.
    """
    if not by:
        return
    fields = {field.name: field.dataType for field in target}
    problems = [f"column {name!r} is not in the contract" for name in by if name not in fields]
    problems += [f"column {name!r} is named twice" for name in sorted({*by}) if by.count(name) > 1]
    problems += [
        f"column {name!r} is of type {kind.simpleString()}, which a path cannot hold so that "
        "every reader reads it back; take a text, a whole number, a decimal, a date or a boolean"
        for name in by
        if (kind := fields.get(name)) is not None and not isinstance(kind, _TYPES)
    ]
    if not {*fields} - {*by}:
        problems.append("a file must hold at least one column; leave one out")
    if not getattr(sink, "partitions", False):
        problems.append("this format has no folders to partition; take a format of files")
    if problems:
        raise ConfigurationError("partition_by", problems)


def require_layout(sink: Sink, by: Sequence[str]) -> None:
    """Refuse to mix files with partitions and without, or with others: readers would lose some.

    Of other sinks than files in a folder the sink itself tells, when its place is looked at.

    Raises:
        ConfigurationError: naming what is there.
    """
    found = found_layout(sink) if isinstance(sink, FileSink) else None
    if found is None or found == tuple(by):
        return
    said = ", ".join(map(repr, found))
    there = f"partitioned by {said}" if found else "not partitioned"
    way = f"partition_by=[{said}]" if found else "no partition_by"
    raise ConfigurationError(
        "partition_by", [f"{sink.uri} is {there}; write with {way}, or to another folder"]
    )


def found_layout(sink: Sink) -> tuple[str, ...] | None:
    """Return the columns that a sink is partitioned by; None where it tells none."""
    try:
        return layout(sink.files(), sink.uri)
    except CorruptFileError:
        # Whoever publishes looks at the whole place first, and says all that is wrong with it.
        return None


def write_out(
    frame: DataFrame,
    store: FileStore,
    folder: str,
    *,
    format: str,
    options: Mapping[str, str],
    by: Sequence[str] = (),
) -> list[str]:
    """Write main as it will be published, and return its files: at least one.

    Args:
        frame: The contract's columns.
        store: Where the folder lies.
        folder: An empty place of the attempt.
        format: Spark's name of main's format.
        options: Of Spark's writer.
        by: Columns whose values stand in the path instead.
    """
    root = join(folder, PARTITIONED) if by else folder
    write_files(frame, root, format=format, options=options, by=by)
    files = list(_files(store, root))
    if files or not by:
        return files
    # Without rows Spark writes no folder. A reader sees the columns by this one, and no row.
    jvm = frame.sparkSession._jvm
    assert jvm is not None, "the session is a classic one"
    escaped = jvm.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils.escapePathName
    empty = join(root, *(quote(f"{escaped(name)}={NULL}", safe="=") for name in by))
    write_files(frame.drop(*by), empty, format=format, options=options)
    return list(_files(store, root))


def _files(store: FileStore, folder: str) -> Iterator[str]:
    for entry in store.list(folder):
        if entry.is_folder:
            yield from _files(store, entry.path)
        elif entry.name[0] not in "._":
            yield entry.path
