from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "spark: needs pyspark and a Java runtime")


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    sql = pytest.importorskip("pyspark.sql")
    session: SparkSession = (
        sql.SparkSession.builder.master("local[2]")
        .appName("acme-dc43-rules")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    yield session
    session.stop()
