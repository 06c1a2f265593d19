"""A damaged ledger: said, kept aside, and made anew from the records with equal counts."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from dc43_core.cli.app import execute
from dc43_core.config import Config, Instance
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.journal import Journal
from dc43_core.runtime import Runtime
from dc43_core.testing.records import make_record
from dc43_governance_sql.ledger import SqlGovernance
from dc43_governance_sql.options import SqlOptions

STREAM, BATCHES = "a" * 32, 40


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint beside which the records of a stream lie."""
    folder = tmp_path / "checkpoint"
    journal = Journal(LocalFileStore(), str(folder), STREAM)
    for number in range(BATCHES):
        record = make_record(
            record_id=f"{STREAM}-{number}", stream_id=STREAM, batch_id=number, main_count=number
        )
        journal.keep("committed", record)
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def rebuild(checkpoint: Path, path: Path, *options: str) -> int:
    config = Config(governance={"main": Instance(use="sql", options={"path": str(path)})})
    arguments = ["ledger", "rebuild", str(checkpoint), *options]
    return execute(arguments, lambda: Runtime(config=config))


def counts(path: Path) -> list[tuple[int, int]]:
    client = SqlGovernance(SqlOptions(path=str(path)))
    client.open()
    found = [(r.batch_id, r.main_count) for r in client.records(stream_id=STREAM)]
    client.close()
    return found


def garbage(path: Path) -> None:
    path.write_bytes(b"no ledger any more " * 1_000)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def no_head(path: Path) -> None:
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])


def damaged_page(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'dc43_records'"
        (page,) = connection.execute(query).fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [garbage, cut_off, no_head, damaged_page])
def test_a_damaged_ledger_is_kept_aside_and_made_anew_with_equal_counts(
    checkpoint, path, damage, capsys
):
    assert rebuild(checkpoint, path) == 0
    before = counts(path)
    assert before == [(n, n) for n in range(BATCHES)]
    damage(path)
    damaged = path.read_bytes()

    assert rebuild(checkpoint, path) == 3
    assert path.read_bytes() == damaged, "nothing is deleted unasked"
    assert "dc43 ledger rebuild CHECKPOINT --replace" in capsys.readouterr().err

    assert rebuild(checkpoint, path, "--replace") == 0
    kept = path.with_name("ledger.db.damaged-1")
    assert kept.read_bytes() == damaged
    assert str(kept) in capsys.readouterr().out
    assert counts(path) == before


def test_a_ledger_that_is_well_is_not_replaced(checkpoint, path):
    assert [rebuild(checkpoint, path), rebuild(checkpoint, path, "--replace")] == [0, 0]
    assert [file.name for file in path.parent.glob("ledger.db*")] == ["ledger.db"]


def test_a_second_damaged_ledger_gets_a_name_of_its_own(checkpoint, path):
    for number in (1, 2):
        garbage(path)
        assert rebuild(checkpoint, path, "--replace") == 0
        assert path.with_name(f"ledger.db.damaged-{number}").exists()
    assert len(counts(path)) == BATCHES


def test_a_database_of_something_else_is_not_moved(checkpoint, path, capsys):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE places (id)")
    connection.close()
    assert rebuild(checkpoint, path, "--replace") == 3
    assert "tables of others (places)" in capsys.readouterr().err
    assert path.exists()
