"""Commands of plugins, wrong use, help, and how the program is started."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer

from dc43_core.registry import Extension


def test_a_plugins_command_is_built_only_when_called(project):
    built = []

    def build():
        def greet(name: str, loud: bool = False) -> None:
            """Greet someone."""
            typer.echo(f"hello {name}{'!' if loud else ''}")

        built.append(1)
        return greet

    project.hooks["commands"].append(Extension("greet", build, capabilities={"help": "Greets."}))
    assert "greet     Greets." in project.dc43("--help").out
    assert project.dc43("plugins").code == 0
    assert not built
    called = project.dc43("greet", "there", "--loud")
    assert (called.code, called.out) == (0, "hello there!\n")


def test_a_plugins_command_with_a_built_ins_name_names_both_owners(project):
    project.hooks["commands"].append(Extension("plan", lambda: None))
    called = project.dc43("plan", "orders.odcs.yaml")
    assert called.code == 2
    assert "command 'plan' is offered by dc43-gate and by fake-engine" in called.err
    assert "Commands of plugins are not listed" in project.dc43("--help").out


def test_a_plugins_command_that_breaks_names_its_owner(project):
    def build():
        raise ZeroDivisionError("oh")

    project.hooks["commands"].append(Extension("broken", build))
    called = project.dc43("broken")
    assert called.code == 3
    assert "ZeroDivisionError: oh; raised by command 'broken' of plugin 'fake-engine'" in called.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nope"], "commands: run, "),
        (["run"], "Missing argument"),
        (["run", "x.toml", "--nope"], "No such option"),
        (["run", "x.toml", "--adopt", "steal"], "steal"),
        (["history", "x", "--newest", "0"], "newest"),
        (["--nope"], "No such option"),
    ],
)
def test_wrong_use_exits_2(project, arguments, told):
    called = project.dc43(*arguments)
    assert (called.code, called.out) == (2, "")
    assert told in called.err


def test_version_and_help(project):
    assert project.dc43("--version").out == f"dc43 {version('dc43-gate')}\n"
    called = project.dc43("--help")
    assert (called.code, "Exit codes: 0 ok or warn" in called.out) == (0, True)
    assert "Exit codes: 0 ok or warn" in project.dc43("run", "--help").out


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DC43_CONFIG": ""}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False
    )


def test_the_module_runs_and_logs_one_line_each():
    assert python("-m", "dc43_core.cli", "--version").stdout.startswith("dc43 ")
    script = (
        "import logging, sys; from dc43_core.cli.logs import shown_logs; "
        "from dc43_core.log import get_logger\n"
        "with shown_logs():\n"
        " get_logger('x').warning('rule.dropped', check='a\\x1bb'); get_logger('x').info('i')\n"
        " get_logger('protocol').error('batch.blocked'); logging.error('noise')\n"
        " logging.getLogger('acme').error('it broke')\n"
    )
    assert python("-c", script).stderr == (
        "dc43: warning: rule.dropped check=a\\x1bb\ndc43: error: it broke\n"
    )


def test_without_typer_one_line_says_what_to_install():
    script = (
        "import sys; sys.modules['typer'] = None; from dc43_core.cli import main; sys.exit(main())"
    )
    done = python("-c", script)
    assert done.returncode == 2
    assert done.stderr == ("dc43: the command line needs typer and rich; install dc43-gate[cli]\n")


def test_help_and_the_other_commands_import_no_engine_and_no_database():
    script = (
        "import sys; from dc43_core.cli import main; main(['--help']); main(['plugins']); "
        "bad = {'pyspark', 'sqlalchemy'} & set(sys.modules); sys.exit(7 if bad else 0)"
    )
    assert python("-c", script).returncode == 0
