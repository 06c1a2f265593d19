"""Columns with any name, through each format, both lanes, keys, reasons and drift."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.orc
import pytest

from dc43_core.errors import ConfigurationError

pytestmark = pytest.mark.spark

AWKWARD = ["a.b", "tick`ed", "two words", "😀", 'quote\'d "x"', "1st", "a:b<int>", "%25", "n\\t"]
ID = {"name": "id", "logicalType": "integer", "required": True}


def put(flow, rows, schema):
    """Write the next file, parquet or ORC."""
    if flow.format == "parquet":
        return flow.put_table(rows, schema)
    sink = pa.BufferOutputStream()
    pa.orc.write_table(pa.Table.from_pylist(rows, schema), sink)
    return flow._aged(f"{flow._files:03d}.orc", sink.getvalue().to_pybytes())


@pytest.mark.parametrize("source", ["parquet", "orc"])
def test_a_column_of_a_typed_file_may_have_any_name(flow, source):
    # Spark's ORC reader does not find the one with a backtick.
    names = [name for name in AWKWARD if source != "orc" or "`" not in name]
    struct = {
        "name": "str.uct",
        "logicalType": "object",
        "properties": [{"name": n, "logicalType": "integer"} for n in names],
    }
    rows = flow(
        [
            *(
                {"name": n, "logicalType": "integer", "required": n != "1st", "unique": n == "a.b"}
                for n in names
            ),
            {"name": "te.xt", "logicalType": "string"},
            struct,
        ],
        format=source,
    )
    # Integers come as doubles: each is cast, by name, inside the struct as well.
    inside = pa.struct([(name, pa.float64()) for name in reversed(names)])
    schema = pa.schema(
        [*((n, pa.float64()) for n in names), ("te.xt", pa.string()), ("str.uct", inside)]
    )
    good = {**dict.fromkeys(names, 1.0), "str.uct": {n: float(i) for i, n in enumerate(names)}}
    wrong = {**dict.fromkeys(names, 1.5), "te.xt": "t", "str.uct": {"a:b<int>": 1.5}}
    put(rows, [good, wrong, {}, good], schema)
    gone = schema.remove(schema.get_field_index("two words"))
    put(rows, [{"a.b": 2.0}], gone)
    landed = rows.run(per_batch=1, enforce=True)
    assert "column two words: is required and missing" in str(landed.error)
    first = landed.batches[0]
    required = [name for name in names if name != "1st"]
    assert first["violations_by_check"] == {
        "a.b.unique": 1,
        "str.uct.type": 1,
        **{f"{name}.type": 1 for name in names},
        **{f"{name}.required": 1 for name in required},
    }
    assert rows.main_rows() == [(*[1] * len(names), None, tuple(range(len(names))))]
    (raw,) = (row["_dc43_raw"] for row in rows.rows(rows.rejects) if row["_dc43_raw"])
    assert raw == {**dict.fromkeys(names, "1.5"), "str.uct": '{"a:b<int>":1.5}'}


def test_a_name_that_spark_s_orc_reader_does_not_find_is_refused(flow):
    item = {"logicalType": "object", "properties": [{"name": "a`b", "logicalType": "string"}]}
    rows = flow([ID, {"name": "all", "logicalType": "array", "items": item}], format="orc")
    with pytest.raises(ConfigurationError, match="'a`b' has a backtick"):
        rows.run()


@pytest.mark.parametrize("source", ["csv", "json", "parquet"])
def test_names_that_differ_in_case_only_are_refused_unless_spark_tells_them_apart(flow, source):
    rows = flow([ID, {"name": "ID", "logicalType": "integer"}], format=source)
    if source == "parquet":
        rows.put_table([{"id": 1, "ID": 2}], pa.schema([("id", pa.int64()), ("ID", pa.int64())]))
    elif source == "json":
        rows.put_json({"id": 1, "ID": 2})
    else:
        rows.put("id,ID", "1,2")
    with pytest.raises(ConfigurationError, match="columns 'id' and 'ID' are one name"):
        rows.run()


def test_a_file_and_a_frame_with_such_names_are_refused_too(flow):
    rows = flow([ID], format="parquet")
    rows.put_table([{"id": 1, "ID": 2}], pa.schema([("id", pa.int64()), ("ID", pa.int64())]))
    with pytest.raises(ConfigurationError, match=r"000\.parquet: its columns cannot be told"):
        rows.run()
    plain = flow([ID], format="parquet")
    plain.put_table([{"id": 1}], pa.schema([("id", pa.int64())]))
    frame, read = plain.read()
    with pytest.raises(ConfigurationError, match="the frame to write: columns 'id' and 'ID'"):
        plain.start(df=frame.selectExpr("id", "id AS ID"), reads=[read])
