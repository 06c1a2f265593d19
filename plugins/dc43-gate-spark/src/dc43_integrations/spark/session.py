"""A Spark session for pipeline files; helpers in other programs use the one they are given."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from dc43_core.errors import EngineError
from dc43_integrations.spark.read import reader_options

_DEFAULTS = {
    "spark.master": "local[*]",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.streaming.metricsEnabled": "false",
}

_OLDEST_JAVA = 17


class JavaNotFoundError(EngineError):
    """There is no Java that Spark could run on."""

    exit_code = 2

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(
            f"Java {_OLDEST_JAVA} or newer was not found ({problem}); install it, or set JAVA_HOME "
            "to where it is"
        )


def make_session(name: str, options: Mapping[str, Any]) -> SparkSession:
    """Return a session, made if there is none yet.

    Args:
        name: Application name.
        options: Spark settings; they win over the defaults here.

    Raises:
        JavaNotFoundError: if no session is active and there is no Java to start one on.
        EngineError: if Spark cannot start.
    """
    if SparkSession.getActiveSession() is None:
        require_java()
    # Otherwise workers take whatever `python3` stands first on the PATH.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    quiet = resources.files("dc43_integrations") / "spark" / "log4j2.properties"
    builder: Any = SparkSession.builder
    builder = builder.appName(name)
    settings = {
        **_DEFAULTS,
        "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={quiet}",
        **reader_options(options),
    }
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        session: SparkSession = builder.getOrCreate()
    except (PySparkException, RuntimeError, OSError) as error:
        raise EngineError(
            f"Spark did not start: {str(error).splitlines()[0].rstrip('.')}; it wrote why to "
            "stderr, check the Spark settings given to it"
        ) from error
    return session


def require_java() -> None:
    """Refuse to start without a Java that Spark runs on.

    Raises:
        JavaNotFoundError: if there is none, or one that says it is too old.
    """
    find_java()


def find_java() -> Path:
    """Return Java as Spark's launcher will find it: by `JAVA_HOME` if set, else by the path.

    The launcher itself tells of a missing Java in several lines of shell and Java noise.

    Raises:
        JavaNotFoundError: if there is none, or one that says it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")
    if java is None:
        raise JavaNotFoundError(
            f"JAVA_HOME is {home}, which has no bin/java"
            if home
            else "JAVA_HOME is not set, and no java is on the PATH"
        )
    version = stated_version(Path(java))
    if version is not None and version < _OLDEST_JAVA:
        raise JavaNotFoundError(f"{java} is Java {version}")
    return Path(java)


def stated_version(java: Path) -> int | None:
    """Return what a Java's `release` file says; None where it says nothing."""
    try:
        text = (java.resolve().parent.parent / "release").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    # Up to 8 the number stood second, as in "1.8.0_392".
    found = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    return int(found[1]) if found else None
