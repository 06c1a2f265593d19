"""Streams whose guarantee could not be kept, refused before anything is started or written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from dc43_core.errors import ConfigurationError, UnsupportedOutputModeError

_TRIGGERS = ("availableNow", "processingTime")
_WITHOUT_BATCHES = ("continuous", "realTime")
_CHANGE = "_change_type"


def refuse_unkeepable(frame: DataFrame, output_mode: str, trigger: Mapping[str, Any]) -> None:
    """Refuse a stream that no sink of files can keep its guarantee with.

    Raises:
        UnsupportedOutputModeError: saying why and what to use instead.
        ConfigurationError: if a trigger is none of Spark's.
    """
    if output_mode != "append":
        known = output_mode in ("update", "complete")
        raise UnsupportedOutputModeError(
            f"output mode {output_mode!r}",
            "files cannot be replaced by key, rows would land twice" if known else "is not known",
            "use append",
        )
    _refuse_trigger(frame, trigger)
    if _CHANGE in frame.columns:
        raise UnsupportedOutputModeError(
            f"a change feed (column {_CHANGE})",
            "its rows are changes: to reject a delete would leave its row alive",
            "apply the changes before the write, or read the table instead of its changes",
        )
    _refuse_plan(frame)


def _refuse_trigger(frame: DataFrame, trigger: Mapping[str, Any]) -> None:
    for kind in _WITHOUT_BATCHES:
        if kind in trigger:
            raise UnsupportedOutputModeError(
                f"trigger {kind}",
                "it has no micro-batches that could be judged before they land",
                "use availableNow or processingTime",
            )
    if len(trigger) != 1 or next(iter(trigger)) not in _TRIGGERS:
        given = ", ".join(trigger) or "nothing"
        raise ConfigurationError("trigger", [f"give one of {', '.join(_TRIGGERS)}, found {given}"])
    try:
        frame.writeStream.trigger(**trigger)
    except (PySparkException, Py4JJavaError, TypeError, ValueError) as error:
        [(kind, value)] = trigger.items()
        raise ConfigurationError(
            "trigger",
            [
                f"{value!r} does not go with {kind}; write an interval such as '10 seconds', or "
                f"'available-now' ({str(error).splitlines()[0].split('. ')[0]})"
            ],
        ) from error


def _refuse_plan(frame: DataFrame) -> None:
    """Ask Spark whether the frame can be appended from; it would say no when it starts."""
    jvm: Any = frame.sparkSession._jvm
    checker = jvm.org.apache.spark.sql.catalyst.analysis.UnsupportedOperationChecker
    append = jvm.org.apache.spark.sql.streaming.OutputMode.Append()
    try:
        checker.checkForStreaming(frame._jdf.queryExecution().analyzed(), append)
    except (PySparkException, Py4JJavaError) as error:
        why = str(error).splitlines()[0].rstrip(".")
        raise UnsupportedOutputModeError(
            "what the frame computes",
            f"it cannot be appended from: {why}",
            "aggregate behind a watermark, or in a job that reads what this one has written",
        ) from error
