"""The service levels of an ODCS document: `slaProperties`."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from dc43_core.contracts.model import Number, ServiceLevel
from dc43_core.contracts.odcs_reader import Reader, is_number
from dc43_core.contracts.safe_yaml import shortened
from dc43_core.contracts.window import UNITS

MEASURED = ("latency", "freshness", "frequency", "retention")
_DESCRIPTIVE = ("authoritativeDefinitions", "customProperties", "description", "driver", "id")
# Months and years are taken as 30 and 365 days: a bound must not depend on the day it is asked.
_SECONDS = {**UNITS, "week": 604_800, "month": 30 * UNITS["day"], "year": 365 * UNITS["day"]}
_SHORT = {
    "second": ("s", "sec"),
    "minute": ("min",),
    "hour": ("h", "hr"),
    "day": ("d",),
    "week": ("w", "wk"),
    "month": ("mo",),
    "year": ("y", "yr", "a"),
}
_UNITS = {
    word: _SECONDS[unit]
    for unit, short in _SHORT.items()
    for word in (unit, f"{unit}s", *short, *(f"{one}s" for one in short if len(one) > 1))
}


def read_service_levels(root: Reader) -> tuple[ServiceLevel, ...]:
    """Read what can be measured; everything else becomes a note."""
    # Deprecated since 3.1, and meant where an entry names no element.
    default = root.text("slaDefaultElement")
    return tuple(
        level
        for reader in root.children("slaProperties")
        if (level := _service_level(reader, default)) is not None
    )


def _service_level(reader: Reader, default: str | None) -> ServiceLevel | None:
    name = reader.required_text("property")
    kind = name.lower()
    if kind not in MEASURED:
        reader.note(f"SLA {shortened(name)}: not measured, no data shows it")
        return None
    value, unit = _number(reader), reader.text("unit")
    seconds = _UNITS.get((unit or "").strip().lower())
    element = reader.text("element") or default
    if [key for key in ("schedule", "scheduler") if reader.get(key)]:
        reader.note(f"SLA {kind} is measured with every batch, not on a schedule", "schedule")
    if reader.get("valueExt"):
        reader.note(f"SLA {kind}: only `value` and `unit` are compared", "valueExt")
    reader.leave(_DESCRIPTIVE)
    if value is None or value < 0:
        reader.note(f"SLA {kind}: value {reader.text('value')!r} is no number; write 4 and a unit")
    elif seconds is None:
        known = ", ".join(short[0] for short in _SHORT.values())
        reader.note(f"SLA {kind}: unit {unit!r} is not known; write one of {known}")
    elif element is None and kind != "frequency":
        reader.note(f"SLA {kind}: needs an element, a date or timestamp such as orders.placed_at")
    else:
        return ServiceLevel(
            path=reader.place,
            property=kind,
            value=value,
            unit=str(unit).strip(),
            unit_seconds=seconds,
            element=element,
        )
    return None


def _number(reader: Reader) -> Number | None:
    """Return the value, which ODCS lets be text as well; None if it is no number."""
    value = reader.scalar("value")
    if is_number(value):
        found: Number = value
        return found
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None
