"""Runs pipeline files on Spark: the engine behind `engine = "spark"`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dc43_core.contracts.model import Contract
from dc43_core.data_quality.model import ValidationResult
from dc43_core.errors import ReplayRefusedError
from dc43_core.pipeline import OnBatch
from dc43_core.pipeline_file import PipelineFile
from dc43_core.protocol.rejects import Rejects
from dc43_core.runtime import Runtime
from dc43_core.upkeep.diagnosis import Diagnosis
from dc43_core.upkeep.interface import Upkeep
from dc43_integrations.spark.arguments import (
    bindings,
    make_policy,
    retaining,
    trigger_arguments,
)
from dc43_integrations.spark.environment import check_spark
from dc43_integrations.spark.io import read_stream_with_contract
from dc43_integrations.spark.read import reader_options
from dc43_integrations.spark.replay import SparkRejects
from dc43_integrations.spark.session import make_session
from dc43_integrations.spark.upkeep import SparkUpkeep
from dc43_integrations.spark.write import StartedStream, StreamTarget, start


class SparkRunner:
    """Runs one pipeline to the end of its trigger."""

    def run(self, pipeline: PipelineFile, runtime: Runtime, on_batch: OnBatch) -> ValidationResult:
        """Run until the trigger is done.

        Raises:
            BatchBlockedError: when a batch was blocked.
            Dc43Error: when something does not fit, or the engine failed.
        """
        # Whatever is wrong with the contract is said before Spark takes seconds to start.
        contract = self._contract(pipeline, runtime)
        plan = runtime.plan(contract, pipeline.contract.object)
        strategies = [runtime.strategy(one) for one in pipeline.strategies]
        policy = make_policy(
            pipeline.run.type, pipeline.run.on_incompatible, pipeline.run.on_evaluation_error
        )
        spark = make_session(pipeline.name, pipeline.engine_options)
        options = reader_options(pipeline.source.options)
        if pipeline.source.files_per_trigger is not None:
            options["maxFilesPerTrigger"] = str(pipeline.source.files_per_trigger)
        frame, read = read_stream_with_contract(
            spark,
            contract=contract,
            object_name=pipeline.contract.object,
            format=pipeline.source.format,
            path=pipeline.resolve(pipeline.source.path),
            options=options,
            runtime=runtime,
        )
        rejects = pipeline.rejects
        started = start(
            frame=frame,
            runtime=runtime,
            plan=retaining(plan, pipeline.run.retain_keys),
            target=StreamTarget(
                path=pipeline.resolve(pipeline.sink.path),
                format=pipeline.sink.format,
                rejects=None if rejects is None else pipeline.resolve(rejects.path),
                checkpoint=pipeline.checkpoint,
                options=reader_options(pipeline.sink.options),
                query_name=pipeline.run.query_name or pipeline.name,
                trigger=trigger_arguments(pipeline.run.trigger),
                partition_by=pipeline.sink.partition_by,
            ),
            policy=policy,
            strategies=strategies,
            reads=bindings([read]),
            namespace=pipeline.namespace,
            adopt=pipeline.run.adopt,
            on_batch=on_batch,
        )
        _wait(started)
        return started.result

    def environment(self) -> Sequence[Diagnosis]:
        """Look at Java, pyspark and pandas."""
        return list(check_spark())

    def upkeep(self, pipeline: PipelineFile, runtime: Runtime) -> Upkeep:
        """Return the places of a pipeline."""
        return SparkUpkeep(pipeline, runtime)

    def rejects(self, pipeline: PipelineFile, runtime: Runtime) -> Rejects:
        """Return the rejects of a pipeline, on a session that is started for them.

        Raises:
            ReplayRefusedError: if the pipeline has none.
        """
        if pipeline.rejects is None:
            raise ReplayRefusedError("this pipeline has no [rejects]", "name its folder there")
        contract = self._contract(pipeline, runtime)
        return SparkRejects(
            spark=make_session(pipeline.name, pipeline.engine_options),
            runtime=runtime,
            plan=runtime.plan(contract, pipeline.contract.object),
            path=pipeline.resolve(pipeline.sink.path),
            rejects_path=pipeline.resolve(pipeline.rejects.path),
            format=pipeline.sink.format,
            options=reader_options(pipeline.sink.options),
            namespace=pipeline.namespace or runtime.config.namespace,
        )

    def _contract(self, pipeline: PipelineFile, runtime: Runtime) -> Contract:
        ref = pipeline.contract
        if ref.path is not None:
            return runtime.contracts().read(Path(pipeline.resolve(ref.path)))
        return runtime.contracts().get(str(ref.id), ref.version)


def _wait(started: StartedStream) -> None:
    """Wait for the query, and raise what stopped it as what it was."""
    try:
        started.result.run.await_termination()
    except KeyboardInterrupt:
        started.result.run.stop("by Ctrl-C or SIGTERM")
        raise
