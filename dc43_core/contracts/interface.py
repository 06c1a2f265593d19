"""What a plugin offers that knows a contract format or a contract store."""

from __future__ import annotations

from typing import Protocol

from dc43_core.contracts.model import Contract


class ContractLoader(Protocol):
    """Reads contracts of one format."""

    def accepts(self, source: str, text: bytes) -> bool:
        """Say whether this looks like the loader's format; must not raise."""
        ...

    def parse(self, source: str, text: bytes) -> Contract:
        """Turn a file's bytes into a contract.

        Args:
            source: Where the text comes from, for messages.
            text: The file's bytes.

        Raises:
            ContractError: naming the line and the path inside the document.
        """
        ...
