"""`dc43 draft`: from a record to a file that waits for someone to publish it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from dc43_core import Config, Runtime, load_plugins
from dc43_core.cli import main
from dc43_core.errors import BatchBlockedError, StatusError
from dc43_core.testing.contracts import ORDERS
from dc43_core.testing.fake_pipeline import FakePipeline
from dc43_core.testing.records import make_record
from dc43_drift.strategy import SchemaDrift, SchemaDriftOptions

NEW = {"id": 1, "amount": 1, "state": "open", "note": "new"}
EVOLVE = SchemaDrift(SchemaDriftOptions(policy="evolve"))
PLUGINS = load_plugins()


class Project:
    """A folder with a configuration, a contract and a ledger."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        self.pipeline = FakePipeline()
        self.publish(ORDERS, "orders")

    def publish(self, text: str, name: str) -> None:
        (self.folder / "contracts").mkdir(exist_ok=True)
        (self.folder / "contracts" / f"{name}.odcs.yaml").write_text(text)
        self.pipeline.contract = text

    @property
    def runtime(self) -> Runtime:
        config = Config(source=self.folder / "dc43.toml")
        return Runtime(config=config, plugins=PLUGINS, governance=self.pipeline.governance)

    def block(self) -> str:
        with pytest.raises(BatchBlockedError) as blocked:
            self.pipeline.write([NEW], strategies=[EVOLVE])
        return blocked.value.record_id

    def dc43(self, *arguments: str) -> tuple[int, str, str]:
        self.capsys.readouterr()
        code = main(["draft", *arguments], runtime=lambda: self.runtime)
        out, err = self.capsys.readouterr()
        return code, out, err

    def refused(self, *arguments: str) -> str:
        code, out, err = self.dc43(*arguments)
        assert (code, out) == (2, "")
        return err

    @property
    def drafts(self) -> list[str]:
        return sorted(path.name for path in (self.folder / "drafts").glob("**/*"))


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    return Project(tmp_path, capsys)


def test_a_blocked_write_leads_to_a_draft_and_once_that_is_published_it_lands_whole(project):
    project.block()
    code, out, _ = project.dc43("orders")
    assert code == 0
    assert "orders 1.1.0, after 1.0.0: a draft\n\n  column note is new, string" in out
    path = project.folder / "drafts" / "orders-1.1.0.odcs.yaml"
    assert f"Read {path}, set its status" in out

    draft = path.read_text()
    with pytest.raises(StatusError, match=r"orders 1\.1\.0.*draft"):
        project.runtime.plan(project.runtime.contracts().read(path))
    assert project.runtime.contracts().get("orders").version == "1.0.0"

    project.publish(draft.replace("status: draft", "status: active"), "orders-1.1")
    assert project.runtime.contracts().get("orders").version == "1.1.0"
    assert project.pipeline.write([NEW], strategies=[EVOLVE]).ok
    assert project.pipeline.rows() == [NEW]


def test_what_is_drafted_is_told_as_json(project):
    record = project.block()
    code, out, _ = project.dc43("orders", "--json", "--version", "1.0.1", "--to", "elsewhere")
    told = json.loads(out)
    assert code == 0
    assert told == {
        "contract_id": "orders",
        "follows": "1.0.0",
        "version": "1.0.1",
        "record_id": record,
        "file": "elsewhere/orders-1.0.1.odcs.yaml",
        "changes": [
            {"column": "note", "what": "is new, string, and not required", "breaking": False}
        ],
        "left": [],
    }


@pytest.fixture(autouse=True)
def here(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project.folder)


def test_a_draft_that_is_there_is_left_as_it_is(project):
    project.block()
    assert [project.dc43("orders")[0] for _ in range(2)] == [0, 0]
    [name] = project.drafts
    (project.folder / "drafts" / name).write_text("reviewed: true")
    assert f"drafts/{name} is another draft; review that one" in project.refused("orders")
    assert (project.folder / "drafts" / name).read_text() == "reviewed: true"


@pytest.mark.parametrize("to", ["contracts", "contracts/drafts", "drafts/../contracts"])
def test_nothing_is_written_where_published_contracts_lie(project, to):
    project.block()
    before = sorted(project.folder.rglob("*"))
    assert "where published contracts lie; give another folder" in project.refused(
        "orders", "--to", to
    )
    assert sorted(project.folder.rglob("*")) == before


def test_a_successor_that_is_published_is_not_drafted_again(project):
    project.block()
    project.publish(ORDERS.replace("1.0.0", "1.1.0"), "orders-1.1")
    told = project.refused("orders")
    assert "version 1.1.0 is in" in told
    assert "start again under it" in told
    assert project.drafts == []


def test_a_contract_that_has_changed_since_is_not_the_one_that_was_judged_by(project):
    record = project.block()
    project.publish(ORDERS + "# a note\n", "orders")
    told = project.refused("orders")
    assert f"is not the contract that record {record} was judged by" in told


def test_a_contract_that_lies_elsewhere_is_given_by_its_file(project):
    project.block()
    elsewhere = project.folder / "mine.yaml"
    (project.folder / "contracts" / "orders.odcs.yaml").rename(elsewhere)
    assert "orders" in project.refused("orders")
    assert project.dc43("orders", "--contract", str(elsewhere))[0] == 0


def _with(project: Project, **facts: Any) -> None:
    """Let the ledger hold the record of such a batch besides."""
    [record] = project.pipeline.records()
    project.pipeline.governance.record_many([evolve(record, record_id="other", **facts)])


def test_the_newest_record_with_drift_counts_or_the_one_that_is_named(project):
    first = project.block()
    _with(project, drift=[{"column": "more", "kind": "extra", "detail": "", "where": None}])
    assert json.loads(project.dc43("orders", "--json")[1])["record_id"] == "other"
    told = project.dc43("orders", "--json", "--record", first, "--to", "first")[1]
    assert [change["column"] for change in json.loads(told)["changes"]] == ["note"]


@pytest.mark.parametrize(
    ("prepare", "arguments", "told"),
    [
        (Project.block, ("order",), "no records of dataset 'order'"),
        (Project.block, ("orders", "--record", "x"), "there is no drift in record x of orders"),
        (
            lambda p: p.pipeline.governance.record_many([make_record(dataset_id="orders")]),
            ("orders",),
            "there is no drift in the 1 newest records of orders",
        ),
        (Project.block, ("orders", "--object", "x"), "it has no schema object 'x'"),
        (Project.block, ("orders", "--contract", "none.yaml"), "none.yaml does not exist"),
    ],
)
def test_what_cannot_be_drafted_is_told_in_a_line(
    project: Project, prepare: Callable[[Project], Any], arguments: tuple[str, ...], told: str
):
    prepare(project)
    assert told in project.refused(*arguments)
    assert project.drafts == []


def test_an_id_with_slashes_leaves_no_folder(project):
    text = ORDERS.replace("id: orders", "id: ../../shop/orders")
    project.publish(text, "orders")
    project.block()
    assert project.dc43("../../shop/orders")[0] == 0
    assert project.drafts == ["shop-orders-1.1.0.odcs.yaml"]


def test_drift_that_breaks_a_rule_of_the_contract_is_told_before_a_file_is_made(project):
    project.block()
    broken = {"logicalType": "object", "properties": [{"name": "a"}, {"name": "a"}]}
    fact = {"column": "x", "kind": "extra", "detail": "", "where": None, "found": broken}
    _with(project, drift=[fact])
    assert "with the drift in it, it is no contract: " in project.refused("orders")
    assert project.drafts == []
