"""What this distribution offers to dc43; nothing here imports Spark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dc43_core.expectations.interface import ExpectationEvaluator
from dc43_core.markers import hookimpl
from dc43_core.pipeline import PipelineRunner
from dc43_core.registry import Extension

if TYPE_CHECKING:
    from dc43_integrations.spark.sinks.interface import SinkFormat

KINDS = (
    "enum",
    "length",
    "missing",
    "pattern",
    "primary-key",
    "range",
    "required",
    "row-count",
    "type",
    "unique",
)


def _evaluator() -> ExpectationEvaluator:
    from dc43_integrations.spark.evaluator import SparkEvaluator

    return SparkEvaluator()


def _runner() -> PipelineRunner:
    from dc43_integrations.spark.runner import SparkRunner

    return SparkRunner()


def _sink(name: str, module: str) -> Extension[SinkFormat]:
    def build() -> SinkFormat:
        from importlib import import_module

        made: SinkFormat = getattr(import_module(f"{__package__}.spark.sinks.{module}"), name)()
        return made

    return Extension(name, build)


@hookimpl
def dc43_addhooks() -> Sequence[Any]:
    """What only Spark needs."""
    from dc43_integrations import hookspecs

    return [hookspecs]


@hookimpl
def dc43_expectation_evaluators() -> Sequence[Extension[ExpectationEvaluator]]:
    """Every kind of the core, as Spark expressions."""
    return [Extension("spark", _evaluator, capabilities={"engine": "spark", "kinds": KINDS})]


@hookimpl
def dc43_pipeline_runners() -> Sequence[Extension[PipelineRunner]]:
    """Pipeline files with `engine = "spark"`."""
    return [Extension("spark", _runner)]


@hookimpl
def dc43_spark_sinks() -> Sequence[Extension[SinkFormat]]:
    """Files in a folder, two for looking at a stream from its own session, and one for none."""
    files = [_sink(name, "files") for name in ("parquet", "orc", "json", "csv")]
    shown = [_sink(name, "session") for name in ("memory", "console")]
    return [*files, *shown, _sink("noop", "observed")]
