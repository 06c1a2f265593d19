"""docs/reference/hooks.md and the hook specifications say the same."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from dc43_core import hookspecs
from dc43_core.plugin_manager import KINDS
from dc43_integrations import hookspecs as spark_hookspecs

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "hooks.md").read_text(encoding="utf-8")
SPECIFIED = {
    node.name: node
    for specifications in (hookspecs, spark_hookspecs)
    for node in ast.parse(inspect.getsource(specifications)).body
    if isinstance(node, ast.FunctionDef)
}
SECTIONS = {
    title.strip("`"): text
    for title, text in re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    if title.strip("`").startswith("dc43_")
}


def signature(function: ast.FunctionDef) -> str:
    returns = ast.unparse(function.returns) if function.returns else "None"
    return f"def {function.name}({ast.unparse(function.args)}) -> {returns}: ..."


@pytest.mark.parametrize("name", SPECIFIED)
def test_a_hook_has_a_section_with_its_signature(name: str):
    assert name in SECTIONS, "no section"
    first = re.search(r"^```python\n(.*?)^```", SECTIONS[name], re.MULTILINE | re.DOTALL)
    assert first is not None, "no signature"
    assert first[1].strip() == signature(SPECIFIED[name])


@pytest.mark.parametrize("name", SPECIFIED)
def test_a_section_tells_when_the_hook_is_called_and_what_a_clash_does(name: str):
    for part in ("**Called**", "**Clash**"):
        assert part in SECTIONS[name]


def test_sections_stand_in_the_order_of_the_specifications():
    assert list(SECTIONS) == list(SPECIFIED)


def test_no_hook_is_named_that_does_not_exist():
    # A name with an ending of its own, such as that of a distribution, is none of a hook.
    named = set(re.findall(r"\bdc43_[a-z_]+s\b", PAGE)) - {"dc43_integrations", "dc43_rejects"}
    assert named <= set(SPECIFIED)


@pytest.mark.parametrize(("kind", "hook"), KINDS.items())
def test_each_kind_of_extension_is_named_in_the_section_of_its_hook(kind: str, hook: str):
    assert kind in SECTIONS[hook]
