"""Observing a stream without a sink."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame

from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import SingleUseError
from dc43_core.pipeline import OnBatch
from dc43_integrations.spark.arguments import Strategy
from dc43_integrations.spark.stream_write import write_stream_with_contract

_OF_SINKS = (
    "path",
    "table",
    "format",
    "server",
    "rejects",
    "writer_options",
    "partition_by",
    "data_product_output",
)


class StreamingObservationWriter:
    """Measures a stream against a contract, micro-batch by micro-batch, and writes no row of it.

    For rows that somebody else writes, or nobody yet: each batch is judged as a governed write
    judges it, leaves a record with `details["observed_only"]`, and updates the live result. It is
    a query of its own, so the source is read once more than by the query that writes. Use
    `write_stream_with_contract` where dc43 may write: there what is counted is what lands.

        writer = StreamingObservationWriter(contract_id="orders", checkpoint_location="observed")
        result = writer.start(orders)
        result.run.await_termination()

    A writer observes one stream. In `enforce`, or where a strategy says block, a bad batch ends
    the query; nothing is kept of its rows, and it comes back at the next start.

    Args:
        streaming_intervention_strategy: A strategy by name, or as an object with
            `decide(context)`; `interventions=` takes several.
        on_streaming_batch: Called with each entry of `streaming_batches`.
        checkpoint_location: The query's progress, as of `write_stream_with_contract`.
        trigger: Likewise.
        query_name: Likewise.
        ephemeral: Likewise.
        adopt: Likewise.
        options: As `WriteArguments` says, but for what a sink needs: `contract` or `contract_id`,
            `reads`, `run_type`, `dataset_id`, ... Versions are by default the numbers of the
            batches.

    Raises:
        TypeError: for an argument that only a sink has.
    """

    def __init__(
        self,
        *,
        streaming_intervention_strategy: Strategy | None = None,
        on_streaming_batch: OnBatch | None = None,
        checkpoint_location: str | None = None,
        trigger: Mapping[str, Any] | str | None = None,
        query_name: str | None = None,
        ephemeral: bool = False,
        adopt: str | None = None,
        **options: Any,
    ) -> None:
        for name in _OF_SINKS:
            if name in options:
                raise TypeError(
                    f"StreamingObservationWriter() has no parameter {name!r}: it writes nothing; "
                    "to write, use write_stream_with_contract"
                )
        self._options = {
            "streaming_intervention_strategy": streaming_intervention_strategy,
            "on_streaming_batch": on_streaming_batch,
            "checkpoint_location": checkpoint_location,
            "trigger": trigger,
            "query_name": query_name,
            "ephemeral": ephemeral,
            "adopt": adopt,
            **options,
        }
        self._result: ValidationResult | None = None

    @property
    def result(self) -> ValidationResult | None:
        """The live result; None before the start."""
        return self._result

    def start(self, df: DataFrame) -> ValidationResult:
        """Start to observe a stream.

        Args:
            df: A streaming frame.

        Returns:
            A live result, as of `write_stream_with_contract`.

        Raises:
            SingleUseError: if this writer has been started.
            Dc43Error: before anything is started, if anything does not fit.
        """
        if self._result is not None:
            raise SingleUseError("StreamingObservationWriter", self._result.dataset_id)
        self._result = write_stream_with_contract(df=df, format="noop", **self._options)
        return self._result
