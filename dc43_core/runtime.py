"""A runtime: one configuration, the plugins it loads, and what is built from both."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import define, evolve, field

from dc43_core.config import Config, Instance, instance_table, load_config
from dc43_core.contracts.files import ContractFiles, pick_object
from dc43_core.contracts.model import Contract
from dc43_core.contracts.versions import LATEST
from dc43_core.converter import CONFIGURATION, structure
from dc43_core.data_products.files import DataProductFiles
from dc43_core.data_products.interface import DataProductService
from dc43_core.data_products.model import DataProduct
from dc43_core.data_products.resolve import PortBinding, bind, contract_key, find_port
from dc43_core.data_quality.interface import DataQualityClient
from dc43_core.errors import (
    ConfigurationError,
    Dc43Error,
    DuplicateNameError,
    MissingEvaluatorError,
    StatusError,
    StrategyError,
    UnknownNameError,
)
from dc43_core.expectations.derive import derive
from dc43_core.expectations.interface import ExpectationEvaluator, ExpectationKind
from dc43_core.expectations.model import CheckPlan, Expectation
from dc43_core.governance.interface import GovernanceClient, RecordExporter
from dc43_core.interventions.interface import InterventionStrategy, unable
from dc43_core.plugin_manager import Plugins, load_plugins
from dc43_core.protocol.judge import NamedStrategy
from dc43_core.retention import parse_retention
from dc43_core.vocabulary import Direction

# Which distribution to install for a name that people know but have not installed.
_BROUGHT_BY = {
    "block-after": "dc43-gate-blocking",
    "block-on-reject-ratio": "dc43-gate-blocking",
    "route-after": "dc43-gate-rejects",
    "route-rejects": "dc43-gate-rejects",
    "schema-drift": "dc43-gate-drift",
    "schema-drift-blocking": "dc43-gate-drift",
    "spark": "dc43-gate-spark",
    "split": "dc43-gate-rejects",
    "sql": "dc43-gate-governance-sql",
    "strict": "dc43-gate-blocking",
}


@define(kw_only=True)
class Runtime:
    """Everything a stream takes from its surroundings; built once, shared by many streams.

    Attributes:
        config: The configuration; None looks for it.
        plugins: The plugins; None loads what is installed.
        governance: The client that records go to; None builds what the configuration names.
        data_quality: The client that judges; None builds what the configuration names.
    """

    config: Config = field(factory=load_config)
    _plugins: Plugins | None = field(default=None, alias="plugins")
    _governance: GovernanceClient | None = field(default=None, alias="governance")
    _data_quality: DataQualityClient | None = field(default=None, alias="data_quality")
    _unopened: GovernanceClient | None = field(default=None, init=False)
    _kinds: dict[str, ExpectationKind] | None = field(default=None, init=False)
    _lock: Any = field(factory=threading.RLock, init=False, repr=False)

    @property
    def plugins(self) -> Plugins:
        """The plugins, loaded when first asked for."""
        with self._lock:
            if self._plugins is None:
                about = self.config.plugins
                self._plugins = load_plugins(blocked=about.blocked, allowed=about.allowed)
            return self._plugins

    def build(self, kind: str, instance: Instance, where: str) -> Any:
        """Build one configured extension.

        Args:
            kind: A key of `plugin_manager.KINDS`.
            instance: What to build.
            where: Where it stands, for messages.

        Raises:
            UnknownNameError: if nobody offers it.
            ConfigurationError: if its options do not fit.
        """
        offer = self.plugins.registry(kind).get(instance.use, _BROUGHT_BY.get(instance.use))
        extension = offer.extension
        try:
            if extension.options is None:
                if instance.options:
                    raise ValueError(f"takes no options, found {', '.join(instance.options)}")
                return extension.build()
            return extension.build(structure(CONFIGURATION, extension.options, instance.options))
        except Dc43Error:
            raise
        except (ValueError, TypeError) as error:
            source = str(self.config.source or "configuration")
            raise ConfigurationError(source, [f"{where} ({instance.use}): {error}"]) from error
        except Exception as error:
            error.add_note(f"raised while building {kind} {instance.use!r} of {offer.owner}")
            raise

    @property
    def kinds(self) -> Mapping[str, ExpectationKind]:
        """Every known expectation kind, by name."""
        with self._lock:
            if self._kinds is None:
                self._kinds = {
                    o.extension.name: o.extension.build()
                    for o in self.plugins.registry("expectation kind")
                }
            return self._kinds

    @property
    def data_quality(self) -> DataQualityClient:
        """The client that judges."""
        with self._lock:
            if self._data_quality is None:
                self._data_quality = self.build(
                    "data-quality client", self.config.data_quality, "data_quality"
                )
            return self._data_quality

    @property
    def governance(self) -> GovernanceClient:
        """The client that records go to, opened."""
        with self._lock:
            if self._governance is None:
                client = self._unopened_client()
                client.open()
                self._governance = client
            return self._governance

    @property
    def ledger(self) -> str:
        """Where the records go, for people; nobody is asked, so it may be down."""
        with self._lock:
            return (self._governance or self._unopened_client()).location()

    def _unopened_client(self) -> GovernanceClient:
        if self._unopened is None:
            name, instance = self._ledger()
            self._unopened = self.build("governance client", instance, name)
        return self._unopened

    def unopened_governance(self) -> GovernanceClient:
        """Return the client as it is, for whoever only looks: it may not be open."""
        with self._lock:
            return self._governance or self._unopened_client()

    def _ledger(self) -> tuple[str, Instance]:
        configured = self.config.governance
        if len(configured) > 1:
            raise ConfigurationError(
                str(self.config.source),
                [f"governance: one client is supported, found {', '.join(configured)}"],
            )
        for name, instance in configured.items():
            path = instance.options.get("path")
            if isinstance(path, str):
                # Relative to the file it stands in, as every path of the configuration.
                options = {**instance.options, "path": str(self.config.folder / path)}
                instance = Instance(use=instance.use, options=options)
            return f"governance.{name}", instance
        if "sql" in self.plugins.registry("governance client"):
            return "governance", Instance(use="sql", options={"path": str(self.default_ledger())})
        return "governance", Instance(use="memory")

    def default_ledger(self) -> Path:
        """Return where the ledger lies when the configuration names none."""
        return self.config.folder / ".dc43" / "ledger.db"

    def strategy(
        self,
        wanted: str | InterventionStrategy | Instance | Mapping[str, Any],
        explicit: bool = True,
    ) -> NamedStrategy:
        """Return a strategy by instance name, extension name, or as the object it is.

        A mapping is an instance that stands nowhere else: `{"use": "block-after", "n": 3}`. An
        object is called by its attribute `name`, else by its class; its state is kept under that
        name.

        Raises:
            UnknownNameError: if the name is neither configured nor offered.
            StrategyError: if it cannot decide: it has no `decide(context)`, or is a class.
            ConfigurationError: if its options do not fit.
        """
        if isinstance(wanted, Mapping):
            table = instance_table(Path("interventions"), "strategy", dict(wanted))
            wanted = structure(CONFIGURATION, Instance, table)
        if isinstance(wanted, str):
            instance = self.config.strategies.get(wanted, Instance(use=wanted))
            known = self.plugins.registry("strategy")
            if instance.use not in known:
                configured = set(self.config.strategies)
                raise UnknownNameError(
                    "strategy",
                    instance.use,
                    [offer.extension.name for offer in known],
                    # An instance that names it is no way out.
                    configured=configured - {wanted, instance.use},
                    distribution=_BROUGHT_BY.get(instance.use),
                    user=f"strategies.{wanted}" if wanted in configured else None,
                )
            built = self._built_strategy(instance, f"strategies.{wanted}")
            return NamedStrategy(name=wanted, strategy=built, explicit=explicit)
        if isinstance(wanted, Instance):
            built = self._built_strategy(wanted, "strategies")
            return NamedStrategy(name=wanted.use, strategy=built, explicit=explicit)
        if (problem := unable(wanted)) is not None:
            raise StrategyError(wanted, problem)
        name = getattr(wanted, "name", None)
        name = name if isinstance(name, str) else type(wanted).__name__
        return NamedStrategy(name=name, strategy=wanted, explicit=explicit)

    def _built_strategy(self, instance: Instance, where: str) -> InterventionStrategy:
        built: InterventionStrategy = self.build("strategy", instance, where)
        if (problem := unable(built)) is not None:
            owner = self.plugins.registry("strategy").get(instance.use).owner
            raise StrategyError(built, problem, f"plugin {owner}")
        return built

    def exporters(self) -> Sequence[tuple[str, RecordExporter]]:
        """Return the configured record exporters with their instance names."""
        return [
            (name, self.build("record exporter", instance, f"exporters.{name}"))
            for name, instance in self.config.exporters.items()
        ]

    def contracts(self, folder: Path | None = None) -> ContractFiles:
        """Return the contracts of a folder; by default the configured one."""
        loaders = [o.extension.build() for o in self.plugins.registry("contract loader")]
        return ContractFiles(folder or self.config.folder / self.config.contracts.path, loaders)

    def products(self, folder: Path | None = None) -> DataProductFiles:
        """Return the data products of a folder; by default the configured one."""
        return DataProductFiles(folder or self.config.folder / self.config.data_products.path)

    def resolve_port(
        self,
        product: str | DataProduct,
        port: str,
        *,
        direction: Direction | str | None = None,
        version: str | None = None,
        product_version: str = LATEST,
        contract: Contract | None = None,
        object_name: str | None = None,
        server: str | None = None,
        service: DataProductService | None = None,
        contracts: ContractFiles | None = None,
    ) -> PortBinding:
        """Find what stands behind a port: product, port, contract, object, server.

        Args:
            product: The data product, its id, or its name where only one product has it.
            port: The port's name.
            direction: `input` or `output`; needed only where both sides have a port of the name.
            version: Which version of the port: `1.2.0`, `>=1.0,<2` or `latest`; needed only
                where there are several.
            product_version: Which version of the product.
            contract: The contract, for a port that names none; else it must be the port's own.
            object_name: Which schema object, if the contract has several.
            server: Name or environment of the server, if the contract has several.
            service: Where to ask for the product, instead of the configured folder.
            contracts: Where to ask for the contract, instead of the configured folder.

        Raises:
            DataProductNotFoundError, PortNotFoundError, ContractNotFoundError, ServerError: what
                was named is not there.
            AmbiguousNameError: several fit; the message lists them.
            StatusError: if the status of product or contract is not accepted.
            PortBindingError: if the port names no contract, or another than the one given.
            DataProductError, ContractError: if a file cannot be read.
        """
        if not isinstance(product, DataProduct):
            product = (service or self.products()).get(product, product_version)
        accepted = self.config.data_products.accepted_status
        if product.status is not None and product.status not in accepted:
            raise StatusError(
                f"data product {product.label}",
                product.status,
                accepted,
                source=product.source,
                key="data_products.accepted_status",
            )
        found = find_port(product, port, direction=direction, version=version)
        if contract is None:
            contract = (contracts or self.contracts()).get(*contract_key(product, found))
        self._require_status(contract)
        return bind(product, found, contract, object_name=object_name, server=server)

    def plan(
        self, contract: Contract, object_name: str | None = None, *, any_status: bool = False
    ) -> CheckPlan:
        """Derive what a contract asks of one of its objects.

        Args:
            contract: The contract.
            object_name: Which object, if it has several.
            any_status: Whether to derive it although its status is not accepted, to look at it.

        Raises:
            StatusError: if its status is not accepted.
            ContractError: if the object or a rule cannot be used.
        """
        if not any_status:
            self._require_status(contract)
        plan = derive(contract, pick_object(contract, object_name), self.kinds)
        return evolve(plan, retain=parse_retention(self.config.keys.retain))

    def _require_status(self, contract: Contract) -> None:
        accepted = self.config.contracts.accepted_status
        if contract.status is not None and contract.status not in accepted:
            raise StatusError(
                f"contract {contract.id} {contract.version}",
                contract.status,
                accepted,
                source=contract.source,
                key="contracts.accepted_status",
            )

    def evaluators(
        self, engine: str, expectations: Sequence[Expectation]
    ) -> Mapping[str, ExpectationEvaluator]:
        """Return for each kind in use who evaluates it on an engine.

        Raises:
            MissingEvaluatorError: if nobody does.
            DuplicateNameError: if two do.
        """
        by_kind: dict[str, ExpectationEvaluator] = {}
        owners: dict[str, str] = {}
        wanted = {e.kind for e in expectations}
        for offer in self.plugins.registry("expectation evaluator"):
            facts = offer.extension.capabilities
            useful = wanted & set(facts.get("kinds", ()))
            if facts.get("engine") != engine or not useful:
                continue
            evaluator = offer.extension.build()
            for kind in useful:
                if kind in by_kind:
                    raise DuplicateNameError(
                        f"{engine} evaluator of kind", kind, [owners[kind], offer.owner]
                    )
                by_kind[kind], owners[kind] = evaluator, offer.owner
        for expectation in expectations:
            if expectation.kind not in by_kind:
                raise MissingEvaluatorError(expectation.id, expectation.kind, engine, by_kind)
        return by_kind

    def close(self) -> None:
        """Close the governance client if this runtime opened one."""
        with self._lock:
            if self._governance is not None:
                self._governance.close()


_default: Runtime | None = None
_default_lock = threading.Lock()


def default_runtime() -> Runtime:
    """Return this process's runtime, built from the configuration when first asked for."""
    global _default
    with _default_lock:
        if _default is None:
            _default = Runtime()
        return _default


def reset_default_runtime() -> None:
    """Forget this process's runtime; the next one is built anew."""
    global _default
    with _default_lock:
        if _default is not None:
            _default.close()
        _default = None
