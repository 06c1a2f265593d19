"""Make the Spark fixture of one format version: `python -m tests.upgrade.make_spark FOLDER PLACE`.

PLACE is where the streams run, and is deleted: rejects name their files inside Parquet, where no
other name can be put. Take one that says nothing, such as /home/you/upgrade.

As `make.py` does, with real Parquet and Spark's own checkpoint: `orders` has a PREPARED batch in
flight, `returns` a BLOCKED one.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from dc43_integrations.spark.session import make_session
from tests.upgrade.spark_stream import HERE, SparkPlace, transplant


def make(place: SparkPlace) -> None:
    """Run both streams until they die."""

    def die(name: str, batch_id: int) -> None:
        if (name, batch_id) == ("prepared", 1):
            raise RuntimeError("the process dies here")

    for name, first in (("orders", 10), ("returns", 30)):
        place.put(name, first)
        assert place.run(name) is None
        place.put(name, first + 10)
    assert "dies here" in (place.run("orders", failpoint=die) or "")
    assert "not today" in (place.run("returns", blocks=1) or "")


def main(target: Path, place: Path) -> None:
    """Make it in one folder, and copy it with a name in place of that folder's."""
    spark = make_session("upgrade", {"spark.master": "local[1]"})
    place.mkdir(parents=True)
    make(SparkPlace(spark=spark, folder=place))
    transplant(place, target, str(place).encode(), HERE)
    shutil.rmtree(place)
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
