"""What a parquet file says of itself at its end: rows, and bounds of its columns.

Only the end of a file is read, so that a driver never holds the data it publishes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import frozen

from dc43_core.errors import CorruptFileError
from dc43_core.protocol.file_store import FileStore

_AT_FIRST = 65_536
_TAIL = 8
_EVERY_DIGIT = Context(prec=38)
_LONGEST_TEXT = 64
"""Bounds on longer texts are left out: they cost more than they spare."""


@frozen(kw_only=True)
class Footer:
    """What is known of a file without reading its rows.

    Attributes:
        rows: How many there are.
        statistics: The same as Delta keeps it, with bounds of columns, in JSON.
    """

    rows: int
    statistics: str


def read_footer(store: FileStore, path: str) -> Footer:
    """Read a file's footer.

    Raises:
        FileNotFoundError: if there is no file.
        CorruptFileError: if it is not parquet.
    """
    end = store.read_end(path, _AT_FIRST)
    needed = int.from_bytes(end[-_TAIL:-4], "little") + _TAIL
    if needed > len(end):
        end = store.read_end(path, needed)
    try:
        metadata = pq.read_metadata(pa.BufferReader(end))
    except pa.ArrowException as error:
        raise CorruptFileError(path, f"not a parquet file: {error}") from error
    return Footer(rows=metadata.num_rows, statistics=_statistics(metadata))


def _statistics(metadata: Any) -> str:
    least: dict[str, Any] = {}
    most: dict[str, Any] = {}
    nulls: dict[str, Any] = {}
    for index, (path, kind) in enumerate(_leaves(metadata.schema.to_arrow_schema())):
        if path is None:
            continue
        chunks = [metadata.row_group(n).column(index) for n in range(metadata.num_row_groups)]
        found = [(chunk.num_values, chunk.statistics) for chunk in chunks]
        if all(s is not None and s.has_null_count for _, s in found):
            _put(nulls, path, sum(s.null_count for _, s in found))
        bounds = _bounds(found, kind)
        if bounds is not None:
            _put(least, path, bounds[0])
            _put(most, path, bounds[1])
    return _json(
        {
            "numRecords": metadata.num_rows,
            "minValues": least,
            "maxValues": most,
            "nullCount": nulls,
        }
    )


def _leaves(
    fields: Any, above: tuple[str, ...] | None = ()
) -> Iterator[tuple[tuple[str, ...] | None, pa.DataType]]:
    """Yield each column chunk's path and type, in the order of the file; None inside a list."""
    for field in fields:
        path = None if above is None else (*above, field.name)
        if pa.types.is_struct(field.type):
            yield from _leaves([field.type.field(i) for i in range(field.type.num_fields)], path)
        elif pa.types.is_map(field.type):
            yield from _leaves([field.type.key_field, field.type.item_field], None)
        elif pa.types.is_list(field.type) or pa.types.is_large_list(field.type):
            yield from _leaves([field.type.value_field], None)
        else:
            yield path, field.type


def _bounds(found: list[tuple[int, Any]], kind: pa.DataType) -> tuple[Any, Any] | None:
    least, most = [], []
    for count, statistics in found:
        if statistics is None or not statistics.has_min_max:
            if statistics is not None and statistics.has_null_count and count == _nulls(statistics):
                continue
            return None
        try:
            least.append(_value(statistics.min_raw, kind, down=True))
            most.append(_value(statistics.max_raw, kind, down=False))
        except (OverflowError, UnicodeDecodeError):
            # A date that Python has no word for, or bytes cut off inside a character.
            return None
    if not least or None in least or None in most:
        return None
    return min(least), max(most)


def _nulls(statistics: Any) -> int:
    return int(statistics.null_count)


def _value(raw: Any, kind: pa.DataType, *, down: bool) -> Any:
    """Return a bound as Delta writes it; None for types that have none.

    None for floats: NaN is above all numbers for Spark, and in no bound of other writers.
    """
    if pa.types.is_signed_integer(kind):
        return raw
    if pa.types.is_string(kind):
        text = raw.decode()
        return text if len(text) <= _LONGEST_TEXT else None
    if pa.types.is_decimal(kind):
        number = raw if isinstance(raw, int) else int.from_bytes(raw, "big", signed=True)
        return Decimal(number).scaleb(-kind.scale, context=_EVERY_DIGIT)
    if pa.types.is_date32(kind):
        return (date(1970, 1, 1) + timedelta(days=raw)).isoformat()
    if pa.types.is_timestamp(kind) and kind.unit == "us":
        # Milliseconds are the format's; both bounds move outwards.
        whole = raw // 1_000 if down else -(-raw // 1_000)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=whole)
        text = moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
        return text + ("Z" if kind.tz else "")
    return None


def _put(tree: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
    tree[path[-1]] = value


def _json(value: Any) -> str:
    """Return JSON in which decimals keep every digit."""
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(k)}:{_json(v)}" for k, v in value.items()) + "}"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)
