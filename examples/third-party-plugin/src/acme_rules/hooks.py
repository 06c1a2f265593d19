"""What this plugin offers to dc43: all that is imported when dc43 starts."""

from __future__ import annotations

from collections.abc import Sequence

from acme_rules.gtin import GtinKind
from acme_rules.strategy import BlockAfterN, BlockAfterOptions
from dc43_core import Extension, InterventionStrategy, hookimpl
from dc43_core.expectations.interface import ExpectationEvaluator, ExpectationKind


@hookimpl
def dc43_expectation_kinds() -> Sequence[Extension[ExpectationKind]]:
    """A rule that contracts can ask for: `implementation: {kind: acme-gtin}`."""
    return [Extension(GtinKind.name, GtinKind)]


@hookimpl
def dc43_expectation_evaluators() -> Sequence[Extension[ExpectationEvaluator]]:
    """How Spark judges it."""
    facts = {"engine": "spark", "kinds": (GtinKind.name,)}
    return [Extension("acme-spark", _build_for_spark, capabilities=facts)]


@hookimpl
def dc43_intervention_strategies() -> Sequence[Extension[InterventionStrategy]]:
    """A strategy with options, which `[strategies.<name>]` in dc43.toml gives."""
    return [Extension("acme-block-after", BlockAfterN, BlockAfterOptions)]


def _build_for_spark() -> ExpectationEvaluator:
    # Only a runtime that uses Spark comes here, so that the plugin works without pyspark.
    from acme_rules.spark import GtinOnSpark

    return GtinOnSpark()
