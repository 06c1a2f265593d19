"""Rows of a key leave every file that real Spark has written, and all other rows stay."""

from __future__ import annotations

from pathlib import Path

import pytest
from stream_helpers import Flow

from dc43_core.errors import ConfigurationError
from dc43_core.protocol.file_store import LocalFileStore
from dc43_core.protocol.identity import stream_of
from dc43_core.protocol.journal import Journal
from dc43_core.protocol.release import release
from dc43_core.protocol.sink_log import FileSink
from dc43_core.upkeep.checkpoint import read_facts
from dc43_core.upkeep.erase import Eraser, EraseRefusedError
from dc43_core.upkeep.interface import Key
from dc43_core.vocabulary import Lane, Release
from dc43_integrations.spark.erase import SparkEraser
from dc43_integrations.spark.file_store import store_for

pytestmark = pytest.mark.spark

COLUMNS = [
    {"name": "id", "logicalType": "integer"},
    {"name": "who", "logicalType": "string"},
    {"name": "amount", "logicalType": "integer", "required": True},
    {"name": "day", "logicalType": "date"},
]
HEADER = "id,who,amount,day"


def eraser(flow: Flow) -> Eraser:
    checkpoint = flow.at(flow.checkpoint)
    store = store_for(flow.spark, checkpoint)
    known = stream_of(store, checkpoint)
    assert known is not None
    journal = Journal(store, checkpoint, known["stream_id"])
    sinks = {
        Lane.MAIN: FileSink(store, flow.at(flow.main), ".snappy.parquet"),
        Lane.REJECTS: FileSink(store, flow.at(flow.rejects), ".snappy.parquet"),
    }
    return Eraser(
        store=store,
        sinks=sinks,
        facts=lambda: read_facts(journal),
        rows=SparkEraser(spark=flow.spark, store=store),
    )


def holding(folder: Path, text: str) -> list[str]:
    """Files of any kind below a folder with this text; parquet of so few rows is not packed."""
    files = (f for f in folder.rglob("*") if f.is_file() and f.suffix != ".crc")
    return [str(f) for f in files if text.encode() in f.read_bytes()]


def test_rows_leave_main_and_rejects_by_value_and_by_raw_text(flow):
    orders = flow(COLUMNS, options={"header": True})
    plain = {"parquet.enable.dictionary": "false", "compression": "none"}
    orders.put(HEADER, "1,anna-k,5,2026-01-01", "2,ben,6,2026-01-02", "3,anna-k,,2026-01-03")
    orders.put(HEADER, "anna-k,x,7,2026-01-04", "4,carl,seven,2026-01-05", "5,dora,8,")
    orders.run(per_batch=1, writer_options=plain)
    assert holding(orders.main, "anna-k")
    assert holding(orders.rejects, "anna-k")
    assert eraser(orders).erase(Key(column="who", value="anna-k"), by="me") == {
        "main": 1,
        "rejects": 1,
    }
    # Its id would not cast: the text in its place is the key.
    assert eraser(orders).erase(Key(column="id", value="anna-k"), by="me") == {"rejects": 1}
    assert holding(orders.main, "anna-k") == holding(orders.rejects, "anna-k") == []
    assert [row[:2] for row in orders.main_rows()] == [(2, "ben"), (5, "dora")]
    assert [row["who"] for row in orders.reject_rows()] == ["carl"]
    orders.put(HEADER, "6,emil,9,2026-01-06")
    orders.run(writer_options=plain)
    assert [row[0] for row in orders.main_rows()] == [2, 5, 6]


def test_a_value_is_compared_as_the_column_s_type_too(flow):
    orders = flow(COLUMNS)
    orders.put(HEADER, "1,a,5,2026-01-01", "2,b,6,", "3,,7,2026-01-01")
    orders.run()
    assert eraser(orders).erase(Key(column="id", value="01"), by="me") == {"main": 1}
    assert eraser(orders).erase(Key(column="day", value="2026-1-1"), by="me") == {"main": 1}
    assert [row[0] for row in orders.main_rows()] == [2]


def test_a_downstream_stream_sees_a_replacement_as_a_new_file(flow):
    orders = flow(COLUMNS)
    orders.put(HEADER, "1,a,5,", "2,b,6,")
    orders.run()
    seen: list[int] = []

    def downstream() -> list[int]:
        frame = orders.spark.readStream.schema("id bigint").parquet(orders.at(orders.main))
        query = (
            frame.writeStream.foreachBatch(lambda df, n: seen.extend(r["id"] for r in df.collect()))
            .option("checkpointLocation", str(orders.home / "down"))
            .trigger(availableNow=True)
            .start()
        )
        query.awaitTermination(120)
        return sorted(seen)

    assert downstream() == [1, 2]
    eraser(orders).erase(Key(column="id", value="1"), by="me")
    assert downstream() == [1, 2, 2]


def test_a_blocked_batch_loses_the_rows_and_is_released_without_them(flow):
    orders = flow(COLUMNS)
    rows = "1,anna,5,,k", "2,ben,,,l", "3,anna,x,,m", "4,carl,9,,n", "5,dan,,,anna-tag"
    orders.put(f"{HEADER},tag", *rows)
    blocks = _Blocks()
    plain = {"parquet.enable.dictionary": "false", "compression": "none"}
    orders.run(enforce=True, interventions=[blocks], writer_options=plain)
    assert eraser(orders).erase(Key(column="who", value="anna"), by="me") == {"held": 3}
    # The contract knows nothing of tags.
    assert holding(orders.main, "anna-tag")
    assert eraser(orders).erase(Key(column="tag", value="anna-tag"), by="me") == {"held": 2}
    assert holding(orders.main, "anna") == []
    checkpoint = orders.at(orders.checkpoint)
    journal = Journal(store_for(orders.spark, checkpoint), checkpoint, blocks.stream(orders))
    release(journal, 0, as_=Release.REJECTS, reason="seen", by="me")
    landed = orders.run(enforce=True)
    assert landed.error is None
    assert [row[0] for row in orders.main_rows()] == [4]
    assert [(row["who"], row["_dc43_extra"]) for row in orders.reject_rows()] == [
        ("ben", '{"tag":"l"}')
    ]
    record = orders.records()[-1]
    assert (record.row_count, record.main_count, record.reject_count) == (2, 1, 1)


def test_raw_text_of_rows_that_landed_is_erased(flow):
    orders = flow(COLUMNS)
    orders.put(HEADER, "anna-k,x,7,", "oops,y,8,")
    orders.run(rejects=None)
    assert holding(orders.checkpoint / "dc43", "anna-k")
    one = eraser(orders)
    del one.sinks[Lane.REJECTS]
    assert one.erase(Key(column="id", value="anna-k"), by="me") == {"uncast": 1}
    assert holding(orders.checkpoint / "dc43", "anna-k") == []
    assert holding(orders.checkpoint / "dc43", "oops")


def test_a_column_that_is_not_there_is_refused(flow):
    orders = flow(COLUMNS)
    orders.put(HEADER, "1,a,5,")
    orders.run()
    with pytest.raises(ConfigurationError, match="no column 'nobody'; columns: amount, day, id"):
        eraser(orders).erase(Key(column="nobody", value="1"), by="me")


def test_lines_of_json_stay_as_they_are_and_csv_is_refused(flow, spark, tmp_path):
    store, rows = LocalFileStore(), SparkEraser(spark=spark, store=LocalFileStore())
    file = tmp_path / "x.json"
    file.write_text('{"who": "anna",  "n": 1}\n{"n":2.50,"who":"ben"}\n{"n":3}\n')
    key = Key(column="who", value="anna")
    assert rows.find([file.as_uri()], key) == {file.as_uri(): 1}
    made = rows.without(file.as_uri(), key, (tmp_path / "new").as_uri())
    assert store.read(made).decode() == '{"n":2.50,"who":"ben"}\n{"n":3}\n'
    with pytest.raises(ConfigurationError, match=r"files that end in \.csv"):
        rows.find([(tmp_path / "x.csv").as_uri()], key)
    assert EraseRefusedError.exit_code == 3


class _Blocks:
    def decide(self, context):
        return "not today"

    def stream(self, flow: Flow) -> str:
        known = stream_of(LocalFileStore(), str(flow.checkpoint))
        assert known is not None
        return str(known["stream_id"])
