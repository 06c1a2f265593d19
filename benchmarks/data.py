"""The data of the benchmark: 13 columns, about 0, 1 or more percent of the rows broken."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: orders
version: 1.0.0
status: active
schema:
  - name: orders
    properties:
      - {name: id, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}
      - name: account
        logicalType: string
        required: true
        logicalTypeOptions: {pattern: '^ACC[0-9]{8}$', minLength: 11, maxLength: 11}
      - name: email
        logicalType: string
        logicalTypeOptions:
          pattern: '^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\\.[A-Za-z]{2,}$'
          maxLength: 254
      - name: country
        logicalType: string
        required: true
        enum: [{value: FR}, {value: DE}, {value: GB}, {value: US}, {value: JP}]
      - name: currency
        logicalType: string
        enum: [{value: EUR}, {value: GBP}, {value: USD}, {value: JPY}]
      - name: amount
        logicalType: number
        physicalType: decimal(12,2)
        required: true
        logicalTypeOptions: {minimum: 0, maximum: 100000}
      - name: quantity
        logicalType: integer
        physicalType: int
        logicalTypeOptions: {minimum: 1, maximum: 1000}
      - {name: price, logicalType: number, logicalTypeOptions: {exclusiveMinimum: 0}}
      - name: created
        logicalType: timestamp
        required: true
        logicalTypeOptions: {minimum: "2020-01-01 00:00:00"}
      - {name: day, logicalType: date, logicalTypeOptions: {minimum: "2020-01-01"}}
      - {name: status, logicalType: string, enum: [{value: open}, {value: paid}, {value: sent}]}
      - {name: score, logicalType: number, logicalTypeOptions: {minimum: 0, maximum: 1}}
      - {name: note, logicalType: string, logicalTypeOptions: {maxLength: 200}}
"""
"""20 rules on rows, two of them patterns; no key rule."""


KEYED = CONTRACT.replace("{name: id, ", "{name: id, unique: true, ")
"""The same, and no id comes twice."""


def with_rules(count: int) -> str:
    """Return the end of a contract that has so many more rules, which no row breaks."""
    lines = (
        f"      - {{id: more_{n}, type: custom, engine: dc43, "
        f"implementation: {{kind: range, columns: [quantity], maximum: {1000 + n}}}}}\n"
        for n in range(count)
    )
    return "    quality:\n" + "".join(lines) if count else ""


def write_orders(
    spark: SparkSession,
    folder: Path,
    *,
    files: int,
    rows: int,
    broken_every: int = 0,
    start: int = 0,
    late_every: int = 0,
) -> None:
    """Write parquet files of orders.

    Args:
        spark: Any session.
        folder: Where to; must not exist.
        files: How many files, of equal size.
        rows: Rows a file.
        broken_every: Every so many rows one breaks a rule, by turns another; 0 for none.
        start: The first id.
        late_every: Every so many rows one has an id below `start`; 0 for none.
    """
    n = F.col("id")
    late = (n % late_every == 0) if late_every else F.lit(False)
    turn = F.pmod(F.floor(n / broken_every), F.lit(4)) if broken_every else F.lit(-1)
    bad = (n % broken_every == 0) if broken_every else F.lit(False)

    def broken(kind: int, value: Column, otherwise: Column) -> Column:
        return F.when(bad & (turn == kind), value).otherwise(otherwise)

    def one_of(*words: str) -> Column:
        at = (F.hash(n) % len(words) + len(words)) % len(words)
        return F.element_at(F.array(*(F.lit(word) for word in words)), (at + 1).cast("int"))

    digits = F.lpad((n % 100_000_000).cast("string"), 8, "0")
    spark.range(start, start + files * rows, 1, files).select(
        F.when(late, n % start if start else n).otherwise(n).alias("id"),
        broken(0, F.lit("ACC12"), F.concat(F.lit("ACC"), digits)).alias("account"),
        broken(1, F.lit("nobody"), F.concat(F.lit("user"), digits, F.lit("@example.com"))).alias(
            "email"
        ),
        one_of("FR", "DE", "GB", "US", "JP").alias("country"),
        one_of("EUR", "GBP", "USD", "JPY").alias("currency"),
        broken(2, F.lit(-1.0), (F.hash(n) % 50_000 + 50_000) / 100)
        .cast("decimal(12,2)")
        .alias("amount"),
        ((F.hash(n) % 400) + 500).cast("int").alias("quantity"),
        (F.rand(43) * 100 + 0.01).alias("price"),
        F.timestamp_seconds(F.lit(1_700_000_000) + n % 10_000_000).alias("created"),
        F.date_add(F.lit("2023-01-01"), (n % 300).cast("int")).alias("day"),
        broken(3, F.lit("lost"), one_of("open", "paid", "sent")).alias("status"),
        F.rand(44).alias("score"),
        F.concat(F.lit("note "), F.sha1(n.cast("string"))).alias("note"),
    ).write.parquet(str(folder))
