"""From a contract's service levels to what is measured of one schema object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from attrs import evolve, frozen

from dc43_core.contracts.model import Contract, SchemaObject, ServiceLevel, UnenforceableNode
from dc43_core.contracts.safe_yaml import shortened

_TIMES = ("date", "timestamp")
SECONDS = "_seconds"
"""What the name of each such metric ends with."""


@frozen(kw_only=True)
class LevelCheck:
    """An age, or a time between batches, that each batch is measured by.

    It moves no row and blocks nothing by itself: a bound that is passed is a warning of the batch.

    Attributes:
        id: What its findings are filed under: `placed_at.latency`.
        column: Physical name of the date or timestamp; None for the time between batches.
        label: What is measured, as messages call it.
        level: The bound, as the contract gives it.
    """

    id: str
    column: str | None
    label: str
    level: ServiceLevel

    @property
    def metric(self) -> str:
        """The name of what is measured."""
        return f"{self.id}{SECONDS}"

    @property
    def demand(self) -> str:
        """What is promised, as a sentence."""
        return f"{self.label}: at most {self.level.value} {self.level.unit}"

    def measured(self, seconds: float) -> str:
        """Return a measured time in the unit of the bound."""
        return f"{seconds / self.level.unit_seconds:,.6g} {self.level.unit}"

    def holds(self, seconds: float) -> bool:
        """Say whether a measured time keeps within the bound."""
        return seconds <= self.level.value * self.level.unit_seconds


def level_checks(
    contract: Contract, schema: SchemaObject, taken: frozenset[str]
) -> Iterator[LevelCheck | UnenforceableNode]:
    """Yield what is measured of one schema object, and what of its levels cannot be.

    Args:
        contract: The contract.
        schema: One of its objects.
        taken: Ids that are given to rules.
    """
    found = [one for level in contract.service_levels for one in _of(level, contract, schema)]
    times = Counter(one.id for one in found if isinstance(one, LevelCheck))
    for one in found:
        if isinstance(one, LevelCheck) and (times[one.id] > 1 or one.id in taken):
            # Two promises to two readers, perhaps: the place tells them apart.
            yield evolve(one, id=f"{one.level.path}.{one.id}")
        else:
            yield one


def _of(
    level: ServiceLevel, contract: Contract, schema: SchemaObject
) -> Iterator[LevelCheck | UnenforceableNode]:
    if level.element is None:
        yield _frequency(level)
        return
    for text in dict.fromkeys(part.strip() for part in level.element.split(",")):
        owner, name = _owner(text, contract)
        if owner is None:
            objects = ", ".join(one.name for one in contract)
            yield _cannot(level, f"element {shortened(text)} is of none of the objects {objects}")
        elif owner is schema and level.property == "frequency":
            yield _frequency(level)
            return
        elif owner is schema:
            yield _column(level, name, schema)


def _owner(text: str, contract: Contract) -> tuple[SchemaObject | None, str]:
    """Split `object.column`; the object may be left out where there is only one."""
    for schema in contract:
        for prefix in (schema.name, schema.physical_name):
            if text == prefix or text.startswith(f"{prefix}."):
                return schema, text[len(prefix) + 1 :]
    only = contract.objects[0] if len(contract.objects) == 1 else None
    return only, text


def _frequency(level: ServiceLevel) -> LevelCheck:
    return LevelCheck(
        id=level.property,
        column=None,
        label="time since the batch before",
        level=level,
    )


def _column(level: ServiceLevel, name: str, schema: SchemaObject) -> LevelCheck | UnenforceableNode:
    found = next((p for p in schema.columns if name in (p.name, p.physical_name)), None)
    if found is None:
        columns = ", ".join(p.name for p in schema.columns)
        return _cannot(level, f"element {shortened(name)} is not one of the columns {columns}")
    if not found.physical_type and found.logical_type not in (None, *_TIMES):
        return _cannot(
            level, f"{found.name} is {found.logical_type}; only a date or timestamp has an age"
        )
    end = "oldest" if level.property == "retention" else "newest"
    return LevelCheck(
        id=f"{found.path}.{level.property}",
        column=found.physical_name,
        label=f"age of the {end} {found.label} of a batch",
        level=level,
    )


def _cannot(level: ServiceLevel, reason: str) -> UnenforceableNode:
    return UnenforceableNode(path=level.path, reason=f"SLA {level.property}: {reason}")
