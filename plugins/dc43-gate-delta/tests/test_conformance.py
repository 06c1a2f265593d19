"""The Delta sink holds to what every sink holds to."""

from collections.abc import Sequence

import pytest
from delta_tables import Tables
from deltalake import DeltaTable

from dc43_core.protocol.file_store import FileStore
from dc43_core.protocol.sink import Sink
from dc43_core.testing.sinks import SinkConformance, Stage, Visible


class TestDeltaSink(SinkConformance):
    @pytest.fixture
    def sink(self, tables: Tables) -> Sink:
        return tables.sink()

    @pytest.fixture
    def rival(self, tables: Tables) -> Sink:
        return tables.sink()

    @pytest.fixture
    def store(self, tables: Tables) -> FileStore:
        return tables.store

    @pytest.fixture
    def stage(self, tables: Tables) -> Stage:
        return lambda: tables.stage(1)

    @pytest.fixture
    def visible(self, tables: Tables) -> Visible:
        def names() -> Sequence[str]:
            if not DeltaTable.is_deltatable(str(tables.folder)):
                return []
            seen: dict[str, None] = {}
            # What each version shows that none before it did.
            for version in range(tables.table().version() + 1):
                there = DeltaTable(str(tables.folder), version=version).file_uris()
                seen.update((path, None) for path in sorted(there))
            now = set(tables.table().file_uris())
            assert now <= set(seen)
            return [path for path in seen if path in now]

        return names
