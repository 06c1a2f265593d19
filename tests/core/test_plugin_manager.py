"""Plugins are found, loaded in a fixed order, and never fail in silence."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dc43_core.errors import DuplicateNameError, PluginLoadError
from dc43_core.plugin_manager import BUILT_IN, KINDS, Plugins, load_plugins

STRATEGY = """\
    from dc43_core import Extension, hookimpl

    @hookimpl
    def dc43_intervention_strategies():
        return [Extension("{name}", dict)]
"""
Install = Callable[..., str]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a distribution with one plugin; return the name of its module."""
    for name in ("DC43_BLOCK_PLUGINS", "DC43_ALLOW_PLUGINS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    modules: list[str] = []

    def put(
        distribution: str, entry: str = "", source: str = "", *, module: str = "", version: str = ""
    ) -> str:
        module = module or f"{distribution.replace('-', '_')}_hooks_{len(modules)}"
        modules.append(module)
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(source))
        info = tmp_path / f"{distribution.replace('-', '_')}-{version or '1.2'}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {distribution}\nVersion: {version or '1.2'}\n")
        if entry:
            (info / "entry_points.txt").write_text(f"[dc43]\n{entry} = {module}\n")
        return module

    yield put
    for module in modules:
        sys.modules.pop(module, None)


def load(*distributions: str, blocked: tuple[str, ...] = ()) -> Plugins:
    """Load these distributions' plugins and no others that happen to be installed."""
    return load_plugins(allowed=distributions, blocked=blocked)


def names(plugins: Plugins, kind: str = "strategy") -> list[str]:
    return [offer.extension.name for offer in plugins.registry(kind)]


def refusal(*distributions: str) -> PluginLoadError:
    with pytest.raises(PluginLoadError) as caught:
        load(*distributions)
    return caught.value


BUILT_IN_STRATEGIES = ["continue", "warn", "fail-fast"]


def test_the_built_ins_are_there_without_any_plugin(install: Install):
    plugins = load()
    assert [p.name for p in plugins.loaded] == [BUILT_IN]
    assert names(plugins) == BUILT_IN_STRATEGIES


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_looked_up(install: Install, kind: str):
    assert isinstance(names(load(), kind), list)


def test_an_installed_plugin_is_loaded_and_described(install: Install):
    module = install("acme-rules", "acme", STRATEGY.format(name="page-me"), version="3.1")
    plugins = load("acme-rules")
    assert names(plugins) == [*BUILT_IN_STRATEGIES, "page-me"]
    found = plugins.loaded[1]
    assert (found.name, found.distribution, found.version) == ("acme", "acme-rules", "3.1")
    assert (found.module, found.hooks) == (module, ("dc43_intervention_strategies",))


def test_plugins_come_by_the_name_of_their_entry_point(install: Install):
    install("acme-a", "zulu", STRATEGY.format(name="z"))
    install("acme-b", "alpha", STRATEGY.format(name="a"))
    plugins = load("acme-a", "acme-b")
    assert [p.name for p in plugins.loaded] == [BUILT_IN, "alpha", "zulu"]
    assert names(plugins) == [*BUILT_IN_STRATEGIES, "a", "z"]


def test_an_offer_knows_who_made_it(install: Install):
    install("acme-rules", "acme", STRATEGY.format(name="page-me"))
    registry = load("acme-rules").registry("strategy")
    assert [registry.get(name).owner for name in ("continue", "page-me")] == [BUILT_IN, "acme"]


def test_a_hook_is_called_once(install: Install):
    module = install(
        "acme-rules",
        "acme",
        """
        from dc43_core import hookimpl
        calls = []

        @hookimpl
        def dc43_intervention_strategies():
            calls.append(1)
            return []
        """,
    )
    plugins = load("acme-rules")
    assert sys.modules[module].calls == []
    for _ in range(2):
        plugins.registry("strategy")
    assert sys.modules[module].calls == [1]


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def broken(:", "SyntaxError"),
        (
            """
            from dc43_core import hookimpl

            @hookimpl
            def dc43_intervention_strategies(config):
                return []
            """,
            "config",
        ),
        (
            """
            from dc43_core import hookimpl

            @hookimpl
            def dc43_intervention_strategy():
                return []
            """,
            "unknown hook 'dc43_intervention_strategy'",
        ),
        ("def dc43_addhooks():\n    raise OSError('gone')", "OSError: gone"),
    ],
    ids=["import", "error", "syntax", "signature", "misspelt", "addhooks"],
)
def test_a_plugin_that_cannot_be_used_is_named_with_the_way_out(
    install: Install, source: str, problem: str
):
    install("acme-rules", "acme", source, version="3.1")
    error = refusal("acme-rules")
    assert (error.plugin, error.distribution, error.version) == ("acme", "acme-rules", "3.1")
    assert problem in error.problem
    assert "plugin 'acme' of acme-rules 3.1 did not load" in str(error)
    assert "uninstall acme-rules, or block it with DC43_BLOCK_PLUGINS=acme" in str(error)


def test_a_plugin_for_another_interface_is_named(install: Install):
    install(
        "acme-rules", "acme", STRATEGY.format(name="page-me").replace("dict)", "dict, api='9')")
    )
    with pytest.raises(PluginLoadError, match="'page-me' was written for interface 9") as caught:
        load("acme-rules").registry("strategy")
    assert (caught.value.plugin, caught.value.distribution) == ("acme", "acme-rules")


def test_a_name_that_two_plugins_offer_names_both(install: Install):
    install("acme-a", "alpha", STRATEGY.format(name="page-me"))
    install("acme-b", "beta", STRATEGY.format(name="page-me"))
    with pytest.raises(DuplicateNameError, match="offered by alpha and by beta"):
        load("acme-a", "acme-b").registry("strategy")


def test_a_built_in_cannot_be_replaced(install: Install):
    install("acme-rules", "acme", STRATEGY.format(name="fail-fast"))
    with pytest.raises(DuplicateNameError, match=f"offered by {BUILT_IN} and by acme"):
        load("acme-rules").registry("strategy")


def test_an_entry_point_that_two_distributions_have_is_refused(install: Install):
    install("acme-a", "acme", STRATEGY.format(name="a"))
    install("acme-b", "acme", STRATEGY.format(name="b"))
    assert refusal("acme-a", "acme-b").plugin == "acme"


@pytest.mark.parametrize("body", ["1 / 0", "return None", "yield 1 / 0"])
def test_an_error_of_a_hook_is_noted_with_the_plugin(install: Install, body: str):
    source = STRATEGY.format(name="x").replace('return [Extension("x", dict)]', body)
    install("acme-rules", "acme", source)
    plugins = load("acme-rules")
    with pytest.raises((ZeroDivisionError, TypeError)) as caught:
        plugins.registry("strategy")
    assert caught.value.__notes__ == ["raised by dc43_intervention_strategies of plugin 'acme'"]


# Which plugins may be imported.


def test_a_blocked_plugin_is_not_imported(install: Install):
    module = install("acme-rules", "acme", "1 / 0")
    assert names(load("acme-rules", blocked=("acme",))) == BUILT_IN_STRATEGIES
    assert module not in sys.modules


def test_the_environment_blocks_plugins(install: Install, monkeypatch: pytest.MonkeyPatch):
    install("acme-a", "alpha", "1 / 0")
    install("acme-b", "beta", "1 / 0")
    monkeypatch.setenv("DC43_BLOCK_PLUGINS", "alpha, beta")
    assert names(load("acme-a", "acme-b")) == BUILT_IN_STRATEGIES


def test_the_environment_adds_to_what_is_blocked(install: Install, monkeypatch: pytest.MonkeyPatch):
    install("acme-a", "alpha", "1 / 0")
    install("acme-b", "beta", "1 / 0")
    monkeypatch.setenv("DC43_BLOCK_PLUGINS", "beta")
    assert names(load("acme-a", "acme-b", blocked=("alpha",))) == BUILT_IN_STRATEGIES


def test_a_distribution_that_is_not_allowed_is_not_imported(install: Install):
    module = install("acme-rules", "acme", "1 / 0")
    assert names(load("acme-other")) == BUILT_IN_STRATEGIES
    assert module not in sys.modules


@pytest.mark.parametrize(("allowed", "expected"), [("acme-a", ["a"]), ("", []), (" , ", [])])
def test_the_environment_says_what_is_allowed(
    install: Install, monkeypatch: pytest.MonkeyPatch, allowed: str, expected: list[str]
):
    install("acme-a", "alpha", STRATEGY.format(name="a"))
    install("acme-b", "beta", "1 / 0")
    monkeypatch.setenv("DC43_ALLOW_PLUGINS", allowed)
    assert names(load("acme-b")) == [*BUILT_IN_STRATEGIES, *expected]


@pytest.mark.parametrize("name", ["dc43", "dc43-core", "dc43-integrations"])
def test_beside_another_project_s_distributions_nothing_is_loaded(install: Install, name: str):
    install(name, version="0.9")
    error = refusal()
    assert (error.distribution, error.version) == (name, "0.9")
    assert f"pip uninstall {name}" in error.problem


def test_nothing_is_loaded_at_import(install: Install, tmp_path: Path):
    install("acme-rules", "acme", "raise SystemExit('imported')")
    done = subprocess.run(
        [sys.executable, "-c", "import dc43_core; dc43_core.Runtime(config=dc43_core.Config())"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


# Hooks that one plugin adds and another implements.

ADDS = """
    import sys
    from dc43_core import hookspec

    @hookspec
    def dc43_lists_sinks():
        "Offer sinks."

    def dc43_addhooks():
        return [sys.modules[__name__]]
"""
IMPLEMENTS = """
    from dc43_core import Extension, hookimpl

    @hookimpl{optional}
    def dc43_lists_sinks():
        return [Extension("drain", dict)]
"""


@pytest.mark.parametrize(("adding", "implementing"), [("a", "b"), ("b", "a")])
def test_a_plugin_may_add_hooks_whoever_comes_first(
    install: Install, adding: str, implementing: str
):
    install("acme-engine", adding, ADDS)
    install("acme-sink", implementing, IMPLEMENTS.format(optional=""))
    plugins = load("acme-engine", "acme-sink")
    assert names(plugins, "dc43_lists_sinks") == ["drain"]


def test_an_optional_hook_of_an_absent_engine_is_no_error(install: Install):
    install("acme-sink", "acme", IMPLEMENTS.format(optional="(optionalhook=True)"))
    assert [p.name for p in load("acme-sink").loaded] == [BUILT_IN, "acme"]


def test_a_hook_of_an_absent_engine_that_is_not_optional_is_refused(install: Install):
    install("acme-sink", "acme", IMPLEMENTS.format(optional=""))
    assert "dc43_lists_sinks" in refusal("acme-sink").problem
