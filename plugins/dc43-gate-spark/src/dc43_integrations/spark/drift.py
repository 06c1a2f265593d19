"""How what was read differs from what the contract declares."""

from __future__ import annotations

import bz2
import csv
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import frozen
from pyspark.sql import DataFrame

from dc43_core.contracts.model import SchemaObject
from dc43_core.data_quality.model import ColumnDrift
from dc43_core.protocol.file_store import FileStore
from dc43_integrations.spark.names import READ, finder
from dc43_integrations.spark.types import same, spark_type, widens

_HEAD = 64 * 1024
# bzip2 gives nothing before a whole block of up to 900 kB is there.
_PACKED_HEAD = 1024 * 1024
_UNPACK: dict[str, Callable[[], Any]] = {
    "gz": lambda: zlib.decompressobj(31),
    "deflate": zlib.decompressobj,
    "bz2": bz2.BZ2Decompressor,
}
_OPAQUE = ("zst", "lz4", "snappy")
_ESCAPED = {"\\t": "\t", "\\r": "\r", "\\b": "\b", "\\f": "\f", "\\\\": "\\", "\\0": "\0"}
_UNUSED = "\x1f"


def schema_drift(
    frame: DataFrame, schema: SchemaObject, *, auto_cast: bool
) -> tuple[ColumnDrift, ...]:
    """Compare a frame's schema with the contract's.

    Args:
        frame: What is about to be written.
        schema: The contract's object.
        auto_cast: Whether values of another type are cast row by row; then that is no drift.
    """
    find = finder(frame.columns, frame.sparkSession)
    types = {field.name: field.dataType for field in frame.schema}
    found: list[ColumnDrift] = []
    declared: set[str] = set()
    for prop in schema.columns:
        name = prop.physical_name
        actual = find.get(name)
        if actual is None:
            needed = prop.required or prop.primary_key
            found.append(
                ColumnDrift(
                    column=name,
                    kind="missing",
                    detail="is required and missing" if needed else "is missing; it reads as NULL",
                    incompatible=needed,
                )
            )
            continue
        declared.add(actual)
        wanted, given = spark_type(prop), types[actual]
        if wanted is None or same(given, wanted):
            continue
        was = f"is {given.simpleString()}, declared {wanted.simpleString()}"
        if widens(given, wanted):
            found.append(ColumnDrift(column=name, kind="widened", detail=was, incompatible=False))
        elif not auto_cast:
            found.append(ColumnDrift(column=name, kind="narrowed", detail=was, incompatible=True))
    found += [
        ColumnDrift(
            column=name,
            kind="extra",
            detail="is not declared; it is left out of main",
            incompatible=False,
        )
        for name in frame.columns
        if name not in declared and name != READ
    ]
    return tuple(found)


@frozen(kw_only=True)
class HeaderCheck:
    """Compares the header of each CSV file of a batch with the columns the stream reads by.

    Spark assigns CSV values by position: in a file whose header is in another order they would
    land in the wrong columns without a word.

    Attributes:
        store: Where the files lie.
        columns: Column names in the order in which the stream reads.
        required: Which of them must be there.
        separator: The reader's field separator.
        quote: The reader's quote character.
        encoding: The reader's encoding.
    """

    store: FileStore
    columns: tuple[str, ...]
    required: frozenset[str]
    separator: str = ","
    quote: str = '"'
    encoding: str = "utf-8"

    def header(self, path: str) -> tuple[str, ...] | None:
        """Return a file's header; None if it is empty, or packed as Python cannot unpack it."""
        head = self._head(path)
        line = head.decode(self.encoding, errors="replace").lstrip("\ufeff").splitlines()[:1]
        separator = self.separator
        if len(separator) > 1:
            line = [text.replace(separator, _UNUSED) for text in line]
            separator = _UNUSED
        rows = list(csv.reader(line, delimiter=separator, quotechar=self.quote))
        if not rows:
            return None
        return tuple(name.replace(_UNUSED, self.separator).strip() for name in rows[0])

    def _head(self, path: str) -> bytes:
        packing = path.rpartition(".")[2]
        if packing in _OPAQUE:
            return b""
        try:
            if packing not in _UNPACK:
                return self.store.read(path, _HEAD)
            head: bytes = _UNPACK[packing]().decompress(self.store.read(path, _PACKED_HEAD), _HEAD)
        except FileNotFoundError:
            return b""
        except (OSError, zlib.error):
            # Not packed as its name says; Spark will fail the batch over it.
            return b""
        return head

    def drift(self, files: Sequence[str]) -> list[ColumnDrift]:
        """Return how the headers of these files differ, the first file of each kind named."""
        seen: dict[tuple[str, ...], str] = {}
        for path in files:
            header = self.header(path)
            if header is not None and header != self.columns:
                seen.setdefault(header, path)
        found: dict[tuple[str, str], ColumnDrift] = {}
        for header, path in seen.items():
            for drift in self._compare(header, path):
                found.setdefault((drift.column, drift.kind), drift)
        return list(found.values())

    def _compare(self, header: tuple[str, ...], path: str) -> list[ColumnDrift]:
        if len(header) == len(self.columns):
            # Same number of fields: every value would land somewhere, and some wrongly.
            place = next(i for i, name in enumerate(header) if name != self.columns[i])
            detail = (
                f"stands where the header says {header[place]}; the columns of this file are in "
                "another order or renamed, and its values cannot be told apart"
            )
            name = self.columns[place]
            return [
                ColumnDrift(
                    column=name, kind="reordered", detail=detail, incompatible=True, where=path
                )
            ]
        missing = [name for name in self.columns if name not in header]
        extra = [name for name in header if name not in self.columns]
        return [
            *(
                ColumnDrift(
                    column=name,
                    kind="missing",
                    detail="is required and missing in the header"
                    if name in self.required
                    else "is missing in the header",
                    incompatible=name in self.required,
                    where=path,
                )
                for name in missing
            ),
            *(
                ColumnDrift(
                    column=name,
                    kind="extra",
                    detail="is in the header and not declared; the rows of this file have too "
                    "many fields",
                    incompatible=False,
                    where=path,
                )
                for name in extra
            ),
        ]


def header_check(
    store: FileStore, columns: Sequence[str], required: Sequence[str], options: Mapping[str, str]
) -> HeaderCheck:
    """Return the check for a CSV reader's options."""
    separator = option(options, "sep", option(options, "delimiter", ","))
    return HeaderCheck(
        store=store,
        columns=tuple(columns),
        required=frozenset(required),
        separator=_ESCAPED.get(separator, separator),
        quote=option(options, "quote", '"') or '"',
        encoding=option(options, "encoding", option(options, "charset", "utf-8")),
    )


def option(options: Mapping[str, str], name: str, default: str) -> str:
    """Return a reader's option; Spark does not tell upper from lower case in their names."""
    return next((value for key, value in options.items() if key.lower() == name), default)
