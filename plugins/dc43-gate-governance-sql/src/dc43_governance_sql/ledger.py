"""Governance records in a SQL database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Executable,
    Table,
    select,
    union,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from dc43_core.errors import Dc43Error
from dc43_core.governance.approvals import Approval
from dc43_core.governance.measurements import Measurement
from dc43_core.governance.model import Run, SchemaObservation, StopRequest
from dc43_core.protocol.record import GovernanceRecord
from dc43_governance_sql.database import database
from dc43_governance_sql.errors import LedgerError
from dc43_governance_sql.options import SqlOptions
from dc43_governance_sql.revisions import bring_up_to_date, is_current, lacking
from dc43_governance_sql.rows import (
    approval_row,
    measurement_row,
    observation_row,
    read_approval,
    read_measurement,
    read_observation,
    read_record,
    read_request,
    read_run,
    record_row,
    request_text,
    run_row,
)
from dc43_governance_sql.tables import (
    APPROVALS,
    MEASUREMENTS,
    RECORDS,
    RUNS,
    SCHEMA_OBSERVATIONS,
)


def _insert_absent(table: Table, dialect: str) -> Executable:
    insert = (
        postgresql.insert(table).on_conflict_do_nothing()
        if dialect == "postgresql"
        else sqlite.insert(table).on_conflict_do_nothing()
    )
    # Of an INSERT, SQLAlchemy forgets the count unless told.
    return insert.execution_options(preserve_rowcount=True)


def _upsert(table: Table, key: str, dialect: str, row: Mapping[str, Any]) -> Executable:
    if dialect == "postgresql":
        of_server = postgresql.insert(table).values(row)
        return of_server.on_conflict_do_update(index_elements=[key], set_=row)
    of_file = sqlite.insert(table).values(row)
    return of_file.on_conflict_do_update(index_elements=[key], set_=row)


class SqlGovernance:
    """A `GovernanceClient` over a SQLite file or a PostgreSQL database.

    Each call takes a connection of its own, so any thread may call. What `record_many` and
    `observe_schema` returned from survives a power cut.

    Every method raises LedgerError where the database fails it, and CorruptFileError where it
    is damaged.
    """

    def __init__(self, options: SqlOptions) -> None:
        self._database = database(options)
        self._engine: Engine | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.location()})"

    def open(self) -> None:
        """Create or upgrade the tables.

        Raises:
            CorruptFileError: if the file is damaged or is something else.
            FormatVersionError: if a newer dc43 made the tables.
        """
        self.close()
        self._database.create()
        self._engine = self._database.engine()
        try:
            with self._connection() as connection:
                self._database.prepare(connection)
                current = is_current(connection, self.location())
            if not current:
                with self._writing() as connection:
                    shared = self._database.shared
                    bring_up_to_date(connection, self.location(), shared=shared)
        except Dc43Error:
            self.close()
            raise

    def open_as_it_is(self) -> str | None:
        """Get ready to be read, making and upgrading nothing.

        Returns:
            What stands in the way, as a sentence; None if all is there.

        Raises:
            CorruptFileError: if the file is damaged or is something else.
            FormatVersionError: if a newer dc43 made the tables.
        """
        self.close()
        if not self._database.exists():
            return "it is not there yet; the next start makes it"
        self._engine = self._database.engine()
        try:
            with self._connection() as connection:
                found = lacking(connection, self.location())
        except Dc43Error:
            self.close()
            raise
        if found is not None:
            self.close()
        return found

    def close(self) -> None:
        """Let go of connections; `open` may follow."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def health(self) -> str | None:
        """Return what is wrong as a sentence, or None."""
        try:
            with self._connection() as connection:
                if is_current(connection, self.location()):
                    return None
        except Dc43Error as error:
            return str(error)
        return f"ledger {self.location()}: its tables are gone; the next start makes them anew"

    def set_aside(self) -> str | None:
        """Rename a damaged file so that `open` makes a new one; nothing is deleted.

        Returns:
            Its new name; None where the database is not a file of its own.
        """
        self.close()
        return self._database.set_aside()

    def location(self) -> str:
        """Return the file, or the URL without its password."""
        return self._database.location

    def record_many(self, records: Sequence[GovernanceRecord]) -> int:
        """Keep records, each once by `record_id`, all or none; return how many were new."""
        return self._insert(RECORDS, [record_row(record) for record in records])

    def observe_schema(self, observation: SchemaObservation) -> None:
        """Keep a schema observation."""
        self._insert(SCHEMA_OBSERVATIONS, [observation_row(observation)])

    def records(
        self,
        *,
        namespace: str = "default",
        dataset_id: str | None = None,
        stream_id: str | None = None,
        newest: int | None = None,
    ) -> Sequence[GovernanceRecord]:
        """Return records, oldest first.

        Raises:
            FormatVersionError: if a newer dc43 wrote one of them.
        """
        found = self._newest(
            RECORDS,
            [RECORDS.c.record_id, RECORDS.c.payload],
            {"namespace": namespace, "dataset_id": dataset_id, "stream_id": stream_id},
            newest,
        )
        return [read_record(key, payload, self.location()) for key, payload in found]

    def schema_observations(
        self, *, namespace: str = "default", dataset_id: str | None = None
    ) -> Sequence[SchemaObservation]:
        """Return schema observations, oldest first."""
        found = self._newest(
            SCHEMA_OBSERVATIONS,
            [SCHEMA_OBSERVATIONS.c.sequence, SCHEMA_OBSERVATIONS.c.payload],
            {"namespace": namespace, "dataset_id": dataset_id},
        )
        return [read_observation(key, payload, self.location()) for key, payload in found]

    def save_run(self, run: Run) -> StopRequest | None:
        """Keep a run's newest state; return who has asked it to stop."""
        asked = select(RUNS.c.stop_request).where(RUNS.c.run_id == run.run_id)
        with self._writing() as connection:
            connection.execute(_upsert(RUNS, "run_id", connection.dialect.name, run_row(run)))
            found = connection.execute(asked).scalar()
        return read_request(run.run_id, found, self.location())

    def request_stop(self, run_id: str, request: StopRequest) -> bool:
        """Ask a run to end between two batches; False if no such run is known."""
        run = RUNS.c.run_id == run_id
        with self._writing() as connection:
            connection.execute(
                update(RUNS)
                .where(run, RUNS.c.stop_request.is_(None))
                .values(stop_request=request_text(request))
            )
            return connection.execute(select(RUNS.c.run_id).where(run)).first() is not None

    def runs(
        self,
        *,
        namespace: str = "default",
        dataset_id: str | None = None,
        stream_id: str | None = None,
        run_id: str | None = None,
        newest: int | None = None,
    ) -> Sequence[Run]:
        """Return runs, oldest first.

        Raises:
            FormatVersionError: if a newer dc43 wrote one of them.
        """
        found = self._newest(
            RUNS,
            [RUNS.c.run_id, RUNS.c.payload, RUNS.c.stop_request],
            {
                "namespace": namespace,
                "dataset_id": dataset_id,
                "stream_id": stream_id,
                "run_id": run_id,
            },
            newest,
        )
        return [read_run(key, text, asked, self.location()) for key, text, asked in found]

    def dataset_ids(self, *, namespace: str = "default") -> Sequence[str]:
        """Return the id of every dataset that is known, sorted."""
        tables = (RECORDS.c, SCHEMA_OBSERVATIONS.c)
        queries = [select(t.dataset_id).where(t.namespace == namespace) for t in tables]
        with self._connection() as connection:
            # Sorted here: a database may sort by a language.
            return sorted(connection.execute(union(*queries)).scalars())

    def add_approvals(self, approvals: Sequence[Approval]) -> int:
        """Keep approvals, each once by `approval_id`, all or none; return how many were new."""
        return self._insert(APPROVALS, [approval_row(one) for one in approvals])

    def approvals(
        self, *, namespace: str = "default", dataset_id: str | None = None
    ) -> Sequence[Approval]:
        """Return approvals, oldest first.

        Raises:
            FormatVersionError: if a newer dc43 wrote one of them.
        """
        columns = [APPROVALS.c.approval_id, APPROVALS.c.payload]
        found = self._newest(APPROVALS, columns, {"namespace": namespace, "dataset_id": dataset_id})
        return [read_approval(key, text, self.location()) for key, text in found]

    def save_measurement(self, measurement: Measurement) -> None:
        """Keep a measurement's newest state."""
        row = measurement_row(measurement)
        with self._writing() as connection:
            dialect = connection.dialect.name
            connection.execute(_upsert(MEASUREMENTS, "measurement_id", dialect, row))

    def measurements(
        self,
        *,
        namespace: str = "default",
        dataset_id: str | None = None,
        measurement_id: str | None = None,
        newest: int | None = None,
    ) -> Sequence[Measurement]:
        """Return measurements, oldest first.

        Raises:
            FormatVersionError: if a newer dc43 wrote one of them.
        """
        found = self._newest(
            MEASUREMENTS,
            [MEASUREMENTS.c.measurement_id, MEASUREMENTS.c.payload],
            {
                "namespace": namespace,
                "dataset_id": dataset_id,
                "measurement_id": measurement_id,
            },
            newest,
        )
        return [read_measurement(key, text, self.location()) for key, text in found]

    def _newest(
        self,
        table: Table,
        columns: Sequence[Column[Any]],
        wanted: Mapping[str, str | None],
        newest: int | None = None,
    ) -> Sequence[Any]:
        """Return the newest rows with these values, oldest first; None means any value."""
        query = select(*columns)
        for name, value in wanted.items():
            if value is not None:
                query = query.where(table.c[name] == value)
        query = query.order_by(table.c.sequence.desc())
        if newest is not None:
            # To SQLite a negative limit is none.
            query = query.limit(max(newest, 0))
        with self._connection() as connection:
            return connection.execute(query).all()[::-1]

    def _insert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
        if not rows:
            return 0
        with self._writing() as connection:
            statement = _insert_absent(table, connection.dialect.name)
            # Row by row: no driver tells for many rows at once which of them were new, and
            # PostgreSQL does not promise to number them in order.
            return sum(connection.execute(statement, row).rowcount for row in rows)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._connection() as connection:
            self._database.begin_write(connection)
            yield connection
            connection.commit()

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        if self._engine is None:
            raise LedgerError(
                self.location(), "it is not open", retryable=False, remedy="call open() first"
            )
        try:
            with self._engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            # Not chained: what the database says may hold the password.
            raise self._database.explain(error) from None
