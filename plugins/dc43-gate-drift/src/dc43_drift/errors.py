"""What can be wrong when a successor of a contract is to be drafted."""

from __future__ import annotations

from dc43_core.errors import Dc43Error


class DraftError(Dc43Error, ValueError):
    """A successor cannot be drafted, or not there.

    Attributes:
        contract: Id of the contract, or its file.
        problem: Why, as a clause.
        remedy: What to do about it.
    """

    def __init__(self, contract: str, problem: str, remedy: str) -> None:
        self.contract, self.problem, self.remedy = contract, problem, remedy
        super().__init__(f"no successor of contract {contract} is drafted: {problem}; {remedy}")
