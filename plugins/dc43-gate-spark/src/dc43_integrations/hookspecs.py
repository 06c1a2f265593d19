"""The hooks that this distribution declares: what only Spark needs.

Implement them with `@hookimpl(optionalhook=True)`, so that your plugin loads where this
distribution is absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dc43_core.markers import hookspec

if TYPE_CHECKING:
    from dc43_core.registry import Extension
    from dc43_integrations.spark.sinks.interface import SinkFormat


@hookspec
def dc43_spark_sinks() -> Sequence[Extension[SinkFormat]]:  # type: ignore[empty-body]
    """Offer destinations of streaming writes; the extension's name is the write's `format`.

    Called when the first stream starts. Built without options.
    """
