"""The keys of JSON records: Spark gives NULL for a key that is not there, and drops the others.

What is looked at is the beginning of each file, `heads.HEAD` bytes. It is compared with the
beginning of the file that the stream began with, because JSON may leave out a key whose value is
NULL: a key tells something by its absence only if it used to be in every record.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from dc43_core.contracts.model import Property, SchemaObject
from dc43_core.data_quality.model import ColumnDrift
from dc43_core.protocol.file_store import FileStore
from dc43_integrations.spark.heads import HEAD, option, partitions, read_head
from dc43_integrations.spark.json_types import declared_as, merged
from dc43_integrations.spark.names import PREFIX

_NAMED = 20
"""Undeclared keys that are named one by one, for each place in a record, and that are read."""

Place = tuple[str, ...]
"""Names from the record down; those of an array's items stand directly below the array's."""


@frozen
class Keys:
    """Which keys stand in some records.

    Attributes:
        parents: Place to the number of objects found there; the record itself is at ().
        found: Place of a key to the number of objects that have it.
        variants: Place of a declared key to the other spelling it stands under, alone.
        types: Place of an undeclared key to what ODCS would declare its values as.
    """

    parents: Mapping[Place, int]
    found: Mapping[Place, int]
    variants: Mapping[Place, str]
    types: Mapping[Place, Mapping[str, Any]] = field(factory=dict)

    def always(self, place: Place) -> bool:
        """Whether every object there has the key."""
        return 0 < self.parents.get(place[:-1], 0) == self.found.get(place, 0)


@frozen(kw_only=True)
class RecordCheck:
    """Compares the keys of a batch's records with the contract's columns.

    Attributes:
        store: Where the files lie.
        schema: The contract's object.
        encoding: The reader's encoding.
        multi_line: Whether a file is one document.
        folds: Whether a key that differs in case only is worth a warning of its own.
        root: Where the stream reads from; folders `column=value` below it hold values.
        began: The keys of the file that the stream began with.
    """

    store: FileStore
    schema: SchemaObject
    encoding: str
    multi_line: bool
    folds: bool
    root: str
    began: Keys = field(factory=lambda: Keys({}, {}, {}))

    def starting(self, first: str | None) -> RecordCheck:
        """Return the check of a stream that begins with this file."""
        return self if first is None else evolve(self, began=self.keys(first))

    def keys(self, path: str) -> Keys:
        """Return the keys of the first records of a file."""
        parents: Counter[Place] = Counter()
        found: Counter[Place] = Counter()
        variants: dict[Place, str] = {}
        types: dict[Place, dict[str, Any]] = {}

        def visit(value: Any, parts: Sequence[Property], place: Place) -> None:
            if isinstance(value, list):
                for item in value:
                    visit(item, parts, place)
                return
            if not isinstance(value, dict):
                return
            parents[place] += 1
            found.update((*place, name) for name in value)
            declared = {part.physical_name for part in parts}
            for name in value.keys() - declared:
                if (kind := declared_as(value[name])) is not None:
                    at = (*place, name)
                    types[at] = merged(types[at], kind) if at in types else kind
            lowered = {name.lower(): name for name in value} if self.folds else {}
            for part in parts:
                name = part.physical_name
                if name in value:
                    visit(value[name], _parts(part), (*place, name))
                elif name.lower() in lowered:
                    variants.setdefault((*place, name), lowered[name.lower()])

        for record in self._records(path):
            visit(record, self.schema.columns, ())
        return Keys(parents, found, variants, types)

    def _records(self, path: str) -> Iterator[Any]:
        head = read_head(self.store, path)
        text = head.decode(self.encoding, errors="replace").lstrip("\ufeff")
        whole = len(head) < HEAD
        lines = [text] if self.multi_line else text.split("\n")
        # The last one may be cut off.
        for line in lines if whole else lines[:-1]:
            try:
                yield json.loads(line)
            except (ValueError, RecursionError):
                # No JSON: Spark keeps the line, and it becomes a reject.
                continue

    def undeclared(self, inside: Collection[str]) -> list[str]:
        """Return the undeclared keys that the stream's records began with, at most 20.

        Args:
            inside: Columns that the file's path holds.
        """
        fold = str.lower if self.folds else str
        taken = Counter(map(fold, [*(p.physical_name for p in self.schema.columns), *inside]))
        keys = [place[0] for place in self.began.found if len(place) == 1]
        # What Spark could not tell from another column is left out, as ever.
        taken.update(map(fold, keys))
        return [
            name for name in keys if taken[fold(name)] == 1 and not name.lower().startswith(PREFIX)
        ][:_NAMED]

    def drift(self, files: Sequence[str]) -> list[ColumnDrift]:
        """Return how the records of these files differ, the first file of each kind named."""
        found: dict[tuple[str, str], ColumnDrift] = {}
        for path in files:
            keys, inside = self.keys(path), partitions(path, self.root)
            columns = [p for p in self.schema.columns if p.physical_name not in inside]
            for one in self._compare(keys, columns, ()):
                found.setdefault((one.column, one.kind), evolve(one, where=path))
        return list(found.values())

    def _compare(
        self, keys: Keys, declared: Sequence[Property], parent: Place
    ) -> Iterator[ColumnDrift]:
        if not keys.parents.get(parent):
            return
        known = {p.physical_name for p in declared}
        places = [p for p in keys.found if p[:-1] == parent and p[-1] not in known]
        new = [p for p in places if keys.always(p) and not self.began.found.get(p)]
        for prop in declared:
            place = (*parent, prop.physical_name)
            yield from self._column(keys, prop, place, new)
            yield from self._compare(keys, _parts(prop), place)
        spelled = set(keys.variants.values())
        for place in [p for p in places if p[-1] not in spelled][:_NAMED]:
            extra = _drift(place, "extra", "is not declared; it is left out of main", False)
            yield evolve(extra, found=keys.types.get(place))

    def _column(
        self, keys: Keys, prop: Property, place: Place, new: Sequence[Place]
    ) -> Iterator[ColumnDrift]:
        required = prop.required or prop.primary_key
        needed = "is required and missing" if required else "is missing"
        other = keys.variants.get(place)
        if other is not None:
            detail = f"stands under {other}, and keys of JSON are matched exactly"
            yield _drift(place, "renamed", detail, True)
        elif not keys.found.get(place) and self.began.always(place):
            if new:
                detail = (
                    f"{needed}, and {new[0][-1]}, which is not declared, is new: perhaps it was "
                    "renamed"
                )
                yield _drift(place, "renamed", detail, True)
            else:
                detail = f"{needed} in the first records of this file; it reads as NULL"
                # A row without a required column is a reject by itself; nested, no rule says so.
                yield _drift(place, "missing", detail, required and len(place) > 1)


def _drift(place: Place, kind: str, detail: str, incompatible: bool) -> ColumnDrift:
    return ColumnDrift(column=".".join(place), kind=kind, detail=detail, incompatible=incompatible)


def record_check(
    store: FileStore, schema: SchemaObject, options: Mapping[str, str], *, folds: bool, root: str
) -> RecordCheck:
    """Return the check for a JSON reader's options."""
    return RecordCheck(
        store=store,
        schema=schema,
        encoding=option(options, "encoding", option(options, "charset", "utf-8")),
        multi_line=option(options, "multiline", "false").lower() == "true",
        folds=folds,
        root=root,
    )


def _parts(prop: Property) -> Sequence[Property]:
    return prop.items.properties if prop.items is not None else prop.properties
