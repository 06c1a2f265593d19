"""Where a configuration is found, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from dc43_core.config import Config, Instance, load_config
from dc43_core.errors import ConfigurationError
from dc43_core.retention import parse_retention


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory below a HOME of its own, and no variable of ours."""
    for name in ("DC43_CONFIG", "DC43_NAMESPACE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "work" / "project"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def write(path: Path, text: str = 'namespace = "here"') -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refusal(project: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_config(write(project / "dc43.toml", text))
    return str(caught.value)


def test_without_a_file_there_are_defaults(project: Path):
    assert load_config() == Config()
    assert load_config().folder == project


def test_the_file_of_the_working_directory_is_found(project: Path):
    found = load_config_of(write(project / "dc43.toml"))
    assert (found.namespace, found.folder) == ("here", project)


def load_config_of(path: Path) -> Config:
    config = load_config()
    assert config.source == path
    return config


def test_a_file_further_up_is_found(project: Path):
    load_config_of(write(project.parent / "dc43.toml"))


def test_the_nearest_file_counts(project: Path):
    write(project.parent / "dc43.toml")
    load_config_of(write(project / "dc43.toml"))


def test_a_table_of_pyproject_is_found(project: Path):
    text = '[tool.dc43]\nnamespace = "here"\n[tool.other]\nx = 1'
    assert load_config_of(write(project / "pyproject.toml", text)).namespace == "here"


def test_its_own_file_may_be_written_like_a_pyproject(project: Path):
    text = '[dc43]\nnamespace = "here"\n[dc43.strategies.calm]\nuse = "warn"'
    found = load_config_of(write(project / "dc43.toml", text))
    assert (found.namespace, list(found.strategies)) == ("here", ["calm"])
    with pytest.raises(ConfigurationError, match="unknown key dc43"):
        load_config(write(project / "dc43.toml", 'namespace = "x"\n' + text))


def test_a_pyproject_without_our_table_is_passed_over(project: Path):
    write(project / "pyproject.toml", "[tool.other]\nx = 1")
    load_config_of(write(project.parent / "dc43.toml"))


def test_a_file_of_our_own_goes_before_pyproject(project: Path):
    write(project / "pyproject.toml", "[tool.dc43]")
    load_config_of(write(project / "dc43.toml"))


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_the_search_ends_at_a_repository_s_root(project: Path, kind: str):
    # In a worktree `.git` is a file.
    git = project / ".git"
    git.mkdir() if kind == "folder" else git.touch()
    write(project.parent / "dc43.toml")
    assert load_config().source is None


def test_the_search_ends_at_home(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(project.parent))
    write(project.parent.parent / "dc43.toml")
    assert load_config().source is None


def test_the_file_of_home_itself_is_found(project: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(project.parent))
    load_config_of(write(project.parent / "dc43.toml"))


def test_the_variable_names_the_file(project: Path, monkeypatch: pytest.MonkeyPatch):
    write(project / "dc43.toml", 'namespace = "other"')
    named = write(project / "elsewhere" / "any.toml")
    monkeypatch.setenv("DC43_CONFIG", "elsewhere/any.toml")
    assert load_config_of(named).namespace == "here"


def test_an_empty_variable_turns_the_search_off(project: Path, monkeypatch: pytest.MonkeyPatch):
    write(project / "dc43.toml")
    monkeypatch.setenv("DC43_CONFIG", "")
    assert load_config() == Config()


def test_a_named_file_that_is_missing_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DC43_CONFIG", "absent.toml")
    with pytest.raises(ConfigurationError, match=r"absent\.toml: no such file"):
        load_config()


def test_the_namespace_of_the_environment_counts(project: Path, monkeypatch: pytest.MonkeyPatch):
    write(project / "dc43.toml")
    monkeypatch.setenv("DC43_NAMESPACE", "night")
    assert load_config().namespace == "night"


def test_every_section_is_read(project: Path):
    config = load_config(
        write(
            project / "dc43.toml",
            """
            default_strategies = ["page-me"]
            data_quality = "local"
            [plugins]
            blocked = ["acme"]
            [contracts]
            path = "c"
            accepted_status = ["active", "draft"]
            [governance.ledger]
            use = "sql"
            path = "a.db"
            [strategies.page-me]
            use = "block-after-n"
            n = 3
            [limits]
            timeline = 5
            """,
        )
    )
    assert config.governance == {"ledger": Instance(use="sql", options={"path": "a.db"})}
    assert config.strategies == {"page-me": Instance(use="block-after-n", options={"n": 3})}
    assert config.data_quality == Instance(use="local")
    assert config.default_strategies == ("page-me",)
    assert (config.plugins.blocked, config.plugins.allowed) == (("acme",), None)
    assert config.contracts.accepted_status == ("active", "draft")
    assert (config.limits.timeline, config.limits.history) == (5, 100)


def test_an_instance_may_be_named_by_its_extension_alone(project: Path):
    config = load_config(write(project / "dc43.toml", 'strategies = { strict = "fail-fast" }'))
    assert config.strategies == {"strict": Instance(use="fail-fast")}


def test_options_are_not_shown(project: Path):
    text = '[governance.ledger]\nuse = "sql"\nurl = "postgresql://u:s3cret@db/x"'
    assert "s3cret" not in repr(load_config(write(project / "dc43.toml", text)))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("namspace = 'x'", "unknown key namspace; known: namespace, plugins, "),
        ("[limits]\ntimelin = 1", "limits: unknown key timelin"),
        ("namespace = 1", "namespace: expected str, found 1"),
        ("[limits]\ntimeline = '1'", "limits.timeline: expected int, found '1'"),
        ("[limits]\ntimeline = 0", "'timeline' must be >= 1: 0"),
        ("[limits]\nhistory = 0", "'history' must be >= 1: 0"),
        ("[limits]\ntimeline = true", "limits.timeline: expected int, found True"),
        ("default_strategies = 'all'", "default_strategies: expected a list, found 'all'"),
        ("default_strategies = ['a', 2]", "expected str, found 2"),
        ("[strategies.s]\nn = 3", 'strategies.s: needs use = "<extension>"'),
        ("strategies = 3", "strategies: needs tables, such as [strategies.<name>]"),
        ("strategies = ['fail-fast']", "strategies: needs tables"),
        ("[governance]\nledger = 3", 'governance.ledger: needs use = "<extension>"'),
        ("data_quality = 3", 'data_quality: needs use = "<extension>"'),
        ("namespace = ", "Invalid value"),
    ],
)
def test_what_cannot_be_used_is_told_by_file_and_path(project: Path, text: str, problem: str):
    told = refusal(project, text)
    assert told.startswith(str(project / "dc43.toml"))
    assert problem in told


def test_all_problems_are_told_at_once(project: Path):
    told = refusal(project, "namespace = 1\n[limits]\ntimeline = 'x'")
    assert "namespace: expected str" in told
    assert "limits.timeline: expected int" in told


def test_a_file_that_is_not_text_is_told(project: Path):
    (project / "dc43.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"dc43\.toml.*utf-8"):
        load_config(project / "dc43.toml")


@pytest.mark.parametrize("text", ["batch", "forever", "1 day", "7 days", "90 seconds", "7d"])
def test_keys_are_kept_for_a_batch_for_ever_or_for_a_time(project: Path, text: str):
    config = load_config(write(project / "dc43.toml", f'[keys]\nretain = "{text}"'))
    assert parse_retention(config.keys.retain).text == text


def test_a_time_may_be_written_short():
    texts = ("90s", "15m", "12h", "7d")
    assert [parse_retention(text).seconds for text in texts] == [90, 900, 43_200, 604_800]


@pytest.mark.parametrize("text", ["", "0 days", "a while", "7 weeks", "-1 days", "7days", "7 d"])
def test_another_word_for_how_long_is_refused_with_those_that_are_known(project: Path, text: str):
    told = refusal(project, f'[keys]\nretain = "{text}"')
    assert "retain" in told
    assert "write batch, forever, or 7 days" in told
