"""What version selectors promise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.contracts.versions import VersionSelector, rank
from dc43_core.errors import ConfigurationError


def select(selector: str, *versions: str) -> str | None:
    return VersionSelector.parse(selector).select(versions)


@pytest.mark.parametrize(
    ("lower", "higher"),
    [
        ("1.9", "1.10"),
        ("1.0.0", "1.0.1"),
        ("1", "1.0.1"),
        ("1.0-rc1", "1.0"),
        ("1.0rc2", "1.0rc10"),
        ("1.0-alpha", "1.0-beta"),
        ("1.0-alpha", "1.0-alpha.1"),
        ("1.0-alpha.1", "1.0-alpha.beta"),
        ("0.9", "1.0-SNAPSHOT"),
        ("2024-01-15", "2024-02-01"),
        ("draft", "0"),
        ("draft", "0.0-a"),
    ],
)
def test_versions_are_ordered_number_by_number(lower, higher):
    assert rank(lower) < rank(higher)


@pytest.mark.parametrize(("one", "other"), [("1.0", "1.0.0"), ("v1.2", "1.2"), ("1.0+a", "1.0+b")])
def test_spellings_of_one_version_rank_alike(one, other):
    assert rank(one) == rank(other)


_VERSIONS = st.lists(st.integers(0, 30), min_size=1, max_size=4).map(
    lambda parts: ".".join(map(str, parts))
)


@given(_VERSIONS)
def test_a_bare_version_means_exactly_this_text(version):
    selector = VersionSelector.parse(version)
    assert selector.exact == version
    assert selector.matches(version)
    assert not selector.matches(f"{version}.0")
    assert VersionSelector.parse(f"=={version}").exact == version


def test_one_zero_is_not_one_zero_zero():
    assert not VersionSelector.parse("1.0.0").matches("1.0")
    assert select("1.10", "1.1", "1.100") is None


@pytest.mark.parametrize(
    ("selector", "version", "holds"),
    [
        (">=1.0,<2", "1.0.0", True),
        (">=1.0,<2", "1.10", True),
        (">=1.0,<2", "2.0.0", False),
        (">=1.0,<2", "2.0.0-rc1", False),
        (">=1.0,<2", "0.9", False),
        (">=1.0 , <2", "1.5", True),
        (">=1.0", "draft", False),
        ("<2.0-rc2", "2.0-rc1", True),
        (">1.0,!=1.5", "1.5", False),
        ("<=1.0", "1.0.0", True),
        ("latest", "anything", True),
    ],
)
def test_every_clause_of_a_range_must_hold(selector, version, holds):
    assert VersionSelector.parse(selector).matches(version) is holds


def test_latest_is_the_highest_release():
    assert select("latest", "1.9", "1.10", "1.2", "2.0-rc1", "draft") == "1.10"


def test_a_pre_release_is_chosen_where_there_is_nothing_else():
    assert select("latest", "1.0-rc1", "1.0-rc2", "draft") == "1.0-rc2"
    assert select(">=1.0", "1.1-rc1") == "1.1-rc1"


def test_nothing_is_chosen_from_nothing():
    assert select("latest") is None


@given(st.permutations(["1.0", "1.0.0", "0.9", "1.0-rc1"]))
def test_the_order_of_files_does_not_choose(versions):
    assert select("latest", *versions) == "1.0.0"


@pytest.mark.parametrize(
    "text",
    [
        1.1,
        None,
        "",
        "  ",
        ">=",
        ">=1,",
        "~1.2",
        "^1.2",
        "1.*",
        "1.0 2.0",
        "=>1",
        ">=draft",
        "latest,<2",
    ],
)
def test_a_bad_selector_shows_the_way_out(text):
    with pytest.raises(ConfigurationError, match="latest"):
        VersionSelector.parse(text)


@given(st.text(), st.text(), st.text())
def test_any_texts_have_a_total_order(a, b, c):
    ranks = sorted([rank(a), rank(b), rank(c)])
    assert ranks[0] <= ranks[1] <= ranks[2]
    assert (rank(a) < rank(b)) + (rank(a) == rank(b)) + (rank(a) > rank(b)) == 1


@given(st.text())
def test_any_text_is_a_selector_or_a_configuration_error(text):
    try:
        VersionSelector.parse(text).matches("1.0")
    except ConfigurationError as error:
        assert error.source == "version selector"
