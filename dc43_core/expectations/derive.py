"""From a contract's schema object to its expectations; nothing is dropped in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import evolve, frozen

from dc43_core.contracts.model import (
    Contract,
    Property,
    QualityRule,
    SchemaObject,
    UnenforceableNode,
)
from dc43_core.contracts.window import PROPERTY
from dc43_core.converter import ARGUMENTS, structure
from dc43_core.errors import ArgumentsError, ContractError, UnenforceableError
from dc43_core.expectations.interface import ExpectationKind
from dc43_core.expectations.model import CheckPlan, Expectation, PlannedNode, Threshold
from dc43_core.expectations.service_levels import LevelCheck, level_checks
from dc43_core.retention import WITHIN_BATCH
from dc43_core.vocabulary import Severity

_RANGE = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_RANGED = ("integer", "number", "date", "timestamp", "time")
_METRICS = ("nullValues", "missingValues", "invalidValues", "duplicateValues", "rowCount")
Kinds = Mapping[str, ExpectationKind]


def derive(contract: Contract, schema: SchemaObject, kinds: Kinds) -> CheckPlan:
    """Derive everything that one schema object of a contract asks.

    Args:
        contract: The contract.
        schema: One of its objects.
        kinds: Every known kind by name.

    Raises:
        ContractError: if a rule names an unknown kind or gives it arguments that do not fit.
    """
    return _Derivation(contract, schema, kinds).run()


@frozen
class _Derivation:
    contract: Contract
    schema: SchemaObject
    kinds: Kinds

    def run(self) -> CheckPlan:
        found: list[Expectation] = []
        notes = list(self._loader_notes())
        for produced in self._all():
            if isinstance(produced, Expectation):
                found.append(self._worded(produced))
            else:
                notes.append(produced)
        # Rule ids are unique within one `quality` list only; where two lists share one, the
        # path tells the rules apart.
        times = Counter(expectation.id for expectation in found)
        rules = tuple(e if times[e.id] == 1 else evolve(e, id=e.source) for e in found)
        levels = list(level_checks(self.contract, self.schema, frozenset(e.id for e in rules)))
        notes += [one for one in levels if isinstance(one, UnenforceableNode)]
        return CheckPlan(
            contract=self.contract,
            schema=self.schema,
            expectations=rules,
            unenforceable=tuple(notes),
            service_levels=tuple(one for one in levels if isinstance(one, LevelCheck)),
        )

    def _loader_notes(self) -> Iterator[UnenforceableNode]:
        """Yield what the loader noted of this object and of no object, paths from the object."""
        objects = {schema.name for schema in self.contract.objects}
        for note in self.contract.notes:
            owner, _, rest = note.path.partition(".")
            if owner == self.schema.name:
                yield evolve(note, path=rest)
            elif owner not in objects:
                yield note

    def _worded(self, expectation: Expectation) -> Expectation:
        kind = self.kinds[expectation.kind]
        demand = f"{expectation.label} {kind.describe(expectation)}".strip()
        return evolve(expectation, form=kind.form, demand=demand)

    def _all(self) -> Iterator[Expectation | UnenforceableNode]:
        for prop in self.schema.columns:
            yield from self._column(prop)
        yield from self._primary_key()
        for rule in self.schema.quality:
            yield from self._rule(rule, None)

    def _column(self, prop: Property) -> Iterator[Expectation | UnenforceableNode]:
        options = dict(prop.options)
        if prop.logical_type or prop.physical_type:
            yield self._make(
                prop,
                "type",
                {"logicalType": prop.logical_type, "physicalType": prop.physical_type},
            )
        if prop.required or prop.primary_key:
            yield self._make(prop, "required", {})
        if prop.enum is not None:
            yield self._make(prop, "enum", {"validValues": list(prop.enum)})
        bounds = {key: options.pop(key) for key in _RANGE if key in options}
        if bounds and prop.logical_type in _RANGED:
            yield self._make(prop, "range", bounds)
        elif bounds:
            yield from self._option_notes(prop, bounds, "bounds need a number, a date or a time")
        lengths: dict[str, Any] = {
            key: options.pop(key) for key in ("minLength", "maxLength") if key in options
        }
        if lengths:
            yield self._make(prop, "length", lengths)
        if "pattern" in options:
            yield self._make(prop, "pattern", {"pattern": options.pop("pattern")})
        if prop.unique and not prop.primary_key:
            yield self._make(prop, "unique", {})
        yield from self._option_notes(prop, options, "not supported yet")
        for rule in prop.quality:
            yield from self._rule(rule, prop)
        for child in (*prop.properties, *((prop.items,) if prop.items else ())):
            yield from self._nested(child)

    def _nested(self, prop: Property) -> Iterator[UnenforceableNode]:
        asks = [
            *(["required"] if prop.required else []),
            *(["unique"] if prop.unique else []),
            *(["enum"] if prop.enum is not None else []),
            *(f"logicalTypeOptions.{key}" for key in prop.options),
        ]
        paths = [f"{prop.path}.{what}" for what in asks] + [rule.path for rule in prop.quality]
        for path in paths:
            yield UnenforceableNode(
                path=path, reason="rules on nested properties: not supported yet"
            )
        for child in (*prop.properties, *((prop.items,) if prop.items else ())):
            yield from self._nested(child)

    def _option_notes(
        self, prop: Property, options: Mapping[str, Any], reason: str
    ) -> Iterator[UnenforceableNode]:
        for key in options:
            yield UnenforceableNode(path=f"{prop.path}.logicalTypeOptions.{key}", reason=reason)

    def _primary_key(self) -> Iterator[Expectation | UnenforceableNode]:
        parts = sorted(
            (p for p in self.schema.columns if p.primary_key),
            # A part without a position keeps its place behind those that have one.
            key=lambda p: (p.primary_key_position < 1, p.primary_key_position),
        )
        if parts:
            yield Expectation(
                id="primaryKey",
                kind="primary-key",
                columns=tuple(p.physical_name for p in parts),
                label=", ".join(p.label for p in parts),
                arguments=structure(ARGUMENTS, self.kinds["primary-key"].arguments, {}),
                source="primaryKey",
            )

    def _make(
        self, prop: Property, kind: str, arguments: Mapping[str, Any]
    ) -> Expectation | UnenforceableNode:
        path = f"{prop.path}.{kind}"
        try:
            return Expectation(
                id=path,
                kind=kind,
                columns=(prop.physical_name,),
                label=prop.label,
                arguments=structure(ARGUMENTS, self.kinds[kind].arguments, arguments),
                source=path,
                logical_type=prop.logical_type,
            )
        except ValueError as error:
            if _unenforceable(error.__cause__):
                return UnenforceableNode(path=path, reason=str(error))
            raise _with_cause(self.contract.source, path, error) from error

    def _rule(
        self, rule: QualityRule, prop: Property | None
    ) -> Iterator[Expectation | UnenforceableNode]:
        try:
            kind, arguments, columns = self._meaning(rule, prop)
            if kind not in self.kinds:
                raise ContractError(
                    self.contract.source,
                    f"no installed plugin knows expectation kind {kind!r}; known: "
                    f"{', '.join(sorted(self.kinds))}",
                    path=rule.path,
                )
            if self.kinds[kind].form != "batch" and not columns:
                raise ArgumentsError(kind, "judges columns; name them with columns: [...]")
            yield Expectation(
                id=rule.check_id,
                kind=kind,
                columns=columns,
                label=prop.label if prop else ", ".join(columns),
                arguments=structure(ARGUMENTS, self.kinds[kind].arguments, arguments),
                severity=rule.severity,
                threshold=_threshold(rule, kind, prop),
                window=rule.window,
                source=rule.path,
                description=rule.description,
                logical_type=prop.logical_type
                if prop and columns == (prop.physical_name,)
                else None,
            )
        except UnenforceableError as error:
            yield UnenforceableNode(path=rule.path, reason=str(error))
        except ContractError:
            raise
        except ValueError as error:
            if _unenforceable(error.__cause__):
                yield UnenforceableNode(path=rule.path, reason=str(error))
            else:
                raise _with_cause(self.contract.source, rule.path, error) from error

    def _meaning(
        self, rule: QualityRule, prop: Property | None
    ) -> tuple[str, Mapping[str, Any], tuple[str, ...]]:
        """Return kind, arguments and columns of a quality rule."""
        if rule.unit not in ("rows", "percent"):
            raise UnenforceableError(f"unit {rule.unit!r} is not known; use rows or percent")
        columns = (prop.physical_name,) if prop else ()
        match rule.type:
            case "text":
                raise UnenforceableError("prose")
            case "sql":
                raise UnenforceableError("SQL rules are off")
            case "custom":
                return self._custom(rule, columns)
        if rule.metric not in _METRICS:
            raise UnenforceableError(f"metric {rule.metric!r} is not known")
        if rule.metric == "rowCount":
            return "row-count", {}, ()
        if prop is None:
            if rule.metric == "duplicateValues" and "properties" in rule.arguments:
                return "unique", {}, self._named(rule.arguments["properties"], rule)
            raise UnenforceableError(f"metric {rule.metric} needs a property to measure")
        if rule.metric == "nullValues":
            return "required", rule.arguments, columns
        if rule.metric == "missingValues":
            return "missing", rule.arguments, columns
        if rule.metric == "duplicateValues":
            return "unique", rule.arguments, columns
        if set(rule.arguments) == {"validValues"}:
            return "enum", rule.arguments, columns
        if set(rule.arguments) == {"pattern"}:
            return "pattern", rule.arguments, columns
        raise UnenforceableError(
            "invalidValues needs the argument validValues or pattern, not both"
        )

    def _custom(
        self, rule: QualityRule, columns: tuple[str, ...]
    ) -> tuple[str, Mapping[str, Any], tuple[str, ...]]:
        if rule.engine != "dc43":
            raise UnenforceableError(f"no evaluator for engine {rule.engine!r}")
        if not isinstance(rule.implementation, Mapping) or "kind" not in rule.implementation:
            raise ContractError(
                self.contract.source,
                "a rule of engine dc43 needs implementation: {kind: ..., and its arguments}",
                path=rule.path,
            )
        arguments = dict(rule.implementation)
        kind = arguments.pop("kind")
        if "columns" in arguments:
            columns = self._named(arguments.pop("columns"), rule)
        return str(kind), arguments, columns

    def _named(self, names: Any, rule: QualityRule) -> tuple[str, ...]:
        physical = {p.name: p.physical_name for p in self.schema.columns}
        if not isinstance(names, list | tuple) or not names:
            raise ContractError(
                self.contract.source, "needs a list of property names", path=rule.path
            )
        for name in names:
            if name not in physical:
                raise ContractError(
                    self.contract.source,
                    f"property {name!r} is not declared; declared: {', '.join(physical)}",
                    path=rule.path,
                )
        return tuple(physical[name] for name in names)


def _threshold(rule: QualityRule, kind: str, prop: Property | None) -> Threshold | None:
    """Row-scoped: every broken row is known; anything else bounds a number over the batch."""
    if rule.window is not None and not rule.operators:
        raise ArgumentsError(kind, f"{PROPERTY} needs an operator, such as mustBeLessThan: 5")
    each_row = (
        rule.window is None
        and rule.unit == "rows"
        and prop is not None
        and kind not in ("unique", "row-count")
    )
    if rule.type == "custom" and not rule.operators and kind != "row-count":
        return None
    if each_row and dict(rule.operators) == {"mustBe": 0}:
        return None
    if not rule.operators:
        raise UnenforceableError("gives no operator, such as mustBe: 0")
    for value in rule.operators.values():
        numbers = value if isinstance(value, list | tuple) else (value,)
        if any(isinstance(n, bool | str) or n is None for n in numbers):
            raise ArgumentsError(kind, f"an operator compares with a number, not {value!r}")
    return Threshold(operators=dict(rule.operators), unit=rule.unit)


def _unenforceable(error: BaseException | None) -> bool:
    """Look for an UnenforceableError inside what the converter collected."""
    if isinstance(error, BaseExceptionGroup):
        return any(_unenforceable(e) for e in error.exceptions)
    return isinstance(error, UnenforceableError)


def _with_cause(source: str, path: str, error: ValueError) -> ContractError:
    return ContractError(source, str(error), path=path)


def planned(plan: CheckPlan) -> list[PlannedNode]:
    """List every node with its state: enforced, observed, or not enforceable (reason)."""
    lines = []
    for e in plan.expectations:
        what = e.demand
        if e.threshold is not None:
            over = str(e.window) if e.window else "a batch"
            subject = f"rows of {over}" if e.form == "batch" else f"rows that break «{what}»"
            if e.window and e.form != "batch":
                subject += f" in {over}"
            what = f"number of {subject}: {e.threshold}"
            if e.form == "key":
                what += "; counted within each batch"
        elif e.form == "key":
            kept = plan.retain if e in plan.kept_keys else WITHIN_BATCH
            what += f"; enforced {kept}"
        state = "enforced" if e.severity is Severity.ERROR else "observed"
        lines.append(PlannedNode(path=e.id, state=state, what=f"{what} [{e.severity}]"))
    for check in plan.service_levels:
        what = f"{check.demand} [{Severity.WARNING}]"
        lines.append(PlannedNode(path=check.id, state="observed", what=what))
    lines += [
        PlannedNode(path=n.path, state="not enforceable", what=n.reason) for n in plan.unenforceable
    ]
    return lines
