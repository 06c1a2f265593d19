"""Spark's evaluator against the kinds themselves, over the kit's awkward values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pyspark.sql import types

from dc43_core.expectations.interface import ExpectationEvaluator, ExpectationKind
from dc43_core.expectations.kinds import BUILT_IN
from dc43_core.expectations.model import Expectation
from dc43_core.testing.evaluators import VALUES, ExpectationEvaluatorConformance, Judge
from dc43_integrations.spark.classify import Classifier
from dc43_integrations.spark.evaluator import SparkEvaluator
from dc43_integrations.spark.names import MASK

pytestmark = pytest.mark.spark

KINDS: Mapping[str, ExpectationKind] = {kind.name: kind() for kind in BUILT_IN}
TYPES: Mapping[str, types.DataType] = {
    "string": types.StringType(),
    "integer": types.LongType(),
    "number": types.DoubleType(),
    "decimal": types.DecimalType(38, 18),
    "boolean": types.BooleanType(),
    "date": types.DateType(),
    "timestamp": types.TimestampType(),
}


def column_type(values: Sequence[Any]) -> types.DataType:
    (kind,) = (TYPES[name] for name, known in VALUES.items() if known is values)
    return kind


class TestSparkEvaluator(ExpectationEvaluatorConformance):
    @pytest.fixture
    def evaluator(self) -> ExpectationEvaluator:
        return SparkEvaluator()

    @pytest.fixture
    def kinds(self) -> Mapping[str, ExpectationKind]:
        return KINDS

    @pytest.fixture
    def judge(self, spark, evaluator: ExpectationEvaluator) -> Judge:
        """Through the masks, as a stream does; a rule that needs no look at the data has none."""

        def judge(expectation: Expectation, columns: Mapping[str, Sequence[Any]]) -> list[bool]:
            ((name, values),) = columns.items()
            schema = (
                types.StructType().add("place", types.IntegerType()).add(name, column_type(values))
            )
            rows = list(enumerate(values))
            frame = spark.createDataFrame(rows, schema)
            classifier, notes = Classifier.build(
                [expectation], {expectation.kind: evaluator}, frame, ()
            )
            assert not notes, notes
            masks = classifier.mask_columns
            if not masks:
                return [False] * len(rows)
            found = frame.select("place", *masks).collect()
            return [row[f"{MASK}0"] != 0 for row in sorted(found)]

        return judge


def test_it_evaluates_every_kind_of_the_core():
    assert SparkEvaluator().kinds == set(KINDS)
