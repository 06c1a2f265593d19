"""What every record exporter holds to, and records for its own tests."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from dc43_core.governance.interface import RecordExporter
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Decision, Outcome, RunType, Verdict

RECORDS: Mapping[str, GovernanceRecord] = {
    "committed with rejects": make_record(decision=Decision.ROUTE),
    "clean": make_record(
        main_count=10,
        valid_count=10,
        reject_count=0,
        violations=0,
        violations_by_check={},
        verdict=Verdict.OK,
    ),
    "empty": make_record(row_count=0, main_count=0, valid_count=0, reject_count=0, metrics={}),
    "blocked": make_record(
        outcome=Outcome.BLOCKED,
        intervention="«montant» is missing \U0001f6d1\n(2 rows)",
        errors=("amount must not be missing: broken by 2 of 10 rows",),
    ),
    "failed": make_record(outcome=Outcome.FAILED, verdict=Verdict.UNKNOWN),
    "skipped": make_record(outcome=Outcome.SKIPPED),
    "without a verdict": make_record(verdict=Verdict.UNKNOWN, errors=("client: TimeoutError",)),
    "observed, of a named query, without rejects": make_record(
        run_type=RunType.OBSERVE, query_name="orders by the hour", rejects=None
    ),
}
"""A record for each way in which a batch can end."""


class RecordExporterConformance:
    """Claims about a `RecordExporter`; subclass it and give the fixture `exporter`.

    The exporter is built without its far end: hand it a fake client, or one that is not there.
    """

    @pytest.fixture
    def exporter(self) -> RecordExporter:
        """The exporter under test."""
        raise NotImplementedError("give the fixture `exporter`")

    @pytest.mark.parametrize("sort", RECORDS)
    def test_it_takes_a_record_of_every_sort(self, exporter: RecordExporter, sort: str) -> None:
        """Whatever became of a batch, its record can be exported."""
        try:
            exporter.export(RECORDS[sort])
        except Exception as error:
            error.add_note(f"export() must take the record of a batch that is {sort}")
            raise

    def test_it_takes_a_record_twice(self, exporter: RecordExporter) -> None:
        """A stream that is started again may export its last record once more."""
        exporter.export(make_record())
        exporter.export(make_record())

    def test_it_leaves_the_record_as_it_is(self, exporter: RecordExporter) -> None:
        """The same record goes to every exporter."""
        for sort, record in RECORDS.items():
            before = record.payload()
            exporter.export(record)
            assert record.payload() == before, (
                f"export() changed the record of a batch that is {sort}"
            )

    def test_it_is_called_from_another_thread(self, exporter: RecordExporter) -> None:
        """Batches run in a thread that is not the one that built the exporter."""
        raised: list[BaseException] = []

        def export() -> None:
            try:
                exporter.export(make_record())
            except Exception as error:  # noqa: BLE001 - told to the test's own thread
                raised.append(error)

        thread = threading.Thread(target=export)
        thread.start()
        thread.join()
        assert not raised, f"export() raised {raised[0]!r} in a thread other than its maker's"
