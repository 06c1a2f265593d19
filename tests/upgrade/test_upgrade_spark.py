"""What an earlier release left in flight on real Spark, this one brings to its end."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("pyspark")

from dc43_core.protocol.record import FORMAT_VERSION
from dc43_core.protocol.release import release
from dc43_core.vocabulary import Release
from dc43_integrations.testing import spark
from tests.upgrade.spark_stream import FIXTURES, HERE, SparkPlace, transplant

pytestmark = pytest.mark.spark
VERSIONS = sorted(FIXTURES.iterdir(), key=lambda folder: int(folder.name))
__all__ = ["spark"]


def test_every_version_that_was_ever_written_has_its_fixture():
    assert [int(folder.name) for folder in VERSIONS] == list(range(1, FORMAT_VERSION + 1))


@pytest.mark.parametrize("fixture", VERSIONS, ids=lambda folder: f"format {folder.name}")
def test_both_batches_come_to_their_end_and_both_streams_go_on(spark, tmp_path, fixture):
    folder: Path = tmp_path / "here"
    transplant(fixture, folder, HERE, str(folder).encode())
    place = SparkPlace(spark=spark, folder=folder)
    assert (place.rows("main"), place.rows("rejects")) == ([10, 30], [11, 12, 31, 32])

    # Its source is gone by now: what is prepared does not need it.
    (folder / "in/orders/20.csv").write_text("id,amount,note")
    place.put("orders", 50)
    assert place.run("orders") is None
    assert place.rows("main") == [10, 20, 30, 50]

    release(place.journal("returns"), 1, as_=Release.REJECTS, reason="seen", by="anna")
    (folder / "in/returns/40.csv").write_text("id,amount,note")
    place.put("returns", 60)
    assert place.run("returns") is None
    assert place.rows("main") == [10, 20, 30, 40, 50, 60]
    assert place.rows("rejects") == [f + n for f in (10, 20, 30, 40, 50, 60) for n in (1, 2)]
    counts = [(r.batch_id, r.row_count, r.reject_count) for r in place.journal("returns").records()]
    assert counts == [(0, 3, 2), (1, 3, 0), (1, 3, 2), (2, 3, 2)]

    # Rejects of every version lie side by side, and are judged together.
    done = place.replay()
    assert (done.restaged.judged, done.restaged.count) == (12, 6)
    assert place.rows("main") == [f + n for f in (10, 20, 30, 40, 50, 60) for n in (0, 1)]
