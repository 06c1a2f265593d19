"""Where a pipeline's stream keeps its facts, and reading them without an engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from dc43_core.cli.text import is_local
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.record import GovernanceRecord

if TYPE_CHECKING:
    from dc43_core.pipeline_file import PipelineFile
    from dc43_core.runtime import Runtime


@frozen(kw_only=True)
class StreamPlace:
    """A stream as far as it is known.

    Attributes:
        checkpoint: Path or URI.
        stream_id: The checkpoint's uuid; None before the first start.
    """

    checkpoint: str
    stream_id: str | None

    def records(self, runtime: Runtime, namespace: str) -> Iterable[GovernanceRecord]:
        """Return the record of each batch, oldest first.

        They come from the files beside the checkpoint; those of a checkpoint that is not on
        this machine can be read by its engine alone, so the ledger is asked.
        """
        if self.stream_id is None:
            return []
        if is_local(self.checkpoint):
            return Journal(LocalFileStore(), self.checkpoint, self.stream_id).records()
        return runtime.governance.records(namespace=namespace, stream_id=self.stream_id)


def find_stream(
    pipeline: PipelineFile, details: Mapping[str, Any], told: GovernanceRecord | None
) -> StreamPlace:
    """Find the stream that a pipeline writes.

    Args:
        pipeline: The pipeline file.
        details: Of the result; empty where the run failed.
        told: The last record that this start told, if any.
    """
    checkpoint = str(details.get("checkpoint") or pipeline.checkpoint)
    stream_id = details.get("stream_id") or (told.stream_id if told else None)
    if stream_id is None and is_local(checkpoint):
        known = stream_of(LocalFileStore(), checkpoint)
        stream_id = known and known["stream_id"]
    return StreamPlace(checkpoint=checkpoint, stream_id=stream_id)
