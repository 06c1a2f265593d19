"""The `quality` lists of an ODCS document, 3.0's `rule` and 3.1's `metric` alike."""

from __future__ import annotations

from typing import Any

from dc43_core.contracts.model import QualityRule
from dc43_core.contracts.odcs_reader import Reader, is_number
from dc43_core.contracts.safe_yaml import shortened
from dc43_core.contracts.window import PROPERTY, Window, parse_window
from dc43_core.vocabulary import Severity

TYPES = ("library", "text", "sql", "custom")

# ODCS 3.0 wrote `rule`, 3.1 deprecates it in favour of `metric`; files mix both, so the key
# decides and not the version. https://bitol-io.github.io/open-data-contract-standard/v3.0.2/
_RULES = {
    "countCheck": "rowCount",
    "duplicateCount": "duplicateValues",
    "nullCheck": "nullValues",
    "uniqueCheck": "duplicateValues",
    "validValues": "invalidValues",
}
# 3.0's own examples give these no operator: they mean that no row may break them.
_MEAN_ZERO = ("nullCheck", "uniqueCheck", "validValues")

# 3.0 has `validValues` beside the rule, and 3.1's own example has `pattern` there.
_SIBLING_ARGUMENTS = ("validValues", "missingValues", "pattern")

_KEYS = {
    "library": ("metric", "rule", "arguments", *_SIBLING_ARGUMENTS),
    "sql": ("query",),
    "custom": ("engine", "implementation"),
}

_COMPARING = (
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
)
_BETWEEN = ("mustBeBetween", "mustNotBeBetween")
OPERATORS = ("mustBe", "mustNotBe", *_COMPARING, *_BETWEEN)
_SPELLINGS = {
    "mustBeGreaterThanOrEqualTo": "mustBeGreaterOrEqualTo",
    "mustBeLessThanOrEqualTo": "mustBeLessOrEqualTo",
}

_DESCRIPTIVE = (
    "authoritativeDefinitions",
    "businessImpact",
    "customProperties",
    "dimension",
    "method",
    "tags",
)
_SCHEDULE = ("schedule", "scheduler", "scheduleCronExpression")


def read_quality(owner: Reader, *, as_text: bool = False) -> tuple[QualityRule, ...]:
    """Read the quality list of a schema object or property.

    Args:
        owner: The object or property.
        as_text: Its values are text, so that lists of values are meant as written.
    """
    return tuple(_rule(reader, as_text) for reader in owner.children("quality"))


def _rule(reader: Reader, as_text: bool) -> QualityRule:
    operators = _operators(reader)
    kind = _type(reader, bool(operators))
    metric = None
    arguments: dict[str, Any] = {}
    if kind == "library":
        legacy = reader.text("rule")
        metric = _metric(reader, legacy)
        arguments = _arguments(reader, as_text)
        if legacy in _MEAN_ZERO and not operators:
            operators = {"mustBe": 0}
    query = reader.required_text("query") if kind == "sql" else None
    engine = reader.required_text("engine") if kind == "custom" else None
    implementation = reader.data("implementation") if kind == "custom" else None
    if kind == "custom" and implementation is None:
        raise reader.error("a custom rule needs `implementation`", "implementation")
    if [key for key in _SCHEDULE if reader.get(key)]:
        reader.note("the rule is judged with every batch, not on a schedule", "schedule")
    rule = QualityRule(
        path=reader.place,
        id=reader.text("id"),
        name=reader.text("name"),
        description=reader.text("description"),
        type=kind,
        metric=metric,
        arguments=arguments,
        operators=operators,
        unit=reader.text("unit") or "rows",
        severity=_severity(reader),
        engine=engine,
        implementation=implementation,
        query=query,
        window=_window(reader),
    )
    for other, keys in _KEYS.items():
        for key in keys:
            if other != kind and reader.get(key):
                reader.note(f"does not apply to a rule of type {kind}", key)
    reader.leave(_DESCRIPTIVE)
    return rule


def _type(reader: Reader, compares: bool) -> str:
    """Return the rule's type; where it is left out, what the other keys say."""
    kind = reader.text("type")
    if kind in TYPES:
        return kind
    if kind is not None:
        raise reader.error(f"{shortened(kind)} is none of {', '.join(TYPES)}", "type")
    written = set(reader)
    if "metric" in written or "rule" in written:
        return "library"
    if "query" in written:
        return "sql"
    if "engine" in written or "implementation" in written:
        return "custom"
    # A description alone is prose; a threshold without a metric is a slip of the pen.
    return "library" if compares else "text"


def _metric(reader: Reader, legacy: str | None) -> str:
    metric = reader.text("metric")
    translated = _RULES.get(legacy, legacy) if legacy else None
    if metric and translated and metric != translated:
        raise reader.error(f"`rule: {legacy}` and `metric: {metric}` differ; keep one", "rule")
    if not (metric or translated):
        raise reader.error("a library rule needs `metric`, such as nullValues", "metric")
    return metric or translated or ""


def _arguments(reader: Reader, as_text: bool) -> dict[str, Any]:
    inner = reader.child("arguments")
    arguments: dict[str, Any] = {}
    for owner in filter(None, (inner, reader)):
        for key in owner if owner is inner else _SIBLING_ARGUMENTS:
            if key in arguments and owner.get(key):
                raise reader.error(f"`{key}` stands in `arguments` too; keep one", key)
            value = _argument(owner, key, as_text)
            if value is not None:
                arguments[key] = value
    return arguments


def _argument(owner: Reader, key: str, as_text: bool) -> Any:
    if key in ("validValues", "missingValues"):
        return owner.values(key, as_text=as_text)
    if key == "properties":
        return owner.texts(key)
    if key == "pattern":
        return owner.text(key)
    return owner.data(key)


def _severity(reader: Reader) -> Severity:
    severity = reader.text("severity")
    if severity is None:
        return Severity.ERROR
    if severity not in list(Severity):
        raise reader.error(f"{shortened(severity)} is none of {', '.join(Severity)}", "severity")
    return Severity(severity)


def _window(reader: Reader) -> Window | None:
    found = None
    for entry in reader.children("customProperties"):
        if entry.text("property") == PROPERTY:
            written = entry.required_text("value")
            try:
                found = parse_window(written)
            except ValueError as error:
                raise entry.error(str(error), "value") from error
        entry.leave(("property", "value", "id", "description"))
    return found


def _operators(reader: Reader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in reader:
        if not key.startswith("must"):
            continue
        operator = _SPELLINGS.get(key, key)
        if operator not in OPERATORS:
            known = ", ".join(OPERATORS)
            raise reader.error(f"unknown operator {shortened(key)}; known: {known}", key)
        if operator in found:
            raise reader.error(f"{operator} is given twice; keep one", key)
        found[operator] = _operand(reader, key, operator)
    return found


def _operand(reader: Reader, key: str, operator: str) -> Any:
    if operator in _BETWEEN:
        bounds = reader.values(key)
        if bounds is None or len(bounds) != 2 or not all(map(is_number, bounds)):
            raise reader.error("must be two numbers, [low, high]", key)
        if bounds[0] > bounds[1]:
            raise reader.error(f"{bounds[0]} is larger than {bounds[1]}; write [low, high]", key)
        return bounds
    # An SQL rule may return a boolean, so equality takes what is written.
    value = reader.number(key) if operator in _COMPARING else reader.scalar(key)
    if value is None:
        raise reader.error("needs a value, such as 0", key)
    return value
