"""A frame at rest, as the data-quality service measures it."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen
from pyspark.sql import DataFrame

from dc43_core.data_quality.model import Observations, ValidationResult
from dc43_core.expectations.model import CheckPlan
from dc43_core.runtime import Runtime
from dc43_integrations.spark.checker import ContractChecker


@frozen(kw_only=True)
class SparkSnapshot:
    """Rows that are there, counted against a contract when the service gets to it.

    The rows are written once into scratch, as every check does, and read from there for key rules.
    Keys are judged over all of them: what is unique in each batch may not be in the whole.

    Attributes:
        frame: A frame that does not stream, such as what a batch read returns.
        reads: Results of the reads that it comes from.
        auto_cast: Whether columns of another type are cast, row by row.
        scratch: A folder that driver and executors reach; needed where Spark is not local.
        runtime: Configuration and plugins; by default the process's.
    """

    frame: DataFrame
    reads: Sequence[ValidationResult] = ()
    auto_cast: bool = True
    scratch: str | None = None
    runtime: Runtime | None = None

    def observe(self, plan: CheckPlan) -> Observations:
        """Count what a contract asks, in one pass and one more for each key rule.

        Raises:
            Dc43Error: if the contract does not go with the frame's columns.
        """
        checker = ContractChecker(
            plan.contract,
            object_name=plan.schema.name,
            reads=self.reads,
            auto_cast=self.auto_cast,
            scratch=self.scratch,
            runtime=self.runtime,
        )
        with checker.check(self.frame) as batch:
            return batch.observations
