"""What Spark needs of this machine, as `dc43 doctor` tells it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from dc43_core.upkeep.diagnosis import Diagnosis, Level, fine, wrong
from dc43_integrations.spark.session import JavaNotFoundError, find_java, stated_version

TESTED = ("4.2", "4.3")
"""Releases of Spark that the tests run against or its behaviour was measured on."""


def check_spark() -> Iterator[Diagnosis]:
    """Look at Java, pyspark and pandas; starts no Spark."""
    yield _java()
    yield _pyspark(version("pyspark"))
    yield _pandas()
    if os.environ.get("SPARK_HOME"):
        yield Diagnosis(
            area="spark",
            level=Level.WARNING,
            what=f"SPARK_HOME is {os.environ['SPARK_HOME']}, whose Spark is run instead of the "
            "installed pyspark",
            way_out="unset SPARK_HOME, unless that Spark has the same version",
        )


def _java() -> Diagnosis:
    try:
        java = find_java()
    except JavaNotFoundError as error:
        return wrong("java", error)
    return fine("java", f"Java {stated_version(java) or 'of unknown version'} at {java}")


def _pyspark(found: str) -> Diagnosis:
    if found.startswith(tuple(f"{known}." for known in TESTED)):
        return fine("spark", f"pyspark {found}")
    return Diagnosis(
        area="spark",
        level=Level.WARNING,
        what=f"pyspark {found}: dc43 is tested with {', '.join(TESTED)}",
        way_out=f"install pyspark {TESTED[0]}, or run the project's tests with yours",
    )


def _pandas() -> Diagnosis:
    try:
        found = version("pandas")
    except PackageNotFoundError:
        return fine("pandas", "not installed, and not needed")
    if int(found.partition(".")[0]) < 3:
        return fine("pandas", f"pandas {found}")
    return Diagnosis(
        area="pandas",
        level=Level.WARNING,
        what=f"pandas {found}: pyspark warns of it, and its pandas functions may fail",
        way_out="install pandas<3, or do without toPandas and pandas functions",
    )
