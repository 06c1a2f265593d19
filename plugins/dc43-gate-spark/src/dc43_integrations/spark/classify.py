"""One projection that judges every row: a violation bitmask, and from it the lane.

Rules become bits, 60 to a mask column, in generated code. What a row breaks is counted over the
masks; reasons are spelled out later, and only for rows that broke something.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property, reduce
from typing import Any

from attrs import field, frozen
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from dc43_core.contracts.model import UnenforceableNode
from dc43_core.data_quality.service_levels import Span
from dc43_core.errors import EvaluatorError, UnenforceableError
from dc43_core.expectations.interface import ExpectationEvaluator
from dc43_core.expectations.model import Expectation
from dc43_core.vocabulary import Scope, Severity
from dc43_integrations.spark.names import (
    FAILED,
    LANE,
    LINE,
    MASK,
    column,
)

BITS = 60
UNJUDGED = f"{MASK}_unjudged"
MAIN, VIOLATING, UNCAST = 0, 1, 2
"""Staging lanes, numbers because each row is compared with the one before: rows to publish as
they are, rows that break a rule, and of these the rows with a value that would not cast."""


@frozen(kw_only=True)
class Classifier:
    """The rules of one stream as Spark expressions.

    Each is built once: a call into the JVM for every rule and batch would cost more than a small
    batch itself.

    Attributes:
        rules: Row-form expectations, one bit each.
        masks: Expressions over typed columns (and RAW), one for each 60 rules.
        rejecting: Bits of rules that reject a row, one number a mask.
        broken_by: For each rule the expression that is true where a row breaks it.
        unjudged: Of rules that throw, by index: what is true where a row cannot be judged.
        holds: Whether such a row leaves the good ones.
        times: Columns of which the oldest and the newest value are told.
    """

    rules: tuple[Expectation, ...]
    masks: tuple[Column, ...]
    rejecting: tuple[int, ...]
    broken_by: tuple[Column, ...] = ()
    unjudged: Mapping[int, Column] = field(factory=dict)
    holds: bool = False
    times: tuple[str, ...] = ()

    @classmethod
    def build(
        cls,
        expectations: Sequence[Expectation],
        evaluators: Mapping[str, ExpectationEvaluator],
        typed: DataFrame,
        raw: Sequence[str],
        times: Sequence[str] = (),
    ) -> tuple[Classifier, list[UnenforceableNode]]:
        """Turn expectations into masks; what does not go with its column is noted.

        Args:
            expectations: The plan's, all forms.
            evaluators: Who evaluates each kind.
            typed: A frame with the contract's columns in their types.
            raw: Names of the columns for which raw text is kept.
            times: Names of the columns of which the oldest and the newest value are told.
        """
        empty = typed.sparkSession.createDataFrame([], typed.schema)
        notes: list[UnenforceableNode] = []
        rules: list[Expectation] = []
        bits: list[Column] = []
        for expectation in expectations:
            if expectation.form != "row":
                continue
            # A column that came in its own type cannot fail to be cast.
            if expectation.kind == "type" and expectation.columns[0] not in (*raw, LINE):
                continue
            try:
                broken = evaluators[expectation.kind].violated(expectation, typed)
            except UnenforceableError as error:
                notes.append(UnenforceableNode(path=expectation.id, reason=str(error)))
                continue
            except Exception as error:
                error.add_note(f"while building {expectation.id} of kind {expectation.kind}")
                raise
            rules.append(expectation)
            bits.append(broken)
        _try_out(rules, bits, empty)
        return cls._of(rules, bits, times=tuple(times)), notes

    @classmethod
    def _of(cls, rules: Sequence[Expectation], bits: Sequence[Column], **more: Any) -> Classifier:
        rejecting = [
            sum(1 << i for i, rule in enumerate(rules[start : start + BITS]) if rejects(rule))
            for start in range(0, len(rules), BITS)
        ]
        return cls(
            rules=tuple(rules),
            masks=tuple(_masks(bits)),
            rejecting=tuple(rejecting),
            broken_by=tuple(bits),
            **more,
        )

    def without(
        self, dropped: Collection[str], guarded: Mapping[str, Column], *, holds: bool
    ) -> Classifier:
        """Return a classifier for rows on which some rules throw.

        Args:
            dropped: Check ids of rules that judge no row of the batch.
            guarded: Check id to an expression that is NULL where the rule throws.
            holds: Whether a row that cannot be judged leaves the good ones.
        """
        bits = list(self.broken_by)
        unjudged: dict[int, Column] = {}
        for index, rule in enumerate(self.rules):
            if rule.id in dropped:
                bits[index] = F.lit(False)
            elif rule.id in guarded:
                bits[index] = F.coalesce(guarded[rule.id], F.lit(False))
                unjudged[index] = guarded[rule.id].isNull()
        return self._of(self.rules, bits, unjudged=unjudged, holds=holds, times=self.times)

    @cached_property
    def mask_columns(self) -> list[Column]:
        """The masks under their names."""
        return [
            *(mask.alias(f"{MASK}{i}") for i, mask in enumerate(self.masks)),
            *(mask.alias(f"{UNJUDGED}{i}") for i, mask in enumerate(_masks(self._unjudged))),
        ]

    @cached_property
    def _unjudged(self) -> list[Column]:
        return list(self.unjudged.values())

    def _unjudged_bits(self) -> Iterator[tuple[int, Column]]:
        """Yield for each rule that throws whether a row, masks computed, cannot be judged."""
        for place, index in enumerate(self.unjudged):
            mask = F.col(f"{UNJUDGED}{place // BITS}")
            yield index, mask.bitwiseAND(F.lit(1 << place % BITS)) != 0

    def bit(self, index: int) -> Column:
        """Return whether a row, masks computed, breaks the rule of this index."""
        mask = F.col(f"{MASK}{index // BITS}")
        return mask.bitwiseAND(F.lit(1 << index % BITS)) != 0

    def violating(self) -> Column:
        """Return whether a row, masks computed, breaks a rule that rejects it."""
        parts = [
            F.col(f"{MASK}{i}").bitwiseAND(F.lit(bits)) != 0
            for i, bits in enumerate(self.rejecting)
            if bits
        ]
        if self.holds:
            parts += [bit for _, bit in self._unjudged_bits()]
        return reduce(Column.__or__, parts) if parts else F.lit(False)

    def lane(self, failed: Column | None, *, reject_all: bool) -> Column:
        """Return the staging lane of a row, masks computed."""
        return self._lane(failed, reject_all=reject_all).alias(LANE)

    def _lane(self, failed: Column | None, *, reject_all: bool) -> Column:
        lane = (
            F.lit(VIOLATING)
            if reject_all
            else (F.when(self.violating(), F.lit(VIOLATING)).otherwise(F.lit(MAIN)))
        )
        if failed is not None:
            lane = F.when(failed, F.lit(UNCAST)).otherwise(lane)
        return lane

    @cached_property
    def early_counters(self) -> list[Column]:
        """What is counted over every row, while the batch is written.

        That is its rows, and those that break a rule which moves none (a warning, a threshold).
        `count` of a CASE, not `count_if`, which would add a projected column for each rule.
        """
        unjudged = [F.count(F.when(bit, 1)).alias(f"u{i}") for i, bit in self._unjudged_bits()]
        return [
            F.count(F.lit(1)).alias("rows"),
            *self._counts(rejecting=False),
            *unjudged,
            *self._ends(),
        ]

    def _ends(self) -> Iterator[Column]:
        """Yield the oldest and newest value of each time, over rows that break no row rule.

        Dates and times without a zone are taken in the session's, as where Spark casts them.
        """
        good = ~self.violating()
        for place, name in enumerate(self.times):
            value = F.when(good, column(name))
            # What lies beyond could not be told as a number, and would throw.
            oldest, newest = (F.lit(year).cast("date") for year in ("0001-01-02", "9999-12-30"))
            for end, found in (("oldest", F.min(value)), ("newest", F.max(value))):
                bounded = F.when(found < oldest, oldest).when(found > newest, newest)
                kept = bounded.otherwise(found).cast("timestamp")
                yield F.unix_micros(kept).alias(f"{end}{place}")

    @cached_property
    def late_counters(self) -> list[Column]:
        """What is counted over the violating lanes alone, while they are read again."""
        return [
            F.count(F.lit(1)).alias("violating"),
            F.count(F.when(F.col(FAILED), 1)).alias("uncast"),
            *self._counts(rejecting=True),
        ]

    def counters(self, failed: Column | None, *, reject_all: bool) -> list[Column]:
        """Return what is counted over every row at once, where none is written."""
        lane = self._lane(failed, reject_all=reject_all)
        return [
            *self.early_counters,
            F.count(F.when(lane != MAIN, 1)).alias("violating"),
            F.count(F.when(lane == UNCAST, 1)).alias("uncast"),
            *self._counts(rejecting=True),
        ]

    @cached_property
    def checks(self) -> list[Column]:
        """For each rule its check id where a row breaks it, else NULL."""
        return [
            *(F.when(self.bit(i), F.lit(rule.id)) for i, rule in enumerate(self.rules)),
            *(
                F.when(bit, F.lit(unjudged_id(self.rules[i].id)))
                for i, bit in self._unjudged_bits()
            ),
        ]

    @cached_property
    def reasons(self) -> list[Column]:
        """For each rule what it demands where a row breaks it, else NULL."""
        said = "could not be judged for this row: its rule throws"
        return [
            *(F.when(self.bit(i), F.lit(rule.demand)) for i, rule in enumerate(self.rules)),
            *(F.when(b, F.lit(f"{self.rules[i].id} {said}")) for i, b in self._unjudged_bits()),
        ]

    def _counts(self, *, rejecting: bool) -> list[Column]:
        return [
            F.count(F.when(self.bit(index), 1)).alias(f"r{index}")
            for index, rule in enumerate(self.rules)
            if rejects(rule) is rejecting
        ]

    def broken(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Return check id to rows, for the rules that counters counted."""
        found = {
            rule.id: int(counts[f"r{index}"])
            for index, rule in enumerate(self.rules)
            if counts.get(f"r{index}")
        }
        if self.holds:
            held = self.held(counts)
            found.update({unjudged_id(check): rows for check, rows in held.items() if rows})
        return found

    def spans(self, counts: Mapping[str, int]) -> dict[str, Span]:
        """Return the oldest and newest value by column; none of a column without values."""
        return {
            name: Span(oldest=int(counts[f"oldest{place}"]), newest=int(counts[f"newest{place}"]))
            for place, name in enumerate(self.times)
            if counts[f"newest{place}"] is not None
        }

    def held(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Return check id to the rows that it cannot judge and that leave the good ones for it."""
        return {
            self.rules[i].id: int(counts[f"u{i}"]) if self.holds else 0
            for i in self.unjudged
            if f"u{i}" in counts
        }


def _masks(bits: Sequence[Column]) -> list[Column]:
    """Return booleans as numbers, 60 in each."""
    return [
        reduce(
            Column.bitwiseOR,
            [
                F.when(bit, F.lit(1 << place)).otherwise(F.lit(0))
                for place, bit in enumerate(bits[start : start + BITS])
            ],
        ).cast("long")
        for start in range(0, len(bits), BITS)
    ]


def unjudged_id(check: str) -> str:
    """Return what a row that a rule cannot judge is filed under."""
    return f"{check}.evaluation_error"


def _try_out(rules: Sequence[Expectation], bits: Sequence[Column], other: DataFrame) -> None:
    """Apply expressions to another frame of the same schema, before any data is touched."""
    try:
        # All at once: each look takes Spark milliseconds, and there may be a thousand.
        schema = other.select(*(bit.alias(f"bit{i}") for i, bit in enumerate(bits))).schema
    except AnalysisException as error:
        if len(rules) > 1:
            for rule, bit in zip(rules, bits, strict=True):
                _try_out([rule], [bit], other)
            raise
        problem = str(error).splitlines()[0]
        raise EvaluatorError(rules[0].id, rules[0].kind, "spark", problem) from error
    for rule, part in zip(rules, schema, strict=True):
        if not isinstance(part.dataType, T.BooleanType):
            problem = f"it is {part.dataType.simpleString()}, not boolean"
            raise EvaluatorError(rule.id, rule.kind, "spark", problem)


def rejects(expectation: Expectation) -> bool:
    """Say whether a row that breaks this rule leaves the good ones."""
    return expectation.scope is Scope.ROW and expectation.severity is Severity.ERROR
