"""The sink of streams that are only observed."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from dc43_core.errors import ConfigurationError
from dc43_core.protocol.observed import NoSink
from dc43_core.protocol.sink import Sink
from dc43_core.vocabulary import Lane
from dc43_integrations.spark.sinks.interface import LaneTarget


@frozen(kw_only=True)
class Observed:
    """`format="noop"`: rows are counted, and land nowhere."""

    file_format: str = "parquet"
    in_session: bool = True
    lands: bool = False
    settings: Mapping[str, str] = field(factory=dict)

    def open(self, target: LaneTarget) -> Sink:
        """Return the sink of main.

        Raises:
            ConfigurationError: for rejects.
        """
        if target.lane is Lane.REJECTS:
            raise ConfigurationError(
                "rejects", ["no row lands where a stream is only observed; leave it out"]
            )
        return NoSink(target.store, target.path)


def noop() -> Observed:
    """Return `format="noop"`."""
    return Observed()
