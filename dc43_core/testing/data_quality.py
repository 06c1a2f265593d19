"""What every data-quality client holds to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.model import ColumnDrift, Finding, Observations
from dc43_core.expectations.derive import derive
from dc43_core.expectations.kinds import BUILT_IN
from dc43_core.expectations.model import CheckPlan
from dc43_core.vocabulary import Severity

JUDGED = b"""\
apiVersion: v3.1.0
kind: DataContract
id: orders
version: 1.0.0
schema:
  - name: orders
    quality:
      - {id: enough-rows, metric: rowCount, mustBeGreaterOrEqualTo: 3}
    properties:
      - name: amount
        logicalType: number
        required: true
        quality:
          - {id: prose, type: text, description: Amounts are net.}
          - {id: few-nulls, metric: nullValues, unit: percent, mustBeLessOrEqualTo: 50}
      - name: state
        logicalType: string
        quality:
          - id: states
            metric: invalidValues
            arguments: {validValues: [open, paid]}
            mustBe: 0
            severity: warning
"""
"""Rules on rows of two severities, two thresholds, and one rule that nobody can enforce."""


def judged_plan() -> CheckPlan:
    """Return what `JUDGED` asks."""
    contract = OdcsLoader().parse("orders.odcs.yaml", JUDGED)
    return derive(contract, contract.objects[0], {kind.name: kind() for kind in BUILT_IN})


class DataQualityClientConformance:
    """Claims about a `DataQualityClient`; subclass it and give the fixture `client`."""

    @pytest.fixture
    def client(self) -> DataQualityClient:
        """The client under test."""
        raise NotImplementedError("give the fixture `client`")

    def test_a_batch_that_keeps_every_rule_has_no_finding(self, client: DataQualityClient) -> None:
        """Nothing broken, nothing found."""
        found = _findings(client, row_count=3)
        assert not found, f"a clean batch must have no finding, got {list(found.values())}"

    def test_a_broken_row_rule_is_found_with_its_rows(self, client: DataQualityClient) -> None:
        """The finding is filed under the check, and people can read what happened."""
        found = _findings(client, row_count=10, broken={"amount.required": 2}, violating=2)
        assert set(found) == {"amount.required"}, f"found {set(found)}, not amount.required"
        finding = found["amount.required"]
        assert finding.kind == "required", f"kind is {finding.kind!r}, not that of the rule"
        assert finding.severity is Severity.ERROR, f"severity is {finding.severity!r}"
        assert finding.rows == 2, f"2 rows break it, the finding says {finding.rows}"
        assert finding.threshold is False, "a rule on rows is no threshold"
        assert "amount" in finding.message, f"the message names no column: {finding.message!r}"

    def test_a_finding_weighs_what_its_rule_weighs(self, client: DataQualityClient) -> None:
        """Severity comes from the contract."""
        found = _findings(client, row_count=10, broken={"states": 1})
        assert found["states"].severity is Severity.WARNING, "the contract says warning"

    @pytest.mark.parametrize(
        ("rows", "nulls", "failed"),
        [
            (2, 0, {"enough-rows"}),
            (3, 0, set()),
            (0, 0, {"enough-rows"}),
            (4, 2, {"amount.required"}),
            (5, 3, {"amount.required", "few-nulls"}),
            (1_000_001, 500_001, {"amount.required", "few-nulls"}),
        ],
    )
    def test_a_threshold_bounds_the_batch_exactly(
        self, client: DataQualityClient, rows: int, nulls: int, failed: set[str]
    ) -> None:
        """Counts and shares are compared without rounding; an empty batch has a share of 0."""
        broken = {"amount.required": nulls, "few-nulls": nulls}
        found = _findings(client, row_count=rows, broken=broken, violating=nulls)
        assert set(found) == failed, f"{nulls} of {rows} NULL: found {set(found)}, not {failed}"
        for name in failed - {"amount.required"}:
            assert found[name].threshold is True, f"{name} is a threshold and must say so"

    @pytest.mark.parametrize("incompatible", [True, False])
    def test_drift_is_found(self, client: DataQualityClient, incompatible: bool) -> None:
        """Incompatible drift weighs error, any other info; the finding names the column."""
        drift = ColumnDrift(
            column="amount", kind="missing", detail="is missing", incompatible=incompatible
        )
        found = _findings(client, row_count=3, drift=(drift,))
        assert set(found) == {"schema.amount"}, f"drift of amount was found as {set(found)}"
        finding = found["schema.amount"]
        assert finding.kind == "drift", f"kind is {finding.kind!r}, not drift"
        expected = Severity.ERROR if incompatible else Severity.INFO
        assert finding.severity is expected, f"severity is {finding.severity!r}, not {expected!r}"

    @pytest.mark.parametrize("kind", ["reordered", "retyped"])
    def test_what_the_engine_would_read_wrongly_is_unreadable(
        self, client: DataQualityClient, kind: str
    ) -> None:
        """Values stand in wrong columns or are others, which no rule on rows could tell."""
        drift = ColumnDrift(column="amount", kind=kind, detail="is second", incompatible=True)
        finding = _findings(client, row_count=3, drift=(drift,))["schema.amount"]
        assert finding.kind == "unreadable", f"kind is {finding.kind!r}, not unreadable"
        assert finding.severity is Severity.ERROR, f"severity is {finding.severity!r}, not error"

    def test_a_rule_that_could_not_be_judged_is_never_passed_over(
        self, client: DataQualityClient
    ) -> None:
        """It is a finding of its own kind, with the engine's reason."""
        why = {"states": "no such function: levenshtein"}
        found = _findings(client, row_count=3, evaluation_errors=why)
        assert set(found) == {"states"}, f"the rule that failed was found as {set(found)}"
        assert found["states"].kind == "evaluation_error", "its kind must be evaluation_error"
        assert "levenshtein" in found["states"].message, "the message must hold the reason"

    def test_rows_that_could_not_be_judged_are_counted_beside_those_that_break_the_rule(
        self, client: DataQualityClient
    ) -> None:
        """Where the engine knows them row by row, they count as violating."""
        findings = client.findings(
            judged_plan(),
            Observations(
                row_count=6,
                broken={"states": 3},
                violating=5,
                evaluation_errors={"states": "division by zero"},
                unjudged={"states": 2},
            ),
        )
        found = {finding.kind: finding.rows for finding in findings if finding.check_id == "states"}
        assert found.pop("evaluation_error", None) == 2, f"2 rows were not judged: {findings}"
        assert list(found.values()) == [3], f"3 rows broke the rule: {findings}"

    def test_it_judges_the_same_each_time(self, client: DataQualityClient) -> None:
        """A batch that is replayed gets the verdict it had."""
        facts: dict[str, Any] = {"row_count": 2, "broken": {"amount.required": 1, "states": 1}}
        first, again = _findings(client, **facts), _findings(client, **facts)
        assert first == again, f"the same counts were judged otherwise: {first}, {again}"
        assert list(first) == list(again), "findings came in another order"

    def test_it_tells_the_state_of_every_node(self, client: DataQualityClient) -> None:
        """Nothing of a contract is dropped in silence."""
        plan = judged_plan()
        told = client.describe_expectations(plan)
        for line in told:
            assert set(line) == {"path", "state", "what"}, f"a line has other keys: {line}"
        wanted = {e.id for e in plan.expectations} | {c.id for c in plan.service_levels}
        wanted |= {n.path for n in plan.unenforceable}
        assert {line["path"] for line in told} == wanted, (
            f"it must tell of {sorted(wanted)}, told of {sorted(line['path'] for line in told)}"
        )


def _findings(client: DataQualityClient, **facts: Any) -> Mapping[str, Finding]:
    return {f.check_id: f for f in client.findings(judged_plan(), Observations(**facts))}
