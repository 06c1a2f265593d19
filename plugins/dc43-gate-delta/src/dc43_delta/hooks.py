"""What this distribution offers to dc43; nothing here imports delta-rs or Spark."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dc43_core.markers import hookimpl
from dc43_core.registry import Extension

if TYPE_CHECKING:
    from dc43_integrations.spark.sinks.interface import SinkFormat


def _delta() -> SinkFormat:
    from dc43_delta.format import DeltaFormat

    return DeltaFormat()


# Optional: the hook is declared by dc43-gate-spark, which may be absent.
@hookimpl(optionalhook=True)
def dc43_spark_sinks() -> Sequence[Extension[SinkFormat]]:
    """Delta tables."""
    return [Extension("delta", _delta)]
