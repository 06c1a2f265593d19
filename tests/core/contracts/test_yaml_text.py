"""What is written is read back the same."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.contracts.safe_yaml import load
from dc43_core.contracts.yaml_text import dump, editable

TRAPS = [
    *("1e5", "1.10", "true", "yes", "null", "~", "0x1F", "0123", "2024-01-15", "12:30", "%TAG"),
    *("'", '"', "*x", "&x", "!x", "- a", "a: b", "# c", " a", "a ", "a\n", "\na", "a\n\n b\n"),
    *("\ufeff", "\x85", "a\u2028b", "a\r\nb"),
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(TRAPS)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | TEXT,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(TEXT, inside, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT, PLAIN, max_size=4))
def test_what_is_written_is_read_back(document: dict[str, Any]):
    assert load("x.yaml", dump(document)).plain() == document


@given(st.dictionaries(TEXT, PLAIN, max_size=4))
def test_a_document_that_was_read_can_be_written_again(document: dict[str, Any]):
    first = load("x.yaml", dump(document))
    again = load("x.yaml", dump(editable(first)))
    assert again.plain() == document
    assert again.plain(as_text=True) == first.plain(as_text=True)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1.10", Decimal("1.10")),
        ("1e5", Decimal("1e5")),
        ("0x1F", 31),
        ("0o17", 15),
        (".5", Decimal("0.5")),
        ("True", True),
        ("~", None),
        ("", None),
        ("2024-01-15", "2024-01-15"),
        ("yes", "yes"),
        ("0123", "0123"),
        ('"1.10"', "1.10"),
        ("!!str 5", "5"),
        ("!!float 5", 5),
    ],
)
def test_a_scalar_stays_what_it_was_and_as_it_was_written(written: str, value: object):
    first = load("x.yaml", f"x: {written}\n".encode())
    again = load("x.yaml", dump(editable(first)))
    assert again.plain() == {"x": value}
    assert again.at("x").raw == (first.at("x").raw or "null")  # type: ignore[union-attr]


def test_keys_keep_their_order_and_lists_stand_below_theirs():
    document = {"b": [{"name": "x", "y": 1}], "a": "two\nlines\n"}
    assert dump(document).decode() == ("b:\n  - name: x\n    y: 1\na: |\n  two\n  lines\n")


def test_one_value_in_two_places_is_written_twice():
    shared = {"logicalType": "string"}
    assert load("x.yaml", dump({"a": shared, "b": shared})).plain() == {"a": shared, "b": shared}
