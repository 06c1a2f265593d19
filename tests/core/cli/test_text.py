"""How numbers and foreign text are shown."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dc43_core.cli import text


@pytest.mark.parametrize(
    ("part", "whole", "told"),
    [
        (25_464, 336_776, "7.6 %"),
        (0, 5, "0.0 %"),
        (5, 336_776, "< 0.1 %"),
        (336_775, 336_776, "> 99.9 %"),
        (7, 7, "100.0 %"),
        (0, 0, "-"),
    ],
)
def test_shares(part, whole, told):
    assert text.share(part, whole) == told


@pytest.mark.parametrize(
    ("seconds", "told"), [(1.23, "1.2 s"), (0.0, "0.0 s"), (125.4, "2 min 5 s")]
)
def test_durations(seconds, told):
    assert text.duration(seconds) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (59.96, "60.0 s"),
        (125, "2 min 5 s"),
        (3_600, "1 h 0 min"),
        (93_599.9, "1 d 2 h"),
        (-90_000, "-1 d 1 h"),
        (86_400_000, "1,000 d 0 h"),
    ],
)
def test_ages_have_two_units(seconds, told):
    assert text.span(seconds) == told


def test_numbers_have_separators_and_nouns_their_plural():
    assert text.number(336_776) == "336,776"
    assert [text.count(n, "batch", "batches") for n in (1, 365)] == ["1 batch", "365 batches"]


@pytest.mark.parametrize(
    ("raw", "told"),
    [("a\n b", "a b"), ("\x1b[31mred", "\\x1b[31mred"), ("x\u202ey", "x\\u202ey"), ("é", "é")],
)
def test_foreign_text_cannot_steer_a_terminal(raw, told):
    assert text.clean(raw) == told


def test_places_of_this_machine_are_paths():
    assert text.place("file:///data/two%20words") == "/data/two words"
    assert text.place("hdfs://host/data") == "hdfs://host/data"
    assert text.place(None) == "none"


def test_cells_are_no_markup_and_lines_end_without_blanks():
    out = io.StringIO()
    console = Console(file=out, markup=False, highlight=False, width=80)
    text.print_table(console, [("name", "left"), ("n", "right")], [("[red]x", "1"), ("y", "1,000")])
    assert out.getvalue() == "name        n\n[red]x      1\ny       1,000\n"


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("1", False)])
def test_colours_are_for_terminals_and_obey_no_color(monkeypatch, no_color, coloured):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", no_color)
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, markup=False, highlight=False)
    text.print_table(console, [("verdict", "left")], [("block",)])
    assert ("\x1b[1;31m" in out.getvalue()) is coloured
