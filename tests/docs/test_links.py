"""Every relative link of every page leads to a file, and to a heading that is there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[2]
GENERATED = {"dist", "build", "data", "out", "spark-warehouse"}
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]\[]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def pages() -> list[Path]:
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return sorted(
        path
        for path in found
        if not GENERATED.intersection(path.parts)
        and not any(part.startswith(".") for part in path.parts)
    )


def prose(page: Path) -> str:
    return FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    # What stands in code is no link.
    text = re.sub(r"(`+).+?\1", "", prose(page))
    return [target for target in LINK.findall(text) if not ELSEWHERE.match(target)]


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as forges make them."""
    found: set[str] = set()
    for heading in HEADING.findall(prose(page)):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        anchor = re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
        number = 0
        while (unique := f"{anchor}-{number}" if number else anchor) in found:
            number += 1
        found.add(unique)
    return frozenset(found)


@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_relative_link_leads_somewhere(page: Path):
    lost = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (ROOT / page.parent / unquote(path)).resolve() if path else ROOT / page
        if not target.exists():
            lost.append(f"{link}: no such file")
        elif anchor and anchor not in anchors(target.relative_to(ROOT)):
            lost.append(f"{link}: no such heading")
    assert lost == []


@pytest.mark.parametrize("page", [p for p in pages() if p.parts[0] == "docs"], ids=str)
def test_every_page_of_the_docs_is_reached_from_the_index(page: Path):
    index = Path("docs/index.md")
    reached, todo = {index}, [index]
    while todo:
        here = todo.pop()
        for link in links(here):
            target = (ROOT / here.parent / unquote(link.partition("#")[0])).resolve()
            if target.suffix == ".md" and target.is_relative_to(ROOT):
                found = target.relative_to(ROOT)
                if found not in reached:
                    reached.add(found)
                    todo.append(found)
    # Fragments wait there to be gathered, and are linked by nobody.
    assert page in reached or page.parent == Path("docs/changelog.d")


def test_the_anchors_are_those_of_the_headings():
    assert anchors(Path("docs/reference/hooks.md")) >= {"dc43_contract_loaders"}


@pytest.mark.parametrize("page", pages(), ids=str)
def test_no_page_names_a_place_of_one_machine(page: Path):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.findall(r"/(?:root|Users|tmp)/\S*", text) == []
