"""An engine of plain lists: it runs the whole protocol, and judges by the kinds' own words.

A frame is a list of dicts. Files are JSON lines in a `MemoryStore`. It is slow and exact: the
reference that every real engine is compared with.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen

from dc43_core.data_quality.model import ColumnDrift
from dc43_core.data_quality.service_levels import Span
from dc43_core.expectations.interface import ExpectationKind
from dc43_core.expectations.model import CheckPlan, Expectation
from dc43_core.protocol.engine import BatchFacts, KnownKeys, NewKeys, Staged
from dc43_core.protocol.file_store import join
from dc43_core.protocol.keys import Columns
from dc43_core.protocol.rejects import Chosen, Restaged, RowNumbers, too_many
from dc43_core.testing.memory_store import MemoryStore
from dc43_core.upkeep.interface import Key, Removed
from dc43_core.vocabulary import Lane, Scope, Severity

Row = Mapping[str, Any]
CHECKS, ROW_ID = "_dc43_checks", "_dc43_row_id"


@frozen(kw_only=True)
class FakeStager:
    """The fake engine's part of the protocol.

    Attributes:
        store: Where everything lies.
        plan: What the contract asks.
        kinds: Every expectation kind by name.
        rows_per_file: Rows of a staged file.
        gone: Files that every batch misses.
    """

    store: MemoryStore
    plan: CheckPlan
    kinds: Mapping[str, ExpectationKind]
    rows_per_file: int = 4
    gone: Sequence[str] = ()

    def schema(self) -> Mapping[str, str]:
        """Return column name to logical type."""
        return {p.physical_name: p.logical_type or "" for p in self.plan.schema.columns}

    def input(self, batch_id: int) -> Mapping[str, Any]:
        """A list knows nothing of where it came from."""
        return {"dataset_id": "list", "version": str(batch_id)}

    def drift(self, frame: Sequence[Row], batch_id: int) -> Sequence[ColumnDrift]:
        """Compare the columns of the rows with the contract's."""
        # In the order in which they are first met.
        found = dict.fromkeys(name for row in frame for name in row) if frame else self.schema()
        missing = [
            ColumnDrift(
                column=p.physical_name,
                kind="missing",
                detail="is missing" + (" and required" if p.required else ""),
                incompatible=p.required,
            )
            for p in self.plan.schema.columns
            if p.physical_name not in found
        ]
        extra = [
            ColumnDrift(
                column=name,
                kind="extra",
                detail="is not declared; it is left out of main",
                incompatible=False,
                found={"logicalType": "string"},
            )
            for name in found
            if name not in self.schema()
        ]
        return [*missing, *extra]

    def stage(
        self,
        frame: Sequence[Row],
        folder: str,
        batch: BatchFacts,
        *,
        reject_all: bool,
        keys: KnownKeys | None = None,
    ) -> Staged:
        """Judge each row once, then keys among the rows that pass."""
        broken: dict[str, int] = defaultdict(int)
        main: list[Row] = []
        rejects: list[Row] = []
        for row in frame:
            checks = self._broken(row)
            for expectation in checks:
                broken[expectation.id] += 1
            failed = [e.id for e in checks if _rejects(e)]
            lane = rejects if failed or reject_all else main
            lane.append({**self._columns(row), CHECKS: failed or ["schema"]})
        spans = self._spans(main)
        for expectation in self.plan.expectations:
            if expectation.form == "key":
                main = self._judge_key(expectation, main, rejects, broken, keys)
        source = f"{batch.stream_id}-{batch.batch_id}"
        sealed = [{**row, ROW_ID: f"{source}-{n}"} for n, row in enumerate(rejects)]
        return Staged(
            row_count=len(frame),
            violating=len(sealed),
            broken=dict(broken),
            files={
                "main": self._write(folder, "main", [_without_checks(r) for r in main]),
                "violating": self._write(folder, "violating", sealed),
            },
            folder=folder,
            gone=self.gone,
            rejects_all=reject_all,
            sealed=True,
            keys=None if keys is None else self._write_keys(main, keys),
            spans=spans,
        )

    def _spans(self, rows: Sequence[Row]) -> dict[str, Span]:
        found = {
            name: Span.of(datetime.fromisoformat(row[name]) for row in rows if row.get(name))
            for name in {check.column for check in self.plan.service_levels}
            if name is not None
        }
        return {name: span for name, span in found.items() if span is not None}

    def keys_of(self, staged: Staged, keys: KnownKeys) -> NewKeys:
        """Write the keys of the good rows of a batch that was staged."""
        rows = [row for path in staged.files["main"] for row in read_rows(self.store, path)]
        return self._write_keys(rows, keys)

    def merge_keys(self, files: Sequence[str], count: int, folder: str) -> Sequence[str]:
        """Write the keys of several files into one."""
        return self._write(folder, "keys", [{"key": key} for key in sorted(self._keys(files))])

    def _keys(self, files: Sequence[str]) -> set[str]:
        return {row["key"] for path in files for row in read_rows(self.store, path)}

    def _write_keys(self, rows: Sequence[Row], keys: KnownKeys) -> NewKeys:
        rules = [e for e in self.plan.expectations if e.id in keys.prefixes]
        hashes = {_hashed(keys.prefixes[e.id], e.columns, row) for e in rules for row in rows} - {
            None
        }
        new = sorted(str(key) for key in hashes - self._keys(keys.files))
        files = self._write(keys.folder, "keys", [{"key": key} for key in new])
        return NewKeys(files=files, count=len(new))

    def finish(
        self, staged: Staged, violating_to: Lane, batch: BatchFacts
    ) -> Mapping[Lane, Sequence[str]]:
        """Give violating rows their envelope, or take it off where they stay in main."""
        main = list(staged.files["main"])
        rejects = list(staged.files["violating"])
        if violating_to is Lane.MAIN and rejects:
            rows = [_without_checks(r) for path in rejects for r in read_rows(self.store, path)]
            main += self._write(staged.folder, "kept", rows)
            rejects = []
        if not main:
            main = self._write(staged.folder, "empty", [], always=True)
        return {Lane.MAIN: main, Lane.REJECTS: rejects}

    def restage(
        self,
        files: Sequence[str],
        left: RowNumbers,
        chosen: Chosen,
        folder: str,
        limit: int,
        *,
        keys: KnownKeys | None = None,
    ) -> Restaged:
        """Judge rejects again, and stage those that pass."""
        rows = [row for path in files for row in read_rows(self.store, path)]
        rows = [row for row in rows if _is_chosen(row, left, chosen)]
        if len(rows) > limit:
            raise too_many(len(rows), limit)
        stay: dict[str, int] = defaultdict(int)
        warned: dict[str, int] = defaultdict(int)
        passed: list[Row] = []
        losers: list[Row] = []
        # Who lost a key to a row in main would win it here, among rejects alone.
        key_rules = [e for e in self.plan.expectations if e.form == "key" and _rejects(e)]
        for row in rows:
            checks = self._broken(row)
            failed = [e for e in checks if _rejects(e)]
            failed += [e for e in key_rules if e.id in row[CHECKS]]
            for expectation in failed or checks:
                (stay if failed else warned)[expectation.id] += 1
            if not failed:
                passed.append({**self._columns(row), ROW_ID: row[ROW_ID]})
        for expectation in self.plan.expectations:
            if expectation.form == "key":
                passed = self._judge_key(expectation, passed, losers, stay, keys)
        ids: dict[str, set[int]] = defaultdict(set)
        for batch, number in map(_row_id, passed):
            ids[batch].add(number)
        return Restaged(
            judged=len(rows),
            passed={batch: frozenset(numbers) for batch, numbers in ids.items()},
            files=self._write(folder, "main", [_without_checks(r) for r in passed]),
            broken=dict(stay),
            warned=dict(warned),
            keys=None if keys is None else self._write_keys(passed, keys),
        )

    def _broken(self, row: Row) -> list[Expectation]:
        return [
            e
            for e in self.plan.expectations
            if e.form == "row"
            and self.kinds[e.kind].violated_by(e, tuple(row.get(c) for c in e.columns))
        ]

    def _judge_key(
        self,
        expectation: Expectation,
        main: list[Row],
        rejects: list[Row],
        broken: dict[str, int],
        known: KnownKeys | None = None,
    ) -> list[Row]:
        seen: set[tuple[Any, ...]] = set()
        kept_keys = known is not None and expectation.id in known.prefixes
        earlier = self._keys(known.files) if known is not None and kept_keys else set()
        kept: list[Row] = []
        for row in sorted(main, key=lambda r: json.dumps(r, sort_keys=True, default=str)):
            key = tuple(row.get(c) for c in expectation.columns)
            beaten = key in seen
            if known is not None and kept_keys:
                hashed = _hashed(known.prefixes[expectation.id], expectation.columns, row)
                beaten = beaten or hashed in earlier
            if None not in key and beaten:
                broken[expectation.id] += 1
                if _rejects(expectation):
                    rejects.append({**row, CHECKS: [expectation.id]})
                    continue
            seen.add(key)
            kept.append(row)
        return kept

    def _columns(self, row: Row) -> dict[str, Any]:
        return {name: row.get(name) for name in self.schema()}

    def _write(
        self, folder: str, name: str, rows: Sequence[Row], *, always: bool = False
    ) -> list[str]:
        paths = []
        for start in range(0, len(rows) or int(always), self.rows_per_file):
            path = join(folder, name, f"{start:05d}.jsonl")
            lines = (json.dumps(row) for row in rows[start : start + self.rows_per_file])
            self.store.write(path, "\n".join(lines).encode())
            paths.append(self.store.uri(path))
        return paths


@frozen(kw_only=True)
class FakeEraser:
    """The fake engine's part of `dc43 erase`."""

    store: MemoryStore

    def find(self, files: Sequence[str], key: Key, *, staged: bool = False) -> Mapping[str, int]:
        """Count the rows of the key by file."""
        counts = {f: sum(_is(row, key) for row in read_rows(self.store, f)) for f in files}
        return {file: rows for file, rows in counts.items() if rows}

    def columns(self, files: Sequence[str], *, staged: bool = False) -> set[str]:
        """Return the names of all columns."""
        return {name for file in files for row in read_rows(self.store, file) for name in row}

    def without(self, file: str, key: Key, folder: str, *, staged: bool = False) -> str:
        """Write the other rows of a file."""
        path = join(folder, "rows.jsonl")
        rows = [row for row in read_rows(self.store, file) if not _is(row, key)]
        self.store.write(path, "\n".join(json.dumps(row) for row in rows).encode())
        return self.store.uri(path)

    def keys_without(
        self,
        parts: Sequence[Sequence[str]],
        rules: Mapping[str, Columns],
        files: Sequence[str],
        key: Key,
        folder: str,
    ) -> Sequence[NewKeys | None]:
        """Write the keys of each part anew without those of the key's rows."""
        rows = [row for file in files for row in read_rows(self.store, file) if _is(row, key)]
        meant = {
            _hashed(prefix, [name for name, _ in rule], row)
            for prefix, rule in rules.items()
            for row in [*rows, {key.column: _literal(key.value)}]
        }
        found: list[NewKeys | None] = []
        for number, part in enumerate(parts):
            keys = {row["key"] for file in part for row in read_rows(self.store, file)}
            kept = sorted(keys - meant)
            if len(kept) == len(keys):
                found.append(None)
                continue
            path = join(folder, f"{number}.jsonl")
            lines = "\n".join(json.dumps({"key": one}) for one in kept)
            self.store.write(path, lines.encode())
            found.append(NewKeys(files=[self.store.uri(path)], count=len(kept)))
        return found

    def held_counts(self, removed: Mapping[str, int]) -> Removed:
        """Say what rows that left the groups of a blocked batch were counted as."""
        violating = removed.get("violating", 0)
        return Removed(rows=violating + removed.get("main", 0), violating=violating, uncast=0)


def _literal(text: str) -> Any:
    return int(text) if text.isdigit() else text


def _hashed(prefix: str, columns: Sequence[str], row: Row) -> str | None:
    values = [row.get(c) for c in columns]
    if None in values:
        return None
    return hashlib.sha256((prefix + json.dumps(values)).encode()).hexdigest()[:32]


def _is(row: Row, key: Key) -> bool:
    return str(row.get(key.column)) == key.value


def read_rows(store: MemoryStore, path: str) -> list[dict[str, Any]]:
    """Return the rows of one file."""
    return [json.loads(line) for line in store.read(path).decode().split("\n") if line]


def _without_checks(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in (CHECKS, ROW_ID)}


def _row_id(row: Row) -> tuple[str, int]:
    batch, _, number = str(row[ROW_ID]).rpartition("-")
    return batch, int(number)


def _is_chosen(row: Row, left: RowNumbers, chosen: Chosen) -> bool:
    source, number = _row_id(row)
    stream, _, batch = source.rpartition("-")
    return (
        number not in left.get(source, ())
        and stream in chosen.streams
        and int(batch) in (chosen.batches or (int(batch),))
        and (not chosen.checks or any(check in chosen.checks for check in row[CHECKS]))
    )


def _rejects(expectation: Expectation) -> bool:
    return expectation.scope is Scope.ROW and expectation.severity is Severity.ERROR
