"""A contract's successor, drafted from the drift that a batch showed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import define, field, frozen

from dc43_core.contracts.safe_yaml import load
from dc43_core.contracts.yaml_text import dump, editable
from dc43_drift.bump import bumped
from dc43_drift.errors import DraftError
from dc43_drift.place import find

_TYPE = ("logicalType", "physicalType", "properties", "items")
_INTEGERS = ("tinyint", "smallint", "int", "bigint")
_FLOATS = ("float", "double")


@frozen(kw_only=True)
class Change:
    """What the draft has otherwise.

    Attributes:
        column: Physical name of the column, nested ones dotted.
        what: The change, as a clause.
        breaking: Whether readers of the data may have to change.
    """

    column: str
    what: str
    breaking: bool


@frozen(kw_only=True)
class Draft:
    """A successor that nobody has published.

    Attributes:
        contract_id: Id of both.
        follows: The version that it follows.
        version: Its own.
        text: The document, YAML in UTF-8; its status is `draft`.
        changes: What is otherwise.
        left: Drift that no contract can take in, or that this one has taken in already.
    """

    contract_id: str
    follows: str
    version: str
    text: bytes
    changes: tuple[Change, ...]
    left: tuple[str, ...]


def draft_successor(
    text: bytes,
    drift: Sequence[Mapping[str, Any]],
    *,
    object_name: str,
    version: str | None = None,
    source: str = "contract",
) -> Draft:
    """Draft the successor of an ODCS contract, in which a batch that drifted would fit.

    New columns are declared and are not required. A column of a wider or of another type is
    declared with the type that was found. A required column that is gone is not required any
    more, and is no part of a key. The version is the next minor one, or the next major one if a
    reader of the data may have to change.

    Args:
        text: The contract's document.
        drift: The facts, as they stand in `drift` of a record.
        object_name: The schema object that the batch was written under.
        version: The successor's version, instead of the next one.
        source: Where the document is from, for messages.

    Raises:
        DraftError: if nothing is there that a contract could take in, or its version has no next.
        ContractError: if the document cannot be read.
    """
    document = editable(load(source, text))
    drafting = _Drafting(owner=_object(document, object_name, source))
    for one in drift:
        drafting.take(one)
    contract_id, follows = str(document["id"]), str(document["version"])
    if not drafting.changes:
        raise DraftError(
            contract_id,
            f"{follows} would not change: {'; '.join(drafting.left) or 'there is no drift'}",
            "mend the source, or change the contract by hand",
        )
    breaking = any(change.breaking for change in drafting.changes)
    document["version"] = version or bumped(follows, breaking=breaking, contract=contract_id)
    document["status"] = "draft"
    return Draft(
        contract_id=contract_id,
        follows=follows,
        version=document["version"],
        text=dump(document),
        changes=tuple(drafting.changes),
        left=tuple(drafting.left),
    )


def _object(document: Any, name: str, source: str) -> dict[str, Any]:
    listed = document.get("schema") if isinstance(document, dict) else None
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and str(one.get("name")) == name:
            return one
    raise DraftError(source, f"it has no schema object {name!r}", "name one that it has")


@define
class _Drafting:
    """Takes one fact after the other into a schema object.

    Attributes:
        owner: The object, changed in place.
    """

    owner: dict[str, Any]
    changes: list[Change] = field(factory=list)
    left: list[str] = field(factory=list)

    def take(self, drift: Mapping[str, Any]) -> None:
        """Take in one fact, or say why that cannot be."""
        column, kind = str(drift["column"]), str(drift["kind"])
        take = _TAKE.get(kind)
        if take is None:
            self.left.append(f"column {column} {drift['detail']}")
        else:
            take(self, column, drift)

    def extra(self, column: str, drift: Mapping[str, Any]) -> None:
        """Declare a column that is new."""
        place = find(self.owner, column)
        if place is None or place.property is not None:
            known = "stands in the contract already" if place else "is inside of what has no parts"
            self.left.append(f"column {column} {known}")
            return
        kind = dict(drift.get("found") or {"logicalType": "string"})
        name = place.rest
        while name in place.names():
            # Another column is called so by people.
            name += "_"
        made = {"name": name} | ({"physicalName": place.rest} if name != place.rest else {})
        place.declare(made | kind)
        self._changed(column, f"is new, {_said(kind)}, and not required", breaking=False)

    def retype(self, column: str, drift: Mapping[str, Any]) -> None:
        """Declare a column with the type that was found."""
        place, kind = find(self.owner, column), drift.get("found")
        if place is None or place.property is None or not kind:
            self.left.append(f"column {column} {drift['detail']}")
            return
        declared = place.property
        before = {key: declared.pop(key) for key in _TYPE if key in declared}
        declared.update(kind)
        wider = drift["kind"] == "wider" or _widens(before, kind)
        what = f"is {_said(kind)} instead of {_said(before)}"
        if declared.get("logicalTypeOptions") and before.get("logicalType") != kind.get(
            "logicalType"
        ):
            del declared["logicalTypeOptions"]
            what += "; its logicalTypeOptions were for the other type, and are left out"
        self._changed(column, what, breaking=not wider)

    def lose(self, column: str, drift: Mapping[str, Any]) -> None:
        """Ask no more for a column that is gone; it stays, and reads as NULL."""
        place = find(self.owner, column)
        declared = None if place is None else place.property
        if declared is None:
            self.left.append(f"column {column} {drift['detail']}")
            return
        needed = [key for key in ("required", "primaryKey") if _is_true(declared.get(key))]
        if not needed:
            self.left.append(f"column {column} {drift['detail']}; it is not required, and stays")
            return
        for key in ("required", "primaryKey", "primaryKeyPosition"):
            declared.pop(key, None)
        part = ", and no part of the key" if "primaryKey" in needed else ""
        self._changed(column, f"is not required any more{part}", breaking=True)

    def _changed(self, column: str, what: str, *, breaking: bool) -> None:
        self.changes.append(Change(column=column, what=what, breaking=breaking))


_TAKE: Mapping[str, Callable[[_Drafting, str, Mapping[str, Any]], None]] = {
    "extra": _Drafting.extra,
    "wider": _Drafting.retype,
    "narrowed": _Drafting.retype,
    "retyped": _Drafting.retype,
    "missing": _Drafting.lose,
    # The new name, if it is one, is an extra column of its own.
    "renamed": _Drafting.lose,
}


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def _said(kind: Mapping[str, Any]) -> str:
    both = [str(kind[key]) for key in ("logicalType", "physicalType") if kind.get(key)]
    return " as ".join(both) or "of no declared type"


def _widens(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Say whether every number of one type is a number of the other."""
    for names, logical in ((_INTEGERS, "integer"), (_FLOATS, "number")):
        sizes = [
            names.index(name)
            for kind in (before, after)
            if (name := _numeric(kind, logical, names[-1])) in names
        ]
        if len(sizes) == 2:
            return sizes[0] < sizes[1]
    return False


def _numeric(kind: Mapping[str, Any], logical: str, largest: str) -> str | None:
    if kind.get("physicalType"):
        name = str(kind["physicalType"]).lower()
        return {"integer": "int", "long": "bigint", "short": "smallint", "byte": "tinyint"}.get(
            name, name
        )
    return largest if kind.get("logicalType") == logical else None
