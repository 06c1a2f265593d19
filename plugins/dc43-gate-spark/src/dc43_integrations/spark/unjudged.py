"""Rules whose expression throws: which they are, and how the rows they can judge are judged still.

Nothing here runs while no rule throws. The core's own kinds never do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from dc43_integrations.hooks import KINDS
from dc43_integrations.spark.classify import Classifier, rejects
from dc43_integrations.spark.names import MASK

FAULTS = (PySparkException, Py4JJavaError)
"""What Spark raises when a job fails."""
_SHARED = "spark.sql.subexpressionElimination.enabled"


def isolated(
    classifier: Classifier, typed: DataFrame, *, holds: bool
) -> tuple[Classifier, dict[str, str]] | None:
    """Return a classifier that lives without what throws, and which rules that is.

    Args:
        classifier: One that a job failed with.
        typed: The rows it failed on, with the contract's columns.
        holds: Whether a row that a rule cannot judge leaves the good ones.

    Returns:
        None if no rule throws: then it was something else.
    """
    faults = culprits(classifier, typed)
    if not faults:
        return None
    moving = {rule.id for rule in classifier.rules if rejects(rule)}
    guards = _guards(classifier, faults.keys() & moving, typed.sparkSession)
    # What a guard does not hold (a Python function) judges no row of this batch.
    for check in throwing(typed, guards):
        del guards[check]
    return without(classifier, faults, guards, typed.sparkSession, holds=holds), faults


def culprits(classifier: Classifier, typed: DataFrame) -> dict[str, str]:
    """Return check id to error, for the rules that throw on these rows; none if that is not why."""
    pairs = zip(classifier.rules, classifier.broken_by, strict=True)
    foreign = {rule.id: broken for rule, broken in pairs if rule.kind not in KINDS}
    # Every value is computed, and no rule: what fails here is no rule's fault.
    if not foreign or _fault(typed, [F.to_json(F.struct("*")).isNull()]) is not None:
        return {}
    return throwing(typed, foreign)


def without(
    classifier: Classifier,
    faults: Collection[str],
    held: Collection[str],
    spark: SparkSession,
    *,
    holds: bool,
) -> Classifier:
    """Return a classifier without the rules that throw, but for those that can be held."""
    guards = _guards(classifier, held, spark)
    return classifier.without(set(faults) - set(guards), guards, holds=holds)


def _guards(
    classifier: Classifier, checks: Collection[str], spark: SparkSession
) -> dict[str, Column]:
    pairs = zip(classifier.rules, classifier.broken_by, strict=True)
    found = {rule.id: guarded(spark, broken) for rule, broken in pairs if rule.id in checks}
    return {check: guard for check, guard in found.items() if guard is not None}


def throwing(typed: DataFrame, broken: Mapping[str, Column]) -> dict[str, str]:
    """Return check id to error, for the rules that throw on these rows.

    Halves are tried until the culprits stand alone, so each costs a few jobs over the source.

    Args:
        typed: The rows, with the contract's columns.
        broken: Check id to the expression that is true where a row breaks the rule.
    """
    if not broken:
        return {}
    error = _fault(typed, list(broken.values()))
    if error is None:
        return {}
    ids = list(broken)
    if len(ids) == 1:
        return {ids[0]: error}
    halves = ids[: len(ids) // 2], ids[len(ids) // 2 :]
    return {
        check: why
        for half in halves
        for check, why in throwing(typed, {check: broken[check] for check in half}).items()
    }


def _fault(typed: DataFrame, broken: Sequence[Column]) -> str | None:
    try:
        # Each is evaluated for every row, and none of the answers is used. No aggregate: Spark
        # computes common parts of those beforehand, whatever it is told.
        named = [one.alias(f"{MASK}{place}") for place, one in enumerate(broken)]
        typed.select(*named).write.format("noop").mode("overwrite").save()
    except FAULTS as error:
        return brief(error)
    return None


def brief(error: Exception) -> str:
    """Return the line of a job's error that says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if isinstance(error, Py4JJavaError):
        lines = [str(error.java_exception.toString()).splitlines()[0]]
    elif type(error).__name__ == "PythonException":
        # The last line of a Python traceback.
        lines = [line for line in lines if not line.startswith("File ")][-1:] or lines
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def guarded(spark: SparkSession, expression: Column) -> Column | None:
    """Return an expression that is NULL for a row where the given one throws.

    None where this Spark has no way to say so. What a Python function throws is not caught: it
    runs outside of the expression.
    """
    jvm: Any = spark._jvm
    never_null: Any = F.coalesce(expression, F.lit(False))
    try:
        guard = jvm.org.apache.spark.sql.catalyst.expressions.TryEval
        if spark.version.startswith("3."):
            return Column(jvm.org.apache.spark.sql.Column(guard(never_null._jc.expr())))
        bridge = jvm.org.apache.spark.sql.classic.ExpressionUtils
        return Column(bridge.column(guard(bridge.expression(never_null._jc))))
    except (Py4JError, TypeError):
        # Classes of Spark's own: another version may have moved them.
        return None


@contextmanager
def unshared(*sessions: SparkSession) -> Iterator[None]:
    """Keep these sessions from computing a common part of expressions outside of its guard."""
    before = [session.conf.get(_SHARED, "true") for session in sessions]
    for session in sessions:
        session.conf.set(_SHARED, "false")
    try:
        yield
    finally:
        for session, value in zip(sessions, before, strict=True):
            session.conf.set(_SHARED, str(value))
