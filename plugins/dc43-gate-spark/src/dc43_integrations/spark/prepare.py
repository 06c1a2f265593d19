"""From a frame and a plan to the stager of a stream: rules become expressions, once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve, frozen
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from dc43_core.contracts.model import UnenforceableNode
from dc43_core.errors import ConfigurationError, UnsupportedSessionError
from dc43_core.expectations.model import CheckPlan
from dc43_core.protocol.file_store import FileStore
from dc43_core.runtime import Runtime
from dc43_integrations.spark.classify import Classifier
from dc43_integrations.spark.convert import conversion, read_expectations
from dc43_integrations.spark.drift import schema_drift
from dc43_integrations.spark.names import READ, folds, refuse_alike, refuse_reserved
from dc43_integrations.spark.observing import ObservingStager
from dc43_integrations.spark.partitioning import require_partitions
from dc43_integrations.spark.read import ReadBinding
from dc43_integrations.spark.sinks.find import lands
from dc43_integrations.spark.sinks.interface import SinkFormat
from dc43_integrations.spark.stager import SparkStager
from dc43_integrations.spark.types import target_schema


@frozen(kw_only=True)
class Preparation:
    """What frames of one schema are judged with.

    Attributes:
        stager: Its plan holds the rules that go with the frame's columns.
        notes: Rules that do not, and why.
    """

    stager: SparkStager
    notes: Sequence[UnenforceableNode]


def prepare(
    frame: DataFrame,
    plan: CheckPlan,
    runtime: Runtime,
    sink: SinkFormat,
    store: FileStore,
    *,
    reads: Sequence[ReadBinding] = (),
    auto_cast: bool = True,
    keeps_undeclared: bool = True,
    options: Mapping[str, str] | None = None,
    partition_by: Sequence[str] = (),
    **facts: Any,
) -> Preparation:
    """Turn a contract's rules into expressions over a frame's columns.

    Args:
        frame: A frame with the columns of those to come.
        plan: What the contract asks.
        runtime: Who evaluates it.
        sink: How rows are staged.
        store: Where.
        reads: Bindings of the reads that the frame comes from.
        auto_cast: Whether columns of another type are cast, row by row.
        keeps_undeclared: Whether rows that break a rule keep columns that the contract lacks; it
            costs a rewrite of these rows where they stay in main.
        options: Options of Spark's writer.
        partition_by: Main's columns that stand in the path of its files.
        facts: Further attributes of the stager.

    Raises:
        ConfigurationError: if a column has a name of ours, or what a read carried is gone.
        MissingEvaluatorError, EvaluatorError: if a rule has no working expression.
    """
    require_classic(frame.sparkSession)
    fold, declared = folds(frame.sparkSession), [p.physical_name for p in plan.schema.columns]
    for names, where in ((frame.columns, "the frame to write"), (declared, plan.contract.source)):
        refuse_reserved(names, where)
        refuse_alike(names, where, folds=fold)
    _require_carried(frame, reads)
    target = target_schema(plan.schema, frame.schema)
    require_partitions(partition_by, target, sink)
    convert = conversion(frame, target)
    if not keeps_undeclared:
        convert = evolve(convert, undeclared={})
    added = read_expectations(convert, plan.expectations)
    plan = evolve(plan, expectations=(*plan.expectations, *added))
    main_format = getattr(sink, "main_format", None)
    options = dict(options or {})
    stager = (SparkStager if lands(sink) else ObservingStager)(
        spark=own_session(frame.sparkSession, sink.settings),
        store=store,
        plan=plan,
        convert=convert,
        classifier=Classifier(rules=(), masks=(), rejecting=()),
        format=sink.file_format,
        settings=sink.settings,
        static_drift=schema_drift(frame.schema, plan.schema, folds=fold, auto_cast=auto_cast),
        writer_options={} if main_format or partition_by else options,
        main_format=main_format,
        partition_by=tuple(partition_by),
        main_options={**getattr(sink, "main_options", {}), **options},
        **facts,
    )
    evaluators = runtime.evaluators("spark", plan.expectations)
    ageless = list(_ageless(plan, target))
    without_age = {note.path for note in ageless}
    levels = tuple(check for check in plan.service_levels if check.id not in without_age)
    stager.classifier, notes = Classifier.build(
        plan.expectations,
        evaluators,
        stager.typed(frame),
        tuple(convert.raw),
        times=tuple(dict.fromkeys(check.column for check in levels if check.column is not None)),
    )
    notes += ageless
    refused = {note.path for note in notes}
    stager.plan = evolve(
        plan,
        expectations=tuple(e for e in plan.expectations if e.id not in refused),
        unenforceable=(*plan.unenforceable, *notes),
        service_levels=levels,
    )
    return Preparation(stager=stager, notes=notes)


def _ageless(plan: CheckPlan, target: T.StructType) -> Iterator[UnenforceableNode]:
    """Yield the service levels of columns that are no date and no timestamp."""
    for check in plan.service_levels:
        if check.column is None:
            continue
        kind = target[check.column].dataType
        if not isinstance(kind, T.DateType | T.TimestampType | T.TimestampNTZType):
            reason = f"{check.column} is {kind.simpleString()}; only a date or timestamp has an age"
            yield UnenforceableNode(path=check.id, reason=reason)


def _require_carried(frame: DataFrame, reads: Sequence[ReadBinding]) -> None:
    carries = any(read.carries for read in reads)
    if READ in frame.columns and not carries:
        raise ConfigurationError(
            "reads",
            [
                "the frame comes from a read under a contract, and its result is not here; hand "
                "it over as reads=[result], or drift of its files would go unnoticed"
            ],
        )
    if carries and READ not in frame.columns:
        raise ConfigurationError(
            "the frame to write",
            [
                f"column {READ} of the read is gone, and with it the text of values that would "
                'not cast; keep it through select and aggregation, or read with uncast="null"'
            ],
        )


def require_classic(spark: SparkSession) -> None:
    """Refuse a session without a JVM of its own.

    Raises:
        UnsupportedSessionError: for Spark Connect.
    """
    if "connect" in type(spark).__module__:
        raise UnsupportedSessionError("Spark Connect", "use a classic session")


def own_session(spark: SparkSession, settings: Mapping[str, str]) -> SparkSession:
    """Return a session with the same settings and these, to be changed without harm."""
    clone = SparkSession(spark.sparkContext, spark._jsparkSession.cloneSession())
    # What we read back is small and local to one batch: one job each, no re-planning.
    clone.conf.set("spark.sql.adaptive.enabled", "false")
    clone.conf.set("spark.sql.shuffle.partitions", str(spark.sparkContext.defaultParallelism))
    for name, value in settings.items():
        clone.conf.set(name, value)
    return clone
