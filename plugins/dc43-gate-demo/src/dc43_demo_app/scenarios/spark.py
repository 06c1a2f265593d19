"""One run of a scenario through the helpers, from its start to the end of its feed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyspark.errors import StreamingQueryException

from dc43_core.data_quality.model import ValidationResult
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Outcome
from dc43_demo_app.scenarios.feed import Feeder
from dc43_demo_app.scenarios.home import Place
from dc43_demo_app.scenarios.outcome import ScenarioRun
from dc43_integrations.spark.io import read_stream_with_contract, write_stream_with_contract
from dc43_integrations.spark.session import make_session

OnBatch = Callable[[dict[str, Any]], object]
_LOOK_SECONDS = 0.2


def run_place(
    place: Place,
    runtime: Runtime,
    *,
    seconds: float | None,
    pace: float,
    on_batch: OnBatch | None = None,
) -> ScenarioRun:
    """Run a scenario's stream where it ended, and feed it meanwhile.

    Args:
        place: Its folder.
        runtime: The home's runtime.
        seconds: How long it is fed, once Spark is up; None until the year is over.
        pace: Seconds from one day to the next, at least.
        on_batch: Called with each batch as it becomes durable.

    Returns:
        How it ended, also if a batch was blocked or the stream failed.

    Raises:
        StreamBusyError: if another process runs it.
        Dc43Error: if it could not be started.
    """
    with place.held():
        feeder = Feeder(
            place.feed,
            pace=pace,
            taken=place.taken,
            seconds=seconds,
            least=place.plot.least,
        )

        def hear(batch: dict[str, Any]) -> None:
            if batch["outcome"] != Outcome.BLOCKED.value:
                feeder.took(batch["batch_id"])
            if on_batch is not None:
                on_batch(batch)

        result = _start(place, runtime, hear)
        feeder.start()
        try:
            _wait(result, feeder, f"{seconds:g} seconds are over" if seconds is not None else "")
        finally:
            feeder.stop()
    [row] = result.run.rows
    return ScenarioRun(
        place=place,
        run=row,
        status=result.status,
        reason=result.reason or row.reason,
        batches=tuple(result.streaming_batches),
    )


def _start(place: Place, runtime: Runtime, on_batch: OnBatch) -> ValidationResult:
    """Start the stream that the pipeline file describes."""
    file = place.pipeline
    spark = make_session("dc43 scenarios", file.engine_options)
    frame, read = read_stream_with_contract(
        spark,
        contract_id=file.contract.id,
        format=file.source.format,
        path=file.resolve(file.source.path),
        options={**file.source.options, "maxFilesPerTrigger": file.source.files_per_trigger},
        runtime=runtime,
    )
    return write_stream_with_contract(
        df=frame,
        contract_id=file.contract.id,
        path=file.resolve(file.sink.path),
        rejects=file.resolve(file.rejects.path) if file.rejects else None,
        reads=[read],
        run_type=file.run.type,
        interventions=place.plot.strategies,
        on_streaming_batch=on_batch,
        checkpoint_location=file.checkpoint,
        trigger=file.run.trigger,
        query_name=file.name,
        runtime=runtime,
    )


def _wait(result: ValidationResult, feeder: Feeder, why: str) -> None:
    """Wait until the stream has read its feed, or ended before."""
    run, [query] = result.run, result.streaming_queries
    try:
        while run.active:
            if feeder.wait_until_read(_LOOK_SECONDS):
                # The batch is durable; this waits for Spark to have noted it too.
                query.processAllAvailable()
                run.finish("the year is over" if feeder.year_is_over else why)
    except StreamingQueryException:
        # A stream that ends by itself is told by its result, and by the row of its run.
        pass
    except BaseException as error:
        by_hand = isinstance(error, KeyboardInterrupt)
        run.stop("by Ctrl-C or SIGTERM" if by_hand else f"its feed failed: {type(error).__name__}")
        raise
    # It has ended; its row may not say so yet.
    run.stop()
