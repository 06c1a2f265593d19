"""Contracts in a folder, found by what they say and not by what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from attrs import field, frozen

from dc43_core.contracts.interface import ContractLoader
from dc43_core.contracts.model import Contract, SchemaObject
from dc43_core.contracts.safe_yaml import YamlLimits
from dc43_core.contracts.versions import LATEST, VersionSelector
from dc43_core.errors import ContractError, ContractNotFoundError

_SUFFIXES = (".yaml", ".yml", ".json")
_SHOWN = 5


class ContractFileNotFoundError(ContractNotFoundError, FileNotFoundError):
    """The file that a contract was to be read from does not exist."""

    def __init__(self, path: Path) -> None:
        folder = path.parent
        known = [p.name for p in _files(folder)] if folder.is_dir() else []
        super().__init__(str(path), LATEST, known, str(folder))
        self.path = path

    def __str__(self) -> str:
        """Name the file that is missing and those that are there."""
        there = ", ".join(self.known[:_SHOWN]) or "none"
        more = f" and {len(self.known) - _SHOWN} more" if len(self.known) > _SHOWN else ""
        return f"contract file {self.path} does not exist; contract files beside it: {there}{more}"


@frozen
class _Scan:
    """What a folder holds.

    Attributes:
        contracts: The readable ones, by path.
        broken: What a loader accepted and could not read, with the file's bytes.
    """

    contracts: list[Contract] = field(factory=list)
    broken: list[tuple[ContractError, bytes]] = field(factory=list)


@frozen
class ContractFiles:
    """The contracts of a folder and its subfolders: *.yaml, *.yml and *.json.

    Ids are compared with what the files say and never become part of a path.

    Attributes:
        folder: Where to look; hidden files and folders are passed over.
        loaders: The known formats. A file that none of them accepts is no contract.
    """

    folder: Path
    loaders: Sequence[ContractLoader]

    def get(self, contract_id: str, selector: str = LATEST) -> Contract:
        """Find a contract.

        Args:
            contract_id: Its id.
            selector: Which version: `1.2.0`, `>=1.0,<2`, `latest` (see `VersionSelector`).

        Raises:
            ContractNotFoundError: naming what was found instead, and the files that
                could not be read.
            ContractError: if two files give the version different contents, or if a file that
                cannot be read mentions the id and may hold the version that was asked for.
            ConfigurationError: if the selector is none.
        """
        wanted = VersionSelector.parse(selector)
        scan = self._scan()
        versions: dict[str, list[Contract]] = {}
        for contract in scan.contracts:
            if contract.id == contract_id:
                versions.setdefault(contract.version, []).append(contract)
        version = wanted.select(versions)
        if version is None or wanted.exact is None:
            # The newest version may be the broken one; an older one in its place would be
            # enforced in silence.
            for error, text in scan.broken:
                if _mentions(text, contract_id):
                    raise error
        if version is None:
            raise self._not_found(contract_id, selector, scan)
        first, *others = versions[version]
        for other in others:
            if other.digest != first.digest:
                raise ContractError(
                    first.source,
                    f"contract {contract_id!r} {version} has another content in {other.source}; "
                    "a published version does not change: give one of them a new version",
                )
        return first

    def read(self, path: Path) -> Contract:
        """Read one file.

        Raises:
            ContractFileNotFoundError: if it does not exist.
            ContractError: if it is no contract of a known format, or of two.
        """
        if not path.is_file():
            raise ContractFileNotFoundError(path)
        return self.parse(str(path), _bytes(path))

    def parse(self, source: str, text: bytes) -> Contract:
        """Read a contract's bytes, wherever they came from.

        Raises:
            ContractError: if they are no contract of a known format, or of two.
        """
        contract = self._parse(source, text)
        if contract is None:
            raise ContractError(
                source,
                "no installed contract loader accepts this file; "
                "an ODCS contract says `kind: DataContract`",
            )
        return contract

    def _scan(self) -> _Scan:
        scan = _Scan()
        for path in _files(self.folder):
            text = b""
            try:
                text = _bytes(path)
                contract = self._parse(str(path), text)
            except ContractError as error:
                scan.broken.append((error, text))
            except OSError as error:
                scan.broken.append((ContractError(str(path), error.strerror or str(error)), text))
            else:
                if contract is not None:
                    scan.contracts.append(contract)
        return scan

    def _parse(self, source: str, text: bytes) -> Contract | None:
        accepting = [loader for loader in self.loaders if loader.accepts(source, text)]
        if len(accepting) > 1:
            names = " and ".join(type(loader).__qualname__ for loader in accepting)
            raise ContractError(source, f"is accepted by {names}; uninstall one of the two formats")
        return accepting[0].parse(source, text) if accepting else None

    def _not_found(self, contract_id: str, selector: str, scan: _Scan) -> ContractNotFoundError:
        searched = str(self.folder)
        if not self.folder.is_dir():
            searched += " (no such folder)"
        if scan.broken:
            shown = [str(error) for error, _ in scan.broken[:_SHOWN]]
            if len(scan.broken) > _SHOWN:
                shown.append(f"{len(scan.broken) - _SHOWN} more")
            searched += f" (could not be read there: {'; '.join(shown)})"
        known = sorted({f"{c.id} {c.version}" for c in scan.contracts})
        return ContractNotFoundError(contract_id, selector, known, searched)


def pick_object(contract: Contract, name: str | None = None) -> SchemaObject:
    """Choose one schema object of a contract.

    Args:
        contract: The contract.
        name: The object's name or physical name; may be left out where there is only one.

    Raises:
        ContractError: if there is none of this name, or several and no name.
    """
    choices = ", ".join(each.name for each in contract) or "none"
    if name is not None:
        for found in (
            [each for each in contract if each.name == name],
            [each for each in contract if each.physical_name == name],
        ):
            if len(found) == 1:
                return found[0]
        raise ContractError(
            contract.source, f"has no single schema object {name!r}; objects: {choices}"
        )
    if len(contract.objects) == 1:
        return contract.objects[0]
    if not contract.objects:
        raise ContractError(contract.source, "has no schema object; add one under `schema`")
    raise ContractError(contract.source, f"has several schema objects, name one of: {choices}")


def _files(folder: Path) -> Iterator[Path]:
    """List contract files, sorted so that the same folder always reads the same."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in _SUFFIXES and not hidden and path.is_file():
            yield path


def _mentions(text: bytes, contract_id: str) -> bool:
    """Say whether a file that cannot be read has a line or entry `id: <contract_id>`."""
    quoted = re.escape(contract_id.encode())
    entry = rb"(?m)(?:^|[{,])[ \t]*[\"']?id[\"']?[ \t]*:[ \t]*[\"']?%s[\"']?[ \t]*(?:[#,}\r]|$)"
    return re.search(entry % quoted, text) is not None


def _bytes(path: Path) -> bytes:
    """Read a file, but of a huge one no more than shows that it is too large."""
    with path.open("rb") as file:
        return file.read(YamlLimits().max_bytes + 1)
