"""Records in memory keep the promises of every governance client."""

from __future__ import annotations

import pytest

from dc43_core.governance.memory import MemoryGovernance
from dc43_core.testing.catalogue import CatalogueKeeperConformance
from dc43_core.testing.governance import GovernanceClientConformance
from dc43_core.testing.runs import RunKeeperConformance


class TestMemoryGovernance(
    GovernanceClientConformance, RunKeeperConformance, CatalogueKeeperConformance
):
    @pytest.fixture
    def client(self) -> MemoryGovernance:
        return MemoryGovernance()


def test_it_says_that_its_records_do_not_outlive_the_process():
    assert "gone with this process" in MemoryGovernance().location()
