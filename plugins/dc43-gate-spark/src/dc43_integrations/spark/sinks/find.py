"""Finding the sink behind a write's `format`."""

from __future__ import annotations

from dc43_core.runtime import Runtime
from dc43_integrations.spark.sinks.interface import SinkFormat


def lands(sink: SinkFormat) -> bool:
    """Say whether rows land there, or are counted alone."""
    return bool(getattr(sink, "lands", True))


HOOK = "dc43_spark_sinks"
# Which distribution to install for a name that people know but have not installed.
_BROUGHT_BY = {"delta": "dc43-gate-delta"}


def find_sink(runtime: Runtime, name: str) -> SinkFormat:
    """Return the sink of this name.

    Raises:
        UnknownNameError: listing those installed, and the distribution that brings a known one.
        DuplicateNameError: if two plugins offer one name.
    """
    offer = runtime.plugins.registry("sink", HOOK).get(name, _BROUGHT_BY.get(name))
    try:
        sink: SinkFormat = offer.extension.build()
    except Exception as error:
        error.add_note(f"raised while building sink {name!r} of {offer.owner}")
        raise
    return sink
