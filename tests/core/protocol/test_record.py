"""The record of a batch, as every listener and every file has it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dc43_core.errors import CorruptFileError, FormatVersionError
from dc43_core.protocol import clock
from dc43_core.protocol.record import FORMAT_VERSION, GovernanceRecord, decode, encode
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Decision, Outcome, RunType, Verdict

PROMISED = {
    "batch_id": int,
    "started_at": str,
    "ended_at": str,
    "timestamp": str,
    "duration": float,
    "row_count": int,
    "valid_count": int,
    "reject_count": int,
    "violations": int,
    "violations_by_check": dict,
    "verdict": str,
    "outcome": str,
    "decision": str,
    "intervention": str | None,
    "metrics": dict,
    "errors": list,
    "warnings": list,
    "dataset_id": str,
    "dataset_version": str | None,
    "contract_id": str,
    "contract_version": str,
}
TEXTS = st.text(max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
RECORDS = st.builds(
    make_record,
    query_name=st.none() | TEXTS,
    run_type=st.sampled_from(RunType),
    verdict=st.sampled_from(Verdict),
    outcome=st.sampled_from(Outcome),
    decision=st.sampled_from(Decision),
    batch_id=st.integers(0, 2**63),
    violations_by_check=st.dictionaries(TEXTS, st.integers(0), max_size=2),
    metrics=st.dictionaries(TEXTS, JSON, max_size=2),
    errors=st.lists(TEXTS, max_size=2).map(tuple),
    strategies=st.dictionaries(TEXTS, st.dictionaries(TEXTS, JSON, max_size=2), max_size=2),
)


@pytest.mark.parametrize("key", PROMISED)
def test_the_payload_holds_each_promised_key(key: str):
    assert isinstance(make_record().payload()[key], PROMISED[key])


@given(RECORDS)
def test_the_payload_is_made_of_json_types_alone(record: GovernanceRecord):
    def plain(value: Any) -> bool:
        if type(value) is dict:
            return all(type(key) is str and plain(part) for key, part in value.items())
        if type(value) is list:
            return all(map(plain, value))
        return type(value) in (str, int, float, bool, type(None))

    assert plain(record.payload())


@given(RECORDS)
def test_a_record_is_read_back_as_it_was(record: GovernanceRecord):
    stored = decode(encode(record.payload()), "file")
    again = GovernanceRecord.from_payload(stored, "file")
    assert again.payload() == record.payload()
    assert (again.verdict, again.run_type) == (record.verdict, record.run_type)


def test_each_payload_is_a_dict_of_its_own():
    record = make_record(metrics={"a": 1})
    record.payload()["metrics"]["a"] = 2
    assert record.payload()["metrics"] == {"a": 1}


def test_the_timestamp_is_the_end_and_the_duration_is_in_seconds():
    payload = make_record(
        started_at="2026-01-01T23:59:59.500Z", ended_at="2026-01-02T00:00:01.750Z"
    ).payload()
    assert (payload["timestamp"], payload["duration"]) == ("2026-01-02T00:00:01.750Z", 2.25)


def test_what_a_later_minor_version_added_is_passed_over():
    payload = {**make_record().payload(), "colour": "blue"}
    assert GovernanceRecord.from_payload(payload, "f").payload() == make_record().payload()


def test_a_newer_format_is_refused_by_name():
    payload = {**make_record().payload(), "format_version": FORMAT_VERSION + 1}
    with pytest.raises(FormatVersionError, match=r"/dc43/committed/7 has format version 2"):
        GovernanceRecord.from_payload(payload, "/dc43/committed/7")


@pytest.mark.parametrize("missing", ["verdict", "batch_id", "contract_digest"])
def test_a_record_that_is_not_whole_is_named(missing: str):
    payload = make_record().payload()
    del payload[missing]
    with pytest.raises(CorruptFileError, match=f"/committed/7: not a governance record.*{missing}"):
        GovernanceRecord.from_payload(payload, "/committed/7")


def test_an_unknown_verdict_is_named():
    payload = {**make_record().payload(), "verdict": "great"}
    with pytest.raises(CorruptFileError, match="'great' is not a valid Verdict"):
        GovernanceRecord.from_payload(payload, "/committed/7")


@pytest.mark.parametrize("data", [b"", b'{"a": ', b"\xff\xfe\x00", b"[1]", b"null"])
def test_a_file_that_is_not_whole_is_named(data: bytes):
    with pytest.raises(CorruptFileError, match="/dc43/committed/7: not"):
        decode(data, "/dc43/committed/7")


@given(st.dictionaries(TEXTS, JSON, max_size=4))
def test_a_file_is_json_of_one_spelling(payload: dict[str, Any]):
    data = encode(payload)
    assert json.loads(data) == payload
    assert encode(dict(reversed(payload.items()))) == data


def test_moments_are_utc_with_milliseconds():
    assert clock.now()[-5] == "."
    assert clock.now().endswith("Z")


def test_seconds_are_counted_across_the_spellings_of_utc():
    assert clock.seconds_between("2026-01-01T00:00:00Z", "2026-01-01T00:00:01.5+00:00") == 1.5
