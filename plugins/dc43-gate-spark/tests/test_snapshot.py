"""A frame at rest is measured by the data-quality service, in a thread of its own."""

from __future__ import annotations

import pytest

from dc43_core import DataQualityService
from dc43_core.vocabulary import MeasurementState, Verdict
from dc43_integrations.spark.snapshot import SparkSnapshot

pytestmark = pytest.mark.spark


def test_what_is_unique_in_each_batch_is_found_twice_in_the_whole(flow, spark):
    key = {"name": "id", "logicalType": "integer", "physicalType": "int", "unique": True}
    orders = flow([key, {"name": "state", "logicalType": "string", "required": True}])
    batch = spark.createDataFrame([(1, "open"), (2, None)], "id int, state string")
    whole = SparkSnapshot(frame=batch.union(batch), runtime=orders.runtime)
    with DataQualityService(orders.runtime) as service:
        asked = service.measure(whole, orders.contract, dataset_version="1")
        done = service.wait(asked.measurement_id, timeout=60)
    assert (done.state, done.verdict, done.row_count) == (MeasurementState.DONE, Verdict.WARN, 4)
    # The two rows without a state are violating already, and occupy no key.
    assert done.violations_by_check == {"state.required": 2, "id.unique": 1}
