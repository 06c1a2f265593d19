"""When `acme-block-after` blocks."""

from __future__ import annotations

import pytest

from acme_rules.strategy import BlockAfterN, BlockAfterOptions
from dc43_core import Decision
from dc43_core.testing.strategies import InterventionStrategyConformance, StrategyStream, finding

GOOD, BAD = [], [finding()]


class TestBlockAfterN(InterventionStrategyConformance):
    @pytest.fixture
    def strategy(self) -> BlockAfterN:
        return BlockAfterN(BlockAfterOptions(n=2))


@pytest.mark.parametrize(
    ("n", "batches", "blocked"),
    [
        (1, [GOOD, BAD], [False, True]),
        (3, [BAD, BAD, BAD, BAD], [False, False, True, True]),
        (2, [BAD, GOOD, BAD, BAD], [False, False, False, True]),
    ],
)
def test_the_nth_bad_batch_in_a_row_is_blocked(n, batches, blocked):
    stream = StrategyStream(BlockAfterN(BlockAfterOptions(n=n)))
    decisions = [stream.ask(*findings).decision for findings in batches]
    assert [decision is Decision.BLOCK for decision in decisions] == blocked


def test_the_reason_tells_the_count():
    stream = StrategyStream(BlockAfterN(BlockAfterOptions(n=2)))
    stream.ask(*BAD)
    assert stream.ask(*BAD).reason == "2 bad batches in a row, 2 are too many"
