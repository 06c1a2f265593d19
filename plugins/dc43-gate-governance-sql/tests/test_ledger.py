"""The SQL ledger keeps the promises of every client, and those of a file that outlives it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from dc43_core.converter import Secret
from dc43_core.testing.catalogue import CatalogueKeeperConformance
from dc43_core.testing.governance import GovernanceClientConformance
from dc43_core.testing.records import make_record
from dc43_core.testing.runs import RunKeeperConformance
from dc43_governance_sql.errors import LedgerError
from dc43_governance_sql.ledger import SqlGovernance
from dc43_governance_sql.options import SqlOptions
from dc43_governance_sql.tables import METADATA

# A database whose tables may be dropped, as in postgresql+psycopg://me@localhost/trial.
POSTGRESQL = os.environ.get("DC43_TEST_POSTGRESQL")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a folder" / "100% ledger?.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[SqlGovernance]:
    client = SqlGovernance(SqlOptions(path=str(path)))
    client.open()
    yield client
    client.close()


class TestSqlite(GovernanceClientConformance, RunKeeperConformance, CatalogueKeeperConformance):
    @pytest.fixture
    def client(self, path: Path) -> SqlGovernance:
        return SqlGovernance(SqlOptions(path=str(path)))


if POSTGRESQL is not None:

    class TestPostgresql(
        GovernanceClientConformance, RunKeeperConformance, CatalogueKeeperConformance
    ):
        @pytest.fixture
        def client(self) -> SqlGovernance:
            engine = create_engine(POSTGRESQL)
            METADATA.drop_all(engine)
            engine.dispose()
            return SqlGovernance(SqlOptions(url=Secret(POSTGRESQL)))


def test_records_survive_reopening(ledger, path):
    record = make_record()
    ledger.record_many([record])
    ledger.close()
    ledger.open()
    assert ledger.record_many([record]) == 0
    assert [r.payload() for r in ledger.records()] == [record.payload()]


def test_a_sqlite_url_is_the_same_file(ledger, tmp_path, path):
    ledger.record_many([make_record()])
    ledger.close()
    path.rename(tmp_path / "ledger.db")
    other = SqlGovernance(SqlOptions(url=Secret(f"sqlite:///{tmp_path}/ledger.db")))
    other.open()
    assert len(other.records()) == 1
    other.close()


def test_two_processes_that_create_and_write_at_once_lose_nothing(path):
    script = Path(__file__).with_name("write_records.py")
    writers = [
        subprocess.Popen([sys.executable, script, path, stream, "10"], stderr=subprocess.PIPE)
        for stream in ("a", "b")
    ]
    errors = [writer.communicate(timeout=60)[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], errors
    client = SqlGovernance(SqlOptions(path=str(path)))
    client.open()
    for stream in ("a", "b", "common"):
        assert [r.batch_id for r in client.records(stream_id=stream)] == list(range(10))
    client.close()


def test_one_record_that_cannot_be_kept_keeps_all_of_its_call_out(ledger):
    with pytest.raises(TypeError):
        ledger.record_many([make_record(batch_id=0), make_record(batch_id=1, details={"x": {1}})])
    # Refused by the database itself, after the first row went in.
    bad = make_record(batch_id=1, dataset_id=None)
    with pytest.raises(LedgerError) as caught:
        ledger.record_many([make_record(batch_id=0), bad])
    assert not caught.value.retryable
    assert list(ledger.records()) == []


def test_a_file_deleted_between_opens_is_made_anew(ledger, path):
    ledger.record_many([make_record()])
    ledger.close()
    path.unlink()
    ledger.open()
    assert list(ledger.records()) == []
    assert ledger.record_many([make_record()]) == 1


def test_a_log_left_by_a_ledger_that_was_deleted_is_not_replayed(ledger, path):
    log = path.with_name(f"{path.name}-wal")
    with sqlite3.connect(path) as reader:
        # While somebody reads, the last writer does not clear the log away.
        reader.execute("SELECT count(*) FROM dc43_records").fetchone()
        ledger.record_many([make_record()])
        left = log.read_bytes()
    reader.close()
    assert left
    path.unlink()
    log.write_bytes(left)
    ledger.open()
    assert list(ledger.records()) == []
    assert ledger.health() is None


def test_a_file_deleted_while_open_is_said_and_not_written_around(ledger, path):
    ledger.record_many([make_record(batch_id=0)])
    path.unlink()
    assert "the file is gone" in ledger.health()
    with pytest.raises(LedgerError, match="the next start makes a new one"):
        ledger.record_many([make_record(batch_id=1)])
    assert not path.exists()


def test_a_relative_path_stays_the_file_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    client = SqlGovernance(SqlOptions(path="ledger.db"))
    monkeypatch.chdir("/")
    client.open()
    client.close()
    assert client.location() == str(tmp_path / "ledger.db")
    assert (tmp_path / "ledger.db").exists()


def test_a_client_that_is_not_open_says_so(path):
    client = SqlGovernance(SqlOptions(path=str(path)))
    assert "it is not open" in client.health()
    with pytest.raises(LedgerError, match="call open"):
        client.records()


def test_a_path_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    client = SqlGovernance(SqlOptions(path=str(tmp_path / "file" / "ledger.db")))
    with pytest.raises(LedgerError, match=r"file/ledger\.db: cannot be created"):
        client.open()


def test_a_write_is_synced_and_logged_ahead(ledger, path):
    with ledger._engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_without_a_write_ahead_log_records_are_kept_all_the_same(ledger, path):
    ledger.close()
    with sqlite3.connect(path, isolation_level=None) as reader:
        reader.execute("PRAGMA journal_mode=DELETE")
        # A reader in the middle of a file stands in the way of a change of journal.
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM dc43_records").fetchone()
        ledger.open()
        reader.execute("COMMIT")
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    reader.close()
    assert ledger.record_many([make_record()]) == 1
    assert ledger.health() is None


def test_a_busy_file_is_waited_for(ledger, path):
    writer = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("hold_lock.py"), path], stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    started = time.monotonic()
    assert ledger.record_many([make_record()]) == 1
    assert time.monotonic() - started > 0.1
    writer.communicate(timeout=30)


def test_a_file_that_stays_busy_is_an_error_worth_another_try(ledger, path, monkeypatch):
    monkeypatch.setattr("dc43_governance_sql.database._BUSY_SECONDS", 0.05)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="locked") as caught:
            ledger.record_many([make_record()])
    other.close()
    assert caught.value.retryable
    assert ledger.record_many([make_record()]) == 1
