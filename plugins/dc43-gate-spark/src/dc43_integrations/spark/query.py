"""A running Spark query, as the row of its run watches it."""

from __future__ import annotations

from attrs import frozen
from pyspark.errors import StreamingQueryException
from pyspark.sql.streaming.query import StreamingQuery

from dc43_core.governance.run_log import QueryEnd
from dc43_core.vocabulary import RunOutcome


@frozen
class SparkQuery:
    """One query.

    Attributes:
        query: Spark's handle.
        once: Whether its trigger comes to an end by itself.
    """

    query: StreamingQuery
    once: bool

    def wait(self, seconds: float) -> QueryEnd | None:
        """Wait for the end for so long; None if the query still runs."""
        try:
            if not self.query.awaitTermination(seconds):  # type: ignore[arg-type]
                return None
        except StreamingQueryException as error:
            # The class alone: its text may quote rows.
            return QueryEnd(
                outcome=RunOutcome.FAILED,
                reason=error.getCondition() or "the query failed",
                error=error,
            )
        # Spark does not tell a trigger that is done from a query that was stopped.
        return QueryEnd(outcome=RunOutcome.ENDED if self.once else RunOutcome.STOPPED)

    def stop(self) -> None:
        """Stop a query that waits for data."""
        self.query.stop()
