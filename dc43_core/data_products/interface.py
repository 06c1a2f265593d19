"""Where data products come from."""

from __future__ import annotations

from typing import Protocol

from dc43_core.data_products.model import DataProduct


class DataProductService(Protocol):
    """Knows data products: a folder of files, or a catalogue."""

    def get(self, product: str, selector: str = "latest") -> DataProduct:
        """Find a data product.

        Args:
            product: Its id, or its name where only one product has it.
            selector: Which version: `1.2.0`, `>=1.0,<2`, `latest`.

        Raises:
            DataProductNotFoundError: naming what was found instead.
            AmbiguousNameError: if it is the name of several products.
            DataProductError: if a product cannot be read.
        """
        ...
