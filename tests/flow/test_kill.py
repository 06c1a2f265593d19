"""Killed in the middle, twice, the ledger deleted in between: every row exactly once.

The runs are processes of their own, killed with their JVM by SIGKILL, as a machine that goes
away would. Judged by DuckDB over the files that the sinks' logs list.
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import duckdb
import pytest

pytestmark = [pytest.mark.spark, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights-stream"
DAYS, DAYS_IN_A_BATCH = 40, 4
TIMEOUT = 180
FILE_SYSTEM = os.environ.get("DC43_TEST_FILE_SYSTEM", "file")


class Flights:
    """A copy of the example with forty days of flights, four a batch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        whole = folder / "whole"
        runpy.run_path(str(EXAMPLE / "prepare.py"))["prepare"](whole)
        self.raw = folder / "data" / "flights"
        self.raw.mkdir(parents=True)
        for file in sorted(whole.glob("*.csv"))[:DAYS]:
            shutil.move(file, self.raw / file.name)
        shutil.copytree(EXAMPLE / "contracts", folder / "contracts")
        shutil.copy(EXAMPLE / "dc43.toml", folder)
        text = (EXAMPLE / "pipeline.toml").read_text()
        assert "files_per_trigger = 30" in text
        text = text.replace("files_per_trigger = 30", f"files_per_trigger = {DAYS_IN_A_BATCH}")
        self.hadoop = folder / "hadoop"
        if FILE_SYSTEM == "viewfs":
            text = self.behind_a_mount(text)
        (folder / "pipeline.toml").write_text(text)
        self.ledger = folder / ".dc43" / "ledger.db"
        self.checkpoint = folder / "out" / "checkpoint"

    def behind_a_mount(self, text: str) -> str:
        """Move every place of the pipeline behind viewfs, by configuration alone."""
        self.hadoop.mkdir()
        (self.hadoop / "core-site.xml").write_text(
            "<configuration><property>"
            "<name>fs.viewfs.mounttable.flights.link./data</name>"
            f"<value>{self.folder.as_uri()}</value>"
            "</property></configuration>"
        )
        for place in ("data/flights", "out/flights", "out/rejects", "out/checkpoint"):
            assert f'"{place}"' in text
            text = text.replace(f'"{place}"', f'"viewfs://flights/data/{place}"')
        return text

    def start(self, *, home: Path | None = None) -> subprocess.Popen[str]:
        environment = {**os.environ, "DC43_CONFIG": str(self.folder / "dc43.toml")}
        if FILE_SYSTEM == "viewfs":
            environment["HADOOP_CONF_DIR"] = str(self.hadoop)
        if home is not None:
            environment["HOME"] = str(home)
        return subprocess.Popen(
            [sys.executable, "-m", "dc43_core.cli", "run", "--json", "pipeline.toml"],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def kill_when(self, reached: Callable[[], bool]) -> None:
        """Start, wait for a state of the files, and kill the whole process group."""
        process = self.start()
        give_up = time.monotonic() + TIMEOUT
        try:
            while not reached():
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < give_up
                time.sleep(0.01)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def batches(self, kind: str) -> set[int]:
        found = self.checkpoint.glob(f"dc43/*/{kind}/*")
        return {int(file.name) for file in found if file.name.isdigit()}

    def staging(self) -> list[Path]:
        """Staged data files of any batch."""
        return list((self.folder / "out/flights/_dc43/staging").rglob("*.parquet"))


def visible(folder: Path) -> list[str]:
    files: dict[str, None] = {}
    for entry in (folder / "_spark_metadata").iterdir():
        if entry.name[0] != ".":
            lines = entry.read_text().split("\n")[1:]
            names = (unquote(json.loads(line)["path"]).rsplit("/", 1)[-1] for line in lines)
            files.update((str(folder / name), None) for name in names)
    return sorted(files)


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Flights:
    return Flights(tmp_path_factory.mktemp("killed"))


@pytest.fixture(scope="module")
def finished(flights: Flights, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The JSON of the last run, after one killed while it stages and one right after PREPARED."""
    flights.kill_when(lambda: 1 in flights.batches("committed") and bool(flights.staging()))
    assert flights.ledger.is_file()
    for file in flights.ledger.parent.glob("ledger.db*"):
        file.unlink()
    done = max(flights.batches("committed"))
    flights.kill_when(lambda: done + 2 in flights.batches("prepared"))
    process = flights.start(home=tmp_path_factory.mktemp("home"))
    out, err = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0, err
    report: dict[str, Any] = json.loads(out)
    return report


def test_every_input_row_is_in_main_or_rejects_exactly_once(
    flights: Flights, finished: dict[str, Any]
) -> None:
    columns = "year, month, day, carrier, flight, sched_dep_time, tailnum, origin, dest, dep_time"
    raw = f"read_csv('{flights.raw}/*.csv', header=true, nullstr='NA')"
    landed = visible(flights.folder / "out/flights") + visible(flights.folder / "out/rejects")
    sql = f"""
        WITH given AS (SELECT {columns} FROM {raw}),
             landed AS (SELECT {columns} FROM read_parquet(?, union_by_name=true))
        SELECT (SELECT count(*) FROM given),
               (SELECT count(*) FROM (FROM given EXCEPT ALL FROM landed)),
               (SELECT count(*) FROM (FROM landed EXCEPT ALL FROM given))
    """
    rows, lost, twice = duckdb.execute(sql, [landed]).fetchone() or (0, 1, 1)

    assert rows > 30_000
    assert (lost, twice) == (0, 0)


def test_the_report_counts_the_whole_stream(flights: Flights, finished: dict[str, Any]) -> None:
    main = duckdb.execute(
        "SELECT count(*) FROM read_parquet(?)", [visible(flights.folder / "out/flights")]
    ).fetchone()

    assert finished["batch_count"] == DAYS // DAYS_IN_A_BATCH
    assert finished["row_count"] == finished["valid_count"] + finished["reject_count"]
    assert main == (finished["valid_count"],)
    assert finished["this_run"]["batch_count"] < finished["batch_count"]


def test_the_ledger_is_complete_again(flights: Flights, finished: dict[str, Any]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dc43_core.cli", "history", "flights", "--json"],
        cwd=flights.folder,
        env={**os.environ, "DC43_CONFIG": str(flights.folder / "dc43.toml")},
        capture_output=True,
        text=True,
        check=True,
    )
    history = json.loads(done.stdout)
    records = history["records"] if isinstance(history, dict) else history

    assert sorted(r["batch_id"] for r in records) == list(range(DAYS // DAYS_IN_A_BATCH))


def test_nothing_is_left_in_staging(flights: Flights, finished: dict[str, Any]) -> None:
    assert flights.staging() == []
