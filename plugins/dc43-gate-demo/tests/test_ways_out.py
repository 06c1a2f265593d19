"""The ways out that the page of a block shows are those that its reason leaves."""

from __future__ import annotations

import pytest

from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Outcome, Verdict
from dc43_demo_app.reading.ways_out import mends


def drift(kind, detail="is missing and required"):
    return {"column": "tailnum", "kind": kind, "detail": detail, "where": None}


def ways(reason, **facts):
    return " ".join(mends(make_record(outcome=Outcome.BLOCKED, intervention=reason, **facts)))


def test_a_column_that_is_gone_is_restored_and_no_contract_helps():
    said = ways(
        "column tailnum: is missing and required",
        drift=[drift("missing")],
        input={"files": ["file:///in/2013-01-04.csv"]},
        rejects="file:///rejects",
    )
    assert said.startswith("Restore tailnum in the file, and keep the file's name.")
    assert '`on_incompatible = "reject"`' in said
    assert "contract" not in said


def test_without_a_reject_sink_none_is_offered():
    reason = "column tailnum: is missing and required"
    assert ways(reason, drift=[drift("missing")], rejects=None) == "Restore tailnum in the source."


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("narrowed", "Correct tailnum in the source."),
        ("renamed", "publish a version of the contract that has it"),
        ("extra", "Publish a version of the contract that takes in tailnum"),
        ("reordered", "Write the file again under its name"),
        ("retyped", "Nothing of it was staged"),
    ],
)
def test_drift_of_each_kind_has_its_way_out(kind, said):
    assert said in ways("column tailnum: differs", drift=[drift(kind)])


@pytest.mark.parametrize(
    ("reason", "facts", "said"),
    [
        (
            "tailnum must not be missing; the rows have no reject sink to go to",
            {},
            "give the stream a reject sink",
        ),
        ("client local: boom", {"verdict": Verdict.UNKNOWN}, "kept the batch from being judged"),
        ("row count must be at least 5: is 2", {}, "If the contract or a strategy asks too much"),
        ("row count must be at least 5: is 2", {"drift": [drift("extra")]}, "Correct the data"),
    ],
)
def test_other_reasons_have_theirs(reason, facts, said):
    assert said in ways(reason, **facts)
