"""Keys across batches and restarts on real streams."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from dc43_core.errors import ConfigurationError
from dc43_core.protocol.journal import journals
from dc43_core.protocol.sink_log import FileSink
from dc43_core.upkeep.checkpoint import read_facts
from dc43_core.upkeep.erase import Eraser
from dc43_core.upkeep.interface import Key
from dc43_core.upkeep.keys import check_keys
from dc43_core.vocabulary import Lane
from dc43_integrations.spark import known_keys
from dc43_integrations.spark.erase import SparkEraser
from dc43_integrations.spark.file_store import store_for
from dc43_integrations.spark.known_keys import KEY, key_of, merge_keys, read_keys, write_keys
from dc43_integrations.spark.replay import replay_rejects

pytestmark = pytest.mark.spark

ORDERS = [
    {"name": "id", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "shop", "logicalType": "string", "primaryKey": True, "primaryKeyPosition": 2},
    {"name": "amount", "logicalType": "number", "logicalTypeOptions": {"minimum": 0}},
    {"name": "code", "logicalType": "string", "unique": True},
]
HEADER = "id,shop,amount,code"


def test_a_key_that_landed_counts_in_later_batches_replays_and_after_a_restart(flow):
    orders = flow(ORDERS)
    orders.put(HEADER, "1,a,10,", "2,a,11,x", "3,a,-1,")
    # 1,a is known; 4,a comes twice; 7,a has a code that is known, and so holds no key.
    orders.put(HEADER, "1,a,12,", "1,a,-5,", "1,b,13,", "4,a,14,y", "4,a,14,y", "7,a,15,x")
    landed = orders.run(per_batch=1, retain_keys="forever")
    assert landed.error is None
    assert [b["reject_count"] for b in landed.batches] == [1, 4]
    broken = {"primaryKey": 2, "code.unique": 2, "amount.range": 1}
    assert landed.batches[1]["violations_by_check"] == broken
    assert landed.batches[1]["details"]["keys"] == {"retain": "forever", "known": 3, "new": 3}

    # A replay without the bound: 3,a lands, and 1,a stays.
    del orders.properties[2]["logicalTypeOptions"]
    orders.contract = orders.read_contract()
    places = {"path": orders.at(orders.main), "rejects": orders.at(orders.rejects)}
    done = replay_rejects(orders.spark, contract=orders.contract, runtime=orders.runtime, **places)
    assert (done.restaged.count, done.restaged.judged) == (1, 5)
    assert done.restaged.broken == {"primaryKey": 3, "code.unique": 2}

    # Another start, which knows what the replay landed.
    orders.put(HEADER, "2,a,20,", "3,a,21,", ",a,22,", "5,a,23,y", "6,a,24,z", "7,a,25,")
    landed = orders.run(retain_keys="forever")
    broken = {"primaryKey": 2, "id.required": 1, "code.unique": 1}
    assert landed.batch["violations_by_check"] == broken
    assert landed.batch["details"]["keys"] == {"retain": "forever", "known": 7, "new": 3}
    keys = [row[:3] for row in orders.main_rows()]
    assert keys == [
        (1, "a", 10),
        (1, "b", 13),
        (2, "a", 11),
        (3, "a", -1),
        (4, "a", 14),
        (6, "a", 24),
        (7, "a", 25),
    ]
    # Both keys of a row are forgotten with it.
    store = store_for(orders.spark, orders.at(orders.checkpoint))
    [journal] = journals(store, store.uri(orders.at(orders.checkpoint)))
    eraser = Eraser(
        store=store,
        sinks={
            Lane.MAIN: FileSink(store, places["path"], ".snappy.parquet"),
            Lane.REJECTS: FileSink(store, places["rejects"], ".snappy.parquet"),
        },
        facts=lambda: read_facts(journal),
        rows=SparkEraser(spark=orders.spark, store=store),
    )
    erased = eraser.erase(Key(column="id", value="4"), by="anna")
    assert erased == {"keys": 2, "main": 1, "rejects": 1}
    assert [one.what for one in check_keys(read_facts(journal))] == ["keys known: 8, in 4 parts"]
    # What is kept of a key does not show it.
    kept = [f for f in orders.checkpoint.rglob("*.parquet") if f.name[0] != "."]
    assert len(orders.spark.read.parquet(*map(str, kept)).distinct().collect()) == 8


def test_the_hash_of_a_key_tells_keys_apart_and_no_spellings(spark):
    same = [
        ("CAST(1 AS INT)", "CAST(1 AS BIGINT)"),
        ("CAST(1.5 AS DECIMAL(5,2))", "CAST(1.5 AS DECIMAL(9,4))"),
        ("CAST(10 AS DECIMAL(5,2))", "10"),
        ("-0.0D", "0.0D"),
        ("CAST('NaN' AS DOUBLE)", "CAST('NaN' AS DOUBLE)"),
        ("TIMESTAMP'2026-11-23 12:00:00+01:00'", "TIMESTAMP'2026-11-23 11:00:00+00:00'"),
        ("NAMED_STRUCT('a', TIMESTAMP'2026-11-23 12:00:00Z')",) * 2,
    ]
    other = [
        ("'a', '1:b'", "'a1', ':b'"),
        ("'1', ''", "'', '1'"),
        ("TIMESTAMP'2026-11-23 12:00:00.000001'", "TIMESTAMP'2026-11-23 12:00:00.000002'"),
        ("TIMESTAMP_NTZ'2026-11-23 12:00:00.000001'", "TIMESTAMP_NTZ'2026-11-23 12:00:00'"),
        ("ARRAY('a', 'b')", "ARRAY('a\",\"b')"),
        ("CAST(100 AS DECIMAL(5,2))", "CAST(1 AS DECIMAL(5,2))"),
        ("X'00'", "X'0000'"),
        ("X'FF'", "X'FE'"),
    ]

    def hashes(pairs: list[tuple[str, ...]]) -> list[tuple[str, str]]:
        frames = []
        for text in (text for pair in pairs for text in pair):
            frame = spark.range(1).selectExpr(f"STRUCT({text}) AS k").select("k.*")
            kinds = [field.dataType for field in frame.schema]
            key = key_of([F.col(name) for name in frame.columns], kinds, "p")
            frames.append(frame.select(F.hex(key)))
        found = [row[0] for row in reduce(DataFrame.union, frames).collect()]
        return list(zip(found[::2], found[1::2], strict=True))

    assert [pair for pair, (a, b) in zip(same, hashes(same), strict=True) if a != b] == []
    assert [pair for pair, (a, b) in zip(other, hashes(other), strict=True) if a == b] == []
    nothing = spark.range(1).select(F.lit(None).cast("int").alias("c"), F.lit(1).alias("d"))
    types = [field.dataType for field in nothing.schema]
    key = key_of([F.col("c"), F.col("d")], types, "p")
    assert nothing.select(key).first()[0] is None


def test_keys_are_forgotten_by_rows_in_json_and_in_partitions(spark, tmp_path):
    columns = {
        "id": "CAST(id AS BIGINT)",
        "at": "TIMESTAMP'2026-11-23 12:00:00.125+01:00'",
        "blob": "CAST('a' || id AS BINARY)",
        "inside": "NAMED_STRUCT('a', id, 'b', ARRAY('x'))",
        "shop": "'a shop: ' || id",
    }
    rows = spark.range(1, 3).selectExpr(*(f"{text} AS {name}" for name, text in columns.items()))
    store, place = store_for(spark, str(tmp_path)), str(tmp_path / "id=7" / "main")
    rows.coalesce(1).write.partitionBy("shop").json(place)
    files = [str(file) for file in Path(place).rglob("*.json")]
    key = key_of([F.col(f.name) for f in rows.schema], [f.dataType for f in rows.schema], "p")
    [new] = SparkEraser(spark=spark, store=store).keys_without(
        [write_keys(rows.select(key.alias(KEY)), store, str(tmp_path / "keys"), 2)],
        {"p": tuple((f.name, f.dataType.simpleString()) for f in rows.schema)},
        files,
        Key(column="id", value="2"),
        str(tmp_path / "new"),
    )
    assert new is not None
    assert new.count == 1
    with pytest.raises(ConfigurationError, match="partitioned by shop"):
        SparkEraser(spark=spark, store=store).find(files, Key(column="shop", value="a shop: 2"))


def test_many_keys_are_merged_into_files_that_several_tasks_write(spark, tmp_path, monkeypatch):
    monkeypatch.setattr(known_keys, "_ROWS_PER_FILE", 100)
    store = store_for(spark, str(tmp_path))
    keys = spark.range(250).select(F.unhex(F.md5(F.col("id").cast("string"))).alias(KEY))
    parts = [write_keys(keys, store, str(tmp_path / name), 250) for name in ("a", "b")]
    made = merge_keys(spark, store, [*parts[0], *parts[1]], 250, str(tmp_path / "merged"))
    assert len(made) == 3
    assert read_keys(spark, made).count() == 250
