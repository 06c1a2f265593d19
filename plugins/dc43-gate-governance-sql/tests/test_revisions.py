"""What happens with files that are older, newer, damaged, or no ledger at all."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from dc43_core.errors import CorruptFileError, FormatVersionError
from dc43_core.testing.records import make_record
from dc43_core.testing.runs import ASKED, make_run
from dc43_core.vocabulary import MeasurementState, Outcome, RunOutcome, Verdict, VersionStatus
from dc43_governance_sql import revisions
from dc43_governance_sql.ledger import SqlGovernance
from dc43_governance_sql.options import SqlOptions
from dc43_governance_sql.tables import METADATA

FIRST = Path(__file__).with_name("revision_0001.sql")

SECOND = FIRST.with_name("revision_0002.sql")

THIRD = FIRST.with_name("revision_0003.sql")

LATER = """\
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("dc43_records", sa.Column("owner", sa.Text))
    op.execute("UPDATE dc43_records SET owner = 'me'")
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> SqlGovernance:
    return SqlGovernance(SqlOptions(path=str(path)))


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations with one more, as a later release brings it."""
    folder = tmp_path / "migrations"
    shutil.copytree(revisions.MIGRATIONS, folder)
    file = folder / "versions" / "r0004_owner.py"
    file.write_text(LATER)
    monkeypatch.setattr(revisions, "MIGRATIONS", folder)
    monkeypatch.setattr(revisions, "NEWEST", 4)
    return file


def script(path: Path, text: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(text)
    connection.close()


def query(path: Path, text: str) -> list[tuple]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(text).fetchall()
    finally:
        connection.close()


def test_a_ledger_of_the_first_release_keeps_its_rows(ledger, path):
    script(path, FIRST.read_text())
    ledger.open()
    found = [(r.batch_id, r.outcome) for r in ledger.records()]
    assert found == [(0, Outcome.COMMITTED), (1, Outcome.BLOCKED), (1, Outcome.COMMITTED)]
    assert ledger.records()[0].errors == ("größe 🧾",)
    assert ledger.schema_observations()[0].schema == {"id": "bigint", "state": "string"}
    assert ledger.record_many([make_record(batch_id=1), make_record(batch_id=2)]) == 1
    ledger.close()


def test_a_ledger_of_revision_2_keeps_its_runs(ledger, path):
    script(path, SECOND.read_text())
    ledger.open()
    stopped, silent = ledger.runs()
    assert (stopped.outcome, stopped.stop_request) == (RunOutcome.STOPPED, ASKED)
    assert (silent.outcome, silent.step, silent.stop_request) == (None, "staged", None)
    assert len(ledger.records()) == 3
    assert ledger.save_run(stopped) == ASKED
    ledger.close()


def test_a_ledger_of_revision_3_keeps_its_approvals_and_measurements(ledger, path):
    script(path, THIRD.read_text())
    ledger.open()
    approved, rejected = ledger.approvals()
    assert (approved.status, approved.number) == (VersionStatus.APPROVED, 1)
    assert (rejected.status, rejected.number) == (VersionStatus.REJECTED, 2)
    (measured,) = ledger.measurements()
    assert (measured.state, measured.verdict) == (MeasurementState.DONE, Verdict.WARN)
    assert len(ledger.records()) == 3
    assert ledger.add_approvals([approved]) == 0
    ledger.close()


def test_every_revision_has_a_ledger_of_its_time():
    found = sorted(FIRST.parent.glob("revision_*.sql"))
    assert [file.stem for file in found] == [
        f"revision_{number:04}" for number in range(1, revisions.NEWEST + 1)
    ]


def test_migrations_lead_to_the_tables_that_the_code_works_with(path):
    script(path, "")
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        revisions.upgrade(connection)
        assert revisions.is_current(connection, str(path))
        options = {"version_table": "none", "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []
        migrated = query_schema(connection)
    engine.dispose()
    fresh = path.with_name("fresh.db")
    client = SqlGovernance(SqlOptions(path=str(fresh)))
    client.open()
    with client._engine.connect() as connection:
        assert query_schema(connection) == migrated
    client.close()


def query_schema(connection) -> set[str]:
    found = connection.exec_driver_sql("SELECT sql FROM sqlite_schema WHERE name LIKE 'dc43%'")
    return {" ".join(text.replace('"', "").split()) for (text,) in found if "revision" not in text}


def test_the_newest_migration_is_the_one_the_code_names():
    config = Config()
    config.set_main_option("script_location", str(revisions.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [f"{revisions.NEWEST:04}"]


def test_an_older_ledger_is_upgraded_and_keeps_its_rows(ledger, path, later):
    script(path, FIRST.read_text())
    ledger.open()
    assert len(ledger.records()) == 3
    ledger.close()
    assert query(path, "SELECT version_num FROM dc43_ledger_revision") == [("0004",)]
    assert query(path, "SELECT DISTINCT owner FROM dc43_records") == [("me",)]


def test_an_upgrade_that_fails_leaves_the_ledger_as_it_was(ledger, path, later):
    later.write_text(f"{LATER}    raise RuntimeError('power cut')\n")
    script(path, FIRST.read_text())
    before = query(path, "SELECT sql FROM sqlite_schema")
    with pytest.raises(RuntimeError, match="power cut"):
        ledger.open()
    assert query(path, "SELECT version_num FROM dc43_ledger_revision") == [("0001",)]
    assert query(path, "SELECT sql FROM sqlite_schema") == before
    assert ledger.health() is not None


def test_a_newer_ledger_is_refused_by_name_and_left_alone(ledger, path):
    script(path, FIRST.read_text() + "UPDATE dc43_ledger_revision SET version_num = '0999';")
    with pytest.raises(FormatVersionError, match=r"ledger\.db has format version 0999") as caught:
        ledger.open()
    assert (caught.value.found, caught.value.supported) == ("0999", revisions.NEWEST)
    assert len(query(path, "SELECT * FROM dc43_records")) == 3


def test_a_record_of_a_newer_release_is_refused_by_name(ledger):
    ledger.open()
    ledger.record_many([make_record(format_version=99)])
    with pytest.raises(FormatVersionError, match=rf"record {make_record().record_id} has .* 99"):
        ledger.records()
    ledger.close()


@pytest.mark.parametrize("content", [b"id,amount\n" * 400, b"\1" * 4096, bytes(range(256)) * 16])
def test_a_file_that_is_no_database_is_refused_and_left_alone(ledger, path, content):
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match=r"ledger\.db: no ledger of dc43 .* --replace"):
        ledger.open()
    assert path.read_bytes() == content


def test_a_database_of_something_else_is_refused_and_left_alone(ledger, path):
    script(path, "CREATE TABLE places (id)")
    with pytest.raises(CorruptFileError, match=r"no ledger of dc43 \(tables: places\)"):
        ledger.open()
    assert query(path, "SELECT name FROM sqlite_schema") == [("places",)]


def test_a_ledger_that_was_cut_off_is_refused(ledger, path):
    script(path, FIRST.read_text())
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(CorruptFileError, match="rebuild CHECKPOINT --replace"):
        ledger.open()


def test_a_ledger_with_a_damaged_page_is_said_when_the_page_is_read(ledger, path):
    script(path, FIRST.read_text())
    (page,) = query(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'dc43_records'")[0]
    (size,) = query(path, "PRAGMA page_size")[0]
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(bytes(content))
    ledger.open()
    with pytest.raises(CorruptFileError, match="malformed"):
        ledger.records()
    ledger.close()


def test_a_row_that_is_no_record_is_said_by_name(ledger, path):
    script(path, FIRST.read_text() + "UPDATE dc43_records SET payload = '{' WHERE sequence = 2;")
    ledger.open()
    with pytest.raises(CorruptFileError, match=r"record .*-1-blocked: not JSON"):
        ledger.records()
    ledger.close()


def test_a_look_makes_nothing_and_upgrades_nothing(ledger, path):
    assert "not there yet" in ledger.open_as_it_is()
    assert not path.exists()
    script(path, FIRST.read_text())
    before = path.read_bytes()
    assert "of revision 1; the next start brings them to" in ledger.open_as_it_is()
    assert path.read_bytes() == before
    ledger.open()
    ledger.close()
    assert ledger.open_as_it_is() is None
    assert len(ledger.records()) == 3
    ledger.close()


def test_a_look_at_a_newer_ledger_refuses_it_by_name(ledger, path):
    script(path, FIRST.read_text() + "UPDATE dc43_ledger_revision SET version_num = '0999';")
    with pytest.raises(FormatVersionError, match="0999"):
        ledger.open_as_it_is()


def test_a_run_of_a_newer_release_is_refused_by_name(ledger):
    ledger.open()
    ledger.save_run(make_run(format_version=99))
    with pytest.raises(FormatVersionError, match="run run-1 has format version 99"):
        ledger.runs()
    ledger.close()
