"""What goes wrong with a ledger that is neither damaged nor too new."""

from __future__ import annotations

from dc43_core.errors import Dc43Error


class LedgerError(Dc43Error, RuntimeError):
    """The database did not do what it was asked; nothing of that call was kept.

    Attributes:
        location: The ledger, without its password.
        problem: What the database said.
        retryable: Whether the same call may succeed later: the database is locked, full or
            away. Otherwise somebody has to change something first.
    """

    exit_code = 3

    def __init__(self, location: str, problem: str, *, retryable: bool, remedy: str = "") -> None:
        self.location, self.problem, self.retryable = location, problem, retryable
        if not remedy:
            remedy = (
                "it is tried again with the next batch and at the next start"
                if retryable
                else "see that the account may create and use the tables dc43_*"
            )
        super().__init__(f"ledger {location}: {problem}; {remedy}")
