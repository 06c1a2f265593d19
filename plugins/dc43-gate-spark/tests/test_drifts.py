"""Files that drift after a stream began; all ten drifts in all formats are in `dev.py faults`."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.orc
import pytest

from dc43_core.contracts.model import Property, SchemaObject
from dc43_core.protocol.file_store import LocalFileStore
from dc43_integrations.spark.records import record_check

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string"}
PLACE = {
    "name": "place",
    "logicalType": "object",
    "properties": [
        {"name": "lat", "logicalType": "number"},
        {"name": "code", "logicalType": "integer", "physicalType": "int"},
    ],
}


def put(flow, rows, *columns):
    """Write the next file of the flow's format."""
    schema = pa.schema(columns)
    if flow.format == "parquet":
        return flow.put_table(rows, schema)
    sink = pa.BufferOutputStream()
    pa.orc.write_table(pa.Table.from_pylist(rows, schema), sink)
    return flow._aged(f"{flow._files:03d}.orc", sink.getvalue().to_pybytes())


@pytest.mark.parametrize("enforce", [True, False])
def test_orc_of_another_type_blocks_where_spark_would_make_1_of_1_7(flow, enforce):
    rows = flow([ID, NOTE], format="orc")
    put(rows, [{"id": 1}], ("id", pa.int64()))
    put(rows, [{"id": 1.7}], ("id", pa.float64()))
    landed = rows.run(per_batch=1, enforce=enforce)
    assert "column id: is double in this file and bigint in the stream" in str(landed.error)
    assert rows.main_rows() == [(1, None)]
    assert (landed.batches[-1]["row_count"], landed.batches[-1]["outcome"]) == (0, "blocked")


@pytest.mark.parametrize("source", ["parquet", "orc"])
def test_a_column_that_the_first_file_lacks_or_has_smaller_is_read_from_later_ones(flow, source):
    rows = flow([ID, NOTE, PLACE], format=source)
    small = pa.struct([("code", pa.int32())])
    whole = pa.struct([("lat", pa.float64()), ("code", pa.int32())])
    put(rows, [{"id": 1, "place": {"code": 1}}], ("id", pa.int32()), ("place", small))
    put(
        rows,
        [{"id": 3_000_000_000, "note": "b", "place": {"lat": 2.5, "code": 2}}],
        *(("id", pa.int64()), ("note", pa.string()), ("place", whole)),
    )
    _, read = rows.read()
    assert sorted(f.message for f in read.findings) == [
        "column id: is int, declared bigint",
        "column note: is missing; it reads as NULL",
        "column place.lat: is missing; it reads as NULL",
    ]
    landed = rows.run(per_batch=1, enforce=True)
    assert landed.error is None
    assert rows.main_rows() == [(1, None, (None, 1)), (3_000_000_000, "b", (2.5, 2))]
    first, second = ({(d["column"], d["kind"]) for d in b["drift"]} for b in landed.batches)
    assert (first, second) == (
        {("id", "widened"), ("note", "missing"), ("place.lat", "missing")},
        set(),
    )


def test_fields_of_a_struct_go_by_name_and_not_by_place(flow):
    # Spark casts structs by position.
    rows = flow([ID, PLACE, {"name": "all", "logicalType": "array", "items": PLACE}], format="orc")
    other = pa.struct([("code", pa.float64()), ("more", pa.string()), ("lat", pa.float64())])
    kinds = (("id", pa.int64()), ("place", other), ("all", pa.list_(other)))
    fits, broken = {"code": 7.0, "lat": 1.5}, {"code": 7.5, "lat": 1.5}
    put(rows, [{"id": 1, "place": fits, "all": [fits, None]}, {"id": 2}], *kinds)
    put(rows, [{"id": 3, "place": broken, "all": []}, {"id": 4, "all": [fits, broken]}], *kinds)
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert rows.main_rows() == [(1, (1.5, 7), [(1.5, 7), None]), (2, None, None)]
    assert landed.broken == {"place.type": 1, "all.type": 1}
    told = {row.id: row["_dc43_raw"] for row in rows.reject_rows()}
    assert told[3] == {"place": '{"code":7.5,"lat":1.5}'}
    assert told[4] == {"all": '[{"code":7.0,"lat":1.5},{"code":7.5,"lat":1.5}]'}
    assert {(d["column"], d["kind"]) for d in landed.batch["drift"]} == {
        ("place.code", "wider"),
        ("place.more", "extra"),
        ("all[].code", "wider"),
        ("all[].more", "extra"),
    }


@pytest.mark.parametrize("source", ["parquet", "json"])
def test_a_new_name_beside_one_that_is_gone_is_taken_for_a_rename(flow, source):
    rows = flow([ID, NOTE], format=source)
    first, second = {"id": 1, "note": "a"}, {"id": 2, "remark": "b"}
    if source == "json":
        rows.put_json(first)
        rows.put_json(second)
    else:
        rows.put_table([first], pa.schema([("id", pa.int64()), ("note", pa.string())]))
        rows.put_table([second], pa.schema([("id", pa.int64()), ("remark", pa.string())]))
    landed = rows.run(per_batch=1, enforce=True)
    why = "column note: is missing, and remark, which is not declared, is new: perhaps it was"
    assert why in str(landed.error)
    assert rows.main_rows() == [(1, "a")]


def test_a_header_in_another_case_names_the_same_columns(flow):
    rows = flow([ID, NOTE])
    rows.put("id,note", "1,a")
    rows.put("ID,Note", "2,b")
    landed = rows.run(per_batch=1, enforce=True)
    assert landed.error is None
    assert rows.main_rows() == [(1, "a"), (2, "b")]


def test_a_header_that_cannot_be_seen_blocks(flow):
    rows = flow([ID, NOTE])
    rows.put("id,note", "1,a")
    rows.put("packed", name="001.csv.zst")
    landed = rows.run(per_batch=1)
    assert "its header cannot be read through" in str(landed.error)
    assert rows.main_rows() == [(1, "a")]


@pytest.mark.parametrize("source", ["csv", "json", "parquet"])
def test_values_that_stand_in_the_path_are_not_missing(flow, source):
    day = {"name": "day", "logicalType": "integer", "required": True}
    rows = flow([ID, day, NOTE], format=source)
    for number, name in ((1, "a"), (2, "b")):
        folder = rows.source / f"day={number}"
        folder.mkdir()
        file = {
            "csv": lambda n=number, t=name: rows.put("id,note", f"{n},{t}"),
            "json": lambda n=number, t=name: rows.put_json({"id": n, "note": t}),
            "parquet": lambda n=number, t=name: rows.put_table(
                [{"id": n, "note": t}], pa.schema([("id", pa.int64()), ("note", pa.string())])
            ),
        }[source]()
        file.rename(folder / file.name)
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert rows.main_rows() == [(1, 1, "a"), (2, 2, "b")]
    assert landed.batch["drift"] == []


def test_a_key_that_used_to_be_left_out_at_times_is_not_missed(tmp_path):
    def check(name: str, *lines: str):
        (tmp_path / name).write_text("\n".join(lines))
        return str(tmp_path / name)

    columns = tuple(Property(name=n, physical_name=n, path=n) for n in ("id", "note"))
    schema = SchemaObject(name="rows", physical_name="rows", properties=columns)
    keys = record_check(LocalFileStore(), schema, {}, folds=True, root=str(tmp_path))
    sparse = check("0.json", '{"id": 1, "note": "a"}', '{"id": 2}', "no JSON", '{"id": ')
    later = check("1.json", '{"id": 3, "more": 1}')
    assert {(d.column, d.kind) for d in keys.starting(sparse).drift([later])} == {("more", "extra")}
    whole = check("2.json", '{"id": 1, "note": "a"}')
    assert {(d.column, d.kind) for d in keys.starting(whole).drift([later])} == {
        ("note", "renamed"),
        ("more", "extra"),
    }


def test_the_undeclared_keys_that_spark_tells_apart_are_read(
    tmp_path,
):
    columns = tuple(Property(name=n, physical_name=n, path=n) for n in ("id", "note"))
    schema = SchemaObject(name="rows", physical_name="rows", properties=columns)
    file = tmp_path / "0.json"
    file.write_text('{"id": 1, "b": {"c": 2}, "NOTE": 3}\n{"A": 1, "a": 2, "day": 3, "_dc43_x": 4}')

    def read(**options):
        check = record_check(LocalFileStore(), schema, {}, root=str(tmp_path), **options)
        return check.starting(str(file)).undeclared({"day"})

    assert read(folds=True) == ["b"]
    assert read(folds=False) == ["b", "NOTE", "A", "a"]
    file.write_text(str({f"k{n:02}": n for n in range(30)}).replace("'", '"'))
    assert read(folds=True) == [f"k{n:02}" for n in range(20)]
