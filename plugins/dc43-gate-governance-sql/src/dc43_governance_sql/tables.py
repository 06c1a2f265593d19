"""The ledger's tables: columns to search by, and each record whole as JSON.

The columns repeat what stands in `payload`, which alone is read back. They are there for
queries: those of this plugin, of pages, of people with a SQL prompt.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text

# Tables may stand in a database beside those of others.
PREFIX = "dc43_"

METADATA = MetaData()

# SQLite numbers rows by itself only if the type is spelt INTEGER.
_SEQUENCE = BigInteger().with_variant(Integer(), "sqlite")

REVISION = Table(
    f"{PREFIX}ledger_revision",
    METADATA,
    # As Alembic declares it, which keeps it up to date.
    Column("version_num", String(32), primary_key=True),
)

RECORDS = Table(
    f"{PREFIX}records",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("record_id", Text, nullable=False, unique=True),
    Column("namespace", Text, nullable=False),
    Column("stream_id", Text, nullable=False),
    Column("query_name", Text),
    Column("run_id", Text, nullable=False),
    Column("run_type", Text, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("dataset_id", Text, nullable=False),
    Column("dataset_version", Text),
    Column("contract_id", Text, nullable=False),
    Column("contract_version", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("row_count", BigInteger, nullable=False),
    Column("main_count", BigInteger, nullable=False),
    Column("valid_count", BigInteger, nullable=False),
    Column("reject_count", BigInteger, nullable=False),
    Column("violations", BigInteger, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("ended_at", Text, nullable=False),
    Column("format_version", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Index(f"{PREFIX}records_by_dataset", "namespace", "dataset_id", "sequence"),
    Index(f"{PREFIX}records_by_stream", "namespace", "stream_id", "sequence"),
    # A number once given is not given again, also after a deletion by hand.
    sqlite_autoincrement=True,
)

SCHEMA_OBSERVATIONS = Table(
    f"{PREFIX}schema_observations",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("namespace", Text, nullable=False),
    Column("dataset_id", Text, nullable=False),
    Column("dataset_version", Text, nullable=False),
    Column("direction", Text, nullable=False),
    Column("observed_at", Text, nullable=False),
    Column("contract_id", Text, nullable=False),
    Column("contract_version", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Index(f"{PREFIX}schema_observations_by_dataset", "namespace", "dataset_id", "sequence"),
    sqlite_autoincrement=True,
)

RUNS = Table(
    f"{PREFIX}runs",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("run_id", Text, nullable=False, unique=True),
    Column("namespace", Text, nullable=False),
    Column("stream_id", Text, nullable=False),
    Column("dataset_id", Text, nullable=False),
    Column("run_type", Text, nullable=False),
    Column("started_at", Text, nullable=False),
    Column("heartbeat_at", Text, nullable=False),
    Column("step", Text),
    Column("batch_id", BigInteger),
    Column("ended_at", Text),
    Column("outcome", Text),
    Column("format_version", Integer, nullable=False),
    # Written by others than the run, whose row is overwritten all the time.
    Column("stop_request", Text),
    Column("payload", Text, nullable=False),
    Index(f"{PREFIX}runs_by_dataset", "namespace", "dataset_id", "sequence"),
    Index(f"{PREFIX}runs_by_stream", "namespace", "stream_id", "sequence"),
    sqlite_autoincrement=True,
)

APPROVALS = Table(
    f"{PREFIX}approvals",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("approval_id", Text, nullable=False, unique=True),
    Column("namespace", Text, nullable=False),
    Column("dataset_id", Text, nullable=False),
    Column("dataset_version", Text, nullable=False),
    Column("record_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("format_version", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Index(f"{PREFIX}approvals_by_dataset", "namespace", "dataset_id", "sequence"),
    sqlite_autoincrement=True,
)

MEASUREMENTS = Table(
    f"{PREFIX}measurements",
    METADATA,
    Column("sequence", _SEQUENCE, primary_key=True, autoincrement=True),
    Column("measurement_id", Text, nullable=False, unique=True),
    Column("namespace", Text, nullable=False),
    Column("dataset_id", Text, nullable=False),
    Column("dataset_version", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("verdict", Text),
    Column("requested_at", Text, nullable=False),
    Column("heartbeat_at", Text, nullable=False),
    Column("ended_at", Text),
    Column("format_version", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Index(f"{PREFIX}measurements_by_dataset", "namespace", "dataset_id", "sequence"),
    sqlite_autoincrement=True,
)
