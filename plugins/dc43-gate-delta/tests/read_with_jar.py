"""Read a Delta table with Spark's own jars and print what it holds as JSON.

    python read_with_jar.py TABLE JAR,JAR,...

A process of its own: jars cannot be added to a session that is there.
"""

import json
import sys
import tempfile

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

table, jars = sys.argv[1:]
builder = (
    SparkSession.builder.master("local[1]")
    .config("spark.jars", jars)
    .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.databricks.delta.snapshotPartitions", "1")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.warehouse.dir", tempfile.mkdtemp())
    .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
)
spark = builder.getOrCreate()
frame = spark.read.format("delta").load(table)
found = {
    "schema": frame.schema.simpleString(),
    "rows": [json.loads(row[0]) for row in frame.select(F.to_json(F.struct("*"))).collect()],
    # Asked of single columns, so that files are skipped by what the log says of them.
    "skipped": {
        name: frame.where(frame[name].isNotNull())
        .where(frame[name] >= frame.agg(F.max(name)).first()[0])
        .count()
        for name in ("id", "amount", "at", "wall", "day", "note_ünïcode")
    },
    "history": [
        [row["version"], row["userMetadata"]]
        for row in spark.sql(f"DESCRIBE HISTORY delta.`{table}`").collect()
    ],
}
# A writer of the other kind must be able to go on.
frame.limit(1).write.format("delta").mode("append").save(table)
found["after an append"] = spark.read.format("delta").load(table).count()
print(json.dumps(found))
spark.stop()
