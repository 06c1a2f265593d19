"""Every service level of a contract is measured, or says why not."""

from __future__ import annotations

import pytest

from dc43_core.contracts.files import pick_object
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.expectations.derive import derive, planned
from dc43_core.expectations.kinds import BUILT_IN
from dc43_core.expectations.model import CheckPlan

KINDS = {kind.name: kind() for kind in BUILT_IN}
HEAD = """
apiVersion: v3.1.0
kind: DataContract
id: shop
version: 1.0.0
"""
ORDERS = """
  - name: orders
    physicalName: t_orders
    properties:
      - {name: placed, physicalName: placed_at, logicalType: timestamp}
      - {name: day, logicalType: date}
      - {name: note, logicalType: string}
      - {name: bare}
"""
PAYMENTS = """
  - name: payments
    properties: [{name: paid_at, logicalType: timestamp}]
"""


def plan_of(*levels: str, more: str = "", object_name: str = "orders", top: str = "") -> CheckPlan:
    entries = "".join(f"  - {{{level}}}\n" for level in levels)
    text = f"{HEAD}{top}\nschema:{ORDERS}{more}slaProperties:\n{entries}"
    contract = OdcsLoader().parse("shop.yaml", text.encode())
    return derive(contract, pick_object(contract, object_name), KINDS)


def told(plan: CheckPlan) -> dict[str, tuple[str, str]]:
    """What is said of service levels, by path."""
    of_rules = {e.id for e in plan.expectations}
    return {n.path: (n.state, n.what) for n in planned(plan) if n.path not in of_rules}


def measured(plan: CheckPlan) -> dict[str, tuple[str | None, float]]:
    """Check id to column and bound in seconds."""
    levels = plan.service_levels
    return {c.id: (c.column, float(c.level.value * c.level.unit_seconds)) for c in levels}


@pytest.mark.parametrize(
    ("element", "check", "column"),
    [
        ("orders.placed", "placed.latency", "placed_at"),
        ("orders.placed_at", "placed.latency", "placed_at"),
        ("t_orders.placed_at", "placed.latency", "placed_at"),
        ("placed", "placed.latency", "placed_at"),
        ("day", "day.latency", "day"),
        ("bare", "bare.latency", "bare"),
    ],
)
def test_an_element_is_a_column_by_either_name(element, check, column):
    plan = plan_of(f"property: latency, value: 4, unit: d, element: {element}")
    assert measured(plan) == {check: (column, 345_600)}


@pytest.mark.parametrize(
    ("value", "unit", "seconds"),
    [
        ("90", "s", 90),
        ("1.5", "min", 90),
        ("2", "Hours", 7_200),
        ("'4'", "hr", 14_400),
        ("1", "days", 86_400),
        ("2", "weeks", 1_209_600),
        ("1", "mo", 2_592_000),
        ("3", "yrs", 94_608_000),
    ],
)
def test_units_of_iso_and_their_words_are_understood(value, unit, seconds):
    plan = plan_of(f"property: latency, value: {value}, unit: {unit}, element: placed")
    assert measured(plan) == {"placed.latency": ("placed_at", seconds)}


def test_the_plan_says_what_each_batch_is_measured_by():
    plan = plan_of(
        "property: latency, value: 15, unit: min, element: orders.placed",
        "property: Freshness, value: 1, unit: d, element: orders.day",
        "property: frequency, value: 1, unit: d",
        "property: retention, value: 3, unit: y, element: orders.day",
    )
    assert told(plan) == {
        "placed.latency": (
            "observed",
            "age of the newest placed (placed_at) of a batch: at most 15 min [warning]",
        ),
        "day.freshness": ("observed", "age of the newest day of a batch: at most 1 d [warning]"),
        "frequency": ("observed", "time since the batch before: at most 1 d [warning]"),
        "day.retention": ("observed", "age of the oldest day of a batch: at most 3 y [warning]"),
    }


@pytest.mark.parametrize(
    ("level", "reason"),
    [
        (
            "element: orders.gone",
            "element 'gone' is not one of the columns placed, day, note, bare",
        ),
        ("element: orders.note", "note is string; only a date or timestamp has an age"),
        (
            "element: tab1.day",
            "element 'tab1.day' is not one of the columns placed, day, note, bare",
        ),
        ("element: orders", "element '' is not one of the columns placed, day, note, bare"),
        ("driver: x", "needs an element, a date or timestamp such as orders.placed_at"),
        ("element: day, unit: m", "unit 'm' is not known; write one of s, min, h, d, w, mo, y"),
        ("element: day, unit: null", "unit None is not known; write one of s, min, h, d, w, mo, y"),
        ("element: day, value: PT4H", "value 'PT4H' is no number; write 4 and a unit"),
        ("element: day, value: -1", "value '-1' is no number; write 4 and a unit"),
        ("element: day, value: true", "value 'true' is no number; write 4 and a unit"),
        ("element: day, value: .inf", "value '.inf' is no number; write 4 and a unit"),
    ],
)
def test_what_cannot_be_measured_is_listed_with_the_reason(level, reason):
    given = {"property": "latency", "value": "4", "unit": "d"}
    given |= dict(part.split(": ", 1) for part in level.split(", "))
    plan = plan_of(", ".join(f"{key}: {value}" for key, value in given.items()))
    assert told(plan) == {"slaProperties[0]": ("not enforceable", f"SLA latency: {reason}")}


def test_of_several_objects_each_has_its_own_levels():
    levels = (
        "property: latency, value: 4, unit: d, element: 'orders.placed, payments.paid_at'",
        "property: frequency, value: 1, unit: h, element: payments.paid_at",
        "property: latency, value: 4, unit: d, element: paid_at",
    )
    lost = "SLA latency: element 'paid_at' is of none of the objects orders, payments"
    orders = plan_of(*levels, more=PAYMENTS)
    payments = plan_of(*levels, more=PAYMENTS, object_name="payments")
    assert list(measured(orders)) == ["placed.latency"]
    assert list(measured(payments)) == ["paid_at.latency", "frequency"]
    for plan in (orders, payments):
        assert told(plan)["slaProperties[2]"] == ("not enforceable", lost)


def test_two_promises_on_one_column_are_two_checks():
    plan = plan_of(
        "property: latency, value: 1, unit: h, element: placed, driver: regulatory",
        "property: latency, value: 4, unit: h, element: placed, driver: analytics",
    )
    assert measured(plan) == {
        "slaProperties[0].placed.latency": ("placed_at", 3_600),
        "slaProperties[1].placed.latency": ("placed_at", 14_400),
    }


def test_the_default_element_stands_in_for_one_that_is_not_given():
    level = "property: latency, value: 4, unit: d"
    plan = plan_of(level, top="slaDefaultElement: orders.placed")
    assert list(measured(plan)) == ["placed.latency"]


def test_a_schedule_and_unknown_keys_are_listed_beside_what_is_measured():
    plan = plan_of(
        "property: latency, value: 4, unit: d, element: placed, scheduler: cron, "
        "schedule: 0 20 * * *, valueExt: 2, color: red, id: x, description: y"
    )
    assert {path: what for path, (state, what) in told(plan).items() if state != "observed"} == {
        "slaProperties[0].schedule": "SLA latency is measured with every batch, not on a schedule",
        "slaProperties[0].valueExt": "SLA latency: only `value` and `unit` are compared",
        "slaProperties[0].color": "unknown key",
    }
    assert list(measured(plan)) == ["placed.latency"]
