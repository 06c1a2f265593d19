"""The reference pages name what is in the code: all of it, and nothing else."""

from __future__ import annotations

import inspect
import pkgutil
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import pytest

from dc43_core import config, errors, pipeline_file
from dc43_core.contracts.safe_yaml import YamlLimits
from dc43_core.errors import Dc43Error
from dc43_core.expectations.kinds import BUILT_IN
from dc43_core.expectations.kinds.regex import MAX_LENGTH
from dc43_core.governance.measuring import KEPT
from dc43_core.governance.run_handle import RunHandle
from dc43_core.plugin_manager import load_plugins
from dc43_core.protocol.replay import REPLAY_FAILPOINTS
from dc43_core.protocol.steps import FAILPOINTS
from dc43_core.testing.catalogue import make_measurement
from dc43_core.testing.records import make_record

DOCS = Path(__file__).resolve().parents[2] / "docs"
ERRORS: list[type[Dc43Error]] = [
    one
    for module in pkgutil.iter_modules(errors.__path__, f"{errors.__name__}.")
    for one in vars(import_module(module.name)).values()
    if inspect.isclass(one) and issubclass(one, Dc43Error) and one.__module__ == module.name
]


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section {title!r}"
    return found[1]


def rows(text: str) -> dict[str, list[str]]:
    """Return the rows of a page's tables, by the name in backquotes in the first cell."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and re.fullmatch(r"`[^`]+`", cells[0]):
            found[cells[0].strip("`")] = cells[1:]
    return found


# -- errors.md -------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_is_listed_with_its_built_in_and_its_exit_code(error: type[Dc43Error]):
    listed = rows(section(page("reference/errors.md"), "Errors of the core"))
    assert error.__name__ in listed
    built_in, *_, code = listed[error.__name__]
    bases = [base.__name__ for base in error.__bases__ if not issubclass(base, Dc43Error)]
    assert built_in.strip("`") == (bases[0] if bases else "Exception")
    assert int(code) == error.exit_code


def test_no_error_is_listed_that_does_not_exist():
    listed = rows(section(page("reference/errors.md"), "Errors of the core"))
    assert set(listed) == {error.__name__ for error in ERRORS}


def test_every_error_of_the_core_is_imported_from_one_place():
    assert {name for name in errors.__all__ if name.endswith("Error")} == {
        error.__name__ for error in ERRORS
    }


@pytest.mark.parametrize(
    ("module", "name"),
    re.findall(
        r"^\| `(\w+)` \| `([\w.]+)` \|",
        section(page("reference/errors.md"), "Errors of other modules"),
        re.MULTILINE,
    ),
)
def test_an_error_of_another_module_is_where_the_page_says(module: str, name: str):
    error, home = module, name
    if home.startswith("dc43_integrations.spark"):
        pytest.importorskip("pyspark")
    found = getattr(__import__(home, fromlist=[error]), error)
    assert issubclass(found, Dc43Error)


# -- record.md -------------------------------------------------------------------------------------


def test_the_record_s_page_names_exactly_its_keys():
    listed = rows(section(page("reference/record.md"), "Keys"))
    assert set(listed) == set(make_record().payload())


def test_the_table_of_measurements_names_exactly_their_columns():
    text = section(page("reference/record.md"), "Measurements")
    listed = [name for row in re.findall(r"^\| (`.*?`) \|", text, re.M) for name in row.split(", ")]
    assert sorted(name.strip("`") for name in listed) == sorted(make_measurement().payload())


# -- configuration.md ------------------------------------------------------------------------------


def names(kind: Any, *but: str) -> set[str]:
    return {field.name for field in attrs.fields(kind) if field.name not in but}


@pytest.mark.parametrize(
    ("title", "kind", "but"),
    [
        ("dc43.toml", config.Config, ("source",)),
        ("plugins", config.PluginsConfig, ()),
        ("contracts", config.ContractsConfig, ()),
        ("data_products", config.DataProductsConfig, ()),
        ("outbox", config.OutboxConfig, ()),
        ("keys", config.KeysConfig, ()),
        ("pipeline.toml", pipeline_file.PipelineFile, ("file",)),
        ("source", pipeline_file.Source, ()),
        ("contract", pipeline_file.ContractRef, ()),
        ("sink", pipeline_file.Target, ()),
        ("rejects", pipeline_file.Rejects, ()),
        ("run", pipeline_file.Run, ()),
    ],
)
def test_a_table_of_the_configuration_names_exactly_its_keys(title: str, kind: Any, but: Any):
    found = re.search(
        rf"^#{{2,3}} {re.escape(title)}\n(.*?)(?=^#{{2,3}} |\Z)",
        page("reference/configuration.md"),
        re.MULTILINE | re.DOTALL,
    )
    assert found is not None
    assert set(rows(found[1])) == names(kind, *but)


def test_the_table_of_limits_has_the_numbers_of_the_code():
    listed = rows(section(page("reference/configuration.md"), "Limits"))
    limits, yaml = config.Limits(), YamlLimits()
    expected = {
        "limits.timeline": limits.timeline,
        "limits.history": limits.history,
        "outbox.bound": config.OutboxConfig().bound,
        "limits.held_bytes": limits.held_bytes,
        "limits.replay_rows": limits.replay_rows,
        "YamlLimits.max_bytes": yaml.max_bytes,
        "YamlLimits.max_depth": yaml.max_depth,
        "YamlLimits.max_nodes": yaml.max_nodes,
        "regex.MAX_LENGTH": MAX_LENGTH,
        "measuring.KEPT": KEPT,
    }
    shown = {name: int(listed[name][0].replace(",", "")) for name in expected}
    assert shown == expected


@pytest.mark.spark
def test_the_limits_of_spark_are_those_of_the_code():
    pytest.importorskip("pyspark")
    from dc43_integrations.spark.source_files import SHOWN
    from dc43_integrations.spark.stager import UNCAST_KEPT

    listed = rows(section(page("reference/configuration.md"), "Limits"))
    assert listed["stager.UNCAST_KEPT"][0] == f"{UNCAST_KEPT:,}"
    assert listed["source_files.SHOWN"][0] == f"{SHOWN:,}"


# -- strategies.md ---------------------------------------------------------------------------------

STRATEGIES = {
    offer.extension.name: offer.extension
    for offer in load_plugins().registry("strategy")
    if not offer.extension.name.startswith("acme-")
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_has_a_section_that_names_exactly_its_options(name: str):
    options = STRATEGIES[name].options
    listed = rows(section(page("reference/strategies.md"), name))
    assert set(listed) == (names(options) if options else set())


def test_no_strategy_is_described_that_is_not_there():
    titles = re.findall(r"^## (\S+)$", page("reference/strategies.md"), re.MULTILINE)
    assert sorted(titles) == sorted(STRATEGIES)


# -- the rest --------------------------------------------------------------------------------------


def test_every_kind_of_the_core_is_described():
    listed = rows(section(page("reference/contract-support.md"), "Kinds"))
    assert set(listed) == {kind.name for kind in BUILT_IN}


def test_the_protocol_s_page_lists_every_failpoint_in_order():
    listed = rows(section(page("explanation/protocol.md"), "The steps"))
    assert tuple(listed) == FAILPOINTS
    listed = rows(section(page("explanation/protocol.md"), "A replay of rejects"))
    assert tuple(listed) == REPLAY_FAILPOINTS


# -- helpers.md ------------------------------------------------------------------------------------


def test_every_argument_of_the_helpers_is_on_their_page_and_no_other():
    pytest.importorskip("pyspark")
    from dc43_integrations.spark import io

    text = page("reference/helpers.md")
    helpers = [getattr(io, name) for name in io.__all__ if name.startswith(("read_", "write_"))]
    taken = {name for helper in helpers for name in inspect.signature(helper).parameters}
    tables = "".join(section(text, title) for title in ("The contract", "Of reads", "Of writes"))
    cells = [line.split("|")[1] for line in tables.splitlines() if line.startswith("| `")]
    assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == taken
    assert all(f"`{helper.__name__}`" in text for helper in helpers)
    members = [name for name in dir(RunHandle) if not name.startswith("_")]
    assert {row.partition("(")[0] for row in rows(section(text, "The run"))} == {*members}
