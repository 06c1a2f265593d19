"""The two kinds of database a ledger can be in, and how each is connected to safely."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from dc43_core.converter import Secret
from dc43_core.errors import CorruptFileError, Dc43Error
from dc43_governance_sql.errors import LedgerError
from dc43_governance_sql.options import SqlOptions

_BUSY_SECONDS = 30.0


class Database(Protocol):
    """Where a ledger's tables are.

    Attributes:
        location: For people, without a password.
        shared: Whether tables of others may be there.
    """

    location: str
    shared: bool

    def exists(self) -> bool:
        """Say whether the place is there, as far as can be told without asking a server."""
        ...

    def create(self) -> None:
        """Make the place if it is missing."""
        ...

    def engine(self) -> Engine:
        """Return what makes connections; it makes none yet."""
        ...

    def prepare(self, connection: Connection) -> None:
        """Set what is kept in the database itself; called when it is opened."""
        ...

    def begin_write(self, connection: Connection) -> None:
        """Begin a transaction that will write."""
        ...

    def set_aside(self) -> str | None:
        """Rename what is there, so that a new one can be made; return its new name, if any."""
        ...

    def explain(self, error: SQLAlchemyError) -> Dc43Error:
        """Return what a caller is told of an error of the database."""
        ...


class SqliteFile:
    """One SQLite file; several threads and processes may use it at once."""

    shared = False

    def __init__(self, path: str) -> None:
        self._path = Path(path).absolute()
        self.location = str(self._path)

    def exists(self) -> bool:
        """Say whether the file is there."""
        return self._path.exists()

    def create(self) -> None:
        """Make the folder and an empty file."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if not self._path.exists():
                self._path.touch()
        except OSError as error:
            raise LedgerError(
                self.location,
                f"cannot be created: {error}",
                retryable=False,
                remedy="give the ledger a path that can be written",
            ) from error

    def engine(self) -> Engine:
        """Return an engine that opens the file for each call.

        A connection that was kept would go on writing to a file that has been deleted or
        replaced meanwhile, and would be torn by a fork.
        """
        return create_engine(
            "sqlite://", creator=self._connect, poolclass=NullPool, hide_parameters=True
        )

    def begin_write(self, connection: Connection) -> None:
        """Take the write lock, waiting for it.

        A transaction that begins by reading fails at once when another has written
        meanwhile: no waiting helps it.
        """
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def set_aside(self) -> str:
        """Rename the file, and what SQLite keeps beside it, to a name that is free."""
        if others := self._tables_of_others():
            raise LedgerError(
                self.location,
                f"it holds tables of others ({', '.join(others[:5])})",
                retryable=False,
                remedy="give the ledger another path",
            )
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
            number += 1
        try:
            for suffix in ("-wal", "-shm", ""):
                part = self._path.with_name(self._path.name + suffix)
                if part.exists():
                    part.rename(aside.with_name(aside.name + suffix))
        except OSError as error:
            raise LedgerError(
                self.location,
                f"cannot be moved aside: {error}",
                retryable=False,
                remedy="rename it by hand",
            ) from error
        return str(aside)

    def prepare(self, connection: Connection) -> None:
        """Let readers and a writer work at once, where the file system has what it takes.

        Network file systems may not, and a reader of this moment may stand in the way; then
        the file keeps its rollback journal, which is as safe.
        """
        if connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal":
            return
        # Not worth waiting for.
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
        with suppress(OperationalError):
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000:.0f}")

    def explain(self, error: SQLAlchemyError) -> Dc43Error:
        """Tell damage, an absent file and a busy database apart."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return CorruptFileError(
                self.location,
                f"no ledger of dc43 ({cause}); `dc43 ledger rebuild CHECKPOINT --replace` moves "
                "it aside and makes a new one from the records beside the checkpoint, or",
            )
        if code == sqlite3.SQLITE_CANTOPEN and not self._path.exists():
            return LedgerError(
                self.location,
                "the file is gone",
                retryable=False,
                remedy="the next start makes a new one from the records beside the checkpoints",
            )
        return LedgerError(self.location, str(cause), retryable=isinstance(error, OperationalError))

    def _tables_of_others(self) -> list[str]:
        try:
            connection = self._connect()
        except sqlite3.Error:
            return []
        try:
            rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            return [name for (name,) in rows if not name.startswith(("dc43_", "sqlite_"))]
        except sqlite3.Error:
            # Too damaged to tell: then it is nobody's any more.
            return []
        finally:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            # mode=rw: a file that was deleted is not replaced by an empty one without tables.
            f"{self._path.as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_SECONDS,
            # Transactions begin where this module says so.
            isolation_level=None,
        )
        try:
            connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


class Server:
    """A PostgreSQL database, which tables of others may share."""

    shared = True

    def __init__(self, url: URL) -> None:
        self._url = url
        # Neither the password nor the query, which may hold one too.
        shown = URL.create(
            url.drivername,
            username=url.username,
            host=url.host,
            port=url.port,
            database=url.database,
        )
        self.location = shown.render_as_string()

    def exists(self) -> bool:
        """Only the server can tell."""
        return True

    def create(self) -> None:
        """Databases are created by whoever runs the server."""

    def engine(self) -> Engine:
        """Return an engine that keeps a few connections, and tries them before use."""
        try:
            return create_engine(self._url, pool_pre_ping=True, hide_parameters=True)
        except ImportError as error:
            raise LedgerError(
                self.location,
                f"the driver of {self._url.drivername} is not installed: {error}",
                retryable=False,
                remedy="install it, as in `pip install psycopg[binary]`",
            ) from error

    def set_aside(self) -> None:
        """Nothing: tables of others may be there, and its owner mends it."""

    def prepare(self, connection: Connection) -> None:
        """Nothing is to be set."""

    def begin_write(self, connection: Connection) -> None:
        """Nothing: SQLAlchemy begins, and PostgreSQL locks by row."""

    def explain(self, error: SQLAlchemyError) -> Dc43Error:
        """Tell what may pass by itself from what does not, and leave secrets out."""
        text = str(error.orig if isinstance(error, DBAPIError) else error)
        query = self._url.query
        for secret in [self._url.password, *(v for k, v in query.items() if "pass" in k)]:
            if isinstance(secret, str) and secret:
                text = text.replace(secret, "***")
        passing = (OperationalError, InterfaceError, PoolTimeoutError)
        return LedgerError(
            self.location, " ".join(text.split()), retryable=isinstance(error, passing)
        )


def database(options: SqlOptions) -> Database:
    """Return where the options say that the ledger is; connects to nothing.

    Raises:
        ValueError: if it cannot be there.
    """
    if options.path is not None:
        return SqliteFile(options.path)
    assert options.url is not None
    return _from_url(options.url)


def _from_url(secret: Secret) -> Database:
    try:
        url = make_url(secret.reveal())
    except (ArgumentError, ValueError):
        # SQLAlchemy's message may quote the URL.
        raise ValueError(
            "url: not a SQLAlchemy URL; write postgresql+psycopg://user:password@host/database"
        ) from None
    backend = url.get_backend_name()
    if backend == "postgresql":
        # The rest of such a password ends up in a name, and names are shown.
        if "@" in (url.host or "") + (url.database or ""):
            raise ValueError("url: in user and password, write @ as %40")
        return Server(url)
    if backend == "sqlite" and url.database and not url.database.startswith((":", "file:")):
        return SqliteFile(url.database)
    if backend == "sqlite":
        raise ValueError('url: names no SQLite file; for records in memory use = "memory"')
    raise ValueError(f"url: a ledger is kept in sqlite or postgresql, not in {backend}")
