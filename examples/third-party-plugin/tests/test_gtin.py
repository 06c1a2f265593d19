"""What `acme-gtin` means, without any engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from acme_rules.gtin import GtinKind
from dc43_core.testing.kinds import ExpectationKindConformance, expectation_of


class TestGtinKind(ExpectationKindConformance):
    @pytest.fixture
    def kind(self) -> GtinKind:
        return GtinKind()

    @pytest.fixture
    def valid_arguments(self) -> Mapping[str, Any]:
        return {"lengths": [8, 13]}

    @pytest.fixture
    def invalid_arguments(self) -> Sequence[Mapping[str, Any]]:
        return [{"lengths": []}, {"lengths": [10]}, {"lengths": "13"}, {"lengths": ["13"]}]

    @pytest.fixture
    def violating_values(self) -> Sequence[Any]:
        return ["4006381333932", "036000291452", "4006381333931\n", "400638133393X", "", 7]

    @pytest.fixture
    def passing_values(self) -> Sequence[Any]:
        return ["4006381333931", "96385074", "9780306406157", 4006381333931]


@pytest.mark.parametrize("gtin", ["96385074", "036000291452", "4006381333931", "10614141543219"])
def test_every_length_that_gs1_knows_is_taken_by_default(gtin):
    kind = GtinKind()
    assert not kind.violated_by(expectation_of(kind, {}), (gtin,))


@pytest.mark.parametrize("place", range(13))
def test_one_wrong_digit_is_always_found(place):
    kind, good = GtinKind(), "4006381333931"
    rule = expectation_of(kind, {})
    for digit in "0123456789":
        changed = good[:place] + digit + good[place + 1 :]
        assert kind.violated_by(rule, (changed,)) is (changed != good)
