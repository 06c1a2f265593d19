"""A lane's columns as a Delta table declares them, and whether a table that is there fits.

Spark writes a schema in the JSON that Delta keeps; only what Delta cannot hold is refused here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deltalake import DeltaTable, Field, Schema

_PRIMITIVE = re.compile(
    r"string|long|integer|short|byte|float|double|boolean|binary|date|timestamp|timestamp_ntz"
    r"|decimal\(\d+,\d+\)"
)
# Delta takes these only with column mapping, which gives files other column names.
_NOT_IN_NAMES = " ,;{}()\n\t="
# No column of a contract begins so.
_ENVELOPE = "_dc43_"
_KNOWN_FEATURES = {
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "columnMapping",
    "deletionVectors",
    "generatedColumns",
    "identityColumns",
    "invariants",
    "timestampNtz",
    "vacuumProtocolCheck",
}
"""Features that an append of whole files keeps, as long as no column makes use of a rule."""


def lane_schema(spark_json: str) -> Schema:
    """Return a lane's columns as a table declares them: each may be NULL.

    Raises:
        ValueError: saying which column Delta cannot hold.
    """
    fields = json.loads(spark_json)["fields"]
    folded: dict[str, str] = {}
    for field in fields:
        name = field["name"]
        other = folded.setdefault(name.lower(), name)
        if other is not name:
            raise ValueError(f"columns {other!r} and {name!r} differ only in case")
    for path, kind in _leaves({"type": "struct", "fields": fields}, ()):
        shown = ".".join(path)
        for part in path:
            if any(character in part for character in _NOT_IN_NAMES):
                raise ValueError(f"column {shown!r} has a character that Delta has no name for")
        if not _PRIMITIVE.fullmatch(kind):
            raise ValueError(f"column {shown!r} is of type {kind}, which a Delta table has not")
    return Schema.from_json(json.dumps({"type": "struct", "fields": [_free(f) for f in fields]}))


def misfit(
    table: DeltaTable, lane: Schema | None, partition_by: Sequence[str] = ()
) -> tuple[str, str] | None:
    """Return what is wrong with a table as the destination of a lane, and the way out.

    Args:
        table: The table as it is.
        lane: What will be written; None leaves the columns alone.
        partition_by: What files will be partitioned by.
    """
    metadata, protocol = table.metadata(), table.protocol()
    found = metadata.partition_columns
    if lane is not None and list(found) != list(partition_by):
        return (
            f"is partitioned by {_listed(found)}, and will be written by {_listed(partition_by)}",
            f"write with partition_by={list(found)!r}, or to another table",
        )
    unknown = sorted({*(protocol.writer_features or ())} - _KNOWN_FEATURES)
    if unknown:
        return (
            f"has features that whole files cannot be added under: {', '.join(unknown)}",
            "drop the feature, or write to another table",
        )
    return (
        _rule_in(metadata.configuration)
        or _rule_on_a_column(table.schema())
        or (None if lane is None else _difference(table.schema(), lane))
    )


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(columns) or "nothing"


def _rule_in(configuration: Mapping[str, str]) -> tuple[str, str] | None:
    for key, value in configuration.items():
        if key.startswith("delta.constraints."):
            name = key.removeprefix("delta.constraints.")
            return (
                f"has the constraint {name} ({value}), which staged files are not checked against",
                "put the rule into the contract and drop the constraint",
            )
        if key == "delta.columnMapping.mode" and value != "none":
            return "uses column mapping, and files have the contract's names", "write elsewhere"
        if key == "delta.setTransactionRetentionDuration":
            return (
                "forgets application transactions, by which a batch is known to have landed",
                f"unset {key}",
            )
    return None


def _rule_on_a_column(schema: Schema) -> tuple[str, str] | None:
    for field in json.loads(schema.to_json())["fields"]:
        for key in field["metadata"]:
            if key.startswith("delta.") or key == "__CHAR_VARCHAR_TYPE_STRING":
                return (
                    f"has a rule on column {field['name']!r} ({key}), which staged files are not "
                    "checked against",
                    "put the rule into the contract, and write to a table without it",
                )
    return None


def _difference(table: Schema, lane: Schema) -> tuple[str, str] | None:
    there, wanted = _types(table), _types(lane)
    added = {field.name for field in lacking(table, lane)}
    parts = [
        f"lacks {name} {wanted[name]}" for name in wanted if name not in there and name not in added
    ]
    parts += [f"has {name} {there[name]} besides" for name in there if name not in wanted]
    parts += [
        f"has {name} as {there[name]}, not {wanted[name]}"
        for name in wanted
        if name in there and there[name] != wanted[name]
    ]
    if not parts:
        return None
    return (
        f"has other columns than will be written: it {'; '.join(parts)}",
        "change the table (ALTER TABLE, or DeltaTable.alter), or the contract, or write elsewhere",
    )


def lacking(table: Schema, lane: Schema) -> list[Field]:
    """Return columns of the envelope of rejects that a table is to get before it is written to.

    It was made by a dc43 that did not know them; in rows that are there they are NULL.
    """
    there = {field.name for field in table.fields}
    return [f for f in lane.fields if f.name not in there and f.name.startswith(_ENVELOPE)]


def _types(schema: Schema) -> dict[str, str]:
    fields = json.loads(schema.to_json())["fields"]
    return {f["name"]: _shown(f["type"]) + ("" if f["nullable"] else " not null") for f in fields}


def _shown(kind: Any) -> str:
    if isinstance(kind, str):
        return kind
    if kind["type"] == "struct":
        inner = (
            f"{f['name']}: {_shown(f['type'])}" + ("" if f["nullable"] else " not null")
            for f in kind["fields"]
        )
        return f"struct<{', '.join(inner)}>"
    if kind["type"] == "array":
        return f"array<{_shown(kind['elementType'])}{_never(kind['containsNull'])}>"
    key, value = _shown(kind["keyType"]), _shown(kind["valueType"])
    return f"map<{key}, {value}{_never(kind['valueContainsNull'])}>"


def _never(null: bool) -> str:
    return "" if null else " not null"


def _free(node: Any) -> Any:
    """Return a field or type that may be NULL at every level, without what only Spark reads."""
    if not isinstance(node, dict):
        return node
    open_ends = {"nullable": True, "containsNull": True, "valueContainsNull": True, "metadata": {}}
    return {
        key: open_ends[key]
        if key in open_ends
        else [_free(f) for f in value]
        if key == "fields"
        else _free(value)
        for key, value in node.items()
    }


def _leaves(kind: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(kind, str):
        yield path, kind
    elif kind["type"] == "struct":
        for field in kind["fields"]:
            yield from _leaves(field["type"], (*path, field["name"]))
    elif kind["type"] == "udt":
        yield path, "udt"
    else:
        for part in ("elementType", "keyType", "valueType"):
            if part in kind:
                yield from _leaves(kind[part], path)
