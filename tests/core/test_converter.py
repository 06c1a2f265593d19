"""Structuring is strict and exact, and a secret never shows."""

from __future__ import annotations

import json
import traceback
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.converter import ARGUMENTS, CONFIGURATION, Secret, structure
from dc43_core.vocabulary import Severity


@frozen(kw_only=True)
class Part:
    password: Secret | None = None
    tags: tuple[str, ...] = ()


@frozen(kw_only=True)
class Options:
    text: str = ""
    whole: int = 0
    flag: bool = False
    number: int | Decimal = 0
    exact: Decimal = Decimal(0)
    share: float = 0.0
    folder: Path | None = None
    severity: Severity = Severity.ERROR
    part: Part = Part()
    exclusive_minimum: int | None = None


def configured(**values: Any) -> Options:
    return structure(CONFIGURATION, Options, values)


@pytest.mark.parametrize(
    ("name", "given_", "expected"),
    [
        ("text", "a", "a"),
        ("whole", 5, 5),
        ("flag", True, True),
        ("number", 5, 5),
        ("number", Decimal("0.10"), Decimal("0.10")),
        ("exact", 5, Decimal(5)),
        ("share", 1, 1.0),
        ("folder", "a/b", Path("a/b")),
        ("folder", None, None),
        ("severity", "warning", Severity.WARNING),
    ],
)
def test_a_value_of_the_right_type_is_taken(name: str, given_: Any, expected: Any):
    found = getattr(configured(**{name: given_}), name)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "given_", "problem"),
    [
        ("text", 5, "text: expected str, found 5"),
        ("whole", "5", "whole: expected int, found '5'"),
        ("whole", 5.0, "whole: expected int, found 5.0"),
        ("whole", True, "whole: expected int, found True"),
        ("flag", 1, "flag: expected bool, found 1"),
        ("flag", "true", "flag: expected bool, found 'true'"),
        ("number", True, "number: expected a number, found True"),
        ("number", "5", "number: expected a number, found '5'"),
        ("severity", "fatal", "severity: 'fatal' is not one of error, warning, info"),
        ("part", {"tags": "abc"}, "part.tags: expected a list, found 'abc'"),
        ("part", {"tag": ["abc"]}, "part: unknown key tag"),
    ],
)
def test_nothing_is_converted_in_silence(name: str, given_: Any, problem: str):
    with pytest.raises(ValueError) as caught:
        configured(**{name: given_})
    assert problem in str(caught.value)


@given(st.decimals(-(10**9), 10**9, places=6))
def test_a_number_of_a_toml_file_is_what_its_author_wrote(number: Decimal):
    assert configured(number=float(number)).number == Decimal(repr(float(number)))
    assert configured(number=number).number == number


def test_a_tenth_is_a_tenth():
    assert configured(number=0.1).number == Decimal("0.1")


def test_contracts_write_in_camel_case_and_configurations_as_it_is():
    assert structure(ARGUMENTS, Options, {"exclusiveMinimum": 1}).exclusive_minimum == 1
    assert configured(exclusive_minimum=1).exclusive_minimum == 1
    with pytest.raises(ValueError, match=r"unknown key exclusive_minimum; known:.* exclusiveM"):
        structure(ARGUMENTS, Options, {"exclusive_minimum": 1})


def test_all_problems_are_told_by_their_paths():
    with pytest.raises(ValueError) as caught:
        configured(whole="x", part={"password": "p", "tags": ["a", 1]})
    assert "whole: expected int" in str(caught.value)
    assert "part.tags: expected str, found 1" in str(caught.value)


SECRET = "hunter2"


@pytest.mark.parametrize(
    "show",
    [
        str,
        repr,
        "{}".format,
        "{!s:>10}".format,
        lambda secret: f"{secret}",
        lambda secret: "%s %r" % (secret, secret),  # noqa: UP031
        lambda secret: repr([secret]),
        lambda secret: repr(Part(password=secret)),
        lambda secret: str(attrs.asdict(Part(password=secret))),
        lambda secret: json.dumps(CONFIGURATION.unstructure(Part(password=secret))),
    ],
)
def test_a_secret_never_shows(show: Any):
    assert SECRET not in show(Secret(SECRET))
    assert "***" in show(Secret(SECRET))


def test_a_secret_is_told_to_those_who_ask():
    part = structure(CONFIGURATION, Part, {"password": SECRET})
    assert part.password is not None
    assert part.password.reveal() == SECRET


def test_a_secret_does_not_show_in_a_refusal_of_another_key():
    with pytest.raises(ValueError) as caught:
        configured(part={"password": SECRET, "tags": 5})
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_secret_that_is_no_text_is_refused_without_showing_it():
    number = 4242 * 1001
    with pytest.raises(ValueError, match=r"part\.password: expected a secret as text") as caught:
        configured(part={"password": number})
    assert str(number) not in "".join(traceback.format_exception(caught.value))


def test_secrets_are_equal_by_their_text():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1
