"""Every node of a contract becomes an expectation or a note; none is dropped in silence."""

from __future__ import annotations

import textwrap
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve, frozen

from dc43_core.contracts.files import pick_object
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.errors import ContractError
from dc43_core.expectations.derive import derive, planned
from dc43_core.expectations.kinds import BUILT_IN
from dc43_core.expectations.model import CheckPlan, Expectation
from dc43_core.retention import parse_retention
from dc43_core.vocabulary import Scope, Severity

KINDS = {kind.name: kind() for kind in BUILT_IN}
HEAD = "apiVersion: v3.1.0\nkind: DataContract\nid: flights\nversion: 1.0.0\n"


def plan_of(schema: str, object_name: str | None = None, kinds: Any = None) -> CheckPlan:
    text = HEAD + textwrap.dedent(schema)
    contract = OdcsLoader().parse("flights.yaml", text.encode())
    return derive(contract, pick_object(contract, object_name), kinds or KINDS)


def of_column(column: str, *, quality: str = "") -> CheckPlan:
    """The plan of one column, given in YAML's flow style, and of rules on the whole object."""
    return plan_of(
        f"schema: [{{name: f, quality: [{quality}], properties: [{{name: c, {column}}}]}}]"
    )


def only(plan: CheckPlan, kind: str) -> Expectation:
    found = [e for e in plan.expectations if e.kind == kind]
    assert len(found) == 1
    return found[0]


def notes(plan: CheckPlan) -> dict[str, str]:
    return {note.path: note.reason for note in plan.unenforceable}


@pytest.mark.parametrize(
    ("column", "kind", "arguments"),
    [
        ("logicalType: integer", "type", {"logical_type": "integer", "physical_type": None}),
        ("physicalType: INT", "type", {"logical_type": None, "physical_type": "INT"}),
        ("required: true", "required", {}),
        ("primaryKey: true", "required", {}),
        ("unique: true", "unique", {}),
        ("enum: [{value: 1}, {value: 2}]", "enum", {"valid_values": (1, 2)}),
        ("logicalType: integer, logicalTypeOptions: {minimum: 1}", "range", {"minimum": 1}),
        (
            "logicalType: number, logicalTypeOptions: {maximum: 0.1, exclusiveMinimum: 0}",
            "range",
            {"maximum": Decimal("0.1"), "exclusive_minimum": 0},
        ),
        (
            "logicalType: date, logicalTypeOptions: {minimum: 2024-01-01}",
            "range",
            {"minimum": "2024-01-01"},
        ),
        (
            "logicalType: string, logicalTypeOptions: {minLength: 1, maxLength: 2}",
            "length",
            {"min_length": 1, "max_length": 2},
        ),
        (
            r"logicalType: string, logicalTypeOptions: {pattern: ^\d+$}",
            "pattern",
            {"pattern": r"^\d+$"},
        ),
    ],
)
def test_what_a_column_says_becomes_a_row_rule(column: str, kind: str, arguments: dict[str, Any]):
    rule = only(of_column(column), kind)
    assert {name: getattr(rule.arguments, name) for name in arguments} == arguments
    assert (rule.id, rule.columns, rule.scope, rule.severity) == (
        f"c.{kind}",
        ("c",),
        Scope.ROW,
        Severity.ERROR,
    )


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("{metric: nullValues, mustBe: 0}", "required"),
        ("{metric: missingValues, arguments: {missingValues: ['-']}, mustBe: 0}", "missing"),
        ("{metric: invalidValues, arguments: {validValues: [a]}, mustBe: 0}", "enum"),
        ("{metric: invalidValues, arguments: {pattern: '^a$'}, mustBe: 0}", "pattern"),
        ("{type: custom, engine: dc43, implementation: {kind: range, maximum: 720}}", "range"),
        ("{type: custom, engine: dc43, implementation: {kind: unique}}", "unique"),
        ("{rule: nullCheck}", "required"),
    ],
)
def test_a_quality_rule_that_allows_none_is_about_rows(rule: str, kind: str):
    found = only(of_column(f"quality: [{rule}]"), kind)
    assert (found.id, found.scope, found.columns) == ("c.quality[0]", Scope.ROW, ("c",))


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("{metric: nullValues, mustBeLessThan: 5}", "required"),
        ("{metric: nullValues, mustBe: 1}", "required"),
        ("{metric: nullValues, mustBe: 0, unit: percent}", "required"),
        ("{metric: duplicateValues, mustBe: 0}", "unique"),
        ("{metric: rowCount, mustBeGreaterThan: 0}", "row-count"),
        (
            "{type: custom, engine: dc43, implementation: {kind: range, maximum: 7},"
            " mustBeLessThan: 3}",
            "range",
        ),
    ],
)
def test_any_other_bound_is_about_the_batch(rule: str, kind: str):
    assert only(of_column(f"quality: [{rule}]"), kind).scope is Scope.BATCH


def test_a_threshold_keeps_operators_and_unit():
    plan = of_column("quality: [{metric: nullValues, mustBeLessThan: 0.5, unit: percent}]")
    threshold = only(plan, "required").threshold
    assert threshold is not None
    assert (threshold.operators, threshold.unit) == ({"mustBeLessThan": Decimal("0.5")}, "percent")


def test_an_object_may_bound_its_rows_and_its_duplicates():
    plan = of_column(
        "logicalType: string",
        quality="{metric: rowCount, mustBeGreaterThan: 0},"
        " {metric: duplicateValues, arguments: {properties: [c]}, mustBe: 0}",
    )
    assert only(plan, "row-count").columns == ()
    assert (only(plan, "unique").columns, only(plan, "unique").scope) == (("c",), Scope.BATCH)


def test_a_rule_of_any_kind_may_have_a_severity_of_its_own():
    plan = of_column(
        "quality: [{type: custom, engine: dc43, severity: warning,"
        " implementation: {kind: range, maximum: 720}}]"
    )
    assert only(plan, "range").severity is Severity.WARNING


def test_a_rule_of_the_object_may_name_its_columns():
    plan = of_column(
        "logicalType: string",
        quality="{type: custom, engine: dc43, implementation: {kind: unique, columns: [c]}}",
    )
    assert (only(plan, "unique").columns, only(plan, "unique").scope) == (("c",), Scope.ROW)


def test_a_rule_s_own_id_names_it():
    plan = of_column("quality: [{id: no-nulls, metric: nullValues, mustBe: 0}]")
    rule = only(plan, "required")
    assert (rule.id, rule.source) == ("no-nulls", "c.quality[0]")


def test_two_rules_of_one_kind_on_one_column_are_two_rules():
    rule = "{type: custom, engine: dc43, implementation: {kind: range, maximum: 7}}"
    plan = of_column(f"quality: [{rule}, {rule}]")
    assert [e.id for e in plan.expectations] == ["c.quality[0]", "c.quality[1]"]


def test_rules_that_share_an_id_are_told_apart_by_their_paths():
    rule = "{id: same, metric: nullValues, mustBe: 0}"
    plan = plan_of(
        f"schema: [{{name: f, properties: [{{name: a, quality: [{rule}]}},"
        f" {{name: b, quality: [{rule}]}}]}}]"
    )
    assert [e.id for e in plan.expectations] == ["a.quality[0]", "b.quality[0]"]


def test_the_key_is_ordered_by_position():
    plan = plan_of(
        """\
        schema:
          - name: f
            properties:
              - {name: x, primaryKey: true}
              - {name: b, primaryKey: true, primaryKeyPosition: 2}
              - {name: a, primaryKey: true, primaryKeyPosition: 1}
        """
    )
    key = only(plan, "primary-key")
    assert (key.id, key.columns) == ("primaryKey", ("a", "b", "x"))


def test_every_part_of_the_key_is_required():
    plan = plan_of(
        "schema: [{name: f, properties:"
        " [{name: a, primaryKey: true}, {name: b, primaryKey: true}]}]"
    )
    assert [e.id for e in plan.expectations] == ["a.required", "b.required", "primaryKey"]


def test_a_key_that_is_said_to_be_unique_is_judged_once():
    kinds = [e.kind for e in of_column("primaryKey: true, unique: true").expectations]
    assert kinds == ["required", "primary-key"]


def test_data_is_addressed_by_the_physical_name_and_messages_show_both():
    rule = only(of_column("physicalName: col_1, required: true"), "required")
    assert (rule.id, rule.columns) == ("c.required", ("col_1",))
    assert rule.demand == "c (col_1) must not be missing"


def test_names_in_arguments_become_physical_names():
    plan = of_column(
        "physicalName: col_1",
        quality="{metric: duplicateValues, arguments: {properties: [c]}, mustBe: 0}",
    )
    assert only(plan, "unique").columns == ("col_1",)


def test_a_measure_asks_nothing_of_the_data():
    plan = of_column("semanticType: measure, required: true")
    assert plan.expectations == ()
    assert "measure" in notes(plan)["c"]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("{type: text, description: be nice}", "prose"),
        ("{type: sql, query: SELECT 1, mustBe: 0}", "SQL rules are off"),
        ("{type: custom, engine: soda, implementation: x}", "no evaluator for engine 'soda'"),
        ("{metric: fancyValues, mustBe: 0}", "metric 'fancyValues' is not known"),
        ("{metric: nullValues, mustBe: 0, unit: dozens}", "unit 'dozens' is not known"),
        ("{metric: nullValues}", "gives no operator"),
        ("{metric: invalidValues, mustBe: 0}", "needs the argument"),
        (
            "{metric: invalidValues, arguments: {pattern: a, validValues: [a]}, mustBe: 0}",
            "not both",
        ),
        (r"{metric: invalidValues, arguments: {pattern: '(a)\1'}, mustBe: 0}", "back-references"),
    ],
)
def test_what_cannot_be_enforced_is_noted_with_its_reason(rule: str, reason: str):
    plan = of_column(f"quality: [{rule}]")
    assert plan.expectations == ()
    assert reason in notes(plan)["c.quality[0]"]


@pytest.mark.parametrize(
    ("column", "path", "reason"),
    [
        (
            r"logicalType: string, logicalTypeOptions: {pattern: '(a)\1'}",
            "c.pattern",
            "back-references",
        ),
        (
            "logicalType: string, logicalTypeOptions: {format: email}",
            "c.logicalTypeOptions.format",
            "not supported yet",
        ),
        (
            "logicalType: number, logicalTypeOptions: {multipleOf: 5}",
            "c.logicalTypeOptions.multipleOf",
            "not supported yet",
        ),
        (
            "logicalTypeOptions: {minimum: 5}",
            "c.logicalTypeOptions.minimum",
            "bounds need a number",
        ),
        (
            "relationships: [{to: other.id}]",
            "c.relationships",
            "not enforced: relationships",
        ),
        ("colour: blue", "c.colour", "unknown key"),
    ],
)
def test_an_option_that_nobody_judges_is_noted(column: str, path: str, reason: str):
    assert reason in notes(of_column(column))[path]


def test_a_metric_of_the_object_that_needs_a_column_is_noted():
    plan = of_column("logicalType: string", quality="{metric: nullValues, mustBe: 0}")
    assert "needs a property" in notes(plan)["quality[0]"]


def test_nested_rules_are_noted_one_by_one():
    plan = of_column(
        "logicalType: array, items: {logicalType: object, properties:"
        " [{name: sku, logicalType: string, required: true, unique: true,"
        " logicalTypeOptions: {maxLength: 5}, quality: [{metric: nullValues, mustBe: 0}]}]}"
    )
    assert {path for path, reason in notes(plan).items() if "nested" in reason} == {
        "c[].sku.required",
        "c[].sku.unique",
        "c[].sku.logicalTypeOptions.maxLength",
        "c[].sku.quality[0]",
    }


def test_notes_of_another_object_are_left_to_it():
    schema = """\
        schema:
          - {name: one, properties: [{name: a, colour: blue}]}
          - {name: two, properties: [{name: b, colour: red}]}
        """
    assert set(notes(plan_of(schema, "two"))) == {"b.colour"}


def test_a_dataset_is_named_after_its_object_where_there_are_several():
    schema = "schema: [{name: one}, {name: two}]"
    assert plan_of(schema, "two").dataset_id == "flights.two"
    assert plan_of("schema: [{name: one}]").dataset_id == "flights"


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("{type: custom, engine: dc43, implementation: {kind: gtin}}", "'gtin'; known: enum"),
        ("{type: custom, engine: dc43, implementation: {maximum: 1}}", "kind"),
        ("{type: custom, engine: dc43, implementation: {kind: range}}", "needs minimum"),
        (
            "{type: custom, engine: dc43, implementation: {kind: range, maxi: 1}}",
            "maxi",
        ),
        (
            "{type: custom, engine: dc43, implementation: {kind: unique, columns: [x]}}",
            "'x' is not declared; declared: c",
        ),
        ("{metric: nullValues, mustBe: none}", "compares with a number"),
        ("{metric: nullValues, arguments: {strict: true}, mustBe: 0}", "strict"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_an_error_naming_it(rule: str, problem: str):
    with pytest.raises(ContractError, match=problem) as caught:
        of_column(f"quality: [{rule}]")
    assert caught.value.path == "c.quality[0]"


def test_a_rule_on_values_needs_a_column():
    rule = "{type: custom, engine: dc43, implementation: {kind: range, maximum: 1}}"
    with pytest.raises(ContractError, match="judges columns"):
        of_column("logicalType: integer", quality=rule)


def test_a_measure_of_the_batch_needs_a_bound():
    rule = "{type: custom, engine: dc43, implementation: {kind: row-count}}"
    plan = of_column("logicalType: integer", quality=rule)
    assert "gives no operator" in notes(plan)["quality[0]"]


@frozen(kw_only=True)
class GtinArguments:
    digits: int = 13


class GtinKind:
    name = "gtin"
    arguments: type = GtinArguments
    form = "row"

    def describe(self, expectation: Expectation) -> str:
        return f"must be a GTIN of {expectation.arguments.digits} digits"

    def violated_by(self, expectation: Expectation, values: tuple[Any, ...]) -> bool:
        return False


def test_a_plugin_s_kind_is_reached_by_name():
    plan = plan_of(
        "schema: [{name: f, properties: [{name: c, quality: [{type: custom, engine: dc43,"
        " implementation: {kind: gtin, digits: 8}}]}]}]",
        kinds={**KINDS, "gtin": GtinKind()},
    )
    assert only(plan, "gtin").demand == "c must be a GTIN of 8 digits"


def states(plan: CheckPlan) -> list[tuple[str, str, str]]:
    return [(node.path, node.state, node.what) for node in planned(plan)]


def test_the_plan_lists_every_node_with_its_state():
    plan = of_column(
        "required: true, quality: [{type: text, description: be nice},"
        " {metric: nullValues, mustBeLessThan: 5, severity: info}]",
        quality="{metric: rowCount, mustBeGreaterThan: 0}",
    )
    assert states(plan) == [
        ("c.required", "enforced", "c must not be missing [error]"),
        (
            "c.quality[1]",
            "observed",
            "number of rows that break «c must not be missing»: mustBeLessThan 5 [info]",
        ),
        ("quality[0]", "enforced", "number of rows of a batch: mustBeGreaterThan 0 [error]"),
        ("c.quality[0]", "not enforceable", "prose"),
    ]


def windowed(window: str, rule: str = "metric: nullValues, mustBeLessThan: 5") -> CheckPlan:
    custom = f"customProperties: [{{property: dc43.window, value: {window}}}]"
    return of_column(f"quality: [{{{rule}, {custom}}}]")


@pytest.mark.parametrize(
    ("window", "scope", "shown"),
    [
        ("stream", Scope.DATASET, "the whole stream"),
        ("1 batch", Scope.WINDOW, "the last 1 batches"),
        ("10 batches", Scope.WINDOW, "the last 10 batches"),
        ("15 minutes", Scope.WINDOW, "the last 15 minutes"),
        ("7200 seconds", Scope.WINDOW, "the last 2 hours"),
        ("1 day", Scope.WINDOW, "the last 1 days"),
    ],
)
def test_a_threshold_can_be_judged_over_several_batches(window: str, scope: Scope, shown: str):
    found = only(windowed(window), "required")
    assert (found.scope, str(found.window)) == (scope, shown)


def test_a_rule_over_several_batches_moves_no_row():
    assert only(windowed("stream", "metric: nullValues, mustBe: 0"), "required").scope is (
        Scope.DATASET
    )


def test_the_plan_says_over_which_batches():
    what = planned(windowed("10 batches"))[-1].what
    assert "rows that break «c must not be missing» in the last 10 batches" in what


@pytest.mark.parametrize("window", ["ten batches", "0 batches", "10 fortnights"])
def test_a_window_that_nobody_understands_is_refused(window: str):
    with pytest.raises(ContractError, match="is no window; write stream, 10 batches, or 15"):
        windowed(window)


def test_a_window_needs_something_to_compare():
    rule = "type: custom, engine: dc43, implementation: {kind: range, maximum: 5}"
    with pytest.raises(ContractError, match=r"dc43\.window needs an operator"):
        windowed("stream", rule)


@pytest.mark.parametrize(
    ("retain", "told"),
    [
        ("batch", "within a batch, not across batches"),
        ("forever", "across batches"),
        ("7 days", "across batches, for 7 days"),
    ],
)
def test_the_plan_says_how_far_a_key_reaches(retain: str, told: str):
    plan = of_column(
        "unique: true, quality: [{metric: duplicateValues, mustBeLessThan: 3},"
        " {type: custom, engine: dc43, severity: warning, implementation: {kind: unique}}]"
    )
    of_key, threshold, warning = states(evolve(plan, retain=parse_retention(retain)))
    assert of_key == ("c.unique", "enforced", f"c must be unique; enforced {told} [error]")
    # What moves no row is counted in each batch, however long keys are kept.
    assert threshold[2].endswith("mustBeLessThan 3; counted within each batch [error]")
    assert warning[2] == "c must be unique; enforced within a batch, not across batches [warning]"
