"""What a folder of data products promises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dc43_core.data_products.errors import (
    AmbiguousNameError,
    DataProductError,
    DataProductNotFoundError,
)
from dc43_core.data_products.files import DataProductFiles
from dc43_core.errors import ConfigurationError


def product(id_: str = "departures", version: str | None = "1.0.0", **more: object) -> str:
    document = {"apiVersion": "v1.0.0", "kind": "DataProduct", "id": id_, "status": "active"}
    return json.dumps({**document, **({"version": version} if version else {}), **more})


@pytest.fixture
def files(tmp_path: Path) -> DataProductFiles:
    return DataProductFiles(tmp_path)


def put(files: DataProductFiles, name: str, text: str) -> Path:
    path = files.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_product_is_found_by_its_content_at_any_depth(files):
    put(files, "a.json", product(version="1.9"))
    put(files, "deep/er/b.YAML", product(version="1.10"))
    assert files.get("departures").version == "1.10"
    assert files.get("departures", "<1.10").source.endswith("a.json")


def test_a_product_without_a_version_is_found(files):
    put(files, "a.json", product(version=None))
    assert files.get("departures").version is None
    with pytest.raises(DataProductNotFoundError):
        files.get("departures", ">=1")


def test_a_product_is_found_by_its_name_where_no_id_is_so_called(files):
    put(files, "a.json", product("1f", name="Departures"))
    put(files, "b.json", product("2e", name="2"))
    put(files, "c.json", product("2", name="Other"))
    assert files.get("Departures").id == "1f"
    assert files.get("2").id == "2"


def test_a_name_of_several_products_is_refused_with_their_ids(files):
    put(files, "a.json", product("1f", name="Departures"))
    put(files, "b.json", product("2e", name="Departures"))
    with pytest.raises(AmbiguousNameError, match=r"1f \(.*a\.json\), 2e \(.*; name one by its id"):
        files.get("Departures")


def test_what_is_no_product_is_passed_over(files):
    put(files, "contract.yaml", "apiVersion: v3.1.0\nkind: DataContract\nid: departures")
    put(files, ".hidden/b.json", product(version="9"))
    put(files, "notes.txt", product(version="8"))
    put(files, "a.json", product())
    assert [each.version for each in files.all()] == ["1.0.0"]


def test_a_missing_product_error_lists_what_is_known(files):
    put(files, "a.json", product("1f", name="Departures"))
    with pytest.raises(DataProductNotFoundError, match=r"found: 1f \(Departures\) 1\.0\.0") as no:
        files.get("arrivals", ">=2")
    assert (no.value.product, no.value.selector) == ("arrivals", ">=2")
    assert no.value.known == ["1f (Departures) 1.0.0"]


def test_a_missing_folder_is_said_so(files):
    with pytest.raises(DataProductNotFoundError, match=r"nowhere \(no such folder\); found: none"):
        DataProductFiles(files.folder / "nowhere").get("departures")


def test_a_broken_unrelated_file_hides_nothing_and_is_named_when_nothing_is_found(files):
    put(files, "a.json", product())
    put(files, "broken.yaml", "kind: DataProduct\nid: other\nid: other")
    assert files.get("departures").id == "departures"
    with pytest.raises(DataProductNotFoundError, match=r"broken\.yaml, line 3"):
        files.get("arrivals")


@pytest.mark.parametrize("reference", ["departures", "Departures"])
def test_a_broken_newer_version_is_not_replaced_by_an_older_one_in_silence(files, reference):
    put(files, "a.json", product(name="Departures"))
    put(files, "b.yaml", "kind: DataProduct\nid: departures\nname: Departures\nversion: 2\nid: x")
    with pytest.raises(DataProductError, match=r"b\.yaml, line 5"):
        files.get(reference)
    assert files.get(reference, "1.0.0").version == "1.0.0"


def test_one_version_has_one_content(files):
    put(files, "a.json", product())
    put(files, "b.json", product())
    assert files.get("departures").source.endswith("a.json")
    put(files, "c.json", product(domain="aviation"))
    with pytest.raises(DataProductError, match=r"data product 'departures' 1\.0\.0 has another"):
        files.get("departures")


def test_a_selector_that_is_none_is_refused(files):
    with pytest.raises(ConfigurationError, match="no version selector"):
        files.get("departures", "~1")


def test_one_file_can_be_read(files):
    path = put(files, "a.json", product())
    assert files.read(path).id == "departures"
    with pytest.raises(DataProductError, match=r"b\.json: No such file"):
        files.read(files.folder / "b.json")
