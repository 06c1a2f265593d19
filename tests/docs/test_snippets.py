"""What the pages show is what happens: snippets run, commands print what stands below them.

A comment before a code block says what it is:

    <!-- file: NAME -->     the block is that file, in the page's own folder
    <!-- run -->            Python, or commands after `$`, run there one after the other
    <!-- run: spark -->     the same with a Spark session; Python finds it as `spark`

`<!-- files of: PAGE -->` begins with the files that another page of the docs has before it starts
Spark. Below a command stands what it prints, `...` for lines that are left out; times, ids and
widths of columns may differ.
"""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

from dc43_core import Runtime, load_config, reset_default_runtime
from dc43_core.cli import main
from dc43_core.pipeline_file import load_pipeline

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PLACE = "/home/you/first-stream"
_BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>[\w:./ -]+?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FILES_OF = re.compile(r"^<!-- files of: (\S+) -->$", re.MULTILINE)
_VARYING = {
    r"\b(?:\d+ min )?\d+(?:\.\d+)? s\b": "<time>",
    r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\b": "<moment>",
    r"\b(?:[0-9a-f]{32}|[0-9a-f]{12})\b": "<id>",
}


@frozen
class Block:
    mark: str
    language: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [
        Block(found["mark"] or "", found["language"], found["text"])
        for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]


def walked(*, spark: bool) -> list[Path]:
    """Return the pages with something to run, those that need Spark or the others."""
    marks = {page: {block.mark for block in blocks(page)} for page in PAGES}
    return [
        page
        for page, seen in marks.items()
        if seen & {"run", "run: spark"} and ("run: spark" in seen) is spark
    ]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


# -- walking a page --------------------------------------------------------------------------------


@define
class Walk:
    """One page, block by block."""

    folder: Path
    names: dict[str, Any] = field(factory=dict)
    code: int = 0

    def page(self, page: Path) -> None:
        for other in _FILES_OF.findall(page.read_text(encoding="utf-8")):
            for block in blocks(ROOT / "docs" / other):
                if block.mark == "run: spark":
                    break
                if block.mark.startswith("file: "):
                    self.file(block)
        for block in blocks(page):
            if block.mark.startswith("file: "):
                self.file(block)
            elif block.mark and block.language == "python":
                exec(compile(block.text, name(page), "exec"), self.names)  # noqa: S102
            elif block.mark:
                self.console(block.text)

    def file(self, block: Block) -> None:
        path = self.folder / block.mark.removeprefix("file: ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def console(self, text: str) -> None:
        for found in re.finditer(r"^\$ (.+)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE):
            printed = shown(self.command(shlex.split(found[1], comments=True)), self.folder)
            expected = shown(found[2], self.folder)
            if not matches(printed, expected):
                assert printed == expected, f"$ {found[1]}"

    def command(self, words: list[str]) -> str:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            match words:
                case ["dc43", *arguments]:
                    self.code = main(arguments)
                case ["python", file]:
                    runpy.run_path(file)
                case ["rm", "-r", path]:
                    shutil.rmtree(path)
                case ["mv", source, target]:
                    Path(source).rename(target)
                case ["echo", "$?"]:
                    print(self.code)
                case _:
                    raise ValueError(f"the walk does not know {words}")
        return out.getvalue()


def shown(text: str, folder: Path) -> str:
    """Return lines without what differs from run to run, and the blanks that align columns."""
    text = text.replace(str(folder), PLACE)
    for varying, name in _VARYING.items():
        text = re.sub(varying, name, text)
    return "".join(f"{' '.join(line.split())}\n" for line in text.splitlines())


def matches(printed: str, expected: str) -> bool:
    lines = (
        r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n"
        for line in expected.splitlines()
    )
    return re.fullmatch("".join(lines), printed) is not None


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    folder = tmp_path / "first-stream"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for variable in ("DC43_CONFIG", "DC43_NAMESPACE", "DC43_TRACEBACK"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    reset_default_runtime()
    yield lambda page, **names: Walk(folder, {"__name__": "snippet", **names}).page(page)
    reset_default_runtime()


@pytest.mark.parametrize("page", walked(spark=False), ids=name)
def test_a_page_without_spark_does_what_it_says(page: Path, walk):
    walk(page)


@pytest.mark.spark
@pytest.mark.slow
@pytest.mark.parametrize("page", walked(spark=True), ids=name)
def test_a_page_on_spark_does_what_it_says(page: Path, walk, spark):
    walk(page, spark=spark)


# -- configuration ---------------------------------------------------------------------------------

TOML = [
    pytest.param(block.text, id=f"{name(page)} {number}")
    for page in PAGES
    for number, block in enumerate(blocks(page))
    if block.language == "toml"
]


@pytest.mark.parametrize("text", TOML)
def test_a_configuration_that_is_shown_can_be_loaded(text: str, tmp_path: Path):
    named = re.match(r"# (dc43\.toml|pipeline\.toml|pyproject\.toml)\b", text)
    assert named, "begin with a comment that names the file: # dc43.toml"
    file = tmp_path / named[1]
    file.write_text(text, encoding="utf-8")
    if file.name == "pipeline.toml":
        pipeline = load_pipeline(file)
        runtime = Runtime(config=load_config(_empty(tmp_path)))
        known = runtime.plugins.registry("strategy")
        for strategy in pipeline.strategies:
            # A bare name may be an instance of some dc43.toml.
            if not isinstance(strategy, str) or strategy in known:
                runtime.strategy(strategy)
        return
    config = load_config(file)
    for strategy in (*config.strategies, *config.default_strategies):
        Runtime(config=config).strategy(strategy)


def _empty(folder: Path) -> Path:
    file = folder / "dc43.toml"
    file.touch()
    return file


# -- the walk itself -------------------------------------------------------------------------------


def test_a_line_that_differs_is_found(tmp_path: Path):
    expected = shown("3 rows, 1.2 s\n...\nin /home/you/first-stream/out\n", tmp_path)
    good = f"3  rows, 12.9 s\nmore\n\nin {tmp_path}/out\n"
    assert matches(shown(good, tmp_path), expected)
    assert not matches(shown(good.replace("3  rows", "4 rows"), tmp_path), expected)


def test_some_pages_are_walked_on_spark_and_some_without():
    assert ROOT / "docs/tutorials/first-stream.md" in walked(spark=True)
    assert ROOT / "docs/how-to/write-a-plugin.md" in walked(spark=False)
