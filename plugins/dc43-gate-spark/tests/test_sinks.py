"""Sinks are found by the name of the format, and what is not there is named."""

import types

import pytest

from dc43_core import Extension, Runtime, hookimpl
from dc43_core.config import Config
from dc43_core.errors import DuplicateNameError, UnknownNameError
from dc43_core.plugin_manager import load_plugins

pytest.importorskip("pyspark")

from dc43_integrations.spark.sinks.files import Files
from dc43_integrations.spark.sinks.find import find_sink


@pytest.fixture
def alone() -> Runtime:
    """A runtime with the plugin of this distribution and no other."""
    return Runtime(config=Config(), plugins=load_plugins(allowed=["dc43-gate-spark"]))


@pytest.fixture
def clashing(alone: Runtime) -> Runtime:
    """The same with one more plugin, which offers the sink `parquet`."""
    module = types.ModuleType("acme_sinks")

    @hookimpl(optionalhook=True)
    def dc43_spark_sinks():
        return [Extension("parquet", dict)]

    module.dc43_spark_sinks = dc43_spark_sinks
    alone.plugins.manager.register(module, name="acme")
    return alone


def test_parquet_is_built_in(alone):
    assert isinstance(find_sink(alone, "parquet"), Files)


def test_an_unknown_format_lists_the_installed_ones(alone):
    with pytest.raises(UnknownNameError, match=r"no sink named 'papyrus'; installed: .*\bparquet$"):
        find_sink(alone, "papyrus")


def test_a_known_format_that_is_not_installed_names_its_distribution(alone):
    with pytest.raises(UnknownNameError, match="it comes with dc43-gate-delta"):
        find_sink(alone, "delta")


def test_two_sinks_of_one_name_name_both_owners(clashing):
    with pytest.raises(DuplicateNameError, match=r"sink 'parquet'.*spark and by acme"):
        find_sink(clashing, "parquet")
