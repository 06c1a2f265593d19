"""Configuration: `dc43.toml` or `[tool.dc43]`, into one tree of attrs classes."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen, validators

from dc43_core.converter import CONFIGURATION, OURS, structure
from dc43_core.errors import ConfigurationError
from dc43_core.retention import parse_retention


@frozen(kw_only=True)
class Instance:
    """One configured use of an extension.

    Attributes:
        use: The extension's name.
        options: What its options class is made from.
    """

    use: str
    # Not shown: a URL among them may hold a password.
    options: Mapping[str, Any] = field(factory=dict, repr=False)


@frozen(kw_only=True)
class PluginsConfig:
    """Which installed plugins may be imported."""

    blocked: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None


@frozen(kw_only=True)
class ContractsConfig:
    """Where contracts are found, and which may be used.

    Attributes:
        path: Folder, relative to the configuration file.
        accepted_status: Status a contract must have; a contract without one is accepted.
    """

    path: str = "contracts"
    accepted_status: tuple[str, ...] = ("active",)


@frozen(kw_only=True)
class OutboxConfig:
    """What happens to records, and to the data, while governance is down.

    Attributes:
        on_outage: `outbox`: the data goes on, records wait; `block`: no batch is begun.
        bound: Records that wait in memory; the others wait in the files beside the checkpoint.
        retries: In `block`, attempts after the first before the stream stops.
        first_wait: Seconds from the first failure to the next attempt; doubled at each failure.
        longest_wait: Seconds that are never exceeded by that.
    """

    on_outage: str = field(default="outbox", validator=validators.in_(("outbox", "block")))
    bound: int = field(default=10_000, validator=validators.ge(1))
    retries: int = field(default=5, validator=validators.ge(0))
    first_wait: float = field(default=1.0, validator=validators.gt(0))
    longest_wait: float = field(default=60.0, validator=validators.gt(0))


@frozen(kw_only=True)
class DataProductsConfig:
    """Where data products are found, and which may be used.

    Attributes:
        path: Folder, relative to the configuration file.
        accepted_status: Status a data product must have; one without a status is accepted.
    """

    path: str = "products"
    accepted_status: tuple[str, ...] = ("active",)


def is_retention(_: Any, attribute: Any, value: str) -> None:
    """Check that a text says how long keys count."""
    try:
        parse_retention(value)
    except ValueError as error:
        raise ValueError(f"{attribute.name}: {error}") from None


@frozen(kw_only=True)
class KeysConfig:
    """How long the keys of `unique` and `primaryKey` count in streams.

    Attributes:
        retain: `batch`: within a batch; `forever`; or a time such as `7 days`.
    """

    retain: str = field(default="batch", validator=is_retention)


@frozen(kw_only=True)
class Limits:
    """Every bound in one place.

    Attributes:
        timeline: Entries kept in `streaming_batches`; governance keeps all.
        history: Records that strategies may look back on.
        lookback: Batches that rules over a window of time may look back on.
        held_bytes: How much staged data of a blocked batch is kept. Of a larger batch nothing
            is: its record says so, and the source has the only copy.
        replay_rows: Rejects that one replay may judge; their ids stand in one file.
    """

    timeline: int = field(default=1_000, validator=validators.ge(1))
    # State comes back with the newest record, so there is always one.
    history: int = field(default=100, validator=validators.ge(1))
    lookback: int = 10_000
    held_bytes: int = 50 * 2**30
    replay_rows: int = 1_000_000


@frozen(kw_only=True)
class Config:
    """The whole configuration.

    Attributes:
        namespace: First part of every key.
        governance: Instance name to governance client; empty means the default ledger.
        strategies: Instance name to strategy, for those that need options. One that stands
            here applies to no stream by itself.
        default_strategies: Instance names that apply to every stream; in observe they cannot
            block.
        exporters: Instance name to record exporter.
        outbox: What an outage of governance does.
        keys: How long keys count.
        source: The file it came from; None for defaults.
    """

    namespace: str = "default"
    plugins: PluginsConfig = field(factory=PluginsConfig)
    contracts: ContractsConfig = field(factory=ContractsConfig)
    data_products: DataProductsConfig = field(factory=DataProductsConfig)
    data_quality: Instance = field(factory=lambda: Instance(use="local"))
    governance: Mapping[str, Instance] = field(factory=dict)
    strategies: Mapping[str, Instance] = field(factory=dict)
    default_strategies: tuple[str, ...] = ()
    exporters: Mapping[str, Instance] = field(factory=dict)
    outbox: OutboxConfig = field(factory=OutboxConfig)
    keys: KeysConfig = field(factory=KeysConfig)
    limits: Limits = field(factory=Limits)
    source: Path | None = field(default=None, metadata={OURS: True})

    @property
    def folder(self) -> Path:
        """What relative paths start from: the file's folder, else the working directory."""
        return self.source.parent if self.source else Path.cwd()


_INSTANCES = ("governance", "strategies", "exporters")


def load_config(path: Path | None = None) -> Config:
    """Load the configuration.

    Args:
        path: The file; None looks for it: `DC43_CONFIG`, else `dc43.toml` or `[tool.dc43]` in a
            pyproject.toml, from the working directory upwards, never past a repository root or
            the home folder. An empty `DC43_CONFIG` turns the search off.

    Raises:
        ConfigurationError: with every problem as `path: message`.
    """
    if path is None:
        named = os.environ.get("DC43_CONFIG")
        path = Path(named) if named else (None if named == "" else _search(Path.cwd()))
    config = Config() if path is None else _read(path.absolute())
    namespace = os.environ.get("DC43_NAMESPACE")
    return evolve(config, namespace=namespace) if namespace else config


def _search(start: Path) -> Path | None:
    home = Path.home()
    for folder in (start, *start.parents):
        own, project = folder / "dc43.toml", folder / "pyproject.toml"
        if own.is_file():
            return own
        if project.is_file() and "dc43" in read_toml(project).get("tool", {}):
            return project
        if folder == home or (folder / ".git").exists():
            return None
    return None


def _read(path: Path) -> Config:
    table = read_toml(path)
    if path.name == "pyproject.toml":
        table = table.get("tool", {}).get("dc43", {})
    elif set(table) == {"dc43"} and isinstance(table["dc43"], dict):
        table = table["dc43"]  # Written as in a pyproject.toml: [dc43.strategies.x].
    table = dict(table)
    for section in _INSTANCES:
        if section in table:
            if not isinstance(table[section], dict):
                problem = f"{section}: needs tables, such as [{section}.<name>]"
                raise ConfigurationError(str(path), [problem])
            table[section] = {
                name: instance_table(path, f"{section}.{name}", entry)
                for name, entry in table[section].items()
            }
    if "data_quality" in table:
        table["data_quality"] = instance_table(path, "data_quality", table["data_quality"])
    try:
        return evolve(structure(CONFIGURATION, Config, table), source=path)
    except ValueError as error:
        raise ConfigurationError(str(path), [str(error)]) from error


def instance_table(path: Path, where: str, entry: Any) -> dict[str, Any]:
    """Turn `{use = "x", n = 3}`, or the bare name `"x"`, into what `Instance` is made from."""
    if isinstance(entry, str):
        return {"use": entry}
    if not isinstance(entry, dict) or not isinstance(entry.get("use"), str):
        raise ConfigurationError(str(path), [f'{where}: needs use = "<extension>"'])
    return {"use": entry["use"], "options": {k: v for k, v in entry.items() if k != "use"}}


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        ConfigurationError: if it is missing or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(str(path), ["no such file"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(str(path), [str(error)]) from error
