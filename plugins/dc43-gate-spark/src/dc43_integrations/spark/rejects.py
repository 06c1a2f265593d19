"""What a rejected row looks like: the row as it was, and an envelope of reserved columns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from attrs import define
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from dc43_core.protocol.engine import BatchFacts
from dc43_integrations.spark.classify import Classifier
from dc43_integrations.spark.names import EXTRA, FILE, LINE, MASK, PREFIX, RAW, column

KEY_CHECKS, KEY_REASONS = f"{MASK}_checks", f"{MASK}_reasons"
"""Arrays of what a row broke under key rules, which masks do not know."""


@define(kw_only=True, eq=False)
class Envelope:
    """Puts violating rows of one stream into their envelope.

    Attributes:
        names: The contract's columns.
        classifier: The rules behind the masks.
        raw: Names of the columns for which raw text may be kept.
    """

    names: Sequence[str]
    classifier: Classifier
    raw: Sequence[str]

    def seal(self, frame: DataFrame, batch: BatchFacts, *, whole: bool) -> DataFrame:
        """Return the rows of one batch as the reject sink keeps them.

        Args:
            frame: The contract's columns, masks, raw text, undeclared columns, and the key rules
                that were broken.
            batch: What is known of the batch.
            whole: Whether drift sent every row here; then its message is a reason of each.
        """
        row_id = F.concat(
            F.lit(f"{batch.stream_id}-{batch.batch_id}-"),
            F.monotonically_increasing_id().cast("string"),
        )
        drift = [d for d in batch.drift if d.incompatible] or batch.drift if whole else ()
        checks, reasons = self._why
        if drift:
            checks = F.concat(checks, F.array(*(F.lit(f"schema.{d.column}") for d in drift)))
            said = (F.lit(f"column {d.column}: {d.detail}") for d in drift)
            reasons = F.concat(reasons, F.array(*said))
        return frame.select("*", row_id.alias(f"{PREFIX}row_id")).select(
            *self._before,
            checks.alias(f"{PREFIX}checks"),
            reasons.alias(f"{PREFIX}reasons"),
            *self._after,
            F.lit(batch.stream_id).alias(f"{PREFIX}stream"),
            F.lit(batch.contract_id).alias(f"{PREFIX}contract_id"),
            F.lit(batch.contract_version).alias(f"{PREFIX}contract_version"),
            F.lit(batch.contract_digest).alias(f"{PREFIX}contract_digest"),
            F.lit(batch.started_at).alias(f"{PREFIX}rejected_at"),
        )

    @cached_property
    def _before(self) -> list[Column]:
        return [*(column(name) for name in self.names), F.col(f"{PREFIX}row_id")]

    @cached_property
    def _why(self) -> tuple[Column, Column]:
        return (
            _present(self.classifier.checks, KEY_CHECKS),
            _present(self.classifier.reasons, KEY_REASONS),
        )

    @cached_property
    def _after(self) -> list[Column]:
        # The batch out of the row's id: a number as a literal is compiled into the code, and
        # every batch would compile anew.
        batch = F.split_part(f"{PREFIX}row_id", F.lit("-"), F.lit(2)).cast("long")
        return [
            self._raw_map().alias(f"{PREFIX}raw"),
            F.col(LINE).alias(f"{PREFIX}line"),
            F.col(FILE).alias(f"{PREFIX}file"),
            # Every column of it may have been NULL.
            F.nullif(EXTRA, F.lit("{}")).alias(EXTRA),
            batch.alias(f"{PREFIX}batch"),
        ]

    def _raw_map(self) -> Column:
        """Return column name to raw text, for columns that would not cast; NULL for none."""
        pairs = [
            F.when(
                column(RAW, name).isNotNull(),
                F.struct(F.lit(name).alias("key"), column(RAW, name).alias("value")),
            )
            for name in self.raw
        ]
        if not pairs:
            return F.lit(None).cast("map<string,string>")
        present = F.filter(F.array(*pairs), lambda pair: pair.isNotNull())
        return F.when(F.size(present) > 0, F.map_from_entries(present))


def _present(values: Sequence[Column], more: str) -> Column:
    listed = F.filter(F.array(*values).cast("array<string>"), lambda value: value.isNotNull())
    return F.concat(listed, F.col(more))
