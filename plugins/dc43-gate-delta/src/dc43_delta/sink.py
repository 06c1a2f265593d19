"""One lane as a Delta table: a batch is one commit, with its application transaction.

Staged parquet files are moved into the table's folder and added by one commit; nothing is
written a second time. The transaction (application = stream and lane, version = batch) stands in
that commit, so that a batch and the fact that it landed are one thing. delta-rs refuses a second
commit of one application from a table object that does not know the first, which is the fence
between two drivers; it does not refuse one from a fresh object, so the log is looked through
first, each time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from functools import cached_property
from urllib.parse import urlsplit

from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions

from dc43_core.errors import CorruptFileError, StaleStagingError, UnsoundPlaceError
from dc43_core.log import get_logger
from dc43_core.protocol.defect import Defect
from dc43_core.protocol.file_store import FileStore, canonical, join
from dc43_core.protocol.journal import LaneManifest
from dc43_core.protocol.partitions import inside, values
from dc43_core.protocol.sink_log import OURS
from dc43_core.vocabulary import Lane
from dc43_delta.check import deleted_rows, lost_batches, place_defects, table_defects
from dc43_delta.errors import DeltaCommitError, DeltaTableError, OlderBatchError
from dc43_delta.footer import read_footer
from dc43_delta.log import DeltaLog
from dc43_delta.schema import lacking, lane_schema, misfit

GUARANTEE = "exactly once: one Delta commit a batch, with its application transaction"
ATTEMPTS = 20
"""How often other writers may come in between before a commit is given up."""
# As Spark's file names end: readers go by the file's own words, people by its name.
_CODEC = re.compile(r"\.(?:snappy|gz|zstd|lz4|lz4raw|lzo|br)\.parquet$")
_TOKEN = re.compile(r"(?P<application>.+)-(?P<batch>\d+)-")
log = get_logger("delta")


class DeltaSink:
    """A Delta table as the destination of one lane."""

    guarantee = GUARANTEE

    def __init__(
        self,
        *,
        store: FileStore,
        folder: str,
        lane: Lane,
        schema: Callable[[], str],
        partition_by: tuple[str, ...] = (),
    ) -> None:
        self.store = store
        self.uri = store.uri(folder)
        self.lane = lane
        self.log = DeltaLog(store, self.uri)
        self._spark_schema = schema
        self._mode = "append"
        self._partition_by = partition_by
        scheme = urlsplit(self.uri).scheme
        if scheme != "file":
            raise DeltaTableError(
                self.uri,
                f"delta-rs does its own reading and writing, and {scheme}: is not among what this "
                "sink was tried on",
                "use a file: path, or format='parquet'",
            )

    def replacing(self) -> DeltaSink:
        """Return this sink as one whose commits take the place of all rows before them.

        The files stay until the table's own VACUUM.
        """
        other = copy(self)
        other._mode = "overwrite"
        return other

    @cached_property
    def _schema(self) -> Schema | None:
        """The lane's columns; None where a place is only looked at, and nobody says them."""
        declared = self._spark_schema()
        if not json.loads(declared):
            return None
        try:
            return lane_schema(declared)
        except ValueError as error:
            raise DeltaTableError(
                self.uri,
                f"it cannot hold {self.lane}: {error}",
                "change the contract, or use format='parquet'",
            ) from error

    def newest(self) -> int:
        """Return the table's version; -1 if there is no table yet."""
        return self.log.newest()

    def files(self) -> Sequence[str]:
        """Return the URIs of the files that a reader sees now, oldest commit first.

        Raises:
            UnsoundPlaceError: if a file alone shows rows that are deleted.
        """
        table = self._table()
        if table is None:
            return []
        if any(batch.num_rows for batch in table.deletion_vectors()):
            raise UnsoundPlaceError(self.uri, [deleted_rows(self.uri)])
        there: dict[str, str] = {
            path if urlsplit(path).scheme else join(self.uri, path): path
            for path in map(str, table.get_add_actions().column("path").to_pylist())
        }
        order = {path: n for n, path in enumerate(self._added())}
        # What is in no commit any more was added before those that still are.
        return sorted(there, key=lambda uri: (order.get(there[uri], -1), uri))

    def _added(self) -> list[str]:
        found: list[str] = []
        for version in range(self.newest() + 1):
            try:
                actions = list(self.log.actions(version))
            except FileNotFoundError:
                continue
            found += [action["add"]["path"] for action in actions if "add" in action]
        return found

    def staging(self) -> str:
        """Return the folder for staged files, which Delta's readers and VACUUM leave alone."""
        return join(self.uri, OURS, "staging")

    def defects(
        self, published: Iterable[LaneManifest] = (), *, deep: bool = False
    ) -> Sequence[Defect]:
        """Return why the lane cannot be added here, and what the table has lost.

        Raises:
            DeltaTableError: if no Delta table could hold the lane's columns.
        """
        schema = self._schema
        try:
            table = self._table()
        except UnsoundPlaceError as error:
            return error.defects
        found = list(self._lost(table, published))
        if table is None:
            return found or list(place_defects(self.store, self.uri))
        by = self._partition_by
        return [*found, *table_defects(self.store, self.uri, table, schema, by, deep=deep)]

    def _lost(
        self, table: DeltaTable | None, published: Iterable[LaneManifest]
    ) -> Iterator[Defect]:
        missed: list[int] = []
        for manifest in published:
            application, batch = self._application(manifest.token)
            held = None if table is None else table.transaction_version(application)
            # A table that has the newest has those before it.
            if held is not None and held >= batch:
                break
            missed.append(batch)
        if missed:
            yield lost_batches(self.uri, missed, -1 if table is None else table.version())

    def accept(self, defects: Iterable[Defect]) -> None:
        """Nothing to keep: no defect of a table goes away by being accepted."""

    def _table(self) -> DeltaTable | None:
        """Return the table as it is now."""
        try:
            return DeltaTable(self.uri)
        except TableNotFoundError:
            return None
        except DeltaError as error:
            found = Defect(
                kind="corrupt-table",
                what=f"delta-rs cannot read the table: {error}",
                where=self.uri,
                way_out="mend the table, or write to another",
            )
            raise UnsoundPlaceError(self.uri, [found]) from error

    def final_name(self, token: str, index: int, staged: str) -> str:
        """Return a name that is the same at every attempt to publish this batch."""
        codec = _CODEC.search(staged)
        end = codec[0] if codec else ".parquet"
        return join(self.uri, f"{inside(staged)}{token}{index:05d}{end}")

    def publish(self, manifest: LaneManifest) -> int:
        """Move the files to their places, then add them by one commit; return its version."""
        application, batch = self._application(manifest.token)
        failure: Exception | None = None
        faults = 0
        for _ in range(ATTEMPTS):
            # Loaded before the log is looked through: whoever commits this batch after that is
            # unknown to this object, and makes its commit fail.
            table = self._table()
            self._require_same_table(table, manifest.after, batch)
            version = self._landed(table, application, batch, manifest.after)
            if version is not None:
                self.log.settle(version)
                return version
            if faults > 1:
                break
            if table is not None:
                self._require_fitting(table)
            adds = [add for move in manifest.moves if (add := self._moved(*move)) is not None]
            try:
                if table is not None:
                    self._add_lacking(table)
                self._commit(table, adds, application, batch)
            except CommitFailedError as error:
                # Another writer came in between. Look again.
                failure = error
            except (DeltaError, OSError) as error:
                # Another driver created the table first, or the commit is there and what
                # delta-rs does after it failed; the log tells. Or it is a fault, which stays.
                failure, faults = error, faults + 1
        raise DeltaCommitError(self.uri, str(failure)) from failure

    def _application(self, token: str) -> tuple[str, int]:
        parts = _TOKEN.fullmatch(token)
        if parts is None:
            raise CorruptFileError(self.uri, f"a manifest with the token {token!r}")
        return f"dc43-{parts['application']}-{self.lane}", int(parts["batch"])

    def _require_same_table(self, table: DeltaTable | None, after: int, batch: int) -> None:
        """Refuse to guess whether a table that went back had this batch."""
        version = -1 if table is None else table.version()
        if version < after:
            raise UnsoundPlaceError(self.uri, [lost_batches(self.uri, [batch], version)])

    def _require_fitting(self, table: DeltaTable) -> None:
        """Refuse a table that another writer has changed since the start."""
        found = misfit(table, self._schema, self._partition_by)
        if found is not None:
            what, way_out = f"the table {found[0]}", found[1]
            defect = Defect(kind="unfit-table", what=what, where=self.uri, way_out=way_out)
            raise UnsoundPlaceError(self.uri, [defect])

    def _landed(
        self, table: DeltaTable | None, application: str, batch: int, after: int
    ) -> int | None:
        """Return the version of the commit that holds the batch; None if there is none.

        Raises:
            OlderBatchError: if the table was ahead of this batch when it was prepared.
        """
        held = None if table is None else table.transaction_version(application)
        found = self.log.find(application, batch, after)
        if found.version is not None:
            return found.version
        if held is None or held < batch:
            return None
        if found.complete or found.oldest is None:
            raise OlderBatchError(self.uri, application, batch, held)
        # Its commit has been cleaned up since: the oldest one left is the first known to hold it.
        log.warning("commit.cleaned-up", batch_id=batch, version=found.oldest)
        return found.oldest

    def _moved(self, staged: str, final: str) -> AddAction | None:
        """Move one file to its place and return how the log names it; None if it has no rows."""
        status = self.store.status(final)
        if status is None:
            try:
                # A table needs no file to know its columns.
                if read_footer(self.store, staged).rows == 0:
                    return None
                self.store.rename_no_replace(staged, final)
            except FileNotFoundError:
                # Moved by another driver in the meantime, or lost; the target tells.
                pass
            status = self.store.status(final)
        if status is None:
            raise StaleStagingError(staged, final)
        return AddAction(
            # As delta-rs takes it: a path of its own, which it spells as a URI itself.
            path=canonical(final).removeprefix(canonical(self.uri).rstrip("/") + "/"),
            size=status.size,
            partition_values=values(final, self.uri),
            modification_time=status.modified,
            data_change=True,
            stats=read_footer(self.store, final).statistics,
        )

    def _add_lacking(self, table: DeltaTable) -> None:
        """Give a table of rejects the columns that it was made without."""
        columns = [] if self._schema is None else lacking(table.schema(), self._schema)
        if columns:
            table.alter.add_columns(columns)
            self.log.settle(table.version())

    def _commit(
        self, table: DeltaTable | None, adds: list[AddAction], application: str, batch: int
    ) -> None:
        transactions = [Transaction(application, batch)]
        about = {"userMetadata": f"dc43 {self.lane} batch {batch} of {application}"}
        if table is None:
            assert self._schema is not None, "a sink that is published to has columns"
            # Without this, the later of two creators becomes version 1 and both succeed.
            alone = CommitProperties(about, max_commit_retries=0, app_transactions=transactions)
            create_table_with_add_actions(
                self.uri,
                self._schema,
                adds,
                mode="error",
                partition_by=list(self._partition_by),
                commit_properties=alone,
            )
        else:
            properties = CommitProperties(about, app_transactions=transactions)
            table.create_write_transaction(
                list(adds),
                self._mode,
                table.schema(),
                partition_by=list(self._partition_by),
                commit_properties=properties,
            )
