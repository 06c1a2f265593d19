"""Creating the tables, and bringing older ones up to date.

Revisions are numbered from 0001 on, one file each under `migrations/versions`. A change of the
tables is a change in `tables.py`, a new file there, and `NEWEST`.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, insert, inspect, select

from dc43_core.errors import CorruptFileError, FormatVersionError
from dc43_governance_sql.tables import METADATA, REVISION

NEWEST = 3
MIGRATIONS = Path(__file__).with_name("migrations")

# "dc43" in ASCII: two processes that find no tables at once must not both create them.
_LOCK = 0x64633433


def is_current(connection: Connection, location: str) -> bool:
    """Return whether the tables are there and need no upgrade.

    Raises:
        FormatVersionError: if a newer dc43 made them.
    """
    return _found(connection, location) == NEWEST


def lacking(connection: Connection, location: str) -> str | None:
    """Return what `bring_up_to_date` would do, as a sentence; None for nothing.

    Raises:
        FormatVersionError: if a newer dc43 made the tables.
    """
    found = _found(connection, location)
    if found is None:
        return "it has no tables yet; the next start makes them"
    if found < NEWEST:
        return f"its tables are of revision {found}; the next start brings them to {NEWEST}"
    return None


def bring_up_to_date(connection: Connection, location: str, *, shared: bool) -> None:
    """Create the tables, or upgrade them, inside the transaction that has been begun.

    Args:
        connection: In SQLite within BEGIN IMMEDIATE, so that only one process is here.
        location: The ledger, for messages.
        shared: Whether tables of others may be there.

    Raises:
        CorruptFileError: if a file of its own holds something else.
        FormatVersionError: if a newer dc43 made the tables.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    found = _found(connection, location)
    if found is None:
        others = inspect(connection).get_table_names()
        if others and not shared:
            raise CorruptFileError(
                location,
                f"a SQLite database, but no ledger of dc43 (tables: {', '.join(others[:5])}); "
                "give the ledger another path",
            )
        # What the migrations lead to from nothing (tested), without importing Alembic.
        METADATA.create_all(connection, checkfirst=False)
        connection.execute(insert(REVISION).values(version_num=f"{NEWEST:04}"))
    elif found < NEWEST:
        upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run the migrations that the database lacks, within the transaction of `connection`."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _found(connection: Connection, location: str) -> int | None:
    if not inspect(connection).has_table(REVISION.name):
        return None
    found = connection.execute(select(REVISION.c.version_num)).scalars().first()
    if found is None:
        raise CorruptFileError(location, f"table {REVISION.name} is empty")
    if not found.isdecimal() or int(found) > NEWEST:
        raise FormatVersionError(location, found, NEWEST)
    return int(found)
