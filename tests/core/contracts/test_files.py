"""What a folder of contracts promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dc43_core.contracts.files import ContractFiles, pick_object
from dc43_core.contracts.odcs import OdcsLoader
from dc43_core.errors import ContractError, ContractNotFoundError


def contract(id_: str = "flights", version: str = "1.0.0", *objects: str, **more: object) -> str:
    document = {"apiVersion": "v3.1.0", "kind": "DataContract", "id": id_, "version": version}
    return json.dumps({**document, "schema": [{"name": name} for name in objects], **more})


@pytest.fixture
def files(tmp_path: Path) -> ContractFiles:
    return ContractFiles(tmp_path, [OdcsLoader()])


def put(files: ContractFiles, name: str, text: str) -> Path:
    path = files.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_contract_is_found_by_its_content_at_any_depth(files):
    put(files, "a.json", contract("flights", "1.9"))
    put(files, "deep/er/b.YAML", contract("flights", "1.10"))
    put(files, "c.yml", contract("other", "3"))
    assert files.get("flights").version == "1.10"
    assert files.get("flights", "1.9").source.endswith("a.json")
    assert files.get("other", ">=1").id == "other"


def test_what_is_no_contract_is_passed_over(files):
    put(files, "pipeline.yaml", "engine: spark")
    put(files, "notes.txt", contract())
    put(files, ".ipynb_checkpoints/a.json", contract("flights", "9"))
    put(files, "a.json", contract())
    assert files.get("flights").version == "1.0.0"


def test_a_missing_contract_error_lists_what_is_known(files):
    put(files, "a.json", contract("flights", "1.0.0"))
    with pytest.raises(ContractNotFoundError, match=r"flights 1\.0\.0") as caught:
        files.get("flights", ">=2")
    assert caught.value.known == ["flights 1.0.0"]


def test_a_missing_folder_is_said_so(files):
    with pytest.raises(ContractNotFoundError, match="no such folder"):
        ContractFiles(files.folder / "nowhere", files.loaders).get("flights")


def test_a_broken_unrelated_file_hides_nothing(files):
    put(files, "a.json", contract())
    put(files, "broken.yaml", "kind: DataContract\nid: other\nid: other")
    assert files.get("flights").id == "flights"


def test_a_broken_unrelated_file_is_named_when_nothing_is_found(files):
    put(files, "broken.yaml", "kind: DataContract\nid: other\nid: other")
    with pytest.raises(ContractNotFoundError, match=r"broken\.yaml, line 3"):
        files.get("flights")


def test_a_broken_newer_version_is_not_replaced_by_an_older_one_in_silence(files):
    put(files, "a.json", contract("flights", "1.0.0"))
    put(files, "broken.yaml", "kind: DataContract\nid: flights\nversion: 2.0.0\nversion: 2")
    with pytest.raises(ContractError, match=r"broken\.yaml"):
        files.get("flights")
    assert files.get("flights", "1.0.0").version == "1.0.0"


def test_two_contents_of_one_version_are_an_error_naming_both(files):
    put(files, "a.json", contract())
    put(files, "b.json", contract(name="another"))
    with pytest.raises(ContractError, match=r"a\.json.*b\.json"):
        files.get("flights")


def test_copies_of_one_file_are_one_contract(files):
    put(files, "a.json", contract())
    put(files, "copy/a.json", contract())
    assert files.get("flights").source.endswith("a.json")


def test_an_id_is_never_a_path(files):
    put(files, "../outside.json", contract("../outside"))
    with pytest.raises(ContractNotFoundError):
        files.get("../outside")
    put(files, "inside.json", contract("../outside"))
    assert files.get("../outside").source.endswith("inside.json")


def test_one_file_can_be_read_by_its_path(files):
    assert files.read(put(files, "a.json", contract())).id == "flights"


def test_a_missing_file_error_lists_its_neighbours(files):
    put(files, "a.json", contract())
    with pytest.raises(ContractNotFoundError, match=r"does not exist.*a\.json") as caught:
        files.read(files.folder / "b.json")
    assert isinstance(caught.value, FileNotFoundError)


def test_a_file_that_no_loader_accepts_is_an_error(files):
    with pytest.raises(ContractError, match="kind: DataContract"):
        files.read(put(files, "a.yaml", "x: 1"))
    with pytest.raises(ContractError, match="is empty"):
        files.read(put(files, "b.yaml", ""))


def test_a_file_that_breaks_off_before_it_says_what_it_is_names_line_and_column(files):
    path = put(files, "a.yaml", 'id: flights\nversion: "1.0.0\nstatus: active\n')
    put(files, "b.json", contract("other"))
    with pytest.raises(
        ContractError, match=r"a\.yaml, line 4, column 1, .*is no valid YAML"
    ) as own:
        files.read(path)
    assert (own.value.line, own.value.column) == (4, 1)
    # It may be the very one that is looked for.
    with pytest.raises(ContractError, match="line 4, column 1"):
        files.get("flights")
    with pytest.raises(ContractNotFoundError, match=r"could not be read there: .*line 4, column 1"):
        files.get("flight")
    assert files.get("other").id == "other"
    path.write_text("id: flights\n---\nid: flights\n")
    with pytest.raises(ContractNotFoundError, match="found: other"):
        files.get("flights")


def test_a_name_that_is_nearly_known_is_offered(files):
    put(files, "a.json", contract("flights"))
    with pytest.raises(ContractNotFoundError, match="did you mean flights"):
        files.get("fligths")
    with pytest.raises(ContractNotFoundError, match=r"found: flights \S+$"):
        files.get("flights", "99")


def test_a_file_that_two_loaders_accept_is_an_error(files):
    path = put(files, "a.json", contract())
    with pytest.raises(ContractError, match="OdcsLoader and OdcsLoader"):
        ContractFiles(files.folder, [OdcsLoader(), OdcsLoader()]).read(path)


def test_a_huge_file_is_refused_and_never_read_whole(files):
    path = put(files, "a.yaml", "kind: DataContract\n" + "#" * (2 << 20))
    with pytest.raises(ContractError, match="larger than"):
        files.read(path)


def parsed(*objects: str):
    return OdcsLoader().parse("c.json", contract("flights", "1", *objects).encode())


def test_the_only_object_needs_no_name():
    assert pick_object(parsed("a")).name == "a"


def test_several_objects_need_a_name():
    assert pick_object(parsed("a", "b"), "b").name == "b"
    with pytest.raises(ContractError, match="a, b"):
        pick_object(parsed("a", "b"))


def test_an_unknown_object_error_lists_the_choices():
    with pytest.raises(ContractError, match="objects: a, b"):
        pick_object(parsed("a", "b"), "c")
    with pytest.raises(ContractError, match="no schema object"):
        pick_object(parsed())


def test_an_object_may_be_named_by_its_physical_name():
    text = contract(schema=[{"name": "a", "physicalName": "t_a"}, {"name": "t_b"}])
    assert pick_object(OdcsLoader().parse("c", text.encode()), "t_a").name == "a"
