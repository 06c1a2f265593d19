"""Counting the rows of a micro-batch that somebody else writes, or nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import define
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from dc43_core.protocol.engine import BatchFacts, KnownKeys, Staged
from dc43_core.vocabulary import Lane
from dc43_integrations.spark.names import FAILED
from dc43_integrations.spark.stager import SparkStager


@define(kw_only=True, eq=False)
class ObservingStager(SparkStager):
    """Measures what a stager measures, in one pass over the source, and writes no row.

    A contract with rules on keys is the exception: rows are compared with each other, and so they
    are staged, counted there, and forgotten.
    """

    def _stage(
        self,
        frame: DataFrame,
        folder: str,
        batch: BatchFacts,
        *,
        reject_all: bool,
        keys: KnownKeys | None,
    ) -> Staged:
        if any(rule.form == "key" for rule in self.plan.expectations):
            # A second pass over the source might find other rows.
            return super()._stage(frame, folder, batch, reject_all=reject_all, keys=keys)
        observation = Observation()
        failed = None if self.convert.failed is None else F.col(FAILED)
        counters = self.classifier.counters(failed, reject_all=reject_all)
        judged = self.typed(frame).select("*", *self.classifier.mask_columns)
        judged.observe(observation, *counters).write.format("noop").mode("overwrite").save()
        counts = observation.get
        return Staged(
            row_count=int(counts["rows"]),
            violating=int(counts["violating"]),
            uncast=int(counts["uncast"]),
            broken=self.classifier.broken(counts),
            evaluation_errors=self.faults,
            unjudged=self.classifier.held(counts),
            folder=folder,
            rejects_all=reject_all,
            gone=tuple(self.gone(batch.batch_id)),
            spans=self.classifier.spans(counts),
        )

    def finish(
        self, staged: Staged, violating_to: Lane, batch: BatchFacts
    ) -> Mapping[Lane, Sequence[str]]:
        """Return that no lane gets a file."""
        return {}
