"""The headers of CSV files: Spark assigns values by position, whatever names stand above them."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence

from attrs import frozen

from dc43_core.data_quality.model import ColumnDrift
from dc43_core.protocol.file_store import FileStore
from dc43_integrations.spark.heads import is_opaque, option, partitions, read_head
from dc43_integrations.spark.names import finder

_ESCAPED = {"\\t": "\t", "\\r": "\r", "\\b": "\b", "\\f": "\f", "\\\\": "\\", "\\0": "\0"}
_UNUSED = "\x1f"
_LINES = re.compile("\r\n|\n|\r")


@frozen(kw_only=True)
class HeaderCheck:
    """Compares the header of each CSV file of a batch with the columns the stream reads by.

    Spark assigns CSV values by position: in a file whose header is in another order they would
    land in the wrong columns without a word.

    Attributes:
        store: Where the files lie.
        columns: Column names in the order in which the stream reads.
        required: Which of them must be there.
        declared: The contract's columns, of which the first file may lack some.
        separator: The reader's field separator.
        quote: The reader's quote character.
        encoding: The reader's encoding.
        comment: What a line begins with that Spark skips; empty for none.
        root: Where the stream reads from; folders `column=value` below it hold values.
        folds: Whether names that differ in case only are one.
    """

    store: FileStore
    columns: tuple[str, ...]
    required: frozenset[str]
    declared: frozenset[str] = frozenset()
    separator: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    comment: str = ""
    root: str = ""
    folds: bool = False

    def header(self, path: str) -> tuple[str, ...] | None:
        """Return a file's header; None if it is empty, or packed as Python cannot unpack it."""
        head = read_head(self.store, path).decode(self.encoding, errors="replace")
        lines = (line for line in _LINES.split(head.lstrip("\ufeff")) if line.strip())
        line = [text for text in lines if not (self.comment and text.startswith(self.comment))][:1]
        separator = self.separator
        if len(separator) > 1:
            line = [text.replace(separator, _UNUSED) for text in line]
            separator = _UNUSED
        rows = list(csv.reader(line, delimiter=separator, quotechar=self.quote))
        if not rows:
            return None
        return tuple(name.replace(_UNUSED, self.separator).strip() for name in rows[0])

    def drift(self, files: Sequence[str]) -> list[ColumnDrift]:
        """Return how the headers of these files differ, the first file of each kind named."""
        seen: dict[tuple[tuple[str, ...], frozenset[str]], str] = {}
        for path in files:
            header = self.header(path)
            if header is not None and header != self.columns:
                seen.setdefault((header, frozenset(partitions(path, self.root))), path)
        found: dict[tuple[str, str], ColumnDrift] = {}
        for path in files:
            if is_opaque(path):
                found.setdefault(("", "reordered"), self._opaque(path))
        for (header, inside), path in seen.items():
            find = finder(self.columns, folds=self.folds)
            spelled = tuple(find.get(name) or name for name in header)
            columns = tuple(name for name in self.columns if name not in inside)
            if spelled == columns:
                continue
            for drift in self._compare(spelled, columns, path):
                found.setdefault((drift.column, drift.kind), drift)
        return list(found.values())

    def _opaque(self, path: str) -> ColumnDrift:
        detail = (
            "may stand anywhere in this file: it is packed in a way that its header cannot be read "
            "through; use gz, bz2 or deflate"
        )
        return ColumnDrift(
            column=self.columns[0], kind="reordered", detail=detail, incompatible=True, where=path
        )

    def _compare(
        self, header: tuple[str, ...], columns: tuple[str, ...], path: str
    ) -> list[ColumnDrift]:
        if len(header) == len(columns):
            # Same number of fields: every value would land somewhere, and some wrongly.
            place = next(i for i, name in enumerate(header) if name != columns[i])
            detail = (
                f"stands where the header says {header[place]}; the columns of this file are in "
                "another order or renamed, and its values cannot be told apart"
            )
            name = columns[place]
            return [
                ColumnDrift(
                    column=name, kind="reordered", detail=detail, incompatible=True, where=path
                )
            ]
        missing = [name for name in columns if name not in header]
        extra = [name for name in header if name not in columns]
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
            *(self._extra(name, path) for name in extra),
        ]

    def _extra(self, name: str, path: str) -> ColumnDrift:
        detail = "is in the header and not declared"
        if name in self.declared:
            detail = (
                "is in the header and not in that of the first file, by which the stream reads; "
                "move the files that were read away, so that this header comes first"
            )
        return ColumnDrift(
            column=name,
            kind="extra",
            detail=f"{detail}; the rows of this file have too many fields",
            incompatible=name in self.declared,
            where=path,
            found={"logicalType": "string"},
        )


def header_check(
    store: FileStore,
    columns: Sequence[str],
    required: Sequence[str],
    options: Mapping[str, str],
    *,
    declared: Sequence[str] = (),
    root: str = "",
    folds: bool = False,
) -> HeaderCheck:
    """Return the check for a CSV reader's options."""
    separator = option(options, "sep", option(options, "delimiter", ","))
    return HeaderCheck(
        store=store,
        columns=tuple(columns),
        required=frozenset(required),
        declared=frozenset(declared),
        separator=_ESCAPED.get(separator, separator),
        quote=option(options, "quote", '"') or '"',
        encoding=option(options, "encoding", option(options, "charset", "utf-8")),
        comment=option(options, "comment", ""),
        root=root,
        folds=folds,
    )
