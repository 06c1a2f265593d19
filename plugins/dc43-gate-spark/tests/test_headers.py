"""CSV headers: Spark assigns by position, so each file's header is read before its values are."""

from __future__ import annotations

import gzip
import json

import pytest

from dc43_core.errors import ConfigurationError
from dc43_core.protocol.file_store import LocalFileStore
from dc43_integrations.spark.headers import header_check

pytestmark = pytest.mark.spark

ID = {"name": "id", "logicalType": "integer", "required": True}
NOTE = {"name": "note", "logicalType": "string"}
SHOP = {"name": "shop", "logicalType": "string", "required": True}
GOOD = ("id,note,shop", "1,first,a", "2,second,b")
GOOD_ROWS = [(1, "first", "a"), (2, "second", "b")]


def test_a_file_without_a_required_column_blocks_in_enforce(flow):
    rows = flow([ID, NOTE, SHOP])
    rows.put(*GOOD)
    rows.put("id,note", "3,third", "4,fourth")
    landed = rows.run(per_batch=1, enforce=True)

    assert landed.error is not None
    assert "batch 1 of orders was blocked" in landed.error
    assert "column shop: is required and missing in the header" in landed.error
    assert "001.csv" in landed.error
    assert rows.main_rows() == GOOD_ROWS
    assert rows.reject_rows() == []
    assert rows.committed() == ["0"]

    # Whoever holds the result sees it, governance has it, and it lies beside the checkpoint.
    assert (landed.result.status, landed.result.ok) == ("block", False)
    assert [batch["outcome"] for batch in landed.batches] == ["committed", "blocked"]
    assert [record.outcome for record in rows.records()] == ["committed", "blocked"]
    blocked = rows.checkpoint / "dc43" / landed.result.details["stream_id"] / "blocked" / "1"
    assert json.loads(blocked.read_text())["record_id"] == landed.batches[1]["record_id"]

    # The batch comes back at the next start: blocked again, and no second incident.
    again = rows.run(per_batch=1, enforce=True)
    assert again.error is not None
    assert "batch 1 of orders was blocked" in again.error
    assert len(rows.records()) == 2
    assert rows.main_rows() == GOOD_ROWS


def test_a_file_without_a_required_column_sends_its_rows_to_rejects_in_observe(flow):
    rows = flow([ID, NOTE, SHOP])
    rows.put(*GOOD)
    rows.put("id,note", "3,third", "4,fourth")
    landed = rows.run()
    assert landed.error is None
    assert rows.main_rows() == GOOD_ROWS
    assert landed.broken == {"row.type": 2}
    assert [row["_dc43_line"] for row in rows.reject_rows()] == ["3,third", "4,fourth"]
    (drift,) = landed.batch["drift"]
    assert (drift["column"], drift["kind"]) == ("shop", "missing")
    assert landed.result.ok is False
    assert "column shop: is required and missing in the header" in landed.batch["errors"][0]


def test_a_required_column_that_was_never_there_is_told_by_the_read_and_blocks(flow):
    rows = flow([ID, NOTE, SHOP])
    rows.put("id,note", "3,third")
    _, read = rows.read()
    assert read.errors == ["column shop: is required and missing"]
    landed = rows.run(enforce=True)
    assert landed.error is not None
    assert "column shop: is required and missing" in landed.error
    observed = rows.run(enforce=False)
    assert observed.error is None
    assert (rows.main_rows(), observed.batches[-1]["violations_by_check"]) == (
        [],
        {"shop.required": 1},
    )


def test_incompatible_rows_go_to_rejects_where_the_caller_says_so(flow):
    rows = flow([ID, NOTE, SHOP])
    rows.put(*GOOD)
    rows.put("id,note", "3,third")
    landed = rows.run(enforce=True, on_incompatible="reject")
    assert landed.error is None
    assert (landed.batch["main_count"], landed.batch["reject_count"]) == (0, 3)
    assert rows.rows() == []
    assert {"schema.shop" in row["_dc43_checks"] for row in rows.reject_rows()} == {True}


@pytest.mark.parametrize("enforce", [True, False])
def test_a_header_in_another_order_blocks_in_either_run_type(flow, enforce):
    rows = flow([ID, NOTE, SHOP])
    rows.put(*GOOD)
    rows.put("id,shop,note", "3,c,third")
    landed = rows.run(per_batch=1, enforce=enforce)
    assert landed.error is not None
    assert "batch 1 of orders was blocked" in landed.error
    assert "stands where the header says shop" in landed.error
    assert rows.main_rows() == GOOD_ROWS
    assert rows.reject_rows() == []
    assert rows.committed() == ["0"]


def test_a_write_without_the_read_s_result_is_refused(spark, flow):
    # Nobody would look at the headers, and values land in wrong columns.
    rows = flow([ID, NOTE, SHOP])
    rows.put(*GOOD)
    with pytest.raises(ConfigurationError, match=r"reads=\[result\]"):
        rows.start(reads=[])
    assert spark.streams.active == []


def test_a_header_in_another_order_than_the_contract_s_is_read_by_name(flow):
    rows = flow([ID, NOTE, SHOP])
    rows.put("shop,id,note", "a,1,first", "b,2,second")
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert rows.main_rows() == GOOD_ROWS
    assert landed.batch["verdict"] == "ok"


def test_a_compressed_file_s_header_is_read_too(flow):
    rows = flow([ID, NOTE, SHOP])
    rows.put(*GOOD)
    content = gzip.compress(b"id,shop,note\n3,c,third\n")
    rows._aged("001.csv.gz", content)
    landed = rows.run(per_batch=1)
    assert landed.error is not None
    assert "stands where the header says shop" in landed.error
    assert rows.main_rows() == GOOD_ROWS


def test_options_are_understood_as_spark_understands_them(flow):
    rows = flow([ID, NOTE, SHOP], options={"HEADER": True, "Sep": "||"})
    rows.put(*(line.replace(",", "||") for line in GOOD))
    rows.put("id||shop||note", "3||c||third")
    landed = rows.run(per_batch=1)
    assert landed.error is not None
    assert "stands where the header says shop" in landed.error
    assert rows.main_rows() == GOOD_ROWS


def test_a_column_that_nobody_declared_is_left_out_and_named(flow):
    rows = flow([ID, NOTE])
    rows.put("id,secret,note", "1,s,first")
    landed = rows.run(enforce=True)
    assert landed.error is None
    assert rows.rows()[0].asDict() == {"id": 1, "note": "first"}
    (drift,) = landed.batch["drift"]
    assert (drift["column"], drift["kind"]) == ("secret", "extra")
    assert landed.batch["verdict"] == "ok"
    assert landed.batch["warnings"] == ["column secret: is not declared; it is left out of main"]


def test_a_column_that_appears_later_is_named_and_its_rows_are_kept(flow):
    rows = flow([ID, NOTE])
    rows.put("id,note", "1,first")
    rows.put("id,note,secret", "2,second,s")
    landed = rows.run()
    assert landed.error is None
    assert rows.main_rows() == [(1, "first")]
    assert [row["_dc43_line"] for row in rows.reject_rows()] == ["2,second,s"]
    (drift,) = landed.batch["drift"]
    assert (drift["column"], drift["kind"], drift["where"][-7:]) == ("secret", "extra", "001.csv")


@pytest.mark.parametrize(
    ("content", "options", "header"),
    [
        (b"", {}, None),
        (b"a,b\r\n1,2", {}, ("a", "b")),
        ("\ufeffa,b\n".encode(), {}, ("a", "b")),
        (b'"a,1",b\n', {}, ("a,1", "b")),
        (b"a;b", {"delimiter": ";"}, ("a", "b")),
        (b"a\tb\n", {"sep": "\\t"}, ("a", "b")),
        (b"'a,1',b\n", {"quote": "'"}, ("a,1", "b")),
        ("é,b\n".encode("latin-1"), {"encoding": "latin-1"}, ("é", "b")),
    ],
)
def test_a_header_is_split_as_the_reader_splits_it(tmp_path, content, options, header):
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    check = header_check(LocalFileStore(), ["a", "b"], [], options)
    assert check.header(str(file)) == header


def test_a_column_that_the_first_file_lacks_cannot_be_read_from_a_later_one(tmp_path):
    later = tmp_path / "1.csv"
    later.write_text("id,note,tip\n1,a,2\n")

    def drift(*declared: str):
        check = header_check(LocalFileStore(), ["id", "note"], [], {}, declared=declared)
        [found] = check.drift([str(later)])
        return found

    assert (drift().kind, drift().incompatible) == ("extra", False)
    assert drift().found == {"logicalType": "string"}
    unread = drift("id", "note", "tip")
    assert (unread.column, unread.kind, unread.incompatible) == ("tip", "extra", True)
    assert "move the files that were read away" in unread.detail
