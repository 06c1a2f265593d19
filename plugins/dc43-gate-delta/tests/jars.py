"""Delta's own jars for Spark, fetched by Maven into the user's cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

SPARK, SCALA, DELTA = "4.2", "2.13", "4.4.0"
POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dc43</groupId>
  <artifactId>jars</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>io.delta</groupId>
      <artifactId>delta-spark_{SPARK}_{SCALA}</artifactId>
      <version>{DELTA}</version>
    </dependency>
  </dependencies>
</project>
"""


class NoJarsError(Exception):
    """They cannot be had here; says why."""


def delta_jars() -> list[Path]:
    """Return the jars that Spark needs to read Delta tables.

    Raises:
        NoJarsError: if they are not in the cache and are not to be fetched, or cannot be.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "dc43" / "jars" / f"delta-{DELTA}-spark-{SPARK}"
    if not (folder / "complete").exists():
        if os.environ.get("DC43_TEST_JARS") != "fetch":
            raise NoJarsError(f"no Delta jars in {folder}; DC43_TEST_JARS=fetch gets them (13 MB)")
        fetch(folder)
    return sorted(folder.glob("*.jar"))


def fetch(folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise NoJarsError("Maven (mvn) is not installed, so Delta's jars cannot be fetched")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pom.xml").write_text(POM)
    command = [maven, "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime"]
    command += ["-DincludeGroupIds=io.delta", f"-DoutputDirectory={folder}"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=240, check=False
        )
    except subprocess.TimeoutExpired:
        raise NoJarsError("Maven did not fetch Delta's jars within 240 seconds") from None
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines() or ["nothing"]
        raise NoJarsError(f"Maven could not fetch Delta's jars: {said[0]}")
    (folder / "complete").touch()
