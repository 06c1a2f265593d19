"""What a plugin supplies so that Spark's streams can be written to one more destination."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from attrs import frozen

from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.sink import Sink
from dc43_core.vocabulary import Lane

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@frozen(kw_only=True)
class LaneTarget:
    """Where one lane of a stream goes.

    Attributes:
        lane: Main or rejects; each lane has a destination of its own.
        path: Folder or URI, as the caller gave it.
        store: Where staged files lie, and what every file operation goes through.
        schema: Returns the lane's columns as Spark writes a schema in JSON, for sinks that
            declare their columns; it costs nothing unless it is called.
        columns: Returns main's columns and their types, as `{"id": "bigint"}`.
        session: The session that the stream runs in.
        view: What to call the lane in that session: the query's name.
        partition_by: Main's columns that stand in the path of its files, and not in them.
    """

    lane: Lane
    path: str
    store: FileStore
    schema: Callable[[], str]
    columns: Callable[[], Mapping[str, str]]
    session: SparkSession
    view: str
    partition_by: Sequence[str] = ()


class SinkFormat(Protocol):
    """One value of `format`: how rows are staged for it, and what publishes them.

    It may also have `main_format` and `main_options`, where main is written once more in another
    format when its rows are decided, `in_session = True`, where a write needs no path, and
    `lands = False`, where no row lands: the stream is then only observed; and `partitions = True`,
    where it heeds `LaneTarget.partition_by` and keeps the folders of a staged file
    (`dc43_core.protocol.partitions.inside`).
    """

    @property
    def file_format(self) -> str:
        """What staged files are written as, by Spark's name."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """Settings of the session that writes staged files; nobody else's session is touched."""
        ...

    def open(self, target: LaneTarget) -> Sink:
        """Return the sink of one lane. Nothing is written yet; `Sink.check` looks at the place.

        Raises:
            Dc43Error: if it cannot write there at all, saying the way out.
        """
        ...
