"""The `properties` of an ODCS document, with 3.0's spellings brought to 3.1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dc43_core.contracts.model import Property
from dc43_core.contracts.odcs_quality import read_quality
from dc43_core.contracts.odcs_reader import Reader
from dc43_core.contracts.safe_yaml import shortened

_SEMANTIC_TYPES = ("column", "dimension", "measure")
_DESCRIPTIVE = (
    "authoritativeDefinitions",
    "businessName",
    "classification",
    "context",
    "criticalDataElement",
    "customProperties",
    "deprecated",
    "encryptedName",
    "examples",
    "id",
    "partitionKeyPosition",
    "partitioned",
    "synonyms",
    "tags",
    "transformDescription",
    "transformLogic",
    "transformSourceObjects",
)
_DESCRIPTIVE_OPTIONS = ("distanceMetric", "embeddingModel", "embeddingModelVersion")
_DESCRIPTIVE_ENUM = (
    "authoritativeDefinitions",
    "customProperties",
    "description",
    "id",
    "label",
    "tags",
)

_Getters = Mapping[str, Callable[[Reader, str], Any]]


def _bounds(getter: Callable[[Reader, str], Any]) -> _Getters:
    return dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), getter)


def _bound(reader: Reader, key: str) -> Any:
    value = reader.scalar(key)
    if isinstance(value, bool):
        raise reader.error("must be a number or a date, not a boolean", key)
    return value


_NUMBER: _Getters = {**_bounds(Reader.number), "multipleOf": Reader.number, "format": Reader.text}
# Dates are compared later, by someone who knows their format: here they are text.
_DATE: _Getters = {**_bounds(Reader.text), "format": Reader.text}
_TIME: _Getters = {**_DATE, "timezone": Reader.flag, "defaultTimezone": Reader.text}
_OPTIONS: dict[str, _Getters] = {
    "string": {
        "minLength": Reader.count,
        "maxLength": Reader.count,
        "pattern": Reader.text,
        "format": Reader.text,
    },
    "date": _DATE,
    "timestamp": _TIME,
    "time": _TIME,
    "number": _NUMBER,
    "integer": _NUMBER,
    "object": {
        "minProperties": Reader.count,
        "maxProperties": Reader.count,
        "required": Reader.texts,
    },
    "array": {
        "minItems": Reader.count,
        "maxItems": Reader.count,
        "uniqueItems": Reader.flag,
    },
    "boolean": {},
    "map": {},
    "vector": {
        "dimensions": Reader.count,
        "elementType": Reader.text,
        "normalized": Reader.flag,
    },
}
# Where the logical type is not given, or not one that we know, any option may be meant.
_ANY_OPTION: _Getters = {
    **{key: getter for getters in _OPTIONS.values() for key, getter in getters.items()},
    **_bounds(_bound),
}
_TEXTUAL = ("string", "date", "timestamp", "time")


def read_properties(owner: Reader, parent: str = "") -> tuple[Property, ...]:
    """Read the `properties` of a schema object or of a struct.

    Args:
        owner: The object or struct.
        parent: Path of the struct; empty for an object.

    Raises:
        ContractError: if two of them share a name or a physical name.
    """
    found: dict[str, Property] = {}
    physical: dict[str, str] = {}
    for reader in owner.children("properties"):
        name = reader.required_text("name", 'quote a name that YAML reads as a word: "null"')
        if name in found:
            raise reader.error(f"two properties are named {shortened(name)}; rename one", "name")
        found[name] = prop = _property(reader, name, f"{parent}.{name}" if parent else name)
        # A measure is computed; it may be named like the column that it sums up.
        if prop.semantic_type == "measure":
            continue
        other = physical.setdefault(prop.physical_name, name)
        if other != name:
            shared = shortened(prop.physical_name)
            raise reader.error(
                f"properties {shortened(other)} and {shortened(name)} share the physical name "
                f"{shared}; give each its own",
                "physicalName" if "physicalName" in reader else "name",
            )
    return tuple(found.values())


def read_relationships(owner: Reader) -> tuple[Mapping[str, Any], ...]:
    """Read relationships as written; nobody enforces them yet."""
    found = tuple(reader.node.plain() for reader in owner.children("relationships"))
    if found:
        owner.note("not enforced: relationships", "relationships")
    return found


def _property(reader: Reader, name: str, path: str) -> Property:
    reader.place = path
    logical_type = reader.text("logicalType")
    if logical_type is not None and logical_type not in _OPTIONS:
        reader.note(f"logicalType {shortened(logical_type)} is not known", "logicalType")
    as_text = logical_type in _TEXTUAL
    prop = Property(
        name=name,
        physical_name=reader.text("physicalName") or name,
        path=path,
        logical_type=logical_type,
        physical_type=reader.text("physicalType"),
        description=reader.text("description"),
        required=reader.flag("required") or False,
        unique=reader.flag("unique") or False,
        primary_key=reader.flag("primaryKey") or False,
        primary_key_position=reader.whole("primaryKeyPosition") or -1,
        options={**_options(reader, logical_type), **_map(reader, logical_type, path)},
        enum=_enum(reader, as_text),
        semantic_type=_semantic_type(reader),
        properties=_members(reader, logical_type, path),
        items=_items(reader, logical_type, path),
        quality=read_quality(reader, as_text=as_text),
        relationships=read_relationships(reader),
    )
    reader.leave(_DESCRIPTIVE)
    return prop


def _semantic_type(reader: Reader) -> str:
    semantic_type = reader.text("semanticType") or "column"
    if semantic_type not in _SEMANTIC_TYPES:
        allowed = ", ".join(_SEMANTIC_TYPES)
        raise reader.error(f"{shortened(semantic_type)} is none of {allowed}", "semanticType")
    if semantic_type == "measure":
        reader.note("a measure is no physical column: nothing is asked of the data")
    return semantic_type


def _options(owner: Reader, logical_type: str | None) -> dict[str, Any]:
    """Read `logicalTypeOptions`; an option of another type is noted and left out."""
    reader = owner.child("logicalTypeOptions")
    if reader is None:
        return {}
    getters = _OPTIONS.get(logical_type or "", _ANY_OPTION)
    options = {key: _option(reader, key, getters[key]) for key in reader if key in getters}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        # 3.0 says by a boolean that the other bound is exclusive, 3.1 gives the bound itself.
        if options.get(exclusive) is True:
            if options.get(bound) is None:
                raise reader.error(f"`{exclusive}: true` needs `{bound}`", exclusive)
            options[exclusive] = options.pop(bound)
        elif options.get(exclusive) is False:
            del options[exclusive]
    for key in reader:
        if key not in getters and key in _ANY_OPTION:
            reader.get(key)
            reader.note(f"does not apply to logicalType {logical_type}", key)
    reader.leave(_DESCRIPTIVE_OPTIONS)
    return {key: value for key, value in options.items() if value is not None}


def _option(reader: Reader, key: str, getter: Callable[[Reader, str], Any]) -> Any:
    node = reader.get(key)
    if node and key.startswith("exclusive") and isinstance(node.value, bool):
        return node.value
    value = getter(reader, key)
    if key == "multipleOf" and value is not None and value <= 0:
        raise reader.error(f"must be larger than 0, is {value}", key)
    return value


def _map(owner: Reader, logical_type: str | None, path: str) -> dict[str, Any]:
    """Read 3.2's `map` block into the option `map`: `{"key": Property, "value": Property}`."""
    reader = owner.child("map")
    if reader is None:
        return {}
    _only_for(owner, "map", "map", logical_type)
    parts = {}
    for part in ("key", "value"):
        inner = reader.child(part)
        if inner is None:
            raise reader.error(f"`{part}` is missing; a map has a key and a value", part)
        parts[part] = _property(inner, part, f"{path}.{part}")
    reader.leave(())
    return {"map": parts}


def _members(reader: Reader, logical_type: str | None, path: str) -> tuple[Property, ...]:
    members = read_properties(reader, path)
    if members:
        _only_for(reader, "properties", "object", logical_type)
    return members


def _items(owner: Reader, logical_type: str | None, path: str) -> Property | None:
    reader = owner.child("items")
    if reader is None:
        return None
    _only_for(owner, "items", "array", logical_type)
    # An array's items need no name; this is the one that Spark gives them.
    return _property(reader, reader.text("name") or "element", f"{path}[]")


def _only_for(reader: Reader, key: str, wanted: str, logical_type: str | None) -> None:
    if logical_type in _OPTIONS and logical_type != wanted:
        raise reader.error(f"`{key}` needs logicalType {wanted}, this is {logical_type}", key)


def _enum(reader: Reader, as_text: bool) -> tuple[Any, ...] | None:
    """Read 3.2's `enum` entries, plain values too, or 3.0's `validValues`."""
    if reader.get("enum") and reader.get("validValues"):
        raise reader.error("`enum` and `validValues` say the same; keep one", "validValues")
    nodes = reader.items("enum")
    if nodes is None:
        values = reader.values("validValues", as_text=as_text)
    else:
        values = [
            node.plain(as_text=as_text) if node.raw is not None else _enum_value(reader, i, as_text)
            for i, node in enumerate(nodes)
        ]
    if values == []:
        raise reader.error("allows no value; list the allowed values", "enum")
    return None if values is None else tuple(values)


def _enum_value(owner: Reader, index: int, as_text: bool) -> Any:
    reader = owner.element("enum", index)
    if "value" not in reader:
        raise reader.error("`value` is missing", "value")
    reader.scalar("value")
    reader.leave(_DESCRIPTIVE_ENUM)
    return reader.node.value["value"].plain(as_text=as_text)
