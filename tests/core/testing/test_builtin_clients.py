"""The core's contract loader and data-quality client, and an exporter."""

from __future__ import annotations

import json

import pytest

from dc43_core.contracts.interface import ContractLoader
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.data_quality.local import LocalDataQuality
from dc43_core.governance.interface import RecordExporter
from dc43_core.protocol.record import GovernanceRecord
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.data_quality import DataQualityClientConformance
from dc43_core.testing.exporters import RecordExporterConformance
from dc43_core.testing.loaders import ContractLoaderConformance


class TestOdcsLoader(ContractLoaderConformance):
    @pytest.fixture
    def loader(self) -> ContractLoader:
        return OdcsLoader()

    @pytest.fixture
    def good(self) -> tuple[str, bytes]:
        return "orders.odcs.yaml", ORDERS.encode()

    @pytest.fixture
    def bad(self) -> bytes:
        return b"kind: DataContract\napiVersion: v3.1.0\nid: [1, 2"


class TestLocalDataQuality(DataQualityClientConformance):
    @pytest.fixture
    def client(self) -> DataQualityClient:
        return LocalDataQuality()


class LineExporter:
    """Keeps a line of JSON for each record."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def export(self, record: GovernanceRecord) -> None:
        self.lines.append(json.dumps(record.payload()))


class TestLineExporter(RecordExporterConformance):
    @pytest.fixture
    def exporter(self) -> RecordExporter:
        return LineExporter()


class ExportsOnce(LineExporter):
    def export(self, record: GovernanceRecord) -> None:
        if self.lines:
            raise ValueError("duplicate")
        super().export(record)


def test_the_kit_finds_an_exporter_that_refuses_a_record_twice():
    with pytest.raises(ValueError, match="duplicate"):
        RecordExporterConformance().test_it_takes_a_record_twice(ExportsOnce())


class Silent(LocalDataQuality):
    def findings(self, plan, observations):
        return [f for f in super().findings(plan, observations) if f.kind != "evaluation_error"]


def test_the_kit_finds_a_client_that_passes_over_what_it_could_not_judge():
    kit = DataQualityClientConformance()
    with pytest.raises(AssertionError, match="the rule that failed was found as"):
        kit.test_a_rule_that_could_not_be_judged_is_never_passed_over(Silent())


class Greedy(OdcsLoader):
    def accepts(self, source: str, text: bytes) -> bool:
        return True


def test_the_kit_finds_a_loader_that_accepts_everything():
    with pytest.raises(AssertionError, match="a file that is prose"):
        ContractLoaderConformance().test_it_accepts_nothing_else(Greedy(), "prose")
