"""A machine without Java gets one line, before Spark's launcher tells of it in many."""

from __future__ import annotations

import os

import pytest

session = pytest.importorskip("dc43_integrations.spark.session")


@pytest.fixture
def fake_java(tmp_path):
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\n")
    java.chmod(0o755)
    return java


def test_a_java_home_without_java_is_named(monkeypatch):
    monkeypatch.setenv("JAVA_HOME", "/nonexistent")
    with pytest.raises(session.JavaNotFoundError, match="JAVA_HOME is /nonexistent") as caught:
        session.require_java()
    assert caught.value.exit_code == 2


def test_no_java_anywhere_is_said(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(session.JavaNotFoundError, match="Java 17 or newer was not found"):
        session.require_java()


@pytest.mark.parametrize("where", ["JAVA_HOME", "PATH"])
def test_java_is_found_where_spark_looks(monkeypatch, fake_java, where):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    place = fake_java.parent.parent if where == "JAVA_HOME" else fake_java.parent
    monkeypatch.setenv(where, str(place))
    session.require_java()


@pytest.mark.parametrize(
    ("release", "refused"),
    [
        ('JAVA_VERSION="17.0.15"', False),
        ('JAVA_VERSION="21"', False),
        ("IMPLEMENTOR=x", False),
        ('JAVA_VERSION="11.0.2"', True),
        ('JAVA_VERSION="1.8.0_392"', True),
    ],
)
def test_a_java_that_says_it_is_too_old_is_refused(monkeypatch, fake_java, release, refused):
    home = fake_java.parent.parent
    (home / "release").write_text(f"OTHER=1\n{release}{os.linesep}")
    monkeypatch.setenv("JAVA_HOME", str(home))
    if not refused:
        session.require_java()
        return
    with pytest.raises(session.JavaNotFoundError, match=r"is Java (11|8)"):
        session.require_java()
