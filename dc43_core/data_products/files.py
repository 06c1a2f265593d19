"""Data products in a folder, found by what they say and not by what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import field, frozen

from dc43_core.contracts.folder import Documents, Scan, read
from dc43_core.contracts.versions import LATEST, VersionSelector
from dc43_core.data_products.errors import (
    AmbiguousNameError,
    DataProductError,
    DataProductNotFoundError,
)
from dc43_core.data_products.model import DataProduct
from dc43_core.data_products.odps import OdpsLoader


@frozen
class DataProductFiles:
    """The data products of a folder and its subfolders: *.yaml, *.yml and *.json.

    Attributes:
        folder: Where to look; hidden files and folders are passed over, and so is every file
            that is no data product.
        loader: The format.
    """

    folder: Path
    loader: OdpsLoader = field(factory=OdpsLoader)

    def get(self, product: str, selector: str = LATEST) -> DataProduct:
        """Find a data product.

        Args:
            product: Its id, or its name where only one product has it.
            selector: Which version: `1.2.0`, `>=1.0,<2`, `latest` (see `VersionSelector`).

        Raises:
            DataProductNotFoundError: naming what was found instead, and the files that could
                not be read.
            AmbiguousNameError: if it is the name of several products.
            DataProductError: if two files give the version different contents, or if a file
                that cannot be read mentions the product and may hold the version asked for.
            ConfigurationError: if the selector is none.
        """
        wanted = VersionSelector.parse(selector)
        documents = self._documents()
        scan = documents.scan()
        chosen = documents.choose(scan, self._found(scan, product), product, wanted)
        if chosen is None:
            known = sorted({each.label for each in scan.documents})
            searched = documents.searched(scan)
            raise DataProductNotFoundError(product, selector, known, searched)
        return chosen

    def all(self) -> Sequence[DataProduct]:
        """Return every data product that can be read, by path."""
        return self._documents().scan().documents

    def read(self, path: Path) -> DataProduct:
        """Read one file.

        Raises:
            DataProductError: if it is none, or cannot be read.
        """
        try:
            return self.loader.parse(str(path), read(path))
        except OSError as error:
            raise DataProductError(str(path), error.strerror or str(error)) from error

    def _found(self, scan: Scan[DataProduct], product: str) -> list[DataProduct]:
        by_id = [each for each in scan.documents if each.id == product]
        found = by_id or [each for each in scan.documents if each.name == product]
        ids = sorted({each.id for each in found})
        if len(ids) > 1:
            raise AmbiguousNameError(
                product,
                "data products",
                [f"{each.id} ({each.source})" for each in found],
                owner=str(self.folder),
                way_out="name one by its id",
            )
        return found

    def _documents(self) -> Documents[DataProduct]:
        return Documents(
            folder=self.folder,
            kind="data product",
            error=DataProductError,
            parse=self._parse,
            keys=("id", "name"),
        )

    def _parse(self, source: str, text: bytes) -> DataProduct | None:
        return self.loader.parse(source, text) if self.loader.accepts(source, text) else None
