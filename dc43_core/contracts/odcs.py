"""The Open Data Contract Standard, 3.0.x to 3.2.x: from a file's bytes to a `Contract`.

Versions differ little, and files mix them (3.1's `metric` under `apiVersion: v3.0.2`), so each
spelling is read wherever it stands. What is no contract at all is an error; what is one but asks
for something that nobody enforces becomes a note, and so does every unknown key.
"""

from __future__ import annotations

import codecs
import hashlib
import re

from attrs import evolve, field, frozen

from dc43_core.contracts.model import Contract, SchemaObject, Server, UnenforceableNode
from dc43_core.contracts.odcs_property import read_properties, read_relationships
from dc43_core.contracts.odcs_quality import read_quality
from dc43_core.contracts.odcs_reader import Reader
from dc43_core.contracts.odcs_sla import read_service_levels
from dc43_core.contracts.safe_yaml import YamlLimits, load, shortened
from dc43_core.errors import ContractError

# A quick look that never fails: broken YAML must still reach `parse`, which says what is wrong.
_ENTRY = rb"%s[\"']?[ \t]*:[ \t]*[\"']?%s"
_IS_CONTRACT = re.compile(_ENTRY % (b"kind", rb"(?i:DataContract)\b"))
_HAS_KIND = re.compile(_ENTRY % (b"kind", b""))
_IS_V3 = re.compile(_ENTRY % (b"apiVersion", rb"v?3\b"))

_API_VERSION = re.compile(r"v?(?P<number>(?P<major>\d{1,4})\.(?P<minor>\d{1,4})(\.\d{1,4})?)")
_NEWEST_MINOR = 2

_DESCRIPTIVE = (
    "authoritativeDefinitions",
    "context",
    "contractCreatedTs",
    "customProperties",
    "dataProduct",
    "domain",
    "price",
    "roles",
    "support",
    "tags",
    "team",
    "tenant",
)
_DESCRIPTIVE_OBJECT = (
    "authoritativeDefinitions",
    "businessName",
    "context",
    "customProperties",
    "dataGranularityDescription",
    "deprecated",
    "description",
    "id",
    "physicalType",
    "synonyms",
    "tags",
)
_OF_A_SERVER = ("server", "type", "environment", "format", "location", "path")


@frozen(kw_only=True)
class OdcsLoader:
    """Reads data contracts of the Open Data Contract Standard, as YAML or JSON."""

    limits: YamlLimits = field(factory=YamlLimits)

    def accepts(self, source: str, text: bytes) -> bool:
        """Say whether this is a data contract of any version, or says to be ODCS 3."""
        head = text[: self.limits.max_bytes].removeprefix(codecs.BOM_UTF8)
        return _says(head, _IS_CONTRACT) or (_says(head, _IS_V3) and not _says(head, _HAS_KIND))

    def parse(self, source: str, text: bytes) -> Contract:
        """Turn a file's bytes into a contract.

        Args:
            source: Where the text comes from, for messages.
            text: The file's bytes.

        Raises:
            ContractError: naming the line and the path inside the document.
        """
        root = load(source, text, self.limits)
        if not isinstance(root.value, dict):
            raise ContractError(source, "is no contract: not a mapping of keys", line=root.line)
        notes: list[UnenforceableNode] = []
        reader = Reader(source=source, node=root, notes=notes)
        kind = reader.required_text("kind", "a data contract says `kind: DataContract`")
        if kind != "DataContract":
            raise reader.error(f"must be DataContract, not {shortened(kind)}", "kind")
        contract = Contract(
            api_version=_api_version(reader),
            id=reader.required_text("id"),
            version=reader.required_text("version"),
            status=reader.text("status"),
            name=reader.text("name"),
            description=_description(reader),
            owner=_owner(reader),
            objects=_objects(reader),
            servers=_servers(reader),
            service_levels=read_service_levels(reader),
            digest=hashlib.sha256(text).hexdigest(),
            source=source,
        )
        reader.leave(_DESCRIPTIVE)
        return evolve(contract, notes=tuple(notes))


def _says(text: bytes, entry: re.Pattern[bytes]) -> bool:
    """Look for an entry at the start of a line or, in JSON, of a mapping or after a comma."""
    for found in entry.finditer(text):
        before = text[max(0, found.start() - 100) : found.start()].rstrip(b" \t\"'")
        if not before or before[-1:] in b"\n\r{,":
            return True
    return False


def _api_version(reader: Reader) -> str:
    written = reader.required_text("apiVersion", "the ODCS version of the file, such as v3.1.0")
    found = _API_VERSION.fullmatch(written)
    if not found:
        raise reader.error(f"{shortened(written)} is no ODCS version such as v3.1.0", "apiVersion")
    major, minor = int(found["major"]), int(found["minor"])
    if major < 3:
        raise reader.error(
            f"ODCS {written} is too old: rewrite the contract as v3.1.0, "
            "where `schema` with `properties` replaces `dataset` with `columns`",
            "apiVersion",
        )
    if (major, minor) > (3, _NEWEST_MINOR):
        raise reader.error(
            f"ODCS {written} is newer than v3.{_NEWEST_MINOR}, the newest that this dc43 reads; "
            "upgrade dc43",
            "apiVersion",
        )
    return f"v{found['number']}"


def _description(reader: Reader) -> str | None:
    """Return the purpose of 3.x's description block; plain text is taken too."""
    node = reader.get("description")
    if node is None or not isinstance(node.value, dict):
        return reader.text("description")
    block = reader.child("description")
    return block.text("purpose") if block else None


def _owner(reader: Reader) -> str | None:
    """Return the team's name, else its owners; 3.0 has a plain list of members."""
    node = reader.get("team")
    team = None if node is None else node.plain()
    name = team.get("name") if isinstance(team, dict) else None
    members = team.get("members") if isinstance(team, dict) else team
    owners = [
        str(one.get("name") or one.get("username"))
        for one in (members if isinstance(members, list) else [])
        if isinstance(one, dict) and str(one.get("role", "")).lower() == "owner"
    ]
    return str(name) if name else ", ".join(owners) or None


def _objects(root: Reader) -> tuple[SchemaObject, ...]:
    found: dict[str, SchemaObject] = {}
    for reader in root.children("schema"):
        name = reader.required_text("name")
        if name in found:
            # An object is chosen by its name.
            raise reader.error(f"two schema objects are named {shortened(name)}", "name")
        reader.scope, reader.place = name, ""
        logical_type = reader.text("logicalType")
        if logical_type not in (None, "object"):
            reader.note(f"logicalType {shortened(logical_type)} is not `object`", "logicalType")
        found[name] = SchemaObject(
            name=name,
            physical_name=reader.text("physicalName") or name,
            properties=read_properties(reader),
            quality=read_quality(reader),
            relationships=read_relationships(reader),
        )
        reader.leave(_DESCRIPTIVE_OBJECT)
    return tuple(found.values())


def _servers(root: Reader) -> tuple[Server, ...]:
    """Read where the data is: nothing is enforced there, so nothing of it is noted."""
    found: dict[str, Server] = {}
    for reader in root.children("servers"):
        facts = reader.node.plain(as_text=True)
        texts = {key: value for key, value in facts.items() if isinstance(value, str)}
        name = texts.get("server") or texts.get("id")
        if not name:
            raise reader.error("`server` is missing or empty; it is the server's name", "server")
        if name in found:
            # A server is chosen by its name.
            raise reader.error(f"two servers are named {shortened(name)}", "server")
        found[name] = Server(
            name=name,
            type=texts.get("type"),
            environment=texts.get("environment"),
            format=texts.get("format"),
            location=texts.get("location") or texts.get("path"),
            settings={key: value for key, value in facts.items() if key not in _OF_A_SERVER},
        )
    return tuple(found.values())
