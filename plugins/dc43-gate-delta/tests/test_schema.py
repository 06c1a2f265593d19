"""Which columns a table can have, and which tables a lane fits."""

from __future__ import annotations

import json

import pytest
from delta_tables import COLUMNS, Tables, spark_json
from deltalake import DeltaTable, Schema

from dc43_delta.errors import DeltaTableError
from dc43_delta.schema import lane_schema, misfit

NESTED = {
    "type": "struct",
    "fields": [
        {"name": "city", "type": "string", "nullable": False, "metadata": {"comment": "x"}},
        {
            "name": "tags",
            "type": {"type": "array", "elementType": "string", "containsNull": False},
            "nullable": True,
            "metadata": {},
        },
        {
            "name": "more",
            "type": {
                "type": "map",
                "keyType": "string",
                "valueType": "long",
                "valueContainsNull": False,
            },
            "nullable": True,
            "metadata": {},
        },
    ],
}


def refusal(tables: Tables) -> str:
    """What is wrong with the table there, as the start says it."""
    (defect,) = tables.sink().defects()
    assert defect.kind == "unfit-table"
    return str(defect)


# -- what a lane can be ------------------------------------------------------------------------


TYPES = (
    "string long integer short byte float double boolean binary date timestamp timestamp_ntz "
    "decimal(38,18)"
)


@pytest.mark.parametrize("kind", TYPES.split())
def test_every_type_of_a_contract_has_a_column(kind: str):
    schema = lane_schema(spark_json({"a": kind}))
    assert json.loads(schema.to_json())["fields"][0]["type"] == kind


def test_every_level_may_be_null():
    assert "false" not in lane_schema(spark_json({"a": NESTED}, nullable=False)).to_json()


@pytest.mark.parametrize(
    "kind",
    ["void", "interval day to second", "variant", "char(3)", "time(6)", {"type": "udt"}],
)
def test_a_type_that_delta_has_not_is_named(kind):
    inside = {
        "type": "struct",
        "fields": [{"name": "b", "type": kind, "nullable": True, "metadata": {}}],
    }
    with pytest.raises(ValueError, match=r"column 'a\.b' is of type"):
        lane_schema(spark_json({"a": inside}))


@pytest.mark.parametrize("name", ["two words", "a,b", "a=b", "a(b)", "a;b", "a\tb", "{a}"])
def test_a_name_that_delta_has_not_is_named(name: str):
    with pytest.raises(ValueError, match="has no name for"):
        lane_schema(spark_json({name: "long"}))


@pytest.mark.parametrize("name", ["a.b", "a`b", "été", "🦆", "_dc43_raw", "A-b/c"])
def test_other_names_are_kept(name: str):
    assert [f.name for f in lane_schema(spark_json({name: "long"})).fields] == [name]


def test_names_that_differ_only_in_case_are_refused(tables: Tables):
    tables.columns = {"id": "long", "ID": "string"}
    with pytest.raises(DeltaTableError, match="'id' and 'ID' differ only in case"):
        tables.sink().defects()


# -- tables that are there ---------------------------------------------------------------------


def test_a_table_with_the_same_columns_is_taken_in_any_order(tables: Tables):
    tables.create(dict(reversed(COLUMNS.items())))
    assert tables.sink().defects() == []
    assert tables.publish(0, 1) == 1
    assert tables.table().to_pyarrow_table().to_pylist() == [{"id": 1, "note": "note 1"}]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": "long"}, "it lacks note string"),
        ({**COLUMNS, "more": "date"}, "it has more date besides"),
        ({"id": "integer", "note": "string"}, "it has id as integer, not long"),
        ({"id": "long", "Note": "string"}, "it lacks note string; has Note string besides"),
    ],
)
def test_a_table_with_other_columns_is_refused(tables: Tables, columns, said: str):
    tables.create(columns)
    assert said in refusal(tables)


def test_a_table_of_rejects_gets_the_columns_that_an_earlier_dc43_did_not_know(tables: Tables):
    tables.publish(0, 1)
    tables.columns = {**COLUMNS, "_dc43_extra": "string"}
    assert tables.sink().defects() == []
    staged = tables.manifest(1, tables.stage(2))
    assert [tables.sink().publish(staged) for _ in range(2)] == [2, 2]
    assert tables.table().to_pyarrow_table().schema.names == list(tables.columns)
    assert tables.ids() == [1, 2]


def test_two_drivers_add_such_a_column_once(tables: Tables, monkeypatch: pytest.MonkeyPatch):
    tables.publish(0, 1)
    tables.columns = {**COLUMNS, "_dc43_extra": "string"}
    sink, staged = tables.sink(), tables.manifest(1, tables.stage(2))
    moved = sink._moved

    def overtaken(*move: str):
        monkeypatch.setattr(sink, "_moved", moved)
        tables.publish(1, 3, stream="b" * 32)
        return moved(*move)

    monkeypatch.setattr(sink, "_moved", overtaken)
    # Made at 0, the column at 1, the other's batch at 2.
    assert sink.publish(staged) == 3
    assert tables.ids() == [1, 2, 3]


def test_a_column_that_must_not_be_null_is_refused(tables: Tables):
    tables.create(field={"nullable": False})
    assert "it has id as long not null, not long" in refusal(tables)


def test_a_nested_column_is_compared_to_its_end(tables: Tables):
    tables.columns = {"a": NESTED}
    tables.create()
    assert "city: string not null" in refusal(tables)


def test_a_partitioned_table_is_refused(tables: Tables):
    tables.create(partition_by=["note"])
    assert "is partitioned by note, and will be written by nothing" in refusal(tables)


def test_a_constraint_that_whole_files_would_get_round_is_refused(tables: Tables):
    tables.create()
    tables.table().alter.add_constraint({"positive": "id > 0"})
    assert "the constraint positive (id > 0)" in refusal(tables)


def test_a_table_that_forgets_transactions_is_refused(tables: Tables):
    tables.create(configuration={"delta.setTransactionRetentionDuration": "interval 7 days"})
    assert "forgets application transactions" in refusal(tables)


@pytest.mark.parametrize(
    "metadata",
    [
        {"delta.generationExpression": "id + 1"},
        {"delta.invariants": '{"expression": {"expression": "id > 0"}}'},
        {"__CHAR_VARCHAR_TYPE_STRING": "varchar(3)"},
    ],
)
def test_a_rule_on_a_column_is_refused(metadata: dict[str, str]):
    class Table:
        def metadata(self):
            return type("M", (), {"partition_columns": [], "configuration": {}})

        def protocol(self):
            return type("P", (), {"writer_features": None})

        def schema(self):
            return Schema.from_json(spark_json(COLUMNS, metadata=metadata))

    found = misfit(Table(), lane_schema(spark_json(COLUMNS)))
    assert found is not None
    assert f"has a rule on column 'id' ({next(iter(metadata))})" in found[0]


@pytest.mark.parametrize("feature", ["rowTracking", "inCommitTimestamp"])
def test_a_feature_that_is_not_known_is_refused(tables: Tables, feature: str):
    tables.publish(0, 1)
    entry = tables.folder / "_delta_log" / f"{0:020d}.json"
    protocol = {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": [feature]}
    lines = [json.loads(line) for line in entry.read_text().splitlines()]
    entry.write_text(
        "\n".join(json.dumps({"protocol": protocol} if "protocol" in x else x) for x in lines)
    )
    assert feature in refusal(tables)


def test_a_table_of_this_sink_stays_readable_by_old_readers(tables: Tables):
    tables.publish(0, 1)
    found = DeltaTable(str(tables.folder)).protocol()
    assert (found.min_reader_version, found.min_writer_version) == (1, 2)
