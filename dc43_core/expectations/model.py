"""Typed expectations: what a contract asks of the data, as values that any engine can read."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

from attrs import field, frozen

from dc43_core.contracts.model import Contract, Number, SchemaObject, UnenforceableNode
from dc43_core.contracts.window import Window
from dc43_core.expectations.service_levels import LevelCheck
from dc43_core.retention import WITHIN_BATCH, Retention
from dc43_core.vocabulary import Scope, Severity


@frozen(kw_only=True)
class Threshold:
    """A bound on a number that is measured over a micro-batch.

    Attributes:
        operators: ODCS operator name to its value; all must hold.
        unit: `rows`, or `percent` of all rows in scope, NULLs included.
    """

    operators: Mapping[str, Any]
    unit: str = "rows"

    def measured(self, rows: int, total: int) -> Number:
        """Return the number that is compared: the count, or its exact share in percent."""
        if self.unit == "rows":
            return rows
        return Decimal(100 * rows) / Decimal(total) if total else 0

    def holds(self, rows: int, total: int) -> bool:
        """Say whether every operator holds; shares are compared without rounding."""
        value = Fraction(rows)
        if self.unit == "percent":
            value = Fraction(100 * rows, total) if total else Fraction(0)
        return all(_compare(name, value, bound) for name, bound in self.operators.items())

    def __str__(self) -> str:
        unit = " %" if self.unit == "percent" else ""
        return " and ".join(
            f"{name} {_shown(bound)}{unit}" for name, bound in self.operators.items()
        )


def _shown(bound: Any) -> str:
    return f"{bound[0]} and {bound[1]}" if isinstance(bound, list | tuple) else str(bound)


def _compare(operator: str, value: Fraction, bound: Any) -> bool:
    if operator in ("mustBeBetween", "mustNotBeBetween"):
        inside = Fraction(bound[0]) <= value <= Fraction(bound[1])
        return inside if operator == "mustBeBetween" else not inside
    exact = Fraction(bound)
    match operator:
        case "mustBe":
            return value == exact
        case "mustNotBe":
            return value != exact
        case "mustBeGreaterThan":
            return value > exact
        case "mustBeGreaterOrEqualTo":
            return value >= exact
        case "mustBeLessThan":
            return value < exact
        case "mustBeLessOrEqualTo":
            return value <= exact
    raise ValueError(f"unknown operator {operator!r}")


@frozen(kw_only=True)
class Expectation:
    """One thing that the contract asks.

    Attributes:
        id: Its check id: the rule's own id, else its path inside the schema object.
        kind: The name of its `ExpectationKind`.
        columns: Physical names of the top-level columns it reads; empty for the whole batch.
        label: How messages call what it judges: the property's name, and the physical one
            where the two differ.
        arguments: An instance of the kind's own attrs class.
        severity: What a finding weighs.
        threshold: None for a rule on each row; else the bound on the count of violating rows
            (or on whatever the kind measures).
        window: Over which batches the threshold is judged; None for each batch by itself.
        source: Where it stands in the contract.
        description: The contract's own words, if it has any.
        logical_type: The ODCS logical type of the column, where it has one.
        form: The kind's form: `row`, `key` or `batch`.
        demand: What is asked, as a sentence: `tailnum must not be missing`.
    """

    id: str
    kind: str
    columns: tuple[str, ...] = ()
    label: str = ""
    arguments: Any = None
    severity: Severity = Severity.ERROR
    threshold: Threshold | None = None
    window: Window | None = None
    source: str = ""
    description: str | None = None
    logical_type: str | None = None
    form: str = "row"
    demand: str = ""

    @property
    def rejects(self) -> bool:
        """Whether a row that breaks it leaves the good ones."""
        return self.threshold is None and self.severity is Severity.ERROR

    @property
    def scope(self) -> Scope:
        """Row rules move rows; thresholds judge one batch or several and move none."""
        if self.threshold is None:
            return Scope.ROW
        if self.window is None:
            return Scope.BATCH
        return Scope.DATASET if self.window == Window() else Scope.WINDOW


@frozen(kw_only=True)
class PlannedNode:
    """One line of `dc43 plan`: what happens to one node of the contract."""

    path: str
    state: str
    what: str


@frozen(kw_only=True)
class CheckPlan:
    """Everything a contract's schema object asks, and what of it is not enforceable.

    Attributes:
        contract: The contract, pinned by its digest.
        schema: The schema object in question.
        expectations: In the contract's order.
        unenforceable: Nodes that are understood and cannot be enforced, with the reason.
        service_levels: What each batch is measured by, in the contract's order.
        called: What the dataset is called, where that is not said by the contract.
        retain: How long keys count.
    """

    contract: Contract
    schema: SchemaObject
    expectations: tuple[Expectation, ...]
    unenforceable: tuple[UnenforceableNode, ...] = field(default=())
    service_levels: tuple[LevelCheck, ...] = ()
    called: str | None = None
    retain: Retention = WITHIN_BATCH

    @property
    def kept_keys(self) -> tuple[Expectation, ...]:
        """The rules whose keys are kept from batch to batch: those that move rows."""
        if not self.retain.across_batches:
            return ()
        return tuple(e for e in self.expectations if e.form == "key" and e.rejects)

    @property
    def dataset_id(self) -> str:
        """The contract's id, with the object's name where the contract has several."""
        if self.called is not None:
            return self.called
        several = len(self.contract.objects) > 1
        return f"{self.contract.id}.{self.schema.name}" if several else self.contract.id
