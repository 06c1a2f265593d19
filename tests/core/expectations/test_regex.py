"""The translation of patterns means what a JavaScript engine means."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from dc43_core.errors import UnenforceableError
from dc43_core.expectations.kinds.regex import MAX_LENGTH, translate
from tests.core.expectations.conftest import Engine

TAIL_NUMBER = r"^N[1-9]((\d{0,4})|(\d{0,3}[A-HJ-NP-Z])|(\d{0,2}[A-HJ-NP-Z]{2}))$"

PATTERNS = [
    # anchors
    "",
    "^abc$",
    "^abc",
    "abc$",
    "^$",
    "^",
    "$",
    "a|b$",
    "^a|b",
    "(^a)|(b$)",
    "a^b",
    "a$b",
    # characters and their escapes
    r"a\.c",
    r"^\$\d+$",
    r"^https?:\/\/[^\/]+\/$",
    "^/a/$",
    r"\u0041",
    r"^\u00e9$",
    r"\x41",
    r"^\x20$",
    r"\0",
    r"\t|\n|\r|\f|\v",
    r"^\^\(\)\[\]\{\}\*\+\?\|\\$",
    r"a\-b",
    r"\_",
    "a#b c",
    "a&&b",
    # literal braces and brackets
    "{a}",
    "a{,2}",
    "a{b}",
    "a{1",
    "a}",
    "a]",
    "a{\u0663}",
    # classes of characters
    r"^\d+$",
    r"^\D+$",
    r"^\w+$",
    r"^\W+$",
    r"^\s+$",
    r"^\S+$",
    r"\bcat\b",
    r"\Bcat",
    r"\B",
    r"^\Ba",
    r"caf\b",
    r"^.$",
    "^a.c$",
    "^.*$",
    "^[a-c]+$",
    "^[^a-c]+$",
    "^[[]$",
    "^[[a]$",
    "[a-z&&[^b]]",
    "^[&&]$",
    "^[a^]$",
    "^[^^]$",
    r"^[\]]$",
    r"^[\^]$",
    "^[-a]$",
    "^[a-]$",
    "^[a-b-c]$",
    r"^[\w-.]+$",
    r"^[+--]$",
    r"[\s-\uffff]",
    r"^[\d\s]+$",
    r"^[^\d]$",
    r"^[\b]$",
    r"[\u0041-\u0043]",
    r"[\x41-\x43]",
    "^[~|#]$",
    "^[a b]$",
    "^[.*+?$()]$",
    "^[\u4e00-\u9fa5]+$",
    # quantifiers
    "^a*$",
    "^a+$",
    "^a?$",
    "^a{2}$",
    "^a{2,}$",
    "^a{1,2}$",
    "^a{0}$",
    "^a+?$",
    "^a*?b",
    "a??b",
    "^a{1,2}?$",
    "^(ab){2}$",
    "^(?:ab)+$",
    # groups and looking around
    "^(a|b|)c$",
    "()",
    "^(?<year>[0-9]{4})$",
    "^(?<my_year$2>[0-9]{4})$",
    "^(?=.*b)a",
    "^(?!.*b)a",
    "(?<=a)c",
    "(?<!a)c",
    r"^(?=.*\d)(?=.*[a-z]).{4,8}$",
    # from contracts in the field
    TAIL_NUMBER,
    "^[A-Z]{3}$",
    r"^\d{4}-\d{2}-\d{2}$",
    r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    r"^-?\d+(\.\d+)?$",
    "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
]
TEXTS = [
    "",
    "a",
    "abc",
    "abc\n",
    "\nabc",
    "abc\r\n",
    "xabcx",
    "a\u2028",
    "a.c",
    "a\nc",
    "a\u0085c",
    "\x85",
    "\n",
    "\r",
    "\u2028",
    " ",
    "\u00a0",
    "\ufeff",
    "\u2003",
    "\u180e",
    "\x1c",
    "\x0b",
    "\x00",
    "\x08",
    "A",
    "B",
    "é",
    "É",
    "cafe",
    "café",
    "a cat b",
    "concat",
    "catéb",
    "écat",
    "_",
    "a_1",
    "123",
    "\u0663\u0664",
    "12\n",
    "1 2",
    "-",
    "a-b",
    "a.b-c",
    "\u017f",
    "[",
    "]",
    "^",
    "&",
    "~",
    "|",
    "{a}",
    "a{,2}",
    "a{b}",
    "aa",
    "aaa",
    "aab",
    "ac",
    "c",
    "abab",
    "a{\u0663}",
    "\u4e2d\u6587",
    "^()[]{}*+?|\\",
    "$5",
    "https://a.b/",
    "/a/",
    "a#b c",
    "N1",
    "N12345",
    "N1234Z",
    "N123ZZ",
    "N1I",
    "N0A",
    "N12345\n",
    "xN1",
    "2013-01-01",
    "2024",
    "x@y.zz",
    "x@y",
    "-1.50",
    "ab1c",
    "123e4567-e89b-12d3-a456-426614174000",
    "JFK",
    "JFK ",
]


def in_python(pattern: str, texts: Sequence[str]) -> list[bool]:
    compiled = re.compile(translate(pattern, end=r"\Z"), re.ASCII)
    return [compiled.search(text) is not None for text in texts]


def disagreements(texts: Sequence[str], ours: list[bool], theirs: list[bool] | None) -> list[str]:
    assert theirs is not None, "they find the pattern invalid"
    return [
        f"{text!r}: ours {mine}, theirs {other}"
        for text, mine, other in zip(texts, ours, theirs, strict=True)
        if mine is not other
    ]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_python_agrees_with_javascript(pattern: str, javascript: Engine):
    assert not disagreements(TEXTS, in_python(pattern, TEXTS), javascript(pattern, TEXTS))


@pytest.mark.slow
def test_java_agrees_with_javascript(javascript: Engine, java: Engine):
    wrong = {}
    for pattern in PATTERNS:
        theirs = java(translate(pattern), TEXTS)
        assert theirs is not None, f"Java finds {pattern} invalid"
        found = disagreements(TEXTS, theirs, javascript(pattern, TEXTS))
        if found:
            wrong[pattern] = found
    assert wrong == {}


# Words of a small grammar: every pattern made of them is valid.
CHARACTERS = st.sampled_from("ab1-_ .,{}]&#é\n\u00a0")
ESCAPES = st.sampled_from([r"\d", r"\D", r"\w", r"\W", r"\s", r"\.", r"\-", r"\n", r"\u0061"])
CLASS_PARTS = st.one_of(
    st.sampled_from("ab1-_ .,{[&^~|#é\n\u00a0").filter(lambda char: char != "^"),
    ESCAPES,
    st.sampled_from(["a-b", "0-9", r"\w-.", r".-\d", "&&", "--"]),
)
CLASSES = st.builds(
    lambda negated, parts: f"[{negated}{''.join(parts)}]",
    st.sampled_from(["", "^"]),
    st.lists(CLASS_PARTS, min_size=1, max_size=4),
)
ATOMS = st.one_of(CHARACTERS.filter(lambda c: c != "."), ESCAPES, CLASSES, st.just("."))
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,}", "{0,2}", "+?", "??"])
SIMPLE = st.builds(str.__add__, ATOMS, QUANTIFIERS)
ASSERTIONS = st.sampled_from(["^", "$", r"\b", r"\B"])


def sequences(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.one_of(parts, ASSERTIONS), max_size=3).map("".join)


def groups(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(sequences(inner), min_size=1, max_size=3).map("|".join)
    plain = st.builds(
        lambda head, body, quantifier: f"{head}{body}){quantifier}",
        st.sampled_from(["(", "(?:", "(?<name>"]),
        body,
        QUANTIFIERS,
    )
    looking = st.builds("{}{})".format, st.sampled_from(["(?=", "(?!"]), body)
    return st.one_of(plain, looking)


VALID = st.lists(sequences(st.recursive(SIMPLE, groups, max_leaves=6)), min_size=1, max_size=2)
SCRIBBLES = st.lists(
    st.sampled_from([*r"ab1{}()[]^$|*+?.\-,:=!<>&~# ", "(?", "{1,", r"\b", r"\u00", "é", "\u0663"]),
    max_size=9,
)
SHORT_TEXTS = st.lists(
    st.text("abc12-_ .,{}[]&^#é\u017f\n\r\u2028\u00a0\u0663", max_size=5), min_size=3, max_size=6
)
ask_often = settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.filter_too_much],
)


@ask_often
@example(pattern=["{2}"], texts=["2"])
@example(pattern=["a{2}{3}"], texts=["aa{3}"])
@example(pattern=["(?=a)*"], texts=["a"])
@example(pattern=[r"[\t-\s]"], texts=["-"])
@given(pattern=VALID, texts=SHORT_TEXTS)
def test_any_pattern_let_through_means_the_same(
    pattern: list[str], texts: list[str], javascript: Engine
):
    joined = "|".join(pattern)
    try:
        ours = in_python(joined, texts)
    except UnenforceableError:
        assume(False)
    assert not disagreements(texts, ours, javascript(joined, texts))


@ask_often
@given(pattern=SCRIBBLES, texts=SHORT_TEXTS)
def test_what_is_no_pattern_is_never_let_through(
    pattern: list[str], texts: list[str], javascript: Engine
):
    joined = "".join(pattern)
    try:
        ours = in_python(joined, texts)
    except UnenforceableError:
        return
    assert not disagreements(texts, ours, javascript(joined, texts))


@pytest.mark.parametrize("pattern", ["^.$", "^[\U0001f600]$", "^\U0001f600{2}$", r"^\W$"])
def test_a_character_beyond_the_basic_plane_counts_as_one(pattern: str, javascript: Engine):
    texts = ["\U0001f600", "\U0001f600\U0001f600", "a"]
    assert not disagreements(texts, in_python(pattern, texts), javascript(pattern, texts, "u"))


def test_a_final_newline_is_not_forgiven():
    assert in_python(TAIL_NUMBER, ["N12345", "N12345\n"]) == [True, False]


def test_an_unanchored_pattern_is_found_anywhere():
    assert in_python("b", ["abc"]) == [True]


def test_the_end_is_spelt_as_the_target_asks():
    assert (translate("a$"), translate("a$", end=r"\Z")) == (r"a\z", r"a\Z")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a)\1", "back-references"),
        (r"(?<n>a)\k<n>", "back-references"),
        ("(a+)+", "for ever"),
        ("(a*)*", "for ever"),
        ("(a+)*b", "for ever"),
        ("((a|b)+c*)+", "for ever"),
        ("(?:x(a{2,})y)*", "for ever"),
        ("((a+)?b)+?", "for ever"),
        ("(a+){3,}", "for ever"),
        ("(?i)abc", "not part of ECMA-262"),
        ("a(?m:b)", "not part of ECMA-262"),
        ("(?P<n>a)", "not part of ECMA-262"),
        ("(?>a)", "not part of ECMA-262"),
        ("(?#note)", "not part of ECMA-262"),
        ("a++", "nothing to repeat"),
        ("a*+", "nothing to repeat"),
        ("a{2}+", "nothing to repeat"),
        ("*a", "nothing to repeat"),
        ("^*", "nothing to repeat"),
        ("a|?", "nothing to repeat"),
        ("{2}", "nothing to repeat"),
        ("a{2}{3}", "nothing to repeat"),
        (r"\b+", "nothing to repeat"),
        ("(?<=a)*", "nothing to repeat"),
        ("a" * (MAX_LENGTH + 1), "longer than 512"),
        ("[a", "not closed"),
        ("[]", "empty class"),
        ("[^]", "empty class"),
        ("[b-a]", "range"),
        ("(a", "unterminated"),
        ("a)", "unbalanced"),
        ("a\\", "backslash"),
        (r"\p{L}", "not supported"),
        (r"\Aa\Z", "not supported"),
        (r"[\S]", "inside a class"),
        (r"\ud83d\ude00", "beyond U\\+FFFF"),
        ("a{2,1}", "repeat"),
        ("(?<n>a)|(?<n>b)", "two groups are named n"),
        ("(?<=a+)b", "look-behind"),
    ],
)
def test_what_engines_read_differently_is_refused_with_its_reason(pattern: str, reason: str):
    with pytest.raises(UnenforceableError, match=reason):
        translate(pattern)


def test_the_longest_pattern_is_let_through():
    assert translate("a" * MAX_LENGTH) == "a" * MAX_LENGTH


def test_the_deepest_pattern_is_let_through():
    deepest = MAX_LENGTH // 2
    assert translate("(" * deepest + ")" * deepest)
