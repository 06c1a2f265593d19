"""A prepared batch becomes visible, is committed, and leaves nothing in staging."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import evolve, frozen

from dc43_core.errors import StreamIdentityError
from dc43_core.protocol.file_store import FileStore, join
from dc43_core.protocol.journal import Journal, Manifest
from dc43_core.protocol.key_state import StreamKeys
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.protocol.sink import Sink
from dc43_core.vocabulary import Lane


@frozen(kw_only=True)
class Publication:
    """Completes the prepared batches of one stream, whoever prepared them.

    Attributes:
        stream_id: Identity of the stream.
        store: Where staging lies.
        journal: The durable facts beside the checkpoint.
        sinks: Main, and rejects where configured.
        keys: Those of earlier batches, where they are kept.
        failpoint: Called at each arrow with its name and the batch id.
        now: The clock.
    """

    stream_id: str
    store: FileStore
    journal: Journal
    sinks: Mapping[Lane, Sink]
    keys: StreamKeys | None
    failpoint: Callable[[str, int], None]
    now: Callable[[], str]

    def publish(self, manifest: Manifest) -> GovernanceRecord:
        """Make a batch visible, as far as it is not yet, and return its durable record.

        Raises:
            StreamIdentityError: if it was prepared for another sink.
        """
        batch_id = manifest.record.batch_id
        self._require_same_sinks(manifest)
        number = rejects = None
        # Rejects first: a row missing from main can then always be found.
        if Lane.REJECTS in manifest.lanes:
            rejects = self.sinks[Lane.REJECTS].publish(manifest.lanes[Lane.REJECTS])
        self.failpoint("rejects-published", batch_id)
        # A batch that was released as skip has no files.
        if Lane.MAIN in manifest.lanes:
            number = self.sinks[Lane.MAIN].publish(manifest.lanes[Lane.MAIN])
        self.failpoint("main-published", batch_id)
        record = self.journal.keep(
            "committed", evolve(manifest.landed(number, rejects), ended_at=self.now())
        )
        self.failpoint("committed", batch_id)
        self.sweep(batch_id)
        self.failpoint("swept", batch_id)
        return record

    def _require_same_sinks(self, manifest: Manifest) -> None:
        """Refuse to list in one sink what was prepared for another."""
        record = manifest.record
        for lane, uri in ((Lane.MAIN, record.sink), (Lane.REJECTS, record.rejects)):
            found = self.sinks[lane].uri if lane in self.sinks else None
            if lane in manifest.lanes and found != uri:
                raise StreamIdentityError(
                    f"batch {record.batch_id} is prepared for {lane} at {uri}, and this start "
                    f"writes {lane} to {found or 'nowhere'}",
                    "start once more with the sink it was prepared for, and change it then",
                )

    def sweep(self, batch_id: int) -> None:
        """Delete what attempts at a committed batch left; no manifest needs it any more."""
        folder = join(self.sinks[Lane.MAIN].staging(), self.stream_id)
        for attempt in self.store.list(folder):
            number = attempt.name.partition("-")[0]
            if number.isdigit() and int(number) <= batch_id:
                self.store.delete(attempt.path)
        if self.keys is not None:
            self.keys.sweep(batch_id)
