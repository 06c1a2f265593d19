"""Spark judges `acme-gtin` as the kind does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from acme_rules.gtin import GtinKind
from dc43_core.expectations.interface import ExpectationKind
from dc43_core.testing.evaluators import VALUES, Case, ExpectationEvaluatorConformance, Judge

pytestmark = pytest.mark.spark

NUMBERS = (
    *("4006381333931", "4006381333932", "96385074", "036000291452", "10614141543219", "0"),
    *("4006381333931\n", " 4006381333931", "400638133393X", "٤٠٠٦٣٨١٣٣٣٩٣١", "00000000", None),
    *("004006381333931", "\U0001f600" * 13, "-4006381333931", "4006381333931.0", "9638507\x00"),
)
CASES = (
    Case(kind="acme-gtin", values=NUMBERS),
    Case(kind="acme-gtin", arguments={"lengths": [13]}, values=NUMBERS),
    Case(kind="acme-gtin", values=VALUES["string"]),
    Case(
        kind="acme-gtin", type="integer", values=(4006381333931, 96385074, 1, -8, 2**63 - 1, None)
    ),
)


class TestGtinOnSpark(ExpectationEvaluatorConformance):
    @pytest.fixture
    def evaluator(self):
        pytest.importorskip("pyspark")
        from acme_rules.spark import GtinOnSpark

        return GtinOnSpark()

    @pytest.fixture
    def kinds(self) -> Mapping[str, ExpectationKind]:
        return {"acme-gtin": GtinKind()}

    @pytest.fixture
    def own_cases(self) -> Sequence[Case]:
        return CASES

    @pytest.fixture
    def judge(self, evaluator, spark) -> Judge:
        def judge(expectation, columns):
            rows = list(zip(*columns.values(), strict=True))
            frame = spark.createDataFrame(rows, list(columns))
            return [
                row[0] for row in frame.select(evaluator.violated(expectation, frame)).collect()
            ]

        return judge
