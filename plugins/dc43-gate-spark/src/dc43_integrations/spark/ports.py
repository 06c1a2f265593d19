"""From what a caller names to contract, rules and place: directly, or by a data product's port."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import fields_dict, frozen

from dc43_core.contracts.files import ContractFiles
from dc43_core.contracts.model import UNKNOWN_KEY, Contract, Server
from dc43_core.contracts.versions import LATEST
from dc43_core.data_products.interface import DataProductService
from dc43_core.data_products.resolve import PortBinding, find_server, location
from dc43_core.errors import ConfigurationError
from dc43_core.expectations.model import CheckPlan
from dc43_core.protocol.naming import DatasetFacts
from dc43_core.runtime import Runtime
from dc43_core.vocabulary import Direction
from dc43_integrations.spark.arguments import given_contract

_SHOWN = 5
"""How many keys a message names before it counts the rest."""


@frozen
class PortRef:
    """A port of a data product, by name.

    Attributes:
        product: The product's id, or its name where only one product has it.
        port: The port's name.
        version: Which version of the port; needed only where there are several.
        product_version: Which version of the product.
        direction: `input` or `output`; needed only where both sides have a port of the name.
    """

    product: str
    port: str
    version: str | None = None
    product_version: str = LATEST
    direction: Direction | str | None = None


Port = PortRef | Mapping[str, Any]


@frozen(kw_only=True)
class Subject:
    """What is read or written.

    Attributes:
        plan: What its contract asks.
        server: Where the contract says it is; None where it leaves that open.
        binding: The port, where it was named by one.
    """

    plan: CheckPlan
    server: Server | None
    binding: PortBinding | None

    @property
    def warnings(self) -> list[str]:
        """What speaks against using the port, and keys of the contract that nobody understands."""
        said = list(self.binding.warnings) if self.binding else []
        strange = [n.path for n in self.plan.unenforceable if n.reason == UNKNOWN_KEY]
        if strange:
            more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
            said.append(
                f"contract {self.plan.contract.id} has keys that are not known, and nothing is "
                f"enforced of them: {', '.join(strange[:_SHOWN])}{more}"
            )
        return said

    @property
    def details(self) -> dict[str, Any]:
        """What records and results say of the port."""
        return {"data_product": self.binding.payload()} if self.binding else {}

    def facts(self, namespace: str, **more: Any) -> DatasetFacts:
        """Return what a name of the dataset can be made of."""
        contract = self.plan.contract
        facts = {"dataset_id": self.plan.dataset_id, **more}
        return DatasetFacts(
            contract_id=contract.id,
            contract_version=contract.version,
            namespace=namespace,
            **facts,
        )

    def path(self, given: str | Path | None) -> str:
        """Return where it is: as given, else as the contract's server says.

        Raises:
            ServerError, AmbiguousNameError: if the contract leaves it open.
        """
        if given is not None:
            return str(given)
        wanted_for = str(self.binding.port) if self.binding else self.plan.dataset_id
        return location(self.plan.contract, self.server, wanted_for)

    def format(self, given: str | None) -> str | None:
        """Return its format: as given, else as the contract's server says; None if nobody does."""
        return given or (self.server.format if self.server else None)


def find_subject(
    runtime: Runtime,
    *,
    contract: Contract | str | Path | None,
    contract_id: str | None,
    version: str,
    object_name: str | None,
    port: Port | None = None,
    direction: Direction | None = None,
    server: str | None = None,
    service: DataProductService | None = None,
    contracts: ContractFiles | None = None,
) -> Subject:
    """Find contract, rules and place.

    Args:
        runtime: Where contracts and products are looked for.
        contract: The contract, or the path of its file.
        contract_id: Instead of `contract`: its id in the configured folder.
        version: Which version of it.
        object_name: Which schema object, if the contract has several.
        port: The port; its contract is used unless one is given.
        direction: The side that is meant where the port does not say.
        server: Name or environment of the server, if the contract has several.
        service: Where to ask for the product, instead of the configured folder.
        contracts: Where to ask for the contract, instead of the configured folder.

    Raises:
        TypeError: unless contract, its id or a port is given.
        Dc43Error: if something of it is not there, ambiguous or not accepted.
    """
    if port is None:
        found = given_contract(contracts or runtime.contracts(), contract, contract_id, version)
        plan = runtime.plan(found, object_name)
        return Subject(plan=plan, server=find_server(found, server), binding=None)
    ref = port if isinstance(port, PortRef) else _ref(port)
    own = None
    if contract is not None or contract_id is not None:
        own = given_contract(contracts or runtime.contracts(), contract, contract_id, version)
    binding = runtime.resolve_port(
        ref.product,
        ref.port,
        direction=ref.direction or direction,
        version=ref.version,
        product_version=ref.product_version,
        contract=own,
        object_name=object_name,
        server=server,
        service=service,
        contracts=contracts,
    )
    plan = runtime.plan(binding.contract, binding.object.name)
    return Subject(plan=plan, server=binding.server, binding=binding)


def _ref(written: Mapping[str, Any]) -> PortRef:
    if not isinstance(written, Mapping):
        raise ConfigurationError(
            "port",
            [f'{written!r} is none; give PortRef("product", "port"), or a mapping of the same'],
        )
    known = fields_dict(PortRef)
    strange = [key for key in written if key not in known]
    missing = [key for key in ("product", "port") if not written.get(key)]
    if strange or missing:
        problems = [f"{key} is not known; known: {', '.join(known)}" for key in strange]
        raise ConfigurationError("port", [*problems, *(f"{key} is missing" for key in missing)])
    return PortRef(**written)
