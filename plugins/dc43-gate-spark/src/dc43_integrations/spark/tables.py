"""Tables of the session's catalog: a name for a folder and the format of its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from dc43_core.errors import ConfigurationError, TableNotFoundError
from dc43_integrations.spark.prepare import require_classic


@frozen(kw_only=True)
class Table:
    """Where the files of a table are.

    Attributes:
        name: As the caller gave it.
        path: URI of its folder.
        format: Spark's name of their format.
        options: Of their reader and writer, as the table declares them.
    """

    name: str
    path: str
    format: str
    options: Mapping[str, str]


def find_table(spark: SparkSession, name: str, *, path: object) -> Table:
    """Look a table up in the session's catalog.

    Raises:
        ConfigurationError: if a path is given too, or the table is no folder of files.
        TableNotFoundError: if there is none.
    """
    require_classic(spark)
    if path is not None:
        raise ConfigurationError("table", ["names a place, as path= does; give one of them"])
    session: Any = spark._jsparkSession
    state = session.sessionState()
    try:
        table = state.catalog().getTableMetadata(state.sqlParser().parseTableIdentifier(name))
    # pyspark translates some of what a catalog throws, and not all.
    except (PySparkException, Py4JJavaError) as error:
        raise TableNotFoundError(name) from error
    kind = str(table.tableType().name())
    if kind == "VIEW" or table.provider().isEmpty():
        raise ConfigurationError(
            "table",
            [
                f"{name} is no table over a folder of files ({kind.lower()}); read it yourself, "
                "and hand the frame to the write"
            ],
        )
    if not table.partitionColumnNames().isEmpty():
        raise ConfigurationError(
            "table",
            [
                f"{name} is partitioned, and the catalog knows its partitions by itself; give its "
                "folder as path=, and to write partition_by="
            ],
        )
    jvm: Any = spark._jvm
    options = jvm.scala.jdk.javaapi.CollectionConverters.asJava(table.storage().properties())
    return Table(
        name=name,
        path=str(table.location().toString()),
        format=str(table.provider().get()).lower(),
        options={str(key): str(options[key]) for key in options if str(key) != "path"},
    )
