"""Keys inside a micro-batch: which rows share one, and which of them stays.

Those of earlier batches are the matter of `known_keys`.

A rule that moves rows is judged over the staged main lane, so among rows that pass every other
row rule; a threshold over all that was staged; neither reads the source again.
The first wins: the smallest hash of the row, then of equal hashes the smaller row as text, which
is the same whatever the order of files and partitions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from attrs import frozen
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from dc43_core.expectations.model import Expectation
from dc43_core.protocol.file_store import canonical
from dc43_integrations.spark.classify import rejects
from dc43_integrations.spark.known_keys import Place
from dc43_integrations.spark.names import LANE, column

FILES = "_dc43_files"
"""Column with the file that a row was staged in."""
_COUNT, _HASH, _PLACE = "_dc43_n", "_dc43_hash", "_dc43_place"


@frozen
class Duplicates:
    """What was found.

    Attributes:
        rows: Check id to the rows beyond the first of each key.
        files: Canonical paths of files that hold a row of a key that several rows share; only
            for rules that move rows.
    """

    rows: Mapping[str, int]
    files: frozenset[str]


@frozen
class KeyJudge:
    """The key rules of one contract.

    Attributes:
        rules: Expectations of form `key`.
        names: The contract's columns.
    """

    rules: Sequence[Expectation]
    names: Sequence[str]

    def find(
        self, rules: Sequence[Expectation], read: Callable[[Expectation], DataFrame]
    ) -> Duplicates:
        """Look for keys that several rows share: one job a rule.

        Args:
            rules: Which of the rules.
            read: Returns the rows that a rule is judged among, with the column `FILES`.
        """
        rows: dict[str, int] = {}
        files: set[str] = set()
        for rule in rules:
            keys = [column(name) for name in rule.columns]
            shared = (
                read(rule)
                .select(*keys, FILES)
                .where(_whole(keys))
                .groupBy(*keys)
                .agg(F.count(F.lit(1)).alias(_COUNT), F.collect_set(FILES).alias(FILES))
                .where(F.col(_COUNT) > 1)
                .agg(
                    F.sum(F.col(_COUNT) - 1).alias(_COUNT),
                    F.array_distinct(F.flatten(F.collect_list(FILES))).alias(FILES),
                )
            )
            found = shared.collect()[0]
            rows[rule.id] = int(found[_COUNT] or 0)
            if rejects(rule) and rows[rule.id]:
                files.update(map(canonical, found[FILES]))
        return Duplicates(rows, frozenset(files))

    def split(
        self, frame: DataFrame, names: Sequence[str], known: Mapping[str, Place] | None = None
    ) -> DataFrame:
        """Return the rows with, as their lane, the bits of the rules they lost under (0: none).

        Args:
            frame: The rows.
            names: The columns that are returned.
            known: Where keys are kept from batch to batch, check id to the key of a row and whether
                it is known.
        """
        hashed = frame.withColumn(_HASH, _canonical_hash(self.names))
        lost: list[Column] = []
        for index, rule in enumerate(self.rules):
            if not rejects(rule):
                continue
            keys, beaten = [column(name) for name in rule.columns], F.lit(False)
            if known is not None:
                key, beaten = known[rule.id]
                keys = [key]
            place = F.row_number().over(
                Window.partitionBy(*keys).orderBy(F.col(_HASH), F.to_json(_row(self.names)))
            )
            hashed = hashed.withColumn(f"{_PLACE}{index}", place)
            beaten = _whole(keys) & (beaten | (F.col(f"{_PLACE}{index}") > 1))
            lost.append(F.when(beaten, F.lit(1 << index)).otherwise(F.lit(0)))
        bits = reduce(Column.bitwiseOR, lost)
        return hashed.select(*(column(c) for c in names), bits.alias(LANE))


def _whole(keys: Sequence[Column]) -> Column:
    return reduce(Column.__and__, [key.isNotNull() for key in keys])


def _row(names: Sequence[str]) -> Column:
    return F.struct(*(column(name) for name in names))


def _canonical_hash(names: Sequence[str]) -> Column:
    # Of the row as JSON: maps have no hash of their own in Spark.
    return F.xxhash64(F.to_json(_row(names)))
