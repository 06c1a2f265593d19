"""The Open Data Product Standard, 0.9 to 1.1: from a file's bytes to a `DataProduct`.

Versions differ little, so each spelling is read wherever it stands. 1.0 requires a version of each
port and a contract of each input port, 1.1 neither: what is left out is missed only by whoever uses
the port.
"""

from __future__ import annotations

import codecs
import hashlib
import re

from attrs import evolve, field, frozen

from dc43_core.contracts.model import UnenforceableNode
from dc43_core.contracts.odcs_reader import Reader
from dc43_core.contracts.safe_yaml import YamlLimits, load, shortened
from dc43_core.data_products.errors import DataProductError
from dc43_core.data_products.model import DataProduct, Port
from dc43_core.errors import ContractError
from dc43_core.vocabulary import Direction

# A quick look that never fails: broken YAML must still reach `parse`, which says what is wrong.
_IS_PRODUCT = re.compile(
    rb"(?m)(?:^|[{,])[ \t]*[\"']?kind[\"']?[ \t]*:[ \t\r\n]*[\"']?(?i:DataProduct)\b"
)
_API_VERSION = re.compile(r"v?(?P<number>(?P<major>\d{1,4})\.(?P<minor>\d{1,4})(\.\d{1,4})?)")
_OLDEST, _NEWEST = (0, 9), (1, 1)

_DESCRIPTIVE = (
    "authoritativeDefinitions",
    "context",
    "customProperties",
    "managementPorts",
    "productCreatedTs",
    "support",
    "synonyms",
    "tags",
    "team",
    "type",
)
_DESCRIPTIVE_PORT = (
    "authoritativeDefinitions",
    "context",
    "customProperties",
    "id",
    "sbom",
    "synonyms",
    "tags",
)


@frozen(kw_only=True)
class OdpsLoader:
    """Reads data products of the Open Data Product Standard, as YAML or JSON."""

    limits: YamlLimits = field(factory=YamlLimits)

    def accepts(self, source: str, text: bytes) -> bool:
        """Say whether this says to be a data product."""
        head = text[: self.limits.max_bytes].removeprefix(codecs.BOM_UTF8)
        return _IS_PRODUCT.search(head) is not None

    def parse(self, source: str, text: bytes) -> DataProduct:
        """Turn a file's bytes into a data product.

        Args:
            source: Where the text comes from, for messages.
            text: The file's bytes.

        Raises:
            DataProductError: naming the line and the path inside the document.
        """
        try:
            return self._parse(source, text)
        # The readers are those of contracts, and speak of contracts.
        except ContractError as error:
            raise error.become(DataProductError) from error

    def _parse(self, source: str, text: bytes) -> DataProduct:
        root = load(source, text, self.limits)
        if not isinstance(root.value, dict):
            raise ContractError(source, "is no data product: not a mapping of keys", line=root.line)
        notes: list[UnenforceableNode] = []
        reader = Reader(source=source, node=root, notes=notes)
        kind = reader.required_text("kind", "a data product says `kind: DataProduct`")
        if kind != "DataProduct":
            raise reader.error(f"must be DataProduct, not {shortened(kind)}", "kind")
        product = DataProduct(
            api_version=_api_version(reader),
            id=reader.required_text("id"),
            version=reader.text("version"),
            status=reader.text("status"),
            name=reader.text("name"),
            description=_description(reader),
            domain=reader.text("domain"),
            tenant=reader.text("tenant"),
            ports=(
                *_ports(reader, "inputPorts", Direction.INPUT),
                *_ports(reader, "outputPorts", Direction.OUTPUT),
            ),
            deprecated=bool(reader.flag("deprecated")),
            digest=hashlib.sha256(text).hexdigest(),
            source=source,
        )
        reader.leave(_DESCRIPTIVE)
        return evolve(product, notes=tuple(notes))


def _api_version(reader: Reader) -> str:
    written = reader.required_text("apiVersion", "the ODPS version of the file, such as v1.0.0")
    found = _API_VERSION.fullmatch(written)
    if not found:
        raise reader.error(f"{shortened(written)} is no ODPS version such as v1.0.0", "apiVersion")
    version = int(found["major"]), int(found["minor"])
    if version < _OLDEST:
        raise reader.error(
            f"ODPS {written} is too old: rewrite the product as v1.0.0", "apiVersion"
        )
    if version > _NEWEST:
        newest = ".".join(map(str, _NEWEST))
        raise reader.error(
            f"ODPS {written} is newer than v{newest}, the newest that this dc43 reads; "
            "upgrade dc43",
            "apiVersion",
        )
    return f"v{found['number']}"


def _description(reader: Reader) -> str | None:
    """Return the purpose of the description block; plain text is taken too."""
    node = reader.get("description")
    if node is None or not isinstance(node.value, dict):
        return reader.text("description")
    block = reader.child("description")
    return block.text("purpose") if block else None


def _ports(root: Reader, key: str, direction: Direction) -> list[Port]:
    found: dict[object, Port] = {}
    for reader in root.children(key):
        port = Port(
            direction=direction,
            name=reader.required_text("name"),
            version=reader.text("version"),
            contract_id=reader.text("contractId"),
            description=reader.text("description"),
            type=reader.text("type"),
            deprecated=bool(reader.flag("deprecated")),
            input_contracts=_input_contracts(reader),
        )
        if port.key in found:
            raise reader.error(
                f"port {port} stands here a second time; name and version are a port's key", "name"
            )
        found[port.key] = port
        reader.leave(_DESCRIPTIVE_PORT)
    return list(found.values())


def _input_contracts(port: Reader) -> tuple[tuple[str, str], ...]:
    found = []
    for reader in port.children("inputContracts"):
        # The standard calls it `id` "or contractId".
        named = reader.text("id") or reader.text("contractId")
        if not named:
            raise reader.error("`id` is missing or empty; it is the contract's id", "id")
        found.append((named, reader.required_text("version")))
        reader.leave(())
    return tuple(found)
