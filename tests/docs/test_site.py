"""The documentation builds as a site: no warning, no link into nothing, nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_of_the_docs_is_a_page_of_the_site(site: Path):
    pages = {p.relative_to(ROOT / "docs") for p in (ROOT / "docs").rglob("*.md")}
    wanted = {p for p in pages if p.parts[0] != "changelog.d"}
    assert {p for p in wanted if not (site / p.with_suffix(".html")).exists()} == set()


def test_the_navigation_is_the_index(site: Path):
    text = (site / "index.html").read_text(encoding="utf-8")
    navigation = text[text.index("md-nav--primary") :]
    sections = ("Learn", "Do", "Look up", "Understand")
    places = [navigation.index(section) for section in sections]
    assert places == sorted(places)


def test_a_page_loads_nothing_from_elsewhere(site: Path):
    foreign = re.compile(r'<(?:script|link|img)[^>]+(?:src|href)="?https?://[^">]+')
    found = {
        match
        for page in site.rglob("*.html")
        for match in foreign.findall(page.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_a_file_outside_of_the_pages_is_named_and_not_linked(site: Path):
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "CONTRIBUTING.md</code> in the repository" in text
    assert 'href="../' not in text
