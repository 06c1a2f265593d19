"""Bad batches in a row block, whatever is started again in between."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_blocking.block_after import BlockAfter, BlockAfterOptions
from dc43_blocking.hooks import dc43_intervention_strategies
from dc43_blocking.reject_ratio import BlockOnRejectRatio, RejectRatioOptions
from dc43_blocking.strict import StrictOptions
from dc43_core import Decision, Extension, InterventionStrategy, Runtime, load_config
from dc43_core.errors import ConfigurationError
from dc43_core.testing.strategies import InterventionStrategyConformance, StrategyStream, finding
from dc43_core.vocabulary import Severity

README = Path(__file__).parents[1] / "README.md"
WARNING = finding(severity=Severity.WARNING)
THRESHOLD = finding("rows", kind="row-count", rows=0, threshold=True, message="measured 0 rows")


class TestBlockAfterThree(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return BlockAfter()


class TestBlockAfterTwoThatLanded(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> InterventionStrategy:
        return BlockAfter(BlockAfterOptions(n=2, count="landed"))


BATCHES = {"b": [finding()], "g": [], "w": [WARNING], "t": [THRESHOLD]}


def ask(stream: StrategyStream, batch: str) -> str:
    """`b` bad, `g` good, `w` warned, `t` over a threshold, `u` without verdict, upper: released."""
    if batch == "u":
        answer = stream.ask(fault="data-quality client: TimeoutError")
    else:
        answer = stream.ask(*BATCHES[batch.lower()], released=batch.isupper())
    return {Decision.BLOCK: "x", Decision.CONTINUE: "."}[answer.decision]


def decisions(batches: str, *, has_rejects: bool = True, **options: object) -> str:
    strategy = BlockAfter(BlockAfterOptions(**options))  # type: ignore[arg-type]
    stream = StrategyStream(strategy, has_rejects=has_rejects)
    return "".join(ask(stream, batch) for batch in batches)


@pytest.mark.parametrize(
    ("batches", "options", "expected"),
    [
        ("bbb", {"n": 3}, "..x"),
        ("bbgbbgbb", {"n": 3}, "........"),
        ("bbwbb", {"n": 2}, ".x..x"),
        ("bub", {"n": 3}, "..x"),
        ("b", {"n": 1}, "x"),
        ("bbbb", {"n": 3}, "..xx"),
        ("bbBbbb", {"n": 3}, "..x..x"),
        ("bbbb", {"n": 2, "count": "landed"}, "...."),
        ("btbt", {"n": 1, "count": "landed"}, ".x.x"),
        ("uu", {"n": 2, "count": "landed"}, ".x"),
    ],
)
def test_the_nth_bad_batch_in_a_row_is_blocked(batches, options, expected):
    assert decisions(batches, **options) == expected


def test_rows_without_a_reject_sink_land_and_count():
    assert decisions("bb", n=2, count="landed", has_rejects=False) == ".x"


@given(st.text("bgwtuB"), st.integers(1, 4), st.data())
def test_the_count_is_a_recount_of_the_records_however_often_it_is_started(batches, n, data):
    strategy = BlockAfter(BlockAfterOptions(n=n))
    stream = StrategyStream(strategy)
    told = ""
    for batch in batches:
        if data.draw(st.booleans()):
            stream = StrategyStream(BlockAfter(strategy.options), history=[*stream.history])
        told += ask(stream, batch)
    in_a_row, expected, released = 0, "", False
    for batch, record in zip(batches, stream.history, strict=True):
        bad = record["valid_count"] < record["row_count"] or bool(record["errors"])
        in_a_row = (0 if released else in_a_row) + 1 if bad else 0
        expected += "x" if in_a_row >= n else "."
        released = batch.isupper()
    assert told == expected


def test_the_reason_tells_how_many_and_what():
    stream = StrategyStream(BlockAfter(BlockAfterOptions(n=2)))
    stream.ask(finding())
    assert stream.ask(finding(message="amount is missing"), finding("b")).reason == (
        "2 bad batches in a row (amount is missing and 1 more); it blocks after 2"
    )


def test_the_strategies_are_offered_with_their_options():
    extensions: list[Extension] = list(dc43_intervention_strategies())
    assert {e.name: e.options for e in extensions} == {
        "block-after": BlockAfterOptions,
        "block-on-reject-ratio": RejectRatioOptions,
        "strict": StrictOptions,
    }


@pytest.mark.parametrize(
    ("use", "options", "problem"),
    [
        ("block-after", "n = 0", "'n' must be >= 1"),
        ("block-after", 'count = "some"', "some"),
        ("block-after", "m = 1", "unknown key m"),
        ("strict", 'severity = "info"', "info"),
        ("block-on-reject-ratio", "batches = 3", "required key 'ratio' is missing"),
        ("block-on-reject-ratio", "ratio = 0.1", "give either batches or minutes"),
        ("block-on-reject-ratio", "ratio = 0.1\nbatches = 3\nminutes = 1", "either batches or"),
        ("block-on-reject-ratio", "ratio = 1.0\nbatches = 3", "'ratio' must be < 1"),
        ("block-on-reject-ratio", "ratio = 0.1\nbatches = 1001", "'batches' must be <= 1000"),
        ("block-on-reject-ratio", "ratio = 0.1\nminutes = 1441", "'minutes' must be <= 1440"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, use, options, problem):
    file = tmp_path / "dc43.toml"
    file.write_text(f'[strategies.strict]\nuse = "{use}"\n{options}\n')
    with pytest.raises(ConfigurationError, match=rf"strategies\.strict \({use}\)") as refused:
        Runtime(config=load_config(file)).strategy("strict")
    assert problem in str(refused.value)


def test_the_readme_s_configuration_is_right(tmp_path):
    [configuration] = re.findall(r"```toml\n(.*?)```", README.read_text(), re.DOTALL)
    (tmp_path / "dc43.toml").write_text(configuration)
    runtime = Runtime(config=load_config(tmp_path / "dc43.toml"))
    three, spoilt = (runtime.strategy(n).strategy for n in ("three-strikes", "spoilt"))
    assert isinstance(three, BlockAfter)
    assert isinstance(spoilt, BlockOnRejectRatio)
    assert three.options == BlockAfterOptions(n=3)
    assert spoilt.options == RejectRatioOptions(ratio=0.05, minutes=30, min_rows=1000)
