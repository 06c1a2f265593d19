"""When violating rows leave main."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_core import Decision, Extension, InterventionStrategy, Runtime, RunType, load_config
from dc43_core.errors import ConfigurationError
from dc43_core.pipeline_file import Run
from dc43_core.testing.strategies import InterventionStrategyConformance, StrategyStream, finding
from dc43_core.vocabulary import Severity
from dc43_rejects.hooks import dc43_intervention_strategies
from dc43_rejects.strategy import RouteAfter, RouteAfterOptions, RouteRejects, Split

README = Path(__file__).parents[1] / "README.md"
WARNING = finding(severity=Severity.WARNING)


class TestRouteRejects(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return RouteRejects()

    def test_an_error_finding_is_routed_with_its_message(self, strategy):
        answer = StrategyStream(strategy).ask(finding(message="amount is missing"), finding("b"))
        assert answer.decision is Decision.ROUTE
        assert answer.reason == (
            "amount is missing and 1 more; rows that break the contract go to the rejects"
        )

    def test_a_batch_without_a_verdict_is_routed(self, strategy):
        answer = StrategyStream(strategy).ask(fault="data-quality client: TimeoutError")
        assert answer.decision is Decision.ROUTE

    def test_a_warning_is_not_routed(self, strategy):
        assert StrategyStream(strategy).ask(WARNING).decision is Decision.CONTINUE


class TestSplit(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return Split()

    def test_the_reason_says_how_many_rows_go_where(self, strategy):
        assert StrategyStream(strategy).ask(finding(message="amount is missing")).reason == (
            "of 6 rows 2 break the contract (amount is missing) and go to the rejects, 4 go to main"
        )

    @pytest.mark.parametrize("found", [WARNING, finding(threshold=True, rows=0)])
    def test_where_no_row_breaks_an_error_rule_it_says_nothing(self, strategy, found):
        assert StrategyStream(strategy).ask(found).decision is Decision.CONTINUE


class TestRouteAfterThree(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return RouteAfter(RouteAfterOptions(n=3))


class TestRouteAfterAndBack(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return RouteAfter(RouteAfterOptions(n=2, back_after=2))


def decisions(batches: str, **options: int) -> str:
    """One letter a batch: `b` bad, `g` good, `w` warned; answers `r` route, `.` continue."""
    stream = StrategyStream(RouteAfter(RouteAfterOptions(**options)))
    findings = {"b": [finding()], "g": [], "w": [WARNING]}
    letters = {Decision.ROUTE: "r", Decision.CONTINUE: "."}
    return "".join(letters[stream.ask(*findings[batch]).decision] for batch in batches)


@pytest.mark.parametrize(
    ("batches", "options", "expected"),
    [
        ("bbbb", {"n": 3}, "..rr"),
        ("bbgbbgbbb", {"n": 3}, "........r"),
        ("bbwbb", {"n": 2}, ".r.rr"),
        ("bgggggb", {"n": 1}, "r.....r"),
        ("bbgbggbb", {"n": 2, "back_after": 2}, ".r.r...r"),
        ("gggbb", {"n": 2, "back_after": 1}, "....r"),
    ],
)
def test_route_after_counts_batches_in_a_row(batches, options, expected):
    assert decisions(batches, **options) == expected


@given(st.text("bg"), st.integers(1, 4), st.none() | st.integers(1, 3), st.data())
def test_routing_is_a_recount_of_the_records_however_often_it_is_started(
    batches, n, back_after, data
):
    options = RouteAfterOptions(n=n, back_after=back_after)
    stream, told = StrategyStream(RouteAfter(options)), []
    for batch in batches:
        if data.draw(st.booleans()):
            stream = StrategyStream(RouteAfter(options), history=[*stream.history])
        told.append(stream.ask(*([finding()] if batch == "b" else [])).decision is Decision.ROUTE)
    expected = []
    for last, record in enumerate(stream.history):
        so_far = "".join(
            "b" if r["valid_count"] < r["row_count"] else "g" for r in stream.history[: last + 1]
        )
        begun = so_far.rfind("b" * n)
        ended = so_far.rfind("g" * back_after) if back_after else -1
        expected.append(begun > ended and record["valid_count"] < record["row_count"])
    assert told == expected


def test_batches_without_a_verdict_count_as_bad():
    stream = StrategyStream(RouteAfter(RouteAfterOptions(n=2)))
    answers = [stream.ask(fault="client: TimeoutError").decision for _ in range(2)]
    assert answers == [Decision.CONTINUE, Decision.ROUTE]


def test_the_reason_tells_how_many_and_what():
    stream = StrategyStream(RouteAfter(RouteAfterOptions(n=2)))
    stream.ask(finding())
    assert stream.ask(finding(message="amount is missing")).reason == (
        "2 bad batches in a row (amount is missing); rows that break the contract go to the rejects"
    )


@pytest.mark.parametrize("n", [1, 2, 7])
def test_it_says_after_how_many_it_routes(n):
    assert RouteAfter(RouteAfterOptions(n=n)).routes_after == n


def test_every_extension_says_that_it_routes():
    extensions: list[Extension] = list(dc43_intervention_strategies())
    assert [e.name for e in extensions] == ["route-rejects", "route-after", "split"]
    assert all(e.capabilities == {"routes": True} for e in extensions)


@pytest.mark.parametrize(
    ("options", "problem"),
    [("n = 0", "'n' must be >= 1"), ("back_after = 0", "'back_after' must be"), ("m = 1", "m")],
)
def test_options_that_do_not_fit_are_refused(tmp_path, options, problem):
    file = tmp_path / "dc43.toml"
    file.write_text(f'[strategies.quarantine]\nuse = "route-after"\n{options}\n')
    with pytest.raises(ConfigurationError, match=r"strategies\.quarantine \(route-after\)") as bad:
        Runtime(config=load_config(file)).strategy("quarantine")
    assert problem in str(bad.value)


def test_the_readme_s_configuration_is_right(tmp_path):
    configuration, pipeline = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "dc43.toml").write_text(configuration)
    named = Runtime(config=load_config(tmp_path / "dc43.toml")).strategy("quarantine")
    assert named.routes
    assert isinstance(named.strategy, RouteAfter)
    assert named.strategy.options == RouteAfterOptions(n=3, back_after=10)
    assert 'type = "observe"' in pipeline
    assert Run(type=RunType.OBSERVE, strategies=("quarantine",)).strategies == ("quarantine",)
