"""Named extensions of one kind."""

from __future__ import annotations

import pytest

from dc43_core.errors import DuplicateNameError, UnknownNameError
from dc43_core.registry import API, Extension, Offer, Registry


def offer(name: str, owner: str = "acme") -> Offer[str]:
    return Offer(Extension(name, str), owner)


@pytest.fixture
def registry() -> Registry[str]:
    return Registry("strategy", [offer("b"), offer("a", "other")])


def test_an_offer_is_found_by_its_name(registry: Registry[str]):
    assert registry.get("a").owner == "other"


def test_offers_keep_their_order(registry: Registry[str]):
    assert [o.extension.name for o in registry] == ["b", "a"]


def test_a_registry_knows_its_names_and_their_number(registry: Registry[str]):
    assert ("a" in registry, "c" in registry, len(registry)) == (True, False, 2)


def test_an_unknown_name_lists_what_is_installed(registry: Registry[str]):
    with pytest.raises(UnknownNameError, match="no strategy named 'c'; installed: a, b") as caught:
        registry.get("c")
    assert (caught.value.kind, caught.value.name, caught.value.known) == (
        "strategy",
        "c",
        ["a", "b"],
    )


def test_an_unknown_name_says_what_brings_it(registry: Registry[str]):
    with pytest.raises(UnknownNameError, match=r"; it comes with acme-c$"):
        registry.get("c", "acme-c")


def test_where_nothing_is_installed_it_says_so():
    with pytest.raises(LookupError, match="installed: none"):
        Registry[str]("strategy").get("c")


def test_a_clash_names_both_owners(registry: Registry[str]):
    with pytest.raises(DuplicateNameError, match="offered by acme and by third") as caught:
        registry.add(offer("b", "third"))
    assert caught.value.owners == ["acme", "third"]


def test_a_clash_leaves_the_first_offer(registry: Registry[str]):
    with pytest.raises(ValueError):
        registry.add(offer("b", "third"))
    assert registry.get("b").owner == "acme"


def test_an_extension_speaks_the_present_interface_unless_it_says_otherwise():
    assert (Extension("a", str).api, Extension("a", str, api="0").api) == (API, "0")
