"""Contracts in a folder, found by what they say and not by what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from dc43_core.contracts.folder import SHOWN, Documents, Scan, files, read
from dc43_core.contracts.interface import ContractLoader
from dc43_core.contracts.model import Contract, SchemaObject
from dc43_core.contracts.safe_yaml import load
from dc43_core.contracts.versions import LATEST, VersionSelector
from dc43_core.errors import ContractError, ContractNotFoundError


class ContractFileNotFoundError(ContractNotFoundError, FileNotFoundError):
    """The file that a contract was to be read from does not exist."""

    def __init__(self, path: Path) -> None:
        folder = path.parent
        known = [p.name for p in files(folder)] if folder.is_dir() else []
        super().__init__(str(path), LATEST, known, str(folder))
        self.path = path

    def __str__(self) -> str:
        """Name the file that is missing and those that are there."""
        there = ", ".join(self.known[:SHOWN]) or "none"
        more = f" and {len(self.known) - SHOWN} more" if len(self.known) > SHOWN else ""
        return f"contract file {self.path} does not exist; contract files beside it: {there}{more}"


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
        documents = self._documents()
        scan = documents.scan()
        found = [contract for contract in scan.documents if contract.id == contract_id]
        contract = documents.choose(scan, found, contract_id, wanted)
        if contract is None:
            known = sorted({f"{c.id} {c.version}" for c in scan.documents})
            raise ContractNotFoundError(contract_id, selector, known, documents.searched(scan))
        return contract

    def read(self, path: Path) -> Contract:
        """Read one file.

        Raises:
            ContractFileNotFoundError: if it does not exist.
            ContractError: if it is no contract of a known format, or of two.
        """
        if not path.is_file():
            raise ContractFileNotFoundError(path)
        return self.parse(str(path), read(path))

    def parse(self, source: str, text: bytes) -> Contract:
        """Read a contract's bytes, wherever they came from.

        Raises:
            ContractError: if they are no contract of a known format, or of two.
        """
        contract = self._parse(source, text)
        if contract is None:
            load(source, text)  # Says that it is empty, or what else is wrong with it.
            raise ContractError(
                source,
                "no installed contract loader accepts this file; "
                "an ODCS contract says `kind: DataContract`",
            )
        return contract

    def scan(self) -> Scan[Contract]:
        """Read every contract of the folder, and say which files could not be read."""
        return self._documents().scan()

    def _documents(self) -> Documents[Contract]:
        return Documents(
            folder=self.folder, kind="contract", error=ContractError, parse=self._parse
        )

    def _parse(self, source: str, text: bytes) -> Contract | None:
        accepting = [loader for loader in self.loaders if loader.accepts(source, text)]
        if len(accepting) > 1:
            names = " and ".join(type(loader).__qualname__ for loader in accepting)
            raise ContractError(source, f"is accepted by {names}; uninstall one of the two formats")
        return accepting[0].parse(source, text) if accepting else None


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
