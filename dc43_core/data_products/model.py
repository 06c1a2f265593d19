"""A data product as dc43 understands it, whatever ODPS version the file was written in."""

from __future__ import annotations

from attrs import field, frozen

from dc43_core.contracts.model import UnenforceableNode
from dc43_core.vocabulary import Direction


@frozen(kw_only=True)
class Port:
    """Where data enters or leaves a product; (name, version) is its key on its side.

    Attributes:
        version: That of the contract, as written; None leaves it open (ODPS 1.1).
        contract_id: The contract that it is bound to; None where the port names none.
        type: What sort of port, as written: `tables`, `topic`, ...
        deprecated: Whether nothing new should use it (ODPS 1.1).
        input_contracts: Of an output port, id and version of the contracts it depends on.
    """

    direction: Direction
    name: str
    version: str | None = None
    contract_id: str | None = None
    description: str | None = None
    type: str | None = None
    deprecated: bool = False
    input_contracts: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[Direction, str, str | None]:
        """What no two ports of a product have in common."""
        return (self.direction, self.name, self.version)

    def __str__(self) -> str:
        version = f" {self.version}" if self.version else ""
        return f"{self.direction} {self.name}{version}"


@frozen(kw_only=True)
class DataProduct:
    """What a team takes in and offers, and under which contracts.

    Attributes:
        id: The product's id, always text.
        version: The product's own version; None where it has none.
        api_version: The ODPS version of the file, such as `v1.0.0`.
        status: As written; None where the product gives none.
        ports: Input ports, then output ports, in the file's order.
        deprecated: Whether nothing new should use it (ODPS 1.1).
        digest: SHA-256 of the file's bytes, hex.
        source: Where it was read from.
        notes: Nodes that the loader met and that nobody knows.
    """

    id: str
    version: str | None = None
    api_version: str
    status: str | None = None
    name: str | None = None
    description: str | None = None
    domain: str | None = None
    tenant: str | None = None
    ports: tuple[Port, ...] = ()
    deprecated: bool = False
    digest: str
    source: str
    notes: tuple[UnenforceableNode, ...] = field(default=(), repr=False)

    @property
    def inputs(self) -> tuple[Port, ...]:
        """The ports through which data enters."""
        return tuple(port for port in self.ports if port.direction is Direction.INPUT)

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The ports through which data leaves."""
        return tuple(port for port in self.ports if port.direction is Direction.OUTPUT)

    @property
    def label(self) -> str:
        """Id, name and version, for messages."""
        name = f" ({self.name})" if self.name and self.name != self.id else ""
        return f"{self.id}{name} {self.version}" if self.version else f"{self.id}{name}"
