"""Words about versions are appended beside the sink, each a file of its own."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dc43_core.errors import ApprovalRefusedError, CorruptFileError, FormatVersionError
from dc43_core.governance.approvals import Approval, Approvals, give_status
from dc43_core.protocol.file_store import LocalFileStore, local_path
from dc43_core.testing.catalogue import make_approval
from dc43_core.testing.records import make_record
from dc43_core.vocabulary import Outcome, VersionStatus

APPROVED, REJECTED = VersionStatus.APPROVED, VersionStatus.REJECTED


@pytest.fixture
def sink(tmp_path: Path) -> str:
    return (tmp_path / "out").as_uri()


def say(sink: str, status: VersionStatus = APPROVED, **facts) -> Approval:
    record = make_record(sink=sink, dataset_version=facts.pop("version", "3"))
    words = {"by": "anna", "reason": "looks right", **facts}
    return give_status(LocalFileStore(), record, status=status, **words)


def files(sink: str) -> list[str]:
    return [file.name for file in LocalFileStore().list(f"{sink}/_dc43/approvals")]


def test_each_word_is_a_file_and_no_file_is_ever_changed(sink):
    first = say(sink)
    path = local_path(f"{sink}/_dc43/approvals/3-1")
    before = path.read_bytes()
    second = say(sink, REJECTED, by="ben", reason="carriers swapped")
    assert (first.number, second.number) == (1, 2)
    assert files(sink) == ["3-1", "3-2"]
    assert path.read_bytes() == before
    assert Approvals(LocalFileStore(), sink).of("3") == [first, second]


def test_the_same_word_of_the_same_person_is_said_once(sink):
    assert say(sink) == say(sink)
    say(sink, REJECTED)
    assert say(sink).number == 3
    assert files(sink) == ["3-1", "3-2", "3-3"]


def test_stewards_who_speak_at_once_all_are_heard(sink):
    with ThreadPoolExecutor(8) as pool:
        words = list(pool.map(lambda n: say(sink, by=f"steward {n}"), range(8)))
    assert sorted(word.number for word in words) == list(range(1, 9))
    assert {w.by for w in Approvals(LocalFileStore(), sink).all()} == {w.by for w in words}


@pytest.mark.parametrize("version", ["../3", "2026-01-01", "a/b", "a%2Fb", "a=2Fb", "", "größe 🧾"])
def test_no_two_versions_share_a_file_and_none_leaves_the_folder(sink, version):
    say(sink, version="3")
    said = say(sink, version=version)
    assert said.number == 1
    approvals = Approvals(LocalFileStore(), sink)
    assert approvals.of(version) == [said]
    assert len(approvals.all()) == len(files(sink)) == 2


def test_without_a_reason_or_a_version_nothing_is_said(sink):
    with pytest.raises(ApprovalRefusedError, match="needs a reason"):
        say(sink, reason="  ")
    blocked = make_record(sink=sink, outcome=Outcome.BLOCKED)
    with pytest.raises(ApprovalRefusedError, match="published none"):
        give_status(LocalFileStore(), blocked, status=APPROVED, reason="ok", by="anna")
    assert files(sink) == []


@pytest.mark.parametrize(
    ("change", "error"),
    [({"format_version": 99}, FormatVersionError), ({"status": "perhaps"}, CorruptFileError)],
)
def test_a_file_that_is_newer_or_no_approval_is_refused_by_name(sink, change, error):
    say(sink)
    path = local_path(f"{sink}/_dc43/approvals/3-1")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(error, match="approvals/3-1"):
        Approvals(LocalFileStore(), sink).all()


def test_an_approval_survives_json():
    word = make_approval(reason="größe 🧾")
    plain = json.loads(json.dumps(word.payload()))
    assert Approval.from_payload(plain, "here") == word
    assert Approval.from_payload({**plain, "later": 1}, "here") == word
