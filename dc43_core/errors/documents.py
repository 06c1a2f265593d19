"""What can be wrong with a file that people write, such as a contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from dc43_core.errors.base import Dc43Error, meant

D = TypeVar("D", bound="DocumentError")


class DocumentError(Dc43Error, ValueError):
    """A file cannot be read as the document that it says it is.

    Attributes:
        source: The file, or a name for text that came from elsewhere.
        line: 1-based line of the fault, where it is known.
        path: Path inside the document, as in `schema[0].properties[3]`.
        column: 1-based column of a fault of syntax; None for all others.
    """

    def __init__(
        self,
        source: str,
        problem: str,
        *,
        line: int | None = None,
        path: str | None = None,
        column: int | None = None,
    ) -> None:
        self.source, self.problem, self.line, self.path = source, problem, line, path
        self.column = column
        where = source
        if line is not None:
            where += f", line {line}"
        if column is not None:
            where += f", column {column}"
        if path:
            where += f", {path}"
        super().__init__(f"{where}: {problem}")

    def become(self, kind: type[D]) -> D:
        """Return the same fault as an error of another kind of document."""
        return kind(self.source, self.problem, line=self.line, path=self.path, column=self.column)


class ContractError(DocumentError, ValueError):
    """A contract file cannot be read as a contract."""


class ContractNotFoundError(Dc43Error, LookupError):
    """No contract with this id and version is known."""

    def __init__(
        self, contract_id: str, selector: str, known: Iterable[str], searched: str
    ) -> None:
        self.contract_id, self.selector = contract_id, selector
        self.known, self.searched = list(known), searched
        found = ", ".join(self.known) or "none"
        ids = [one.rsplit(" ", 1)[0] for one in self.known]
        super().__init__(
            f"no contract {contract_id!r} in version {selector} in {searched}; found: {found}"
            + meant(contract_id, [] if contract_id in ids else ids)
        )
