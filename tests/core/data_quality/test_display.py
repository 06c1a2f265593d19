"""A result reads well where it is printed and in a notebook."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from dc43_core import ValidationResult, Verdict
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Outcome

HOSTILE = "<script>alert(1)</script>\x1b[31m & 'quoted'"


@pytest.fixture
def live() -> ValidationResult:
    records = [
        make_record(batch_id=0, row_count=12_345),
        make_record(batch_id=1, outcome=Outcome.BLOCKED, verdict=Verdict.BLOCK),
    ]
    return ValidationResult(
        status=Verdict.BLOCK,
        errors=[f"batch 1: {HOSTILE}"],
        reason="too few rows",
        metrics={"batch_count": 2, "row_count": 12_355, "main_count": 9, "reject_count": 1},
        dataset_id="orders",
        dataset_version="1",
        contract_id="orders",
        contract_version="1.0.0",
        streaming_batches=[record.payload() for record in records],
    )


def test_printed_it_begins_with_verdict_dataset_and_reason(live: ValidationResult):
    first, second, third, *_ = str(live).splitlines()
    assert first == "block: orders 1 under contract orders 1.0.0"
    assert second == "too few rows"
    assert third == "2 batches: 12,355 rows, 9 in main, 1 rejected"
    # A batch write is one batch, and says no number of them.
    del live.metrics["batch_count"]
    assert str(live).splitlines()[2] == "12,355 rows, 9 in main, 1 rejected"


def test_printed_each_batch_is_a_line_of_one_table(live: ValidationResult):
    rows = [line.split() for line in str(live).splitlines()]
    assert ["0", "12,345", "9", "1", "warn", "committed", "1"] in rows
    assert ["1", "10", "0", "0", "block", "blocked", "-"] in rows


def test_printed_nothing_steers_the_terminal(live: ValidationResult):
    assert "\x1b" not in str(live)
    assert "\\x1b[31m" in str(live)


def test_a_notebook_takes_nothing_for_markup(live: ValidationResult):
    html = live._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_notebook_gets_a_table_that_closes_what_it_opens(live: ValidationResult):
    opened: list[str] = []

    class Balance(HTMLParser):
        def handle_starttag(self, tag, attrs):
            opened.append(tag)

        def handle_endtag(self, tag):
            assert opened.pop() == tag

    Balance().feed(live._repr_html_())
    assert opened == []
    assert len(re.findall("<tr>", live._repr_html_())) == 3


def test_only_the_newest_are_shown_and_the_rest_is_counted(live: ValidationResult):
    live.streaming_batches = [make_record(batch_id=n).payload() for n in range(30)]
    live.warnings = [f"warning {n}" for n in range(8)]
    lines = str(live).splitlines()
    shown = [line.split()[0] for line in lines if line.endswith("committed        1")]
    assert shown == [str(n) for n in range(20, 30)]
    assert "  (3 earlier)" in lines
    assert "  warning 7" in lines


def test_the_result_of_a_read_shows_its_columns():
    result = ValidationResult(dataset_id="orders.input", schema={"id": "int", "größe": "double"})
    assert str(result).splitlines() == ["ok: orders.input", "columns: id int, größe double"]
