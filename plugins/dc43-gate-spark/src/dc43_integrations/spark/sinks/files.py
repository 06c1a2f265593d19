"""The built-in sinks: files in a folder, under the commit log of Spark's file sink."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import field, frozen

from dc43_core.errors import ConfigurationError
from dc43_core.protocol.file_store import join
from dc43_core.protocol.partitions import inside
from dc43_core.protocol.sink import Sink
from dc43_core.protocol.sink_log import FileSink
from dc43_core.vocabulary import Lane
from dc43_integrations.spark.sinks.interface import LaneTarget

# Spark's own: part-00000-<uuid>.c000.snappy.parquet, or -c000 where it is not partitioned.
_SUFFIX = re.compile(r"[.-]c\d+(\.[\w.]+)$")
_FLAT = {"binary", "array", "map", "struct"}
_MOMENT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"


class SparkFileSink(FileSink):
    """Files that end as Spark ended them: the suffix tells a reader how they are packed."""

    def final_name(self, token: str, index: int, staged: str) -> str:
        """Return a name that is the same at every attempt to publish this batch."""
        found = _SUFFIX.search(staged)
        end = found[1] if found else self._suffix
        return join(self.uri, f"{inside(staged)}{token}{index:05d}{end}")


@frozen(kw_only=True)
class Files:
    """`format="parquet"`, `"orc"`, `"json"` or `"csv"`.

    Text cannot hold every value as it is, and what is judged must be what was staged. So text is
    staged as parquet, and main is written once more when its rows are decided; rejects, whose
    envelope has lists and maps, stay parquet.

    Attributes:
        file_format: What staged files are written as.
        main_format: What main is written as in the end, where that differs.
        main_options: Options of that last write; the caller's own win.
        nested: Whether a column may hold more than one value.
        partitions: Whether main may be partitioned by columns.
    """

    file_format: str = "parquet"
    main_format: str | None = None
    main_options: Mapping[str, str] = field(factory=dict)
    nested: bool = True
    partitions: bool = True
    settings: Mapping[str, str] = field(factory=dict)

    def open(self, target: LaneTarget) -> Sink:
        """Return the sink of one lane.

        Raises:
            ConfigurationError: if a column cannot be written in this format.
        """
        main = target.lane is Lane.MAIN
        if main and not self.nested:
            _refuse_nested(target)
        ends = (self.main_format if main else None) or f"snappy.{self.file_format}"
        return SparkFileSink(target.store, target.path, f".{ends}")


def _refuse_nested(target: LaneTarget) -> None:
    for name, kind in target.columns().items():
        if kind.partition("<")[0] in _FLAT:
            raise ConfigurationError(
                "format csv",
                [f"column {name} is of type {kind}, which CSV cannot hold; use json or parquet"],
            )


def parquet() -> Files:
    """Return `format="parquet"`."""
    return Files()


def orc() -> Files:
    """Return `format="orc"`."""
    return Files(file_format="orc")


# By default Spark cuts moments to milliseconds, and leaves out of JSON what is NULL.
_TEXT = {"timestampFormat": f"{_MOMENT}XXX", "timestampNTZFormat": _MOMENT}


def json() -> Files:
    """Return `format="json"`: one object a line."""
    return Files(main_format="json", main_options={**_TEXT, "ignoreNullFields": "false"})


def csv() -> Files:
    """Return `format="csv"`, with a header."""
    return Files(main_format="csv", main_options={**_TEXT, "header": "true"}, nested=False)
